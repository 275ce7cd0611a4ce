"""The pipeline: a file here is a step of ``dvc.yaml``, a folder is a part of the library that steps share."""

import sys
from typing import Any

previous_hook = sys.excepthook


def report_exception(kind: type[BaseException], *details: Any) -> None:
    """Report Ctrl-C in one line also while imports run, which takes seconds: ``cli.run`` starts after them."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped: run the same command again\n")
    else:
        previous_hook(kind, *details)


sys.excepthook = report_exception
