# The first Python that runs, has a version that the packages support, and can make a virtual environment.
CHECK = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
first_python = $(or $(shell for python in $(1) python3 python; do \
	$$python -c '$(CHECK)' 2>/dev/null && echo $$python && break; done),python3)
PYTHON ?= $(call first_python,python3.11 python3.12 python3.13)
KILLS = 25
EPOCHS = 2
SIDE_BY_SIDE = --numprocesses 2 --dist loadfile --no-loadscope-reorder
OWN_PHOTOS = $(if $(PHOTOS),--photos '$(PHOTOS)' --backbone '$(BACKBONE)')
# The make of macOS, 3.81, finds a program in the exported PATH only if another shell than its default runs the line.
SHELL = bash
# DVC runs each step as `python -m stages.…`: this makes that the project's own Python.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# uv leaves bytecode to the first import, which must write it, or every program would compile its imports again.
unexport PYTHONDONTWRITEBYTECODE
# Some people and cloud workspaces have pip install for the user by default, which it refuses in a virtual environment.
export PIP_USER = no
# uv takes a third of pip's time; pip is for machines without a wheel of uv, or where only pip is set up to find packages.
install = .venv/bin/uv pip install --quiet --python .venv/bin/python --constraint constraints.txt --group $(1) || \
	{ .venv/bin/python -m pip install --quiet --constraint constraints.txt pip && \
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --group $(1); }

.PHONY: help install demo repro review try bench plots test check newest soak lint side_by_side label_stats $(STEPS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

install: .venv/dev ## make .venv with everything, tests and linters included

# The packages of the pipeline, then all others: an empty file says that its group is installed.
.venv/pipeline: pyproject.toml constraints.txt
	@"$(PYTHON)" -c '$(CHECK)' 2>/dev/null || { echo "expected Python 3.11, 3.12 or 3.13 with venv," \
		"received $$("$(PYTHON)" --version 2>&1): install one, on Debian and Ubuntu also python3-venv," \
		"or run make PYTHON=/path/to/python install"; exit 1; }
	"$(PYTHON)" -m venv .venv
	-.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary uv --constraint constraints.txt uv
	$(call install,pipeline)
	touch $@

.venv/dev: .venv/pipeline
	$(call install,dev)
	touch $@

# uv leaves bytecode to the first import. Compile it meanwhile, or two steps that start at once would both compile TensorFlow.
demo: .venv/pipeline ## the whole pipeline on synthetic cats and dogs, in demo/: minutes
	@nice python -m stages.train --help >/dev/null 2>&1 & python -m commands.demo

repro: .venv/pipeline ## run every step that is out of date; -j2: two at a time
	@git rev-parse --git-dir >/dev/null || { echo "expected a git repository (if there is none: git init)"; exit 1; }
	@dvc repro backbone pixels
	+@$(MAKE) --no-print-directory side_by_side STEPS="$$(dvc stage list --name-only)"
	@dvc repro
	@python -m commands.sort_dvc_lock

# All that `dvc repro` would run one after another; steps that need features wait for all of them.
side_by_side: $(filter train@% label_issues@%, $(STEPS)) label_stats

$(filter train@% label_issues@%, $(STEPS)): $(filter features@%, $(STEPS))

$(filter features@% train@% label_issues@%, $(STEPS)) label_stats:
	@dvc --wait-for-lock repro --single-item $@

bench: .venv/dev ## compare with the notebook: PHOTOS=a.zip BACKBONE=w.h5 EPOCHS=20
	python -m benchmarks.compare --epochs $(EPOCHS) $(OWN_PHOTOS)
	python -m benchmarks.growth $(OWN_PHOTOS)

review: .venv/pipeline ## correct labels in the browser, the most suspicious first
	python -m commands.review

try: .venv/pipeline ## classify photos that you drop on a page in the browser
	python -m commands.review --tab try

plots: dvc_plots/vega.js ## draw the plots page, which needs no network
	@printf 'The plots: ' && dvc plots show

dvc_plots/vega.js: .venv/pipeline
	@mkdir -p dvc_plots && python -c 'import vl_convert; print(vl_convert.javascript_bundle())' > $@.part && mv $@.part $@

test: .venv/dev ## every test, offline, two at a time
	python -m pytest $(SIDE_BY_SIDE)

check: .venv/dev ## the quick tests, while you work: a few minutes
	python -m pytest $(SIDE_BY_SIDE) -m 'not slow'

# On the newest Python, as NumPy soon drops the oldest. TensorFlow's release candidates require keras-nightly, which would be
# installed over Keras, file by file.
newest: PYTHON = $(call first_python,python3.13 python3.12 python3.11)
newest: ## `make check` with the newest packages, in .venv-newest
	"$(PYTHON)" -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade pip uv
	echo keras-nightly | .venv-newest/bin/uv pip install --quiet --python .venv-newest/bin/python --prerelease allow \
		--excludes - --group dev
	@PATH="$(CURDIR)/.venv-newest/bin:$$PATH"; python -m pytest $(SIDE_BY_SIDE) -m 'not slow'; failed=$$?; \
	echo "differs from constraints.txt, on $$(python --version):"; \
	uv pip list --quiet --format freeze --python .venv-newest/bin/python | awk -F== \
		'{ gsub("[._]", "-", $$1); $$1 = tolower($$1) } NR == FNR { pinned[$$1] = $$2; next } \
		$$2 != pinned[$$1] { print "  " $$1, pinned[$$1], "->", $$2 }' constraints.txt -; exit $$failed

soak: .venv/dev ## kill the pipeline KILLS=25 times: results must not change
	python -m pytest tests/pipeline/test_soak.py -s --kills $(KILLS)

lint: .venv/dev ## check style and types with ruff and mypy
	ruff check
	ruff format --check
	mypy
