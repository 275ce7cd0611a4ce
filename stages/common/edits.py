"""Parameters, corrections and code that a person edits while a DVC stage runs."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.common.cli import UserError
from stages.common.params import PARAMS, read_yaml
from stages.common.paths import CORRECTIONS

UNDONE_IN = 5  # seconds: `dvc exp run --queue` edits params.yaml for about one, and undoes it
SUFFIXES = (".csv", ".html", ".jinja", ".py")  # and not what editors and Python itself leave beside code


@contextmanager
def refuse_edits() -> Iterator[None]:
    """Raise a UserError if inputs of the running DVC stage are edited meanwhile: DVC would record the new ones."""
    before = editable_inputs()
    yield
    deadline = time.monotonic() + UNDONE_IN
    while time.monotonic() < deadline:
        with suppress(UserError, FileNotFoundError):  # of a file that is just being written or replaced
            if editable_inputs() == before:
                return
        time.sleep(0.1)
    after = editable_inputs()
    if edited := [name for name in {**before, **after} if before.get(name) != after.get(name)]:
        advice = "run `dvc repro` again (if you undo the edit, a training run resumes)"
        raise UserError(f"{', '.join(edited)}: edited while {os.environ['DVC_STAGE']} ran: {advice}")


def editable_inputs() -> dict[str, Any]:
    """Read the inputs of the running DVC stage that a person may edit: its parameters, corrections and code."""
    name = os.environ.get("DVC_STAGE", "").rpartition(":")[2]  # from another folder: sub/dvc.yaml:train@cnn
    step, _, entry = name.partition("@")
    pipeline = Path("dvc.yaml")
    if not step or not pipeline.exists():
        return {}
    stage = read_yaml(pipeline)["stages"].get(step, {})
    stage = stage.get("do", stage)
    params = read_yaml(PARAMS)
    inputs = {}
    for key in stage.get("params", []):
        if isinstance(key, str):  # not of another file
            key = key.replace("${key}", entry)
            inputs[key] = value_at(params, key)
    for path in map(Path, stage.get("deps", [])):
        if path == CORRECTIONS or "stages" in path.parts[:1]:
            inside = path.rglob("*") if path.is_dir() else [path]
            files = [file for file in inside if file.suffix in SUFFIXES and file.is_file()]
            inputs[str(path)] = {file: file.read_bytes() for file in files}
    return inputs


def value_at(params: Any, key: str) -> Any:
    """Return the value of a dotted key, or None."""
    for name in key.split("."):
        params = params.get(name) if isinstance(params, dict) else None
    return params
