"""Recognise what lies among photos and is none: system files, sidecar files, empty and unreadable folders, pointers."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

logger = logging.getLogger(__name__)

MAX_LOGGED = 50  # empty folders
# Compared in lower case. Folders of macOS, of Synology's and QNAP's network drives, of Windows and of Linux.
SYSTEM_FOLDERS = {
    *("__macosx", "network trash folder", "temporary items"),
    *("@eadir", "#recycle", "#snapshot", "@tmp", "@recycle", "@recently-snapshot"),
    *("$recycle.bin", "recycler", "system volume information", "found.000", "lost+found"),
}
SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r"}
# Notes, tables and annotations; what phones and cameras write beside a photo: edits, films, sound, previews.
SIDECAR_SUFFIXES = {
    *(".csv", ".db", ".html", ".ini", ".json", ".log", ".mat", ".md", ".pdf", ".tsv", ".txt", ".xml", ".yaml"),
    *(".aae", ".avi", ".lrv", ".m4a", ".m4v", ".mov", ".mp3", ".mp4", ".3gp", ".pp3", ".thm", ".wav", ".xmp"),
}


def is_hidden(name: PurePosixPath) -> bool:
    """Return whether a file is the operating system's own, as ``.DS_Store``, ``@eaDir/`` and ``Thumbs.db`` are."""
    if any(part.startswith(".") and part != ".." for part in name.parts):
        return True
    parts = [part.lower() for part in name.parts]
    return not SYSTEM_FOLDERS.isdisjoint(parts) or bool(parts and parts[-1] in SYSTEM_FILES)


def warn_of_empty(folders: Iterable[PurePosixPath], with_files: Iterable[PurePosixPath]) -> None:
    """Log the folders, hidden ones apart, that have no files at any depth: no copy and no cache of DVC keeps them."""
    holding = {above for folder in with_files for above in (folder, *folder.parents)}
    empty = sorted(folder for folder in set(folders) - holding if not is_hidden(folder))
    if empty:
        names = ", ".join(repr(str(folder)) for folder in empty[:MAX_LOGGED])
        logger.warning("no photos in %d folders, which are left out, and are no classes: %s", len(empty), names)


def describe_content(start: bytes) -> str | None:
    """Return what is often found in the place of a file, by how it starts: None if it is none of this."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "is an empty file"
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer: run `git lfs pull`"
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "is a web page"
    return None


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

    Python's `rglob` and fsspec's `find` leave them out without a word.

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
