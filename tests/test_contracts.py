"""dvc.yaml, params.yaml, stages/, pyproject.toml and the README say the same."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from stages.common import paths
from stages.common.params import Params
from tests.conftest import PROJECT

PIPELINE: dict[str, Any] = yaml.safe_load((PROJECT / "dvc.yaml").read_text())
STEPS: dict[str, Any] = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}
ON_A_CLUSTER = {"cluster", "predict_many", "sweep"}
OUTSIDE_THE_PIPELINE = {"export", "predict", "sample", "sample_backbone", *ON_A_CLUSTER}


@cache
def imported_files(file: Path) -> frozenset[Path]:
    """The project's own files that a file imports, directly or not, itself included."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages"):
            modules.add(str(node.module))
        elif isinstance(node, ast.Import):
            modules |= {name.name for name in node.names if name.name.startswith("stages")}
    files = {PROJECT / f"{module.replace('.', '/')}.py" for module in modules}
    return frozenset({file}).union(*(imported_files(other) for other in files))


def relative(files: frozenset[Path]) -> set[str]:
    return {file.relative_to(PROJECT).as_posix() for file in files}


def test_a_step_is_a_module_of_its_name() -> None:
    modules = {file.stem for file in (PROJECT / "stages").glob("[!_]*.py")}
    assert modules == set(STEPS) | OUTSIDE_THE_PIPELINE
    for name, step in STEPS.items():
        assert step["cmd"] == f"python -m stages.{name}"
        assert step["desc"]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_depends_on_exactly_the_code_that_it_imports(name: str) -> None:
    declared = {dep for dep in STEPS[name]["deps"] if dep.startswith("stages/")}
    assert declared == relative(imported_files(PROJECT / f"stages/{name}.py")) | {"stages/__init__.py"}
    assert not (PROJECT / "stages/common/__init__.py").read_text(), "has code that no step declares"


def spelled_out(keys: set[str]) -> set[str]:
    """Put a whole section's keys in its place."""
    found = set()
    for key in keys:
        fields = () if "." in key else getattr(Params.model_fields[key].annotation, "model_fields", ())
        found |= {f"{key}.{field}" for field in fields} or {key}
    return found


@pytest.mark.parametrize("name", STEPS)
def test_a_step_declares_exactly_the_parameters_that_it_reads(name: str) -> None:
    tree = ast.parse((PROJECT / f"stages/{name}.py").read_text())
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    parts_of_longer_ones = [node.value for node in attributes]
    chains = [ast.unparse(node) for node in attributes if node not in parts_of_longer_ones]
    read = set(re.findall(r"^(?:params|load_params\(\))\.([\w.]+)$", "\n".join(chains), re.MULTILINE))
    declared = {key.split(".$")[0] for key in STEPS[name]["params"]}
    assert spelled_out(declared) == spelled_out(read - {"memory_gib"})  # which changes no result


def test_steps_speak_through_files_only() -> None:
    steps = {f"stages/{name}.py" for name in {*STEPS, *OUTSIDE_THE_PIPELINE}}
    for file in (PROJECT / "stages").rglob("*.py"):
        others = relative(imported_files(file) - {file})
        assert not others & steps, f"{file.name} imports a step"


def test_no_model_meets_the_test_list_before_evaluate() -> None:
    readers = {name for name, step in STEPS.items() if {"data/splits", "data/splits/test.csv"} & set(step["deps"])}
    assert readers == {"evaluate", "label_stats"}
    for file in imported_files(PROJECT / "stages/train.py"):
        words = [node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
        assert "test" not in words, f"{file.name} may read it in train"


def outputs(step: dict[str, Any]) -> list[str]:
    found = [out for kind in ("outs", "metrics", "plots") for out in step.get(kind, [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in found]


def test_each_path_is_an_output_of_one_step_or_holds_some() -> None:
    outs = [out for step in STEPS.values() for out in outputs(step)]
    assert len(outs) == len(set(outs))
    named = {str(path) for path in vars(paths).values() if isinstance(path, Path)} - {str(paths.BACKUPS)}
    assert named == {out.split("/$")[0] for out in outs}


def test_what_needs_no_tensorflow_does_not_load_it() -> None:
    code = """
import sys
import stages.download, stages.split, stages.label_stats, stages.sample
sys.exit(bool({"tensorflow", "keras"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


def test_every_dependency_is_pinned_and_every_import_declared() -> None:
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]
    declared = {name.split("[")[0] for group in groups.values() for name in group if isinstance(name, str)}
    pinned = dict(line.split("==") for line in (PROJECT / "constraints.txt").read_text().splitlines() if "==" in line)
    assert declared <= {name.lower().replace("_", "-") for name in pinned}

    needed = {*groups["pipeline"], *groups["export"]}
    on_a_cluster = {"pyarrow", "ray"}
    names = {"PIL": "pillow", "ai_edge_litert": "ai-edge-litert", "sklearn": "scikit-learn", "yaml": "pyyaml"}
    for file in (PROJECT / "stages").rglob("*.py"):
        allowed = needed | on_a_cluster if file.stem in {*ON_A_CLUSTER, "named", "nodes", "trial"} else needed
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                package = str(module).split(".")[0]
                if package != "stages" and package not in sys.stdlib_module_names:
                    assert names.get(package, package) in allowed, f"{file} imports {package}"


def test_only_what_runs_on_a_cluster_needs_ray() -> None:
    nodes = PROJECT / "stages/common/nodes.py"
    users = {file.stem for file in (PROJECT / "stages").glob("*.py") if nodes in imported_files(file)}
    assert users == ON_A_CLUSTER


def test_the_readme_names_what_is_there() -> None:
    readme = (PROJECT / "README.md").read_text()
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make (\w+)`?", readme)) <= targets
    for name in re.findall(r"(?:python -m |`)((?:stages|benchmarks)\.\w+)", readme):
        assert (PROJECT / f"{name.replace('.', '/')}.py").exists(), name
    for step in STEPS:
        assert f"`{step}`" in readme, f"the README does not explain {step}"
    for image in re.findall(r"!\[[^]]*\]\(([^)]+)\)", readme):
        assert (PROJECT / image).exists(), image
    models = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]
    for model in models:
        assert f"train@{model}" in readme


@pytest.mark.parametrize("name", STEPS)
def test_the_readme_names_what_a_step_writes(name: str) -> None:
    readme = (PROJECT / "README.md").read_text()
    [row] = re.findall(rf"^\| `{name}` \|.*", readme, re.MULTILINE)
    row = re.sub(r"`([\w/]+)(\.\w+)` and `(\.\w+)`", r"`\1\2` and `\1\3`", row)
    for out in outputs(STEPS[name]):
        path = out.replace("${key}", "MODEL")
        assert f"`{path}`" in row or f"`{path}/" in row, path


def test_every_model_is_an_artifact() -> None:
    models = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]
    named = {name: artifact["path"] for name, artifact in PIPELINE["artifacts"].items()}
    assert named == {model.replace("_", "-"): f"data/models/{model}.keras" for model in models}


def test_dvc_leaves_params_yaml_as_it_is(tmp_path: Path) -> None:
    """`dvc exp run -S` writes the file anew; in a review its change should be the only one."""
    copy = tmp_path / "params.yaml"
    copy.write_text((PROJECT / "params.yaml").read_text())
    apply_overrides(copy, ["models.cnn.dropout=0.25"])
    unwrapped = copy.read_text().replace(": \n    http", ": http")  # it breaks lines before long words
    assert unwrapped == (PROJECT / "params.yaml").read_text().replace("dropout: 0.5", "dropout: 0.25", 1)
