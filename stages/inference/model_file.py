"""A trained model with its classes, as it is now or was in any git revision."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, get_args
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import UserError, escape_name, first_line, logger
from stages.common.param_types import ImageFit
from stages.common.params import ConfidenceSettings
from stages.common.paths import BEST, MODELS
from stages.inference.calibration import SOFTMAX_ALONE, Calibration, fit_calibration, parse_validation
from stages.inference.prediction import KerasModel, load_model, predict_outputs, with_features
from stages.storage.arrays import ArrayStore
from stages.storage.files import json_value


class TrainedModel(NamedTuple):
    """A trained model in memory, with what turns its logits into predictions."""

    name: str
    model: KerasModel  # from pixels of 0..255, (batch, height, width, 3), to logits, (batch, classes)
    class_names: list[str]  # in the order of the logits
    calibration: Calibration = Calibration()
    feature_model: KerasModel | None = None  # the model with features as a second output, if calibration needs them
    image_fit: ImageFit = "stretch"  # of the photos that it was trained on, as of ``resized_pixels``

    @property
    def predictor(self) -> KerasModel:
        """The model that predicts all that the calibration needs."""
        return self.feature_model or self.model

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.model.input_shape[1:3]
        return height, width

    def classify(self, pixels: ArrayStore) -> pd.DataFrame:
        """Classify decoded photos, uint8 in 0..255, shaped (photos, height, width, 3).

        Returns a row per photo: its ``class``, the ``probability`` of that, a ``note`` if the calibration gives notes,
        and a column ``probability_NAME`` for each class, all rounded to six digits.
        """
        if len(pixels):
            logits, features = predict_outputs(self.predictor, pixels)
        else:
            logits, features = np.empty((0, len(self.class_names))), None
        probabilities = self.calibration.probabilities(logits)
        predicted = np.take(self.class_names, probabilities.argmax(axis=1))
        table = pd.DataFrame({"class": predicted, "probability": probabilities.max(axis=1)})
        if self.calibration.gives_notes:
            table["note"] = self.calibration.notes(logits, features)
        columns = [f"probability_{name}" for name in self.class_names]
        return table.join(pd.DataFrame(probabilities, columns=columns)).round(6)


class ModelFile(NamedTuple):
    """The bytes of a trained model, to be loaded here or on another machine."""

    name: str
    content: bytes
    class_names: list[str]  # in the order of the logits
    origin: str  # for messages
    validation: bytes | None = None  # of MODEL.npz; None: missing, as with models trained before it existed
    image_fit: ImageFit = "stretch"

    def load(self, settings: ConfidenceSettings) -> TrainedModel:
        """Load the model, or raise UserError if this version of Keras cannot."""
        calibration = self.calibrate(settings)
        with TemporaryDirectory() as folder:
            path = Path(folder, f"{self.name}.keras")
            path.write_bytes(self.content)
            try:
                model = load_model(path)
                extended = None if calibration.distance_threshold is None else with_features(model)
            except (BadZipFile, ValueError, TypeError, KeyError, OSError) as error:
                text = f"expected a model that Keras {version('keras')} can load: {first_line(error)}: train it again"
                raise UserError(f"{self.origin}: {text}") from error
        return TrainedModel(self.name, model, self.class_names, calibration, extended, self.image_fit)

    def calibrate(self, settings: ConfidenceSettings) -> Calibration:
        """Fit the calibration to the validation photos; log a warning if the files lack what a setting needs."""
        if settings == SOFTMAX_ALONE:
            return Calibration()
        if self.validation is None:
            text = "%s has no .npz beside it, so confidence in params.yaml has no effect: train it again"
            logger.warning(text, self.origin)
            return Calibration()
        arrays = parse_validation(self.validation, f"the .npz beside {self.origin}", "train the model again")
        fitted = fit_calibration(arrays, settings)
        if settings.out_of_distribution_fraction is not None and fitted.distance_threshold is None:
            logger.warning("%s has no backbone: it calls no photo unlike the training photos", self.origin)
        return fitted


def fetch_model_file(name: str | None, revision: str | None = None) -> ModelFile:
    """Read the files of a model, or raise UserError if there is no such model or revision.

    Without a name it is the best one, from ``metrics/best.json``. The revision is a commit, branch, tag or experiment,
    of which DVC's cache or its remote has the files; without one, they are those here.
    """
    where = "" if revision is None else f" of revision {escape_name(revision)}"
    rebuild = "run `dvc repro`" if revision is None else "choose another --rev, or `dvc fetch` what it needs"
    with open_files(revision) as files:

        def read(path: Path, advice: str = rebuild) -> bytes:
            try:
                return bytes(files.cat_file(path.as_posix()))
            except (OSError, DvcException) as error:
                reason = getattr(error, "strerror", None) or first_line(error)
                raise UserError(f"expected {path}{where}, found none ({reason}): {advice}") from error

        names = model_names(files)
        if not names:
            advice = "choose another --rev" if revision else "run `dvc repro`, or `dvc pull` where a remote has them"
            raise UserError(f"expected trained models in {MODELS}{where}, found none: {advice}")
        if name is None:
            advice = f"choose {'another --rev, or ' if revision else ''}a model with --model"
            name = json_value(read(BEST, advice), "model", str, f"{BEST}{where}", advice)
        if name not in names:
            known = ", ".join(map(escape_name, names))
            raise UserError(f"expected a trained model{where} ({known}), received {name!r}: choose with --model")
        path = MODELS / f"{name}.keras"
        about = read(path.with_suffix(".json"))
        source = f"{path.with_suffix('.json')}{where}"
        class_names = json_value(about, "classes", list, source, rebuild)
        image_fit = json_value(about, "image_fit", str, source, rebuild, default="stretch")
        if image_fit not in get_args(ImageFit):
            known = ", ".join(get_args(ImageFit))
            raise UserError(f"{source}: expected one of {known} as image_fit, received {image_fit!r}: {rebuild}")
        arrays = path.with_suffix(".npz")
        validation = read(arrays) if files.exists(arrays.as_posix()) else None
        return ModelFile(name, read(path), class_names, f"{path}{where}", validation, image_fit)


def model_names(files: LocalFileSystem | DVCFileSystem) -> list[str]:
    """List the trained models in the files of a project, by name."""
    # Not by `glob`, to which brackets in the name of a folder above the project would be a pattern.
    listed = map(PurePath, files.ls(MODELS.as_posix(), detail=False) if files.exists(MODELS.as_posix()) else [])
    return sorted(path.stem for path in listed if path.suffix == ".keras" and not path.name.startswith("."))


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
        text = f"expected a commit, branch, tag or experiment, received {revision!r}: {first_line(error)}"
        raise UserError(f"--rev: {text}") from error


def resolve_commit(repo: Repo, revision: str) -> str:
    """Return the hash of a commit, branch, tag or DVC experiment, or raise a RevError."""
    from pygit2 import GitError  # of DVC; not at the start, which most predictions need faster

    if not revision:  # HEAD to DVC
        raise RevError("it is empty")
    try:  # git resolves files and folders (``HEAD:dvc.yaml``), too
        commit = str(resolve_rev(repo.scm, f"{resolve_rev(repo.scm, revision)}^{{commit}}"))
    except RevError as error:
        if repo.scm.pygit2.repo.is_shallow:
            raise RevError(f"{error}, and the clone is shallow: run `git fetch --unshallow`") from error
        raise
    except UnicodeError as error:
        raise RevError("it is not in UTF-8") from error
    except GitError as error:  # of a repository of another user, or a broken ~/.gitconfig: git refuses both, too
        raise RevError(first_line(error)) from error
    objects = repo.scm.pygit2.repo
    if not has_objects(objects, objects[commit].tree_id):  # for which DVC would wait without end
        raise RevError("its files are not in this partial clone: run `git fetch --refetch --no-filter`")
    return commit


def has_objects(objects: Any, tree: Any) -> bool:
    """Return whether a git repository has all files and folders of a tree, which a partial clone may lack."""
    return tree in objects and all(
        has_objects(objects, entry.id) if entry.type_str == "tree" else entry.id in objects
        for entry in objects[tree]
        if entry.type_str != "commit"  # of a submodule
    )
