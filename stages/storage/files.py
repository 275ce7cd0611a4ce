"""Write a file or a folder whole or not at all; check that a file is whole; hash what a result depends on."""

import errno
import fcntl
import hashlib
import json
import lzma
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd

from stages.common.cli import UserError

UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{32}")
LOCK = ".in-use"  # in each scratch folder: locked for as long as the process that writes there lives


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path in a folder of its own to write to, and move what was written into its place when it is whole.

    What stood there before is replaced and never written into: it may be a link into DVC's cache. Of two processes that
    write one file, each writes a whole one, and the last stays.
    """
    with scratch_folder(path.parent) as scratch:
        unfinished = scratch / path.name  # of the same suffix, as it chooses the format
        yield unfinished
        unfinished.replace(path)


@contextmanager
def atomic_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a folder to write to, and move it into the place of ``folder``, new or empty, when it is whole.

    Args:
        replace: also replace a folder with content.
    """
    folder = folder.resolve()
    with scratch_folder(folder.parent) as scratch:
        unfinished = scratch / folder.name
        unfinished.mkdir()
        yield unfinished
        while True:
            try:
                unfinished.replace(folder)
                return
            except OSError as error:
                if not replace or error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            with suppress(FileNotFoundError):  # another process was faster
                folder.replace(scratch / uuid4().hex)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder of a unique name in ``parent``, and delete it at the end.

    Also delete those that killed processes left there.
    """
    parent.mkdir(parents=True, exist_ok=True)
    delete_abandoned(parent)
    scratch, lock = locked_folder(parent)
    try:
        yield scratch
    finally:
        lock.close()
        shutil.rmtree(scratch, ignore_errors=True)


def locked_folder(parent: Path) -> tuple[Path, IO[str]]:
    """Make a scratch folder and lock it, so that it is not :func:`delete_abandoned`'s."""
    while True:
        scratch = parent / f".unfinished-{uuid4().hex}"
        scratch.mkdir()
        with suppress(FileNotFoundError):
            lock = (scratch / LOCK).open("a")
            with suppress(OSError):  # a file system without locks, on which none is deleted
                fcntl.flock(lock, fcntl.LOCK_EX)
            if scratch.exists():  # else it was taken for abandoned before it was locked
                return scratch, lock
            lock.close()


def delete_abandoned(parent: Path) -> None:
    """Delete the scratch folders of processes that live no more: the system has released their locks."""
    for folder in parent.glob(".unfinished-*"):
        if UNFINISHED.fullmatch(folder.name):
            with suppress(OSError), (folder / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


def write_remote(files: Any, path: str, content: bytes) -> None:
    """Write a file in a folder that fsspec opened as a ``DirFileSystem``; several may write the same one."""
    files.makedirs("", exist_ok=True)
    unfinished = f".unfinished-{uuid4().hex}-{path}"  # an error names the file
    files.pipe_file(unfinished, content)
    files.mv(unfinished, path)


def write_text(content: str, path: Path) -> None:
    with atomic_write(path) as unfinished:
        unfinished.write_text(content, encoding="utf-8", newline="\n")


def write_json(content: Any, path: Path) -> None:
    write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", path)


def json_value(content: bytes, key: str, kind: type, path: Path | str, advice: str) -> Any:
    """Return a value of a JSON object.

    Raises:
        UserError: The content is not a JSON object with a value of this kind.
    """
    try:
        value = json.loads(content)[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        value = None
    if isinstance(value, kind):
        return value
    received = "git's conflict markers" if b"<<<<<<< " in content else "other content"
    raise UserError(f'expected JSON with "{key}" in {path}, received {received}: {advice}')


def write_csv(table: pd.DataFrame, path: Path) -> None:
    with atomic_write(path) as unfinished:
        table.to_csv(unfinished, index=False)


def is_intact_zip(path: Path) -> bool:
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


def content_hash(parts: Iterable[str | np.ndarray]) -> str:
    """Hash everything that a result depends on: SHA-256, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        array: Any = np.frombuffer(part.encode(), np.uint8) if isinstance(part, str) else np.ascontiguousarray(part)
        digest.update(f"{array.nbytes} ".encode())
        digest.update(array)
    return digest.hexdigest()
