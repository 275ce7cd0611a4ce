"""A trained model with its classes, as it is now or was in any git revision."""

import json
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
    """A model in memory, ready to predict."""

    name: str
    model: keras.Model  # from pixels of 0..255, (batch, height, width, 3), to logits, (batch, classes)
    class_names: list[str]  # in the order of the logits

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.model.input_shape[1:3]
        return height, width


class ModelFile(NamedTuple):
    """The bytes of a trained model's file, to be loaded here or on another machine."""

    name: str
    content: bytes
    class_names: list[str]  # in the order of the logits
    origin: str  # for messages

    def load(self) -> TrainedModel:
        """Load the model.

        Raises:
            UserError: This version of Keras cannot load it.
        """
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


class ProjectFiles(NamedTuple):
    """The project's files, as they are now or were in a git revision."""

    system: Any  # a file system of fsspec
    of_revision: str  # for messages, "" for now

    def model_names(self) -> list[str]:
        try:
            paths = [Path(path) for path in self.system.ls(MODELS.as_posix(), detail=False)]
        except FileNotFoundError:
            return []
        return sorted(path.stem for path in paths if path.suffix == ".keras" and not path.name.startswith("."))

    def read(self, path: Path, advice: str | None = None) -> bytes:
        """Read a file whole; of a revision, from DVC's cache or else its remote."""
        try:
            return bytes(self.system.cat_file(path.as_posix()))
        except (OSError, DvcException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
            retry = "choose another --rev, or `dvc fetch` what it needs" if self.of_revision else "run `dvc repro`"
            raise UserError(f"expected {path}{self.of_revision}, found none ({reason}): {advice or retry}") from error


def load_trained_model(name: str | None, revision: str | None = None) -> TrainedModel:
    """Load a model with its classes; arguments and errors are those of :func:`fetch_model_file`."""
    return fetch_model_file(name, revision).load()


def fetch_model_file(name: str | None, revision: str | None = None) -> ModelFile:
    """Read the file of a model, and its classes.

    Args:
        name: of the model; None: the best, as ``metrics/best.json`` of the same revision says.
        revision: a commit, branch or tag, whose files come from DVC's cache or its remote; None: the files here.

    Raises:
        UserError: The revision does not exist, has no such model, or its files cannot be had.
    """
    files = open_project(revision)
    names = files.model_names()
    if not names:
        advice = "choose another --rev" if revision else "run `dvc repro`, or `dvc pull` where a remote has them"
        raise UserError(f"expected trained models in {MODELS}{files.of_revision}, found none: {advice}")
    if name is None:
        name = str(json.loads(files.read(BEST, "choose a model with --model"))["model"])
    if name not in names:
        raise UserError(
            f"expected a trained model{files.of_revision} ({', '.join(names)}), received {name!r}: choose with --model"
        )
    class_names = json.loads(files.read(MODELS / f"{name}.json"))["classes"]
    path = MODELS / f"{name}.keras"
    return ModelFile(name, files.read(path), class_names, f"{path}{files.of_revision}")


def open_project(revision: str | None) -> ProjectFiles:
    """Open the project's files, as they are now or, through DVC, in a git revision."""
    if revision is None:
        return ProjectFiles(LocalFileSystem(), "")
    try:
        files = DVCFileSystem(rev=revision)
        files.ls("/")  # only now does it look the revision up
    except DvcException as error:
        raise UserError(f"--rev: expected a git revision of this project, received {revision!r}: {error}") from error
    return ProjectFiles(files, f" of revision {revision}")
