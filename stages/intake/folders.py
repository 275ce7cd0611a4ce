"""Find the folders that may not be read, which Python's `rglob` and fsspec's `find` leave out without a word."""

import os
from pathlib import Path


def unreadable_folders(folder: str | Path) -> list[OSError]:
    """Say why ``folder`` and those below it, hidden ones apart, cannot be read, where they cannot.

    Returns:
        The errors, each with the folder as its ``filename``, sorted by that; none where there is no such folder.
    """
    errors: list[OSError] = []
    for _, inner, _ in os.walk(folder, onerror=errors.append):
        inner[:] = [name for name in inner if not name.startswith(".")]
    refused = [error for error in errors if not isinstance(error, (FileNotFoundError, NotADirectoryError))]
    return sorted(refused, key=lambda error: str(error.filename))


def check_readable(folder: str | Path) -> None:
    """Raise the first of :func:`unreadable_folders`."""
    for error in unreadable_folders(folder):
        raise error
