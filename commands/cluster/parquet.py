"""A folder of Parquet files with predictions, and beside them the model that made them."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import UserError, first_line, machine_problem
from stages.common.params import ConfidenceSettings
from stages.inference.confidence import SOFTMAX_ALONE
from stages.inference.model_file import ModelFile, TrainedModel
from stages.storage.files import UNFINISHED, content_hash, write_remote

logger = logging.getLogger(__name__)

# Programs that read a folder of Parquet files skip names that start with "_".
ABOUT = "_about.json"
MODEL = "_model.keras"
VALIDATION = "_model.npz"
PART = re.compile(r"part-(\d+)\.parquet")
Row = dict[str, str | float]
ANOTHER_RUN = "another run writes there: let it end, and run the same command again, which repairs the output"


def open_folder(url: str) -> DirFileSystem:
    """Open a folder of any file system that fsspec knows; paths are relative to it."""
    try:
        files, path = url_to_fs(url, use_listings_cache=False)  # s3fs would not find what a node has written since
    except (ImportError, ValueError) as error:
        raise UserError(f"expected a path or a URL that fsspec reads, received {url!r}: {error}") from error
    return DirFileSystem(path, files)


@contextmanager
def explain_unreachable(folder: DirFileSystem) -> Iterator[None]:
    """Turn the failure of a bucket, for which each of fsspec's file systems has its own type, into a UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(folder.fs, LocalFileSystem) or machine_problem(error):
            raise
        url = folder.fs.unstrip_protocol(folder.path)
        raise UserError(f"expected a folder to read and write at {url}, received: {first_line(error)}") from error


def claim(output: DirFileSystem, model: ModelFile, settings: ConfidenceSettings) -> None:
    """Write the model to the output, where every node finds it, unless the output was begun with another."""
    delete_abandoned(output)
    about = {
        "model": model.name,
        "classes": model.class_names,
        "image_fit": model.image_fit,
        "confidence": settings.model_dump(),
    }
    try:
        claimed, content = json.loads(output.cat_file(ABOUT)), output.cat_file(MODEL)
    except FileNotFoundError:
        if parts_of(output):
            raise UserError(
                f"{output.path}: expected a new OUTPUT or one with {ABOUT}, found other Parquet files: choose another"
            ) from None
        write_remote(output, MODEL, model.content)
        if model.validation is not None:
            write_remote(output, VALIDATION, model.validation)
        write_remote(output, ABOUT, json.dumps(about, indent=2, ensure_ascii=False).encode())
        return
    claimed_settings = SOFTMAX_ALONE.model_dump() | claimed.get("confidence", {})  # older outputs have none
    begun_with = claimed["model"], content, claimed["classes"], claimed.get("image_fit", "stretch")
    if begun_with != (model.name, model.content, model.class_names, model.image_fit):
        difference = f"of another model ({claimed['model']})"
    elif claimed_settings != about["confidence"]:
        difference = f"with other settings of confidence ({json.dumps(claimed_settings)})"
    elif settings != SOFTMAX_ALONE and read_validation(output) != model.validation:
        difference = "with confidence fitted to another .npz beside the model"
    else:
        return
    raise UserError(
        f"{output.path}: expected predictions of this {model.name}, found those {difference}: choose another OUTPUT"
    )


def delete_abandoned(output: DirFileSystem) -> None:
    """Delete unfinished files that killed processes left an hour ago or more; to write one takes seconds."""
    for path in output.find(""):
        with suppress(FileNotFoundError, NotImplementedError):
            if UNFINISHED.match(path) and datetime.now(UTC) - output.modified(path) > timedelta(hours=1):
                output.rm_file(path)


def load_claimed(output: DirFileSystem) -> TrainedModel:
    """Load the model that :func:`claim` wrote."""
    about = json.loads(output.cat_file(ABOUT))
    model = ModelFile(
        about["model"],
        output.cat_file(MODEL),
        about["classes"],
        MODEL,
        read_validation(output),
        about.get("image_fit", "stretch"),
    )
    return model.load(ConfidenceSettings(**about.get("confidence", {})))


def read_validation(output: DirFileSystem) -> bytes | None:
    return bytes(output.cat_file(VALIDATION)) if output.exists(VALIDATION) else None


def parts_of(output: DirFileSystem) -> list[str]:
    """List the files with predictions, in the order of their numbers."""
    matches = [match for path in output.find("") if (match := PART.fullmatch(path))]
    return [match[0] for match in sorted(matches, key=lambda match: int(match[1]))]


def part_number(index: int, paths: list[str]) -> int:
    """Number a part by its index and a hash of its paths, so that no run overwrites a part of other photos."""
    digest = int(content_hash([repr(paths)]), 16)
    return int(f"1{index:06}{digest % 10**9:09}")


def write_part(output: DirFileSystem, number: int, rows: list[Row], names: list[str]) -> None:
    """Write a row per photo: the values of the columns ``names``, or ``path`` and ``problem``."""
    names = [*names, "problem"]
    schema = pa.schema({name: pa.float64() if name.startswith("probability") else pa.string() for name in names})
    write_table(output, f"part-{number:06}.parquet", pa.Table.from_pylist(rows, schema))


def write_table(output: DirFileSystem, path: str, table: pa.Table) -> None:
    file = BytesIO()
    pq.write_table(table, file)
    write_remote(output, path, file.getvalue())


def read_table(output: DirFileSystem, path: str) -> pa.Table:
    try:
        return pq.read_table(BytesIO(output.cat_file(path)))
    except FileNotFoundError as error:
        raise UserError(f"expected {path} in {output.path}, found it gone: {ANOTHER_RUN}") from error


def drop_problems(output: DirFileSystem) -> set[str]:
    """Delete the rows of photos that could not be decoded, so that they are tried again; return the other paths.

    Of a photo in several parts, since two runs wrote to the output at the same time, only the first row stays.
    """
    done: set[str] = set()
    duplicates = 0
    for path in parts_of(output):
        table = read_table(output, path)
        classified = table.filter(table["problem"].is_null())
        new = classified.filter(pa.array([name not in done for name in classified["path"].to_pylist()], pa.bool_()))
        duplicates += len(classified) - len(new)
        if not len(new):
            output.rm_file(path)
        elif len(new) < len(table):
            write_table(output, path, new)
        done.update(new["path"].to_pylist())
    if duplicates:
        logger.info("duplicate rows deleted, which another run wrote at the same time: %d", duplicates)
    return done


def read_predictions(output: DirFileSystem) -> pd.DataFrame:
    """Read ``path`` and ``problem`` of all photos in the output."""
    columns = ["path", "problem"]
    tables = [read_table(output, part).select(columns).to_pandas() for part in parts_of(output)]
    return pd.concat(tables) if tables else pd.DataFrame(columns=columns)
