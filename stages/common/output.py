"""Write a file whole or not at all."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and put what was written in its place when it is whole.

    What stood there before is replaced and never written into: it may be a link into DVC's cache.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch(path.with_name(f".{path.name}")) as unfinished:  # the suffix stays, as it chooses the format
        yield unfinished
        unfinished.replace(path)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Delete a file at the end; of a fixed name, so that the next run clears up after one that was killed."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def write_text(content: str, path: Path) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text(content, encoding="utf-8", newline="\n")


def write_json(content: Any, path: Path) -> None:
    write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", path)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as unfinished:
        table.to_csv(unfinished, index=False)
