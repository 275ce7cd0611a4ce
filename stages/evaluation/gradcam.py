"""Grad-CAM: the regions of a photo that a prediction rests on (Selvaraju et al., 2017)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from stages.evaluation.figures import picture_grid
from stages.evaluation.plots import outcome
from stages.evaluation.results import Evaluation, Predictions, TestSet
from stages.models.runtime import keras, layers, tf

SHOWN = 4  # correct photos, and mistakes
SUBSAMPLING = (layers.Dropout, layers.MaxPooling2D)  # their outputs only drop some of the feature maps before them


def last_feature_layer(model: keras.Model) -> int:
    """Return the index in ``model.layers`` of the last feature maps: the last convolution, or the whole backbone."""
    maps = [len(layer.output.shape) == 4 and not isinstance(layer, SUBSAMPLING) for layer in model.layers]
    return int(np.flatnonzero(maps)[-1])


def heat_maps(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Compute Grad-CAM for the predicted class of each photo.

    With the feature maps A_k and the log-odds s of the predicted class, it is ReLU(sum_k w_k A_k), where w_k is the
    mean of ds/dA_k over all positions. The paper takes the class's logit for s. But softmax depends on differences of
    logits only: where all logits fall as a feature grows, and that of the predicted class the least, the logit's map
    is empty (as 5 of 8 of ``fine_tuned`` were on photos of cats and dogs).

    Args:
        model: a chain of layers from pixels to logits, as ``build_model`` returns it; a backbone is one layer.
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).

    Returns:
        float32 in 0..1, shaped (photos, height, width). The maximum of each photo is 1, unless its map is empty.
    """
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
    heat /= np.maximum(heat.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    size = pixels.shape[2], pixels.shape[1]
    return np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BILINEAR)) for each in heat])


def choose_photos(predictions: Predictions) -> np.ndarray:
    """Return the indices of up to ``SHOWN`` correct photos, evenly spaced, and of the most confident mistakes."""
    correct, wrong = np.flatnonzero(predictions.correct), np.flatnonzero(~predictions.correct)
    spaced = np.linspace(0, len(correct) - 1, min(SHOWN, len(correct))).round().astype(int)
    most_confident = np.argsort(-predictions.log_odds[wrong], kind="stable")
    return np.concatenate([correct[spaced], wrong[most_confident[:SHOWN]]])


def draw_gradcam(model: keras.Model, evaluation: Evaluation, test: TestSet) -> Figure:
    """Draw some test photos and, below each, the same photo under its Grad-CAM."""
    indices = choose_photos(evaluation.predictions)
    pixels = test.pixels[indices]
    labels = np.take(test.classes, evaluation.predictions.labels[indices])
    predicted = np.take(test.classes, evaluation.predictions.predicted[indices])
    captions = map(outcome, labels, predicted, evaluation.predictions.confidence[indices])
    columns = min(SHOWN, len(indices))
    rows = -(-len(indices) // columns)
    figure = plt.figure(figsize=(2.2 * columns + 0.8, 4.6 * rows + 0.5), layout="constrained")
    figure.suptitle(f"{evaluation.name}: Grad-CAM of the predicted class on test photos")
    grid = picture_grid(figure, 2 * rows, columns)
    cells = zip(pixels, heat_maps(model, pixels), captions, grid[::2].flat, grid[1::2].flat, strict=False)
    for photo, heat, title, upper, lower in cells:
        upper.imshow(photo)
        upper.set_title(title, fontsize="medium")
        lower.imshow(photo)
        image = lower.imshow(heat, cmap="inferno", alpha=0.55, vmin=0, vmax=1)
    figure.colorbar(image, ax=grid, shrink=0.6, label="Grad-CAM, relative to its maximum in the photo")
    return figure
