"""A trained model with its classes, as it is now or was in any git revision."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import BadZipFile

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import UserError, first_line, shown
from stages.common.params import ConfidenceSettings
from stages.common.paths import BEST, MODELS
from stages.inference.confidence import Confidence, asks_for_any, fit_confidence
from stages.inference.logits import load_model
from stages.inference.out_of_distribution import with_features
from stages.models.runtime import keras
from stages.storage.files import json_value

logger = logging.getLogger(__name__)


class TrainedModel(NamedTuple):
    """A model in memory, ready to predict."""

    name: str
    model: keras.Model  # from pixels of 0..255, (batch, height, width, 3), to logits, (batch, classes)
    class_names: list[str]  # in the order of the logits
    confidence: Confidence = Confidence()
    with_features: keras.Model | None = None  # also gives the features that ``confidence.notes`` needs

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
    validation: bytes | None = None  # of MODEL.npz; None: there is none, as with models trained before it existed

    def load(self, settings: ConfidenceSettings) -> TrainedModel:
        """Load the model, or raise UserError where this version of Keras cannot."""
        confidence = self.confidence(settings)
        with TemporaryDirectory() as folder:
            path = Path(folder, f"{self.name}.keras")
            path.write_bytes(self.content)
            try:
                model = load_model(path)
                extended = with_features(model) if confidence.unlike_above is not None else None
                return TrainedModel(self.name, model, self.class_names, confidence, extended)
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise UserError(
                    f"{self.origin}: expected a model that Keras {keras.__version__} can load: "
                    f"{first_line(error)}: train it again"
                ) from error

    def confidence(self, settings: ConfidenceSettings) -> Confidence:
        """Fit to the validation photos what the settings ask for, or log that it cannot be done."""
        if self.validation is not None and asks_for_any(settings):
            try:
                fitted = fit_confidence(BytesIO(self.validation), settings)
            except (BadZipFile, EOFError, KeyError, RuntimeError, ValueError) as error:
                raise UserError(
                    f"the .npz beside {self.origin}: expected predictions on the validation photos, received a damaged "
                    "file: train the model again"
                ) from error
            if settings.out_of_distribution_fraction is not None and fitted.unlike_above is None:
                logger.warning("%s has no backbone: it calls no photo unlike the training photos", self.origin)
            return fitted
        if asks_for_any(settings):
            logger.warning(
                "%s has no predictions on the validation photos (.npz) beside it, so the section confidence of "
                "params.yaml has no effect: train it again",
                self.origin,
            )
        return Confidence()


def fetch_model_file(name: str | None, revision: str | None = None) -> ModelFile:
    """Read the files of a model.

    Args:
        name: of the model; None: the best, as ``metrics/best.json`` of the same revision says.
        revision: a commit, branch, tag or experiment, whose files come from DVC's cache or its remote;
            None: the files here.

    Raises:
        UserError: The revision does not exist, has no such model, or its files cannot be had.
    """
    of_revision = "" if revision is None else f" of revision {shown(revision)}"
    with open_files(revision) as files:

        def read(path: Path, advice: str) -> bytes:
            try:
                return bytes(files.cat_file(path.as_posix()))
            except (OSError, DvcException) as error:
                reason = getattr(error, "strerror", None) or first_line(error)
                raise UserError(f"expected {path}{of_revision}, found none ({reason}): {advice}") from error

        found = map(Path, files.ls(MODELS.as_posix(), detail=False) if files.exists(MODELS.as_posix()) else ())
        names = sorted(path.stem for path in found if path.suffix == ".keras" and not path.name.startswith("."))
        if not names:
            advice = "choose another --rev" if revision else "run `dvc repro`, or `dvc pull` where a remote has them"
            raise UserError(f"expected trained models in {MODELS}{of_revision}, found none: {advice}")
        if name is None:
            choose = "choose a model with --model"
            name = json_value(read(BEST, choose), "model", str, f"{BEST}{of_revision}", choose)
        if name not in names:
            there = ", ".join(map(shown, names))
            raise UserError(f"expected a trained model{of_revision} ({there}), received {name!r}: choose with --model")
        advice = "choose another --rev, or `dvc fetch` what it needs" if revision else "run `dvc repro`"
        about = MODELS / f"{name}.json"
        class_names = json_value(read(about, advice), "classes", list, f"{about}{of_revision}", advice)
        path = MODELS / f"{name}.keras"
        beside = path.with_suffix(".npz")
        validation = read(beside, advice) if files.exists(beside.as_posix()) else None
        return ModelFile(name, read(path, advice), class_names, f"{path}{of_revision}", validation)


@contextmanager
def open_files(revision: str | None) -> Iterator[LocalFileSystem | DVCFileSystem]:
    """Open the project's files as they are or, through DVC, as they were in a git revision."""
    if revision is None:
        yield LocalFileSystem()
        return
    try:
        # DVCFileSystem(rev=...) would look for the project at the root of the git repository, wherever it is in it.
        with Repo() as repo, repo.switch(resolve_commit(repo, revision)):
            yield DVCFileSystem(repo)
    except DvcException as error:
        raise UserError(
            f"--rev: expected a git revision of this project, received {revision!r}: {first_line(error)}: "
            "choose a commit, branch, tag or experiment"
        ) from error


def resolve_commit(repo: Repo, revision: str) -> str:
    """Return the hash of the commit that a commit, branch, tag or DVC experiment stands for.

    Raises:
        RevError: There is none: no such name, or that of a file or folder (``HEAD:dvc.yaml``), which git knows as well.
    """
    if not revision:  # HEAD to DVC
        raise RevError("it is empty")
    try:
        git_object = resolve_rev(repo.scm, revision)
    except (RevError, UnicodeError) as error:
        raise RevError(f"unknown Git revision {revision!r}") from error
    try:
        return str(resolve_rev(repo.scm, f"{git_object}^{{commit}}"))
    except RevError as error:
        raise RevError("it is a file or a folder, not a commit") from error
