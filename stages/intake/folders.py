"""Find the files of a folder, and the folders that may not be read, which `rglob` and fsspec's `find` pass over."""

import os
from pathlib import Path, PurePosixPath

from stages.intake.archive import is_hidden


def visible_files(folder: Path) -> list[str]:
    """List the names, from ``folder`` on, of all files that are not hidden, and of links; ``.`` if it is a file."""
    if folder.is_file():
        return ["."]
    found = []
    for parent, inner, files in os.walk(folder):
        links = [name for name in inner if Path(parent, name).is_symlink()]
        below = PurePosixPath(parent).relative_to(folder)
        found += [below / name for name in [*files, *links]]
    return sorted(str(name) for name in found if not is_hidden(name))


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
