"""Write files and folders atomically, complete or absent; check and hash them."""

import errno
import fcntl
import hashlib
import json
import re
import shlex
import shutil
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from stages.common.cli import UserError, first_line

T = TypeVar("T")

UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{32}")
# Raised while a damaged file is read, as are OSErrors without a code; those with one are the machine's.
DAMAGED = (ArithmeticError, BadZipFile, EOFError, KeyError, LZMAError, RuntimeError, TypeError, ValueError, zlib.error)
LOCK = ".in-use"  # in each scratch folder: locked for as long as the process that writes there lives


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same name; rename it to ``path`` on success.

    A file there is replaced, never written into: it may be a link into DVC's cache. The last of several writers wins.
    """
    with scratch_folder(path.parent) as scratch:
        yield scratch / path.name
        (scratch / path.name).replace(path)


@contextmanager
def atomic_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary folder; rename it to ``folder``, new or empty or to ``replace``, on success."""
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
                shutil.move(folder, scratch / uuid4().hex)  # copies what cannot be renamed, as in an image's layer


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Create a hidden folder in ``parent``, and delete it at the end; also delete those that killed processes left."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(".unfinished-*"):
        if UNFINISHED.fullmatch(folder.name):
            with suppress(OSError), (folder / LOCK).open("a") as abandoned:
                fcntl.flock(abandoned, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
    scratch, lock = locked_folder(parent)
    try:
        yield scratch
    finally:
        lock.close()
        shutil.rmtree(scratch, ignore_errors=True)


def locked_folder(parent: Path) -> tuple[Path, IO[str]]:
    while True:
        scratch = parent / f".unfinished-{uuid4().hex}"
        scratch.mkdir()
        with suppress(FileNotFoundError):
            lock = (scratch / LOCK).open("a")
            with suppress(OSError):  # a file system without locks, on which none is deleted
                fcntl.flock(lock, fcntl.LOCK_EX)
            if scratch.exists():  # else another process deleted it before it was locked
                return scratch, lock
            lock.close()


def write_text(content: str, path: Path) -> None:
    with atomic_write(path) as unfinished:
        unfinished.write_text(content, encoding="utf-8", newline="\n")


def write_json(content: Any, path: Path) -> None:
    write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", path)


@contextmanager
def explain_unreadable(path: Path | str, advice: str) -> Iterator[None]:
    """Raise a UserError if what a step wrote to a path is missing, damaged, or was edited since."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"expected {error.filename}, found none: {advice}") from error
    except (*DAMAGED, OSError) as error:
        if getattr(error, "errno", None):
            raise
        text = f"expected {path} as it was written, received it damaged or changed ({first_line(error)})"
        raise UserError(f"{text}: {advice}") from error


def read_json(path: Path, kind: Callable[[Any], T], advice: str) -> T:
    """Read a JSON file that a step wrote, as dict, list or another ``kind``."""
    with explain_unreadable(path, advice):
        return kind(json.loads(path.read_text(encoding="utf-8")))


def json_value(content: bytes, key: str, kind: type, path: Path | str, advice: str, default: Any = None) -> Any:
    """Return a value of a JSON object, or a default; raise a UserError if there is none of this kind."""
    try:
        value = json.loads(content).get(key, default)
    except (ValueError, AttributeError, RecursionError):
        value = None
    if isinstance(value, kind):
        return value
    received = "git's conflict markers" if b"<<<<<<< " in content else "other content"
    raise UserError(f'expected JSON with "{key}" in {path}, received {received}: {advice}')


def write_csv(table: pd.DataFrame, path: Path) -> None:
    with atomic_write(path) as unfinished:
        table.to_csv(unfinished, index=False)


def check_leftovers(folders: Iterable[Path], names: Collection[str], section: str) -> None:
    """Refuse files of entries that a section of ``params.yaml`` lacks: they would count as a step's input in DVC."""
    files = sorted(path for folder in folders for path in folder.glob("[!.]*"))
    if others := [str(path) for path in files if path.name.partition(".")[0] not in names]:
        raise UserError(f"expected only {section} of params.yaml, found others: move or delete {shlex.join(others)}")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(parts: Iterable[str | np.ndarray]) -> str:
    """Compute the SHA-256, in hex, of strings and arrays, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        array: Any = np.frombuffer(part.encode(), np.uint8) if isinstance(part, str) else np.ascontiguousarray(part)
        digest.update(f"{array.nbytes} ".encode())
        digest.update(array)
    return digest.hexdigest()
