"""A trained model with its classes, as it is now or was in any git revision."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from fsspec.implementations.local import LocalFileSystem

from stages.common.paths import BEST, MODELS
from stages.common.program import UserError, first_line
from stages.inference.model import load_model
from stages.models.runtime import keras


class TrainedModel(NamedTuple):
    name: str
    model: keras.Model  # from pixels of 0..255 shaped (batch, height, width, 3) to logits shaped (batch, classes)
    class_names: list[str]  # in the order of the logits

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.model.input_shape[1:3]
        return height, width


def load_trained_model(name: str | None, revision: str | None = None) -> TrainedModel:
    """Load a model and its classes; arguments and errors are those of :func:`fetch_trained`."""
    return fetch_model_file(name, revision).load()


def fetch_model_file(name: str | None, revision: str | None = None) -> "ModelFile":
    """Read a model's file and its classes.

    Args:
        name: of the model; None: the best, as ``metrics/best.json`` of the same revision says.
        revision: a commit, branch or tag, whose files come from DVC's cache or its remote; None: the files here.

    Raises:
        UserError: There is no such revision, no such model in it, or no file of it to be had.
    """
    files, where = files_of(revision)
    names = model_names(files)
    if not names:
        advice = "choose another --rev" if revision else "run `dvc repro`, or `dvc pull` where a remote has them"
        raise UserError(f"expected trained models in {MODELS}{where}, found none: {advice}")
    if name is None:
        name = str(json.loads(fetch(files.cat_file, BEST, where, "choose a model with --model"))["model"])
    if name not in names:
        raise UserError(f"expected a trained model{where} ({', '.join(names)}), received {name!r}: choose with --model")
    about = json.loads(fetch(files.cat_file, MODELS / f"{name}.json", where))
    path = MODELS / f"{name}.keras"
    return ModelFile(name, fetch(files.cat_file, path, where), about["classes"], f"{path}{where}")


class ModelFile(NamedTuple):
    """A trained model as its file holds it, to be loaded here or elsewhere."""

    name: str
    content: bytes
    class_names: list[str]  # in the order of the logits
    origin: str  # for messages

    def load(self) -> TrainedModel:
        """Load it; a UserError says that this Keras cannot."""
        with TemporaryDirectory() as folder:
            path = Path(folder, f"{self.name}.keras")
            path.write_bytes(self.content)
            try:
                return TrainedModel(self.name, load_model(path), self.class_names)
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise UserError(
                    f"{self.origin}: expected a model that Keras {keras.__version__} can load: "
                    f"{first_line(error)}: train it again"
                ) from error


def files_of(revision: str | None) -> tuple[Any, str]:
    """Open the project's files, as a file system of fsspec, and say whose they are for messages."""
    if revision is None:
        return LocalFileSystem(), ""
    try:
        files = DVCFileSystem(rev=revision)
        files.ls("/")  # it looks the revision up only now
    except DvcException as error:
        raise UserError(f"--rev: expected a git revision of this project, received {revision!r}: {error}") from error
    return files, f" of revision {revision}"


def model_names(files: Any) -> list[str]:
    try:
        paths = [Path(path) for path in files.ls(MODELS.as_posix(), detail=False)]
    except FileNotFoundError:
        return []
    return sorted(path.stem for path in paths if path.suffix == ".keras" and not path.name.startswith("."))


def fetch(read: Callable[[str], bytes], path: Path, where: str, advice: str | None = None) -> bytes:
    """Read a file whole; of a revision, from DVC's cache or else its remote."""
    try:
        return read(path.as_posix())
    except (OSError, DvcException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        advice = advice or ("choose another --rev, or `dvc fetch` what it needs" if where else "run `dvc repro`")
        raise UserError(f"expected {path}{where}, found none ({reason}): {advice}") from error
