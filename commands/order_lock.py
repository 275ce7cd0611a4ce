"""Order the steps in ``dvc.lock`` as ``dvc.yaml`` has them.

DVC adds steps to a new ``dvc.lock`` as they end. In the order of ``dvc.yaml`` it is the file that a serial run writes,
whatever ran side by side.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.utils.serialize import dumps_yaml, load_yaml

from stages.common.cli import run
from stages.storage.files import write_text

LOCK = Path("dvc.lock")


def main() -> None:
    lock = load_yaml(LOCK)
    with Repo() as repo:
        names = [stage.addressing for stage in repo.index.stages]
    write_text(dumps_yaml({**lock, "stages": in_order(lock["stages"], names)}), LOCK)


def in_order(steps: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Put steps in the order of ``names``, and those that are not among them last."""
    return {name: steps[name] for name in dict.fromkeys([*names, *steps]) if name in steps}


if __name__ == "__main__":
    run(main, __doc__)
