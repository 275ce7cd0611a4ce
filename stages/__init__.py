"""The pipeline: a file here is a step of ``dvc.yaml``, a folder is a part of the library that steps share."""

import os
import sys
from typing import Any

for stream in ("stdin", "stdout", "stderr"):  # in the order of their descriptors, of which `open` takes the lowest
    if getattr(sys, stream) is None:  # closed, as by `2>&-`: the next file would take its place, and progress bars fail
        setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115

previous_hook = sys.excepthook


def report_exception(kind: type[BaseException], *details: Any) -> None:
    """Report Ctrl-C in one line also while imports run, which takes seconds: ``cli.run`` starts after them."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped: run the same command again\n")
    else:
        previous_hook(kind, *details)


sys.excepthook = report_exception
