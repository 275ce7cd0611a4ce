PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.13,$(shell command -v python$(v))) python3)
SAMPLE = data/sample.zip
KILLS = 25
EPOCHS = 2
SIDE_BY_SIDE = --numprocesses 2 --dist loadfile --no-loadscope-reorder
OWN_PHOTOS = $(if $(PHOTOS),--photos $(PHOTOS) --backbone $(BACKBONE))
# DVC runs each step as `python -m stages.…`: this makes that the project's own Python.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help install demo next-steps repro bench plots test check soak mutants lint

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

install: .venv/dev ## make .venv with everything, tests and linters included

# What the pipeline needs, and then all the rest: the files are empty, and say that the group is installed.
.venv/pipeline: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "expected Python 3.11, 3.12 or 3.13, received $$($(PYTHON) --version 2>&1): make PYTHON=python3.11 install"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt pip
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --group pipeline
	touch $@

.venv/dev: .venv/pipeline
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --group dev
	touch $@

.venv/mutants: .venv/dev
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --group mutants
	touch $@

demo: .venv/pipeline ## the whole pipeline on drawn cats and dogs: no network, a few minutes
	dvc exp remove --quiet demo 2>/dev/null || true
	@echo "(DVC's warnings of files that are not there yet are as they should be.)"
	photos_sha256=$$(python -m stages.sample --output $(SAMPLE)) && \
	dvc exp run --name demo \
		--set-param download.photos=$(SAMPLE) \
		--set-param download.photos_sha256=$$photos_sha256 \
		--set-param download.labels=null \
		--set-param split.group=null \
		--set-param backbones.mobilenet_v2.weights=data/sample_backbone.weights.h5 \
		--set-param backbones.mobilenet_v2.sha256=null \
		--set-param backbones.mobilenet_v2.options.alpha=0.35 \
		--set-param 'image_size=[96,96]' \
		--set-param train.epochs=10
	@echo
	@sed -n '/^## Models/,/^The best/{/^|/p}' metrics/report.md
	@$(MAKE) --no-print-directory plots
	@echo
	@$(MAKE) --no-print-directory next-steps

next-steps:
	@echo "Open in a browser the report, file://$(CURDIR)/metrics/report.html, and the plots page above."
	@echo "Then try a parameter (README, \"Change a parameter and compare\"):"
	@echo "    source .venv/bin/activate"
	@echo "    git switch --create drawn-photos"
	@echo "    git add . && git commit --quiet --message 'The drawn photos'"
	@echo "    dvc exp run --name less-dropout --set-param models.cnn.dropout=0.3"
	@echo "    dvc metrics diff --targets metrics/models/cnn.json"
	@echo "params.yaml now names the drawn photos, small. Back to the real parameters, committed or not:"
	@branch=$$(git branch --show-current) && echo "    git restore --source=$${branch:-$$(git rev-parse --short HEAD)} params.yaml"

repro: .venv/pipeline ## bring everything up to date; `make -j2 repro`: two models at a time
	dvc repro label_stats backbone pixels
	+@$(MAKE) --no-print-directory $$(dvc stage list --name-only | grep '^features@')
	+@$(MAKE) --no-print-directory $$(dvc stage list --name-only | grep '^train@')
	@python -m stages.makefile.order_lock
	dvc repro

features@%: .venv/pipeline
	dvc --wait-for-lock repro --single-item $@

train@%: .venv/pipeline
	dvc --wait-for-lock repro --single-item $@

bench: .venv/dev ## this pipeline beside the notebook's workflow (PHOTOS=archive.zip BACKBONE=weights.h5 EPOCHS=20)
	python -m benchmarks.compare --epochs $(EPOCHS) $(OWN_PHOTOS)
	python -m benchmarks.growth $(OWN_PHOTOS)

plots: .venv/pipeline ## draw the plots page, which works without a network
	@python -m stages.makefile.vega
	dvc plots show

test: .venv/dev ## every test, offline, two at a time
	python -m pytest $(SIDE_BY_SIDE)

check: .venv/dev ## the tests that need no whole pipeline: a minute and a half, for while you work
	python -m pytest $(SIDE_BY_SIDE) -m 'not slow'

soak: .venv/dev ## kill the pipeline KILLS times at random moments; it must not matter
	python -m pytest tests/test_soak.py -s --kills $(KILLS)

mutants: .venv/mutants ## change the code in 60 places, one at a time: do the tests notice? an hour
	python -m tests.mutants

lint: .venv/dev ## ruff and mypy
	ruff check
	ruff format --check
	mypy
