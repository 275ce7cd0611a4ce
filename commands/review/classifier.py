"""A model's answer to a new photo: probabilities, a note, Grad-CAM, and the nearest training photos."""

import base64
import time
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from PIL import Image

from commands.review.queues import current_photos, state_of
from stages.common.cli import UserError
from stages.common.params import PARAMS, load_params
from stages.common.paths import BEST, MODELS
from stages.evaluation.gradcam import heat_maps
from stages.inference.calibration import normalize, parse_validation
from stages.inference.model_file import TrainedModel, fetch_model_file, model_names, open_files
from stages.inference.prediction import predict_outputs, with_features
from stages.photos.decode import THUMBNAIL_SIZE, resized_pixels, thumbnail

MAX_CLASSES = 10  # of which the probability is shown
NEAREST = 6


class Classifier(NamedTuple):
    """A trained model and, if it has a backbone, the features and paths of its training photos."""

    trained: TrainedModel
    features: np.ndarray | None  # normalised, float32, shaped (training photos, channels)
    paths: list[str]


def list_models(revision: str | None) -> dict[str, Any]:
    """Return the names of the models of a revision, and the best, if it is known: it is loaded for the first photo."""
    with open_files(revision) as files:
        names = model_names(files)
    try:
        return {"models": names, "best": load_current(None, revision).trained.name}
    except UserError:
        if not names:
            raise
        return {"models": names, "best": None}


def load_current(name: str | None, revision: str | None) -> Classifier:
    """Load a model, once for each state of the parameters and, without a revision, of the models."""
    models = [] if revision else [BEST, *MODELS.glob("*.*")]
    return load_classifier(name, revision, state_of([PARAMS, *models]))


@lru_cache(maxsize=2)
def load_classifier(name: str | None, revision: str | None, state: tuple[Any, ...]) -> Classifier:
    """Load a model of the working tree or of a git revision, as ``commands.predict`` does."""
    file = fetch_model_file(name, revision)
    trained = file.load(load_params().confidence)
    arrays = {}
    with suppress(UserError):
        arrays = parse_validation(file.validation or b"", "", "")
    if "training_paths" not in arrays:
        return Classifier(trained, None, [])
    trained = trained._replace(feature_model=with_features(trained.model))
    return Classifier(trained, normalize(arrays["training_features"]), arrays["training_paths"].tolist())


def classify_photo(content: bytes, name: str | None, revision: str | None) -> dict[str, Any]:
    """Classify a file's content, or raise UnreadablePhotoError if it cannot be decoded."""
    classifier = load_current(name, revision)
    started = time.perf_counter()
    trained, max_megapixels = classifier.trained, load_params().split.max_megapixels
    pixels = resized_pixels(content, trained.image_size, trained.image_fit, max_megapixels)[None]
    logits, features = predict_outputs(trained.predictor, pixels)
    [probabilities] = trained.calibration.probabilities(logits)
    [note] = trained.calibration.notes(logits, features)
    likeliest = np.argsort(-probabilities, kind="stable")[:MAX_CLASSES]
    heat = Image.fromarray((colormaps["inferno"](heat_maps(trained.model, pixels)[0])[..., :3] * 255).astype(np.uint8))
    return {
        "model": trained.name,
        "classes": [[trained.class_names[index], round(float(probabilities[index]), 4)] for index in likeliest],
        "note": note,
        "photo": data_url(preview(content, trained)),
        "heat": data_url(heat),
        "nearest": nearest(classifier, features),
        "milliseconds": round(1000 * (time.perf_counter() - started)),
    }


def preview(content: bytes, trained: TrainedModel) -> Image.Image:
    """Return the photo as the model sees it, but larger; the whole photo where its aspect ratio is ignored."""
    if trained.image_fit == "stretch":
        return thumbnail(content)
    height, width = trained.image_size
    scale = max(1, THUMBNAIL_SIZE // max(height, width))
    return Image.fromarray(resized_pixels(content, (scale * height, scale * width), trained.image_fit))


def nearest(classifier: Classifier, features: np.ndarray | None) -> list[dict[str, Any]]:
    """Return the training photos whose features have the largest cosine with those of a photo."""
    if features is None or classifier.features is None:
        return []
    [cosines] = normalize(features) @ classifier.features.T
    labels = current_photos().table["label"]
    paths = [(classifier.paths[index], float(cosines[index])) for index in np.argsort(-cosines)[:NEAREST]]
    return [{"path": path, "label": labels.get(path), "cosine": round(cosine, 3)} for path, cosine in paths]


def data_url(picture: Image.Image) -> str:
    content = BytesIO()
    picture.save(content, "jpeg", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
