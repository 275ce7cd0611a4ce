"""The pipeline: a file here is a step of ``dvc.yaml``, a folder is a part of the library that steps share."""

import os
import sys
from typing import Any

# A notebook's kernel passes on its own backend for matplotlib, which may not be installed here.
os.environ["MPLBACKEND"] = "agg"

for stream in ("stdin", "stdout", "stderr"):  # in the order of their descriptors, of which `open` takes the lowest
    if getattr(sys, stream) is None:  # closed, as by `2>&-`: the next file would take its place, and progress bars fail
        setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def report_exception(kind: type[BaseException], error: BaseException, *trace: Any) -> None:
    """Report a failure of the imports in one line, too: they take seconds, and ``cli.run`` starts after them."""
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("stopped: run the same command again\n")
        return
    from stages.common.cli import MACHINE_FAILURE, machine_problem

    # A module that is missing from an installed package, ours included, is a bug.
    if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] not in sys.modules:
        sys.stderr.write(f"error: {error}: run `make install` and `source .venv/bin/activate`\n")
    elif isinstance(error, Exception) and (problem := machine_problem(error)):
        sys.stderr.write(f"error: {problem}\n")
        sys.exit(MACHINE_FAILURE)
    else:
        sys.__excepthook__(kind, error, *trace)


sys.excepthook = report_exception
