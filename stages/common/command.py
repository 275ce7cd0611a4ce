"""How every step starts and ends: a log on stderr, and a user's mistake as one line and exit code 1."""

import errno
import logging
import sys
from collections.abc import Callable

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class UserError(Exception):
    """A mistake the user can mend. Its text says what was expected, what came and what to do."""


def first_line(error: Exception) -> str:
    """Say briefly what a library says at length."""
    return str(error).strip().split("\n")[0]


def run(main: Callable[[], None]) -> None:
    """Call ``main`` as a program: log to stderr, and end in one line on what the user can cause."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: run the same command again to go on")
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        sys.exit(f"error: expected room on the disk for the step's files, found none ({error.strerror}): free some")
