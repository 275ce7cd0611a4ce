"""How every step starts and ends: a log on stderr, and a user's mistake as one line and exit code 1."""

import argparse
import errno
import logging
import sys
from collections.abc import Callable
from pathlib import Path

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}
# How a line begins whose cause lies with the machine: elsewhere the same step may well succeed.
OF_THE_MACHINE = ("error: expected room on the disk", "error: expected access")


class UserError(Exception):
    """A mistake the user can mend. Its text says what was expected, what came and what to do."""


def first_line(error: BaseException) -> str:
    """Say briefly what a library says at length."""
    return str(error).strip().split("\n")[0]


def parser_for(about: str) -> argparse.ArgumentParser:
    """Make a parser for the module that runs as a program, whose docstring is ``about``."""
    return argparse.ArgumentParser(
        prog=f"python -m stages.{Path(sys.argv[0]).stem}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def run(main: Callable[[], None], about: str | None = None) -> None:
    """Call ``main`` as a program: log to stderr, and end in one line on what the user can cause.

    Args:
        about: what a program that takes no arguments answers to ``--help``; the others parse theirs themselves.
    """
    if about:
        parser_for(about).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: run the same command again to go on")
    except OSError as error:
        if error.errno in NO_SPACE:
            sys.exit(f"error: expected room on the disk for the step's files, found none ({error.strerror}): free some")
        if error.errno in NO_ACCESS:
            sys.exit(f"error: expected access to the step's files, received: {error}: see who owns them")
        raise
