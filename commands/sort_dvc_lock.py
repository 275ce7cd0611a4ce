"""Sort the steps in ``dvc.lock`` as in ``dvc.yaml``.

DVC adds steps to a new ``dvc.lock`` as they end. Sorted, it is the file of a serial run, whatever ran in parallel.
"""

from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.serialize import dumps_yaml, load_yaml

from stages.common.cli import UserError, first_line, run
from stages.storage.files import explain_unreadable, write_text

LOCK = Path("dvc.lock")


def main() -> None:
    try:
        with Repo() as repo, explain_unreadable(LOCK, "run `dvc repro`"):
            names = [stage.addressing for stage in repo.index.stages]
            lock = load_yaml(LOCK)
    except DvcException as error:
        raise UserError(f"expected a DVC project with a {LOCK}: {first_line(error)}: run `dvc repro`") from error
    steps = lock["stages"]  # also of steps that were removed
    lock["stages"] = {name: steps[name] for name in [*names, *steps] if name in steps}
    write_text(dumps_yaml(lock), LOCK)


if __name__ == "__main__":
    run(main, __doc__)
