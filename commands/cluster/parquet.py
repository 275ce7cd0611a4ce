"""A folder of Parquet files with predictions, and beside them the model that made them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import UserError, first_line, logger, machine_problem
from stages.common.params import ConfidenceSettings
from stages.inference.calibration import SOFTMAX_ALONE
from stages.inference.model_file import ModelFile
from stages.storage.files import content_hash, json_value, write_remote

# Programs that read a folder of Parquet files skip names that start with "_".
ABOUT = "_about.json"
MODEL = "_model.keras"
VALIDATION = "_model.npz"
PART = re.compile(r"part-\d+\.parquet")
ANOTHER_RUN = "another run writes there: let it end, and run the same command again, which repairs the output"


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
    """Write the model to the output, where every node finds it, unless the output was begun with another."""
    if not output.exists(ABOUT):
        if parts_of(output):
            raise UserError(
                f"{output.path}: expected a new OUTPUT, or one with {ABOUT}, found Parquet files: choose another"
            )
        about = {"model": model.name, "classes": model.class_names, "image_fit": model.image_fit}
        content = json.dumps({**about, "confidence": settings.model_dump()}, indent=2, ensure_ascii=False)
        write_remote(output, MODEL, model.content)
        if model.validation is not None:
            write_remote(output, VALIDATION, model.validation)
        write_remote(output, ABOUT, content.encode())
        return
    claimed, claimed_settings = read_claimed(output)
    if claimed._replace(origin=model.origin, validation=model.validation) != model:
        others = f"of another model ({claimed.name})"
    elif claimed_settings != settings or (settings != SOFTMAX_ALONE and claimed.validation != model.validation):
        others = f"with other settings of confidence, or fitted to another .npz: see {ABOUT} there"
    else:
        return
    raise UserError(f"{output.path}: expected predictions of this {model.name}, found those {others}: choose another")


def read_claimed(output: DirFileSystem) -> tuple[ModelFile, ConfidenceSettings]:
    """Read the model that :func:`claim` wrote, and the settings of its confidence."""
    path, content = f"{output.path}/{ABOUT}", output.cat_file(ABOUT)
    about = partial(json_value, content, path=path, advice="choose another OUTPUT")
    name, classes = about("model", str), about("classes", list)
    image_fit, confidence = about("image_fit", str, default="stretch"), about("confidence", dict, default={})
    try:
        settings = ConfidenceSettings(**confidence)
    except ValueError as error:  # those of an earlier version have other names
        raise UserError(f"{path}: expected settings of confidence, received others: choose another OUTPUT") from error
    validation = output.cat_file(VALIDATION) if output.exists(VALIDATION) else None
    model = ModelFile(name, output.cat_file(MODEL), classes, MODEL, validation, image_fit)
    return model, settings


def parts_of(output: DirFileSystem) -> list[str]:
    """List the files with predictions, in the order of their numbers."""
    return sorted(path for path in output.find("") if PART.fullmatch(path))


def part_name(index: int, paths: list[str]) -> str:
    """Name a part by its index and a hash of its paths, so that no run overwrites a part of other photos."""
    return f"part-1{index:06}{int(content_hash([repr(paths)]), 16) % 10**9:09}.parquet"


def write_part(output: DirFileSystem, part: str, table: pd.DataFrame) -> None:
    """Write a row per photo: ``path``, the columns of ``TrainedModel.classify`` and ``problem``."""
    schema = pa.schema({name: pa.float64() if str(name).startswith("probability") else pa.string() for name in table})
    file = BytesIO()
    pq.write_table(pa.Table.from_pandas(table, schema, preserve_index=False).replace_schema_metadata(), file)
    write_remote(output, part, file.getvalue())


def read_part(output: DirFileSystem, part: str, columns: list[str] | None = None) -> pd.DataFrame:
    try:
        return pd.read_parquet(BytesIO(output.cat_file(part)), columns=columns)
    except FileNotFoundError as error:
        raise UserError(f"expected {part} in {output.path}, found it gone: {ANOTHER_RUN}") from error
    except pa.ArrowInvalid as error:
        raise UserError(
            f"expected {part} in {output.path} with predictions, received another file: delete it"
        ) from error


def drop_problems(output: DirFileSystem) -> set[str]:
    """Delete the rows of photos that could not be decoded, so that they are tried again; return the other paths.

    Of a photo in several parts, since two runs wrote to the output at the same time, only the first row stays.
    """
    done: set[str] = set()
    duplicates = 0
    for part in parts_of(output):
        table = read_part(output, part)
        classified = table[table["problem"].isna()]
        new = classified[~classified["path"].isin(done)]
        duplicates += len(classified) - len(new)
        if new.empty:
            output.rm_file(part)
        elif len(new) < len(table):
            write_part(output, part, new)
        done.update(new["path"])
    if duplicates:
        logger.info("duplicate rows deleted, which another run wrote at the same time: %d", duplicates)
    return done


def read_predictions(output: DirFileSystem) -> pd.DataFrame:
    """Return the ``path`` of each photo in the output, and its ``problem``."""
    return pd.concat([read_part(output, part, ["path", "problem"]) for part in parts_of(output)])
