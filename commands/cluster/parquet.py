"""A folder of Parquet files with predictions, and a note of the model that made them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa
from fsspec.core import url_to_fs
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import UserError, first_line, machine_problem
from stages.common.params import ConfidenceSettings
from stages.inference.calibration import SOFTMAX_ALONE
from stages.inference.model_file import ModelFile
from stages.storage.files import content_hash, explain_unreadable

ABOUT = "_about.json"  # programs that read a folder of Parquet files skip names that start with "_"


def open_folder(url: str) -> DirFileSystem:
    """Open a folder of any file system that fsspec knows; paths are relative to it."""
    if not url:  # of an unset variable; as a path it would be the current folder
        raise UserError("expected a folder, received an empty name")
    try:
        files, path = url_to_fs(url, use_listings_cache=False)  # s3fs would not find what a node has written since
    except (ImportError, ValueError) as error:
        raise UserError(f"expected a path or a URL that fsspec reads, received {url!r}: {error}") from error
    return DirFileSystem(path, files)


@contextmanager
def explain_unreachable(folder: DirFileSystem) -> Iterator[None]:
    """Turn the failure of a bucket, for which each of fsspec's file systems has its own type, into a UserError.

    Also that of a local path which is a file, or below one.
    """
    try:
        yield
    except Exception as error:
        is_bug = isinstance(folder.fs, LocalFileSystem) and not isinstance(error, OSError)
        if isinstance(error, UserError) or is_bug or machine_problem(error):
            raise
        url = folder.fs.unstrip_protocol(folder.path)
        raise UserError(f"expected a folder to read and write at {url}, received: {first_line(error)}") from error


def claim(output: DirFileSystem, model: ModelFile, settings: ConfidenceSettings) -> None:
    """Note in the output whose predictions it has; raise UserError if they are of others."""
    about = {"model": model.name, "classes": model.class_names, "image_fit": model.image_fit}
    fitted_to = model.validation if settings != SOFTMAX_ALONE else None
    key = content_hash([np.frombuffer(model.content + (fitted_to or b""), np.uint8)])
    content = json.dumps({**about, "confidence": settings.model_dump(), "model_sha256": key}, indent=2)
    found = output.cat_file(ABOUT) if output.exists(ABOUT) else None
    if found is None and not parts_of(output):
        write_atomically(output, ABOUT, content.encode())
    elif found != content.encode():
        expected = f"a new OUTPUT, or predictions of this {model.name} with the same settings of confidence"
        raise UserError(f"{output.path}: expected {expected}, found others ({ABOUT}): choose another")


def parts_of(output: DirFileSystem) -> list[str]:
    """List the files with predictions, in the order of their numbers."""
    return sorted(path for path in output.find("") if path.startswith("part-") and path.endswith(".parquet"))


def write_atomically(output: DirFileSystem, name: str, content: bytes) -> None:
    """Write a file, complete or absent; several processes may write the same one."""
    output.makedirs("", exist_ok=True)
    unfinished = f".unfinished-{uuid4().hex}-{name}"  # an error names the file
    output.pipe_file(unfinished, content)
    output.mv(unfinished, name)


def write_part(output: DirFileSystem, part: str, table: pd.DataFrame) -> None:
    """Write a row per photo: ``path``, the columns of ``TrainedModel.classify`` and ``problem``."""
    schema = pa.schema({name: pa.float64() if str(name).startswith("probability") else pa.string() for name in table})
    write_atomically(output, part, table.to_parquet(schema=schema, index=False))


def read_part(output: DirFileSystem, part: str, columns: list[str] | None = None) -> pd.DataFrame:
    with explain_unreadable(Path(output.path, part), "delete it, and run the same command again"):
        return pd.read_parquet(BytesIO(output.cat_file(part)), columns=columns)


def drop_problems(output: DirFileSystem) -> set[str]:
    """Delete the rows of photos that could not be decoded, so that they are tried again; return the other paths.

    Of a photo that two runs classified, as where a task of a killed one ended after the next had begun, one row stays.
    """
    done: set[str] = set()
    for part in parts_of(output):
        table = read_part(output, part)
        classified = table[table["problem"].isna() & ~table["path"].map(lambda path: path in done)]
        if classified.empty:
            output.rm_file(part)
        elif len(classified) < len(table):
            write_part(output, part, classified)
        done.update(classified["path"])
    return done


def read_predictions(output: DirFileSystem) -> pd.DataFrame:
    """Return the ``path`` of each photo in the output, and its ``problem``."""
    return pd.concat([read_part(output, part, ["path", "problem"]) for part in parts_of(output)])
