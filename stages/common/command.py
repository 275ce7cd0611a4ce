"""How every step starts and ends: a log on stderr, and a user's mistake as one line and exit code 1."""

import logging
import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake the user can mend. Its text says what was expected, what came and what to do."""


def run(main: Callable[[], None]) -> None:
    """Call ``main`` as a program: log to stderr, and end in one line on what the user can cause."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
