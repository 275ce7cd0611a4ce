"""Grad-CAM: the regions of a photo that a prediction rests on (Selvaraju et al., 2017)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from scipy.special import softmax

from stages.evaluation.figures import picture_grid
from stages.evaluation.plots import outcome
from stages.evaluation.results import Evaluation, TestSet
from stages.inference.prediction import KerasModel, load_model
from stages.inference.prediction_cache import PredictionCache
from stages.models.model_parts import LinearHead, read_parts
from stages.storage.files import sha256_of

SHOWN = 4  # correct photos, and mistakes


def gradcam_figure(path: Path, evaluation: Evaluation, test: TestSet, cache: PredictionCache) -> partial[Figure]:
    """Prepare the figure of some test photos for a model saved at ``path``."""
    photos = choose_photos(evaluation.photos)
    indices = photos.index.to_numpy()
    pixels = test.pixels[indices]
    captions = list(map(outcome, photos["label"], photos["predicted"], photos["confidence"]))
    _, head = read_parts(path)
    if head:
        heat = partial(linear_heat_maps, cache.feature_maps(path)[indices], head, pixels.shape[1:3])
    else:
        heat = partial(saved_heat_maps, path, sha256_of(path), pixels)
    return partial(draw_gradcam, evaluation.name, pixels, captions, heat)


def choose_photos(photos: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of up to ``SHOWN`` correct photos, evenly spaced, and of the most confident mistakes."""
    correct, wrong = photos[photos["correct"]], photos[~photos["correct"]]
    spaced = np.linspace(0, len(correct) - 1, min(SHOWN, len(correct))).round()
    mistakes = wrong.sort_values("log_odds", ascending=False, kind="stable").head(SHOWN)
    return pd.concat([correct.iloc[spaced.astype(int)], mistakes])


def draw_gradcam(name: str, pixels: np.ndarray, captions: list[str], heat_maps: Callable[[], np.ndarray]) -> Figure:
    """Draw photos and, below each, the same photo under its Grad-CAM."""
    columns = min(SHOWN, len(pixels))
    rows = -(-len(pixels) // columns)
    figure = plt.figure(figsize=(2.2 * columns + 0.8, 4.6 * rows + 0.5), layout="constrained")
    figure.suptitle(f"{name}: Grad-CAM of the predicted class on test photos")
    grid = picture_grid(figure, 2 * rows, columns)
    cells = zip(pixels, heat_maps(), captions, grid[::2].flat, grid[1::2].flat, strict=False)
    for photo, heat, title, upper, lower in cells:
        upper.imshow(photo)
        upper.set_title(title, fontsize="medium")
        lower.imshow(photo)
        image = lower.imshow(heat, cmap="inferno", alpha=0.55, vmin=0, vmax=1)
    figure.colorbar(image, ax=grid, shrink=0.6, label="Grad-CAM, relative to its maximum in the photo")
    return figure


def saved_heat_maps(path: Path, sha256: str, pixels: np.ndarray) -> np.ndarray:
    """Compute Grad-CAM by a saved model, whose hash is an argument for the ``FigureCache``."""
    return heat_maps(load_model(path), pixels)


def heat_maps(model: KerasModel, pixels: np.ndarray) -> np.ndarray:
    """Compute Grad-CAM for the predicted class of each photo.

    With the feature maps A_k and the log-odds s of the predicted class, it is ReLU(sum_k w_k A_k), where w_k is the
    mean of ds/dA_k over all positions. The paper takes the class's logit for s. But softmax depends on differences of
    logits only: where all logits fall as a feature grows, and that of the predicted class the least, the logit's map
    is empty (as 5 of 8 of ``fine_tuned`` were on photos of cats and dogs).

    The model is a chain of layers, as ``build_model`` returns it, from pixels, uint8 in 0..255, shaped (photos, height,
    width, 3), to logits. The heat maps are float32 in 0..1, shaped (photos, height, width): the maximum of each photo
    is 1, unless its map is empty.
    """
    from stages.models.runtime import tf

    last = last_feature_layer(model)
    features = tf.cast(pixels, tf.float32)
    for layer in model.layers[1 : last + 1]:  # the first is the input
        features = layer(features, training=False)
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = features
        for layer in model.layers[last + 1 :]:
            logits = layer(logits, training=False)
        predicted = tf.one_hot(tf.argmax(logits, axis=1), logits.shape[1], on_value=True, off_value=False)
        others = tf.reduce_logsumexp(tf.where(predicted, -np.inf, logits), axis=1)
        log_odds = tf.reduce_max(logits, axis=1) - others
    gradient = tf.cast(tape.gradient(log_odds, features), tf.float32)  # both may be bfloat16
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * tf.cast(features, tf.float32), axis=3)).numpy()
    return enlarge(heat, pixels.shape[1:3])


def last_feature_layer(model: KerasModel) -> int:
    """Return the index in ``model.layers`` of the last feature maps: the last convolution, or the whole backbone."""
    from stages.models.runtime import layers

    # Their outputs are values of the feature maps before them.
    subsampling = (layers.Dropout, layers.MaxPooling2D)
    maps = [len(layer.output.shape) == 4 and not isinstance(layer, subsampling) for layer in model.layers]
    return int(np.flatnonzero(maps)[-1])


def linear_heat_maps(maps: np.ndarray, head: LinearHead, image_size: tuple[int, int]) -> np.ndarray:
    """Compute the same as :func:`heat_maps` for a linear classifier, from its backbone's feature maps."""
    logits = maps.mean((1, 2), np.float32) @ head.kernel + head.bias
    predicted = logits.argmax(axis=1)
    logits[np.arange(len(logits)), predicted] = -np.inf
    weights = head.kernel[:, predicted].T - softmax(logits, axis=1) @ head.kernel.T
    return enlarge(np.maximum(np.einsum("nhwc,nc->nhw", maps, weights, dtype=np.float32), 0), image_size)


def enlarge(heat: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Scale heat maps to a maximum of 1, and to the size of the photos."""
    heat = heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    size = image_size[1], image_size[0]
    return np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BILINEAR)) for each in heat])
