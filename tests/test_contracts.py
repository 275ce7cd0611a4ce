"""dvc.yaml, params.yaml, code, tests, pyproject.toml and documents agree."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from stages.common.machine import STAGES
from stages.common.params import Params
from stages.common.paths import BACKUPS, CORRECTIONS, COSTS, COSTS_TABLE, FIGURES, LOGS, OUTPUTS, PREDICTIONS
from stages.inference.prediction_cache import INFERENCE_CODE
from stages.page import figures_by_section
from stages.training.training_run import TRAINING_CODE
from tests.conftest import PROJECT
from tests.project import lay_out, run

PIPELINE: dict[str, Any] = yaml.safe_load((PROJECT / "dvc.yaml").read_text())
STEPS: dict[str, Any] = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}
DOCUMENTS = sorted(
    path.relative_to(PROJECT).as_posix()
    for pattern in ("README.md", "C*.md", "docs/**/*.md", "metrics/README.md", "plots/README.md")
    for path in PROJECT.glob(pattern)
)
# From the bottom up: a room imports only those before it.
ROOMS = ["common", "storage", "photos", "data", "models", "datasets", "training", "inference", "evaluation"]


@cache
def imported_files(file: Path) -> frozenset[Path]:
    """Return a file, its template, and the files that it imports, directly or not, but for those in ``common``."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages"):
            modules |= {f"{node.module}.{name.name}" for name in node.names} | {str(node.module)}
        elif isinstance(node, ast.Import):
            modules |= {name.name for name in node.names if name.name.startswith("stages")}
    files = {PROJECT / f"{module.replace('.', '/')}.py" for module in modules}
    files = {other for other in files if other.exists() and other.parent.name != "common"}  # which shapes no result
    own = {path for path in (file, file.with_suffix(".html")) if path.exists()}
    return frozenset(own).union(*(imported_files(other) for other in files))


def code_in(folder: Path) -> set[Path]:
    """Return the files in a folder that hold code."""
    return {file for file in folder.rglob("*.py") if file.read_text()}


def declared_files(step: dict[str, Any]) -> set[Path]:
    """Return the files of code that a step depends on."""
    entries = [PROJECT / dep for dep in step["deps"] if dep.startswith("stages")]
    return {file for entry in entries for file in (code_in(entry) if entry.is_dir() else {entry})}


def test_a_file_in_stages_is_a_step() -> None:
    assert {file.stem for file in (PROJECT / "stages").glob("[!_]*.py")} == set(STEPS), "stages in dvc.yaml"
    for name, step in STEPS.items():
        assert step["cmd"] == f"python -m stages.{name}"
        assert step["desc"]


def test_the_map_names_every_room_and_command() -> None:
    the_map = (PROJECT / "CONTRIBUTING.md").read_text().partition("\n## What a change re-runs")[0]
    rooms = [folder.name for folder in (PROJECT / "stages").iterdir() if folder.is_dir() and folder.name[0] != "_"]
    assert sorted(rooms) == sorted(ROOMS)
    assert sorted(re.findall(r"^\| `stages/(\w+)/` \|", the_map, re.MULTILINE)) == sorted(ROOMS)
    commands = {path.stem for path in (PROJECT / "commands").iterdir() if path.name[0] != "_"}
    assert set(re.findall(r"`commands/(\w+)[./`]", the_map)) == commands, "the map in CONTRIBUTING.md"


def test_no_file_name_stands_twice() -> None:
    files = [file.name for root in ("stages", "commands") for file in (PROJECT / root).rglob("[!_]*.py")]
    assert sorted(files) == sorted(set(files))


def test_imports_go_down() -> None:
    for level, room in enumerate(ROOMS):
        for file in (PROJECT / "stages" / room).glob("*.py"):
            imported = set(re.findall(r"(?:from|import) (stages|commands)(?:\.(\w+))?", file.read_text()))
            assert imported <= {("stages", below) for below in ROOMS[: level + 1]}, file
    for file in (PROJECT / "stages").glob("*.py"):
        assert "commands" not in file.read_text(), file


def test_tests_lie_where_the_code_they_test_does() -> None:
    folders = [folder for folder in (PROJECT / "tests").iterdir() if folder.is_dir() and folder.name[0] != "_"]
    assert {folder.name for folder in folders} <= {*ROOMS, "commands", "pipeline"}
    assert all(any(folder.rglob("test_*.py")) for folder in folders)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_depends_on_the_code_that_shapes_its_results(name: str) -> None:
    """On all of it, and on no file or folder that has none of it."""
    entries = [PROJECT / dep for dep in STEPS[name]["deps"] if dep.startswith("stages")]
    imported = imported_files(PROJECT / f"stages/{name}.py")
    assert imported <= declared_files(STEPS[name]), f"add these imports to deps of {name} in dvc.yaml"
    unused = [entry for entry in entries if not any(file.is_relative_to(entry) for file in imported)]
    assert not unused, f"remove these from deps of {name} in dvc.yaml, which imports none of it"
    assert len(entries) <= 5


@pytest.mark.parametrize("name", ["features", "train"])
def test_what_takes_minutes_depends_on_no_other_code(name: str) -> None:
    """Figures, the report, predictions, commands, messages, decoding and the split train nothing again."""
    rooms = {file.parent.name for file in declared_files(STEPS[name])}
    assert rooms <= {"stages", "storage", "models", "datasets", "training"}
    assert ("training" in rooms) == (name == "train")


def test_a_backup_depends_on_the_code_that_train_does() -> None:
    files = {file for pattern in TRAINING_CODE for file in STAGES.glob(pattern) if file.read_text()}
    assert files == declared_files(STEPS["train"])


def test_cached_predictions_depend_on_the_code_that_predicts() -> None:
    files = {file for pattern in INFERENCE_CODE for file in STAGES.glob(pattern)}
    reading = code_in(STAGES / "storage")  # whose result, the pixels, is compared itself
    assert imported_files(STAGES / "inference/prediction.py") - reading <= files


def spelled_out(keys: set[str]) -> set[str]:
    """Replace a whole section by its keys."""
    found = set()
    for key in keys:
        fields = () if "." in key else getattr(Params.model_fields[key].annotation, "model_fields", ())
        found |= {f"{key}.{field}" for field in fields} or {key}
    seeded = ("split", "label_stats", "features", "train.seed", "label_issues")  # whose default is the common seed
    if any(key.startswith(seeded) for key in found):
        found.add("seed")
    return found


@pytest.mark.parametrize("name", STEPS)
def test_a_step_declares_the_parameters_that_it_reads(name: str) -> None:
    tree = ast.parse((PROJECT / f"stages/{name}.py").read_text())
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    parts_of_longer_ones = [node.value for node in attributes]
    chains = [ast.unparse(node) for node in attributes if node not in parts_of_longer_ones]
    read = set(re.findall(r"^(?:params|load_params\(\))\.([\w.]+)$", "\n".join(chains), re.MULTILINE))
    declared = {key.split(".$")[0] for key in STEPS[name].get("params", [])}
    assert spelled_out(declared) == spelled_out(read), f"params of {name} in dvc.yaml, and what its main reads"


def test_steps_communicate_through_files_only() -> None:
    steps = {PROJECT / f"stages/{name}.py" for name in STEPS}
    for file in (PROJECT / "stages").rglob("*.py"):
        assert not (imported_files(file) - {file}) & steps, f"{file.name} imports a step"


def test_only_evaluate_shows_test_photos_to_a_model() -> None:
    readers = {name for name, step in STEPS.items() if {"data/splits", "data/splits/test.csv"} & set(step["deps"])}
    assert readers == {"evaluate", "label_stats"}, "steps on test photos: of these only evaluate has models"
    for file in imported_files(PROJECT / "stages/train.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        assert "test" not in [node.value for node in nodes if isinstance(node, ast.Constant)], file.name
        assert "SPLIT_NAMES" not in [node.id for node in nodes if isinstance(node, ast.Name)], file.name


def outputs(step: dict[str, Any]) -> list[str]:
    found = [out for kind in ("outs", "metrics", "plots") for out in step.get(kind, [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in found]


def test_each_path_is_an_output_of_one_step_or_holds_some() -> None:
    outs = [out for step in STEPS.values() for out in outputs(step)]
    assert len(outs) == len(set(outs))
    code = [PROJECT / f"stages/{name}.py" for name in ("common/paths", *STEPS)]
    paths = {path.rstrip("/") for file in code for path in re.findall(r'Path\(f?"([^"{]*)', file.read_text())}
    no_outputs = {str(path) for path in (BACKUPS, CORRECTIONS, COSTS, COSTS_TABLE, FIGURES, LOGS, PREDICTIONS)}
    no_outputs |= {"metrics", "plots"}
    written = paths - no_outputs | {"data/features/pixels"}
    assert written == {out.split("/$")[0] for out in outs}, "paths in the code (left), and outputs in dvc.yaml"
    assert all(any(Path(out).is_relative_to(folder) for folder in OUTPUTS) for out in {*outs} - {"data/fetched.json"})


def test_the_page_depends_on_the_figures_that_it_shows() -> None:
    figures = [path for paths in figures_by_section("MODEL", ["NAME"]).values() for path in paths]
    missing = [path for path in figures if not any(path.is_relative_to(dep) for dep in STEPS["page"]["deps"])]
    assert not missing, "add them to deps of page in dvc.yaml"


def test_dvc_deletes_nothing_where_users_may_have_put_files() -> None:
    """Before a step that fetches; tests/pipeline/test_pipeline.py runs one (docs/decisions/persist.md)."""
    for name in ("download", "backbone"):
        assert all(settings["persist"] for out in STEPS[name]["outs"] for settings in out.values())


def test_what_needs_no_tensorflow_does_not_load_it() -> None:
    code = """
import sys
from stages import backbone, download, label_issues, label_stats, page, pixels, split, thumbnails
import stages.evaluate, stages.train, stages.training.linear  # which load it for what is not a linear classifier
import commands.predict, commands.sample.photo_archive
sys.exit(bool({"tensorflow", "keras"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


IMPORTED_AS = {"PIL": "pillow", "ruamel": "ruamel.yaml", "sklearn": "scikit-learn", "yaml": "pyyaml"}
IMPORTED_AS |= {"ai_edge_litert": "ai-edge-litert", "vl_convert": "vl-convert-python"}


def imported_packages(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    modules = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    packages = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"stages", "commands"}
    return {IMPORTED_AS.get(package, package) for package in packages}


def test_every_dependency_is_pinned_and_declared() -> None:
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]
    groups = {group: {of.split("[")[0] for of in names if isinstance(of, str)} for group, names in groups.items()}
    pinned = [line.split("==")[0] for line in (PROJECT / "constraints.txt").read_text().splitlines() if "==" in line]
    assert set().union(*groups.values()) <= {name.lower().replace("_", "-") for name in pinned}
    for file in [*(PROJECT / "stages").rglob("*.py"), *(PROJECT / "commands").rglob("*.py")]:
        extra = groups.get(file.parent.name, set())  # of commands/cluster/ and commands/export/
        # HEIC is read where pillow-heif is installed, and refused by name where it is not.
        assert imported_packages(file) <= groups["pipeline"] | extra | {"pillow_heif"}, file


def files_where(is_used: Callable[[str], Any]) -> set[str]:
    files = [*(PROJECT / "stages").rglob("*.py"), *(PROJECT / "commands").rglob("*.py")]
    return {file.relative_to(PROJECT).as_posix() for file in files if is_used(file.read_text())}


def test_what_only_a_few_need_stays_in_one_place() -> None:
    ray = re.compile(r"^ *(?:import|from) ray\b", re.MULTILINE)
    assert {Path(file).parent.as_posix() for file in files_where(ray.search)} == {"commands/cluster"}
    assert files_where(re.compile(r"rcParams|matplotlib\.use\(").search) == {"stages/evaluation/figures.py"}
    keras = re.compile(r"^ *import (?:keras|tensorflow)\b", re.MULTILINE)
    assert files_where(keras.search) == {"stages/models/runtime.py"}


def test_no_file_is_read_as_a_pickle() -> None:
    """A pickle may run code, and people share models."""
    reads_pickles = r"allow_pickle=True|safe_mode=False|pickle\.loads?\b|read_pickle|(?:from|import) (?:dill|joblib)\b"
    assert not files_where(re.compile(reads_pickles).search)


def test_a_checkout_on_windows_has_the_same_bytes(tmp_path: Path) -> None:
    """Otherwise DVC finds all code changed, and trains everything again."""
    project = lay_out(tmp_path / "project")
    run(tmp_path, "git", "-c", "core.autocrlf=true", "clone", "--quiet", "project", "clone")
    for name in run(project, "git", "ls-files").splitlines():
        assert (tmp_path / "clone" / name).read_bytes() == (project / name).read_bytes(), name


def test_names_of_tests_are_short() -> None:
    """The sentence, where one is needed, is the docstring."""
    for file in (PROJECT / "tests").rglob("test_*.py"):
        assert not re.findall(r"^def (test_\w{56,})\(", file.read_text(), re.MULTILINE), file


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_what_is_there(document: str) -> None:
    text = (PROJECT / document).read_text()
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make (?:-j2 )?(\w+)", text, re.MULTILINE)) <= targets
    for name in re.findall(r"(?:python -m |`)((?:stages|commands|benchmarks)(?:\.\w+)+)", text):
        path = PROJECT / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name
    for path in re.findall(r"`((?:stages|commands|tests|docs|benchmarks)/[a-z_/.]+)`", text):
        assert (PROJECT / path).exists(), path
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (PROJECT / document).parent.joinpath(link).exists(), link


@pytest.mark.parametrize("name", STEPS)
def test_the_readme_names_what_a_step_writes(name: str) -> None:
    readme = (PROJECT / "README.md").read_text()
    row = "".join(re.findall(rf"^\| `{name}` \|.*", readme, re.MULTILINE))
    assert row, "add it to the table of the steps in README.md"
    row = re.sub(r"`([\w/]+)(\.\w+)` and `(\.\w+)`", r"`\1\2` and `\1\3`", row)
    for out in outputs(STEPS[name]):
        path = out.replace("${key}", "MODEL" if name == "train" else "NAME")
        assert f"`{path}`" in row or f"`{path}/" in row, path


def test_every_model_is_an_artifact_and_in_the_readme() -> None:
    models = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]
    named = {name: artifact["path"] for name, artifact in PIPELINE["artifacts"].items()}
    expected = {model.replace("_", "-"): f"data/models/{model}.keras" for model in models}
    assert named == expected, "artifacts in dvc.yaml, and models in params.yaml"
    readme = (PROJECT / "README.md").read_text()
    missing = [model for model in models if f"train@{model}" not in readme or f"| `{model}` |" not in readme]
    assert not missing, "add them to the chart of the pipeline and the table of models in README.md"


def test_dvc_leaves_params_yaml_as_it_is(tmp_path: Path) -> None:
    """`dvc exp run -S` writes the file anew; in a review its change should be the only one."""
    copy, content = tmp_path / "params.yaml", (PROJECT / "params.yaml").read_text()
    copy.write_text(content)
    apply_overrides(copy, ["models.cnn.dropout=0.25"])
    unwrapped = re.sub(r": \n +http", ": http", copy.read_text())  # it breaks lines before long words
    assert unwrapped == content.replace("dropout: 0.5", "dropout: 0.25", 1)
