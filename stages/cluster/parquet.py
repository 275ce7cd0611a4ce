"""A folder of Parquet files that say what photos show, written part by part, with the model that named them."""

import json
from io import BytesIO

import pandas as pd
import pyarrow.parquet as pq
from fsspec.core import url_to_fs
from fsspec.implementations.dirfs import DirFileSystem

from stages.common.program import UserError
from stages.predict.model_file import ModelFile

# Programs that read a folder of Parquet files pass over names with "_" in front.
ABOUT = "_about.json"
MODEL = "_model.keras"


def open_folder(url: str) -> DirFileSystem:
    """Open a folder of any file system that fsspec knows; paths are within it."""
    try:
        files, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UserError(f"expected a path or a URL that fsspec reads, received {url!r}: {error}") from error
    return DirFileSystem(path, files)


def write(folder: DirFileSystem, path: str, content: bytes) -> None:
    """Write a file, which appears under its name once it is whole."""
    folder.makedirs("", exist_ok=True)
    folder.pipe_file(f".{path}", content)
    folder.mv(f".{path}", path)


def claim(named: DirFileSystem, saved: ModelFile) -> None:
    """Leave the model in the output, where every node finds it, and refuse what another model has begun."""
    about = {"model": saved.name, "classes": saved.class_names}
    try:
        found, model = json.loads(named.cat_file(ABOUT)), named.cat_file(MODEL)
    except FileNotFoundError:
        write(named, MODEL, saved.content)
        write(named, ABOUT, json.dumps(about, indent=2, ensure_ascii=False).encode())
        return
    if (found, model) != (about, saved.content):
        raise UserError(
            f"{named.path}: expected photos named by this {saved.name}, found those of another model "
            f"({found['model']}): choose another OUTPUT"
        )


def parts_of(named: DirFileSystem) -> list[str]:
    return [path for path in sorted(named.find("")) if path.startswith("part-") and path.endswith(".parquet")]


def named_so_far(named: DirFileSystem) -> pd.DataFrame:
    """Read ``path`` and ``problem`` of all photos in the output."""
    tables = [pq.read_table(BytesIO(named.cat_file(part)), columns=["path", "problem"]) for part in parts_of(named)]
    return pd.concat([table.to_pandas() for table in tables]) if tables else pd.DataFrame(columns=["path", "problem"])
