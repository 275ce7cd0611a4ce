"""Recognize files and folders that are not photos, by their names or their first bytes."""

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from posixpath import dirname, splitext

# Compared in lower case. Folders of macOS, of Synology's and QNAP's network drives, of Windows and of Linux.
SYSTEM_FOLDERS = {
    *("__macosx", "network trash folder", "temporary items"),
    *("@eadir", "#recycle", "#snapshot", "@tmp", "@recycle", "@recently-snapshot"),
    *("$recycle.bin", "recycler", "system volume information", "found.000", "lost+found"),
}
SYSTEM_FILES = {"_ds_store", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r"}
# Notes, tables and annotations; what phones and cameras write beside a photo: edits, films, sound, previews.
SIDECAR_SUFFIXES = {
    *(".csv", ".db", ".html", ".ini", ".json", ".log", ".mat", ".md", ".pdf", ".tsv", ".txt", ".xml", ".yaml"),
    *(".docx", ".py", ".xls", ".xlsx", "readme", "license"),  # the last two without a suffix
    *(".aae", ".lrv", ".pp3", ".thm", ".xmp"),
    *(".avi", ".m4a", ".m4v", ".mov", ".mp", ".mp3", ".mp4", ".mts", ".3gp", ".wav"),
}
# Of a RAW, which many cameras write beside a JPEG of the same name.
RAW_SUFFIXES = {
    *(".arw", ".cr2", ".cr3", ".crw", ".dng", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw", ".x3f"),
}
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
HEADER_BYTES = 512
SAVE = "save it as JPEG"
SIGNATURES = {  # kind of file: the bytes that it has at a position
    "a Git LFS pointer: run `git lfs pull`": [(0, b"version https://git-lfs")],
    "a PDF": [(0, b"%PDF")],
    f"DICOM: {SAVE}": [(128, b"DICM")],
    f"TGA: {SAVE}": [  # in colours, in greys, and run-length encoded; then with a palette
        *((0, b"\0\0" + image_type + bytes(5)) for image_type in (b"\2", b"\3", b"\x0a", b"\x0b")),
        *((0, b"\0\1" + image_type + bytes(2)) for image_type in (b"\1", b"\x09")),
    ],
    f"JPEG XL: {SAVE}": [(0, b"\xff\x0a"), (4, b"JXL \r\n")],
    f"a camera's RAW: {SAVE}": [  # of Canon; then of Fujifilm, Minolta, Olympus, Panasonic and Sigma
        *((4, b"ftypcrx"), (6, b"HEAPCCDR")),
        *((0, start) for start in (b"FUJIFILMCCD-RAW", b"\0MRM", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")),
    ],
    "a video": [
        *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"wide")),  # MP4, QuickTime
        *((0, start) for start in (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"0&\xb2u\x8ef\xcf\x11")),  # WebM, MPEG, WMV
        (8, b"AVI "),
    ],
    "a zip archive": [(0, b"PK\3\4"), (0, b"PK\5\6")],
    "a tar archive": [(257, b"ustar")],
    "a 7z or rar archive": [(0, b"7z\xbc\xaf\x27\x1c"), (0, b"Rar!\x1a")],
    "a compressed file": [(0, start) for start in (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")],
    "a NumPy array": [(0, b"\x93NUMPY")],
    "metadata of another file, from macOS": [(0, b"\0\5\x16\7")],
}
MARKUP = {
    **dict.fromkeys((b"<html", b"<!doctype html", b"<head"), "a web page"),
    b"<svg": f"SVG: {SAVE}",
    b"<?xml": "an XML file",
}


def identify(header: bytes) -> str | None:
    """Identify a file that is not an image by its first ``HEADER_BYTES``; return None for any other."""
    if not header.strip(b"\0"):
        return "a file that begins with zero bytes" if header else "an empty file"
    for kind, signatures in SIGNATURES.items():
        if any(header.startswith(signature, position) for position, signature in signatures):
            return kind
    text = header.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for tag, kind in MARKUP.items() if text.startswith(b"<") and tag in text), None)


def is_text(header: bytes) -> bool:
    """Return whether a file that starts with these bytes is UTF-8 text."""
    text = header.decode(errors="replace")
    is_utf_8 = "\ufffd" not in text[:-1]  # the last character may be cut
    return is_utf_8 and all(character.isprintable() or character.isspace() for character in text)


def find_sidecars(undecodable: Iterable[str], photos: Iterable[str]) -> set[str]:
    """Return the undecodable files that, by their names, nobody takes for photos, and RAWs beside one of ``photos``."""
    names = list(undecodable)
    sidecars = {name for name in names if name.lower().endswith(tuple(SIDECAR_SUFFIXES))}
    if raws := [name for name in names if name.lower().endswith(tuple(RAW_SUFFIXES))]:
        stems = {splitext(photo.lower())[0] for photo in photos}
        sidecars.update(name for name in raws if splitext(name.lower())[0] in stems)
    return sidecars


def is_hidden(name: str) -> bool:
    """Return whether a file is the operating system's own, such as ``.DS_Store``, ``@eaDir/`` and ``Thumbs.db``."""
    parts = name.lower().split("/")
    is_in_hidden = any((part.startswith(".") and part not in (".", "..")) or part in SYSTEM_FOLDERS for part in parts)
    return is_in_hidden or parts[-1] in SYSTEM_FILES


def folders_above(files: Iterable[str]) -> set[Path]:
    parents = {Path(parent) for parent in set(map(dirname, files))}
    return parents.union(*(parent.parents for parent in parents))


def visible_files(folder: Path) -> list[str]:
    """List the names, relative to ``folder``, of all links and of all files that are not hidden; ``.`` for a file."""
    if folder.is_file():
        return ["."]
    names = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        below = PurePosixPath(parent).relative_to(folder)
        names += [below / name for name in [*files, *links]]
    return sorted(name for name in map(str, names) if not is_hidden(name))


def file_sizes(folder: Path) -> dict[str, int | None]:
    """Return the size in bytes of each of :func:`visible_files`, None of a link to nothing."""
    files = {name: folder / name for name in visible_files(folder)}
    return {name: path.stat().st_size if path.exists() else None for name, path in files.items()}


def unreadable_folders(folder: str | Path) -> list[OSError]:
    """List the errors of folders that ``rglob`` and ``find`` silently skip as unreadable, except hidden ones."""
    errors: list[OSError] = []
    for _, folders, _ in os.walk(folder, onerror=errors.append):
        folders[:] = [name for name in folders if not is_hidden(name)]
    refused = [error for error in errors if not isinstance(error, (FileNotFoundError, NotADirectoryError))]
    return sorted(refused, key=lambda error: str(error.filename))
