"""Write a file or a folder whole or not at all; check that a file is whole; hash what a result depends on."""

import errno
import hashlib
import json
import lzma
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and move what was written into its place when it is whole.

    What stood there before is replaced and never written into: it may be a link into DVC's cache.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, as nothing but whole files may be found; the suffix stays, as it chooses the format.
    with temporary_file(path.with_name(f".unfinished-{path.name}")) as unfinished:
        yield unfinished
        unfinished.replace(path)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Delete a file at the end; its name is fixed, so that the next run cleans up after one that was killed."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a folder to write to, and move it into the place of ``folder``, new or empty, when it is whole.

    Its name is fixed, so that the next run cleans up after one that was killed.

    Args:
        replace: also replace a folder with content.
    """
    folder = folder.resolve()
    unfinished = folder.with_name(f".unfinished-{folder.name}")
    delete_folder(unfinished)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if replace:
            delete_folder(folder)
        unfinished.replace(folder)
    finally:
        delete_folder(unfinished)


def delete_folder(folder: Path) -> None:
    """Delete a folder with all its content, if there is one."""
    if folder.exists():
        shutil.rmtree(folder)


def write_remote(files: Any, path: str, content: bytes) -> None:
    """Write a file in a folder that fsspec opened as a ``DirFileSystem``; several may write the same one."""
    files.makedirs("", exist_ok=True)
    unfinished = f".unfinished-{uuid4().hex}-{path}"
    files.pipe_file(unfinished, content)
    files.mv(unfinished, path)


def write_text(content: str, path: Path) -> None:
    with atomic_write(path) as unfinished:
        unfinished.write_text(content, encoding="utf-8", newline="\n")


def write_json(content: Any, path: Path) -> None:
    write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", path)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    with atomic_write(path) as unfinished:
        table.to_csv(unfinished, index=False)


def is_whole(path: Path) -> bool:
    """Tell whether a zip file (``.npz`` is one) is complete, by its checksums; after a power failure it may not be."""
    try:
        with ZipFile(path) as arrays:
            return arrays.testzip() is None
    except (BadZipFile, EOFError, RuntimeError, zlib.error, lzma.LZMAError):
        return False
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # any other is the machine's fault
            raise
        return False


def fingerprint(parts: Iterable[str | np.ndarray]) -> str:
    """Hash everything that a result depends on: SHA-256, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        array: Any = np.frombuffer(part.encode(), np.uint8) if isinstance(part, str) else np.ascontiguousarray(part)
        digest.update(f"{array.nbytes} ".encode())
        digest.update(array)
    return digest.hexdigest()
