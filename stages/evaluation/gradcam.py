"""Grad-CAM: which parts of a photo spoke for the class that a model gave (Selvaraju et al., 2017)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from stages.models.runtime import keras, layers, tf

SHOWN = 4  # photos of each kind
# What only thins out or drops features of the layer before it.
THINNING = (layers.Dropout, layers.MaxPooling2D)


def last_feature_layer(model: keras.Model) -> int:
    """Find the layer with the last feature maps: the last convolution, or the backbone as a whole.

    Args:
        model: a chain of layers, as ``build_model`` makes them; a backbone is one of them.

    Returns:
        Its place in ``model.layers``.
    """
    return max(
        place
        for place, layer in enumerate(model.layers)
        if len(layer.output.shape) == 4 and not isinstance(layer, THINNING)
    )


def heat_maps(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Weigh each feature map by how much the log-odds of the class given rise with it, and add them up.

    The paper takes the class's logit. But softmax knows only differences of logits: of a model whose logits all fall
    with what it sees, and that of the right class the least, its maps stay empty (as 5 of 8 of ``fine_tuned`` did on
    photos of cats and dogs).

    Args:
        model: takes pixels and gives logits.
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).

    Returns:
        float32 in 0..1, shaped (photos, height, width): 1 where the photo spoke loudest for the class, 0 where
        it said nothing for it.
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
        given = tf.one_hot(tf.argmax(logits, axis=1), logits.shape[1], on_value=True, off_value=False)
        others = tf.reduce_logsumexp(tf.where(given, -np.inf, logits), axis=1)
        log_odds = tf.reduce_max(logits, axis=1) - others
    gradient = tf.cast(tape.gradient(log_odds, features), tf.float32)  # both may be bfloat16
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * tf.cast(features, tf.float32), axis=3)).numpy()
    heat /= np.maximum(heat.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    height, width = pixels.shape[1:3]
    return np.stack([np.asarray(Image.fromarray(of).resize((width, height), Image.Resampling.BILINEAR)) for of in heat])


def choose_photos(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose photos to look at: some right ones, evenly from the whole list, and the most confident mistakes.

    Returns:
        Both as places in the list, at most ``SHOWN`` each.
    """
    is_right = probabilities.argmax(axis=1) == labels
    right, wrong = np.flatnonzero(is_right), np.flatnonzero(~is_right)
    spread = np.linspace(0, len(right) - 1, min(SHOWN, len(right))).round().astype(int)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return right[spread], wrong[surest[:SHOWN]]


def draw_heat(name: str, pixels: np.ndarray, heat: np.ndarray, titles: list[str]) -> Figure:
    """Draw each photo and, below it, the same photo under its heat map."""
    columns = min(SHOWN, len(titles))
    rows = -(-len(titles) // columns)
    figure, grid = plt.subplots(
        2 * rows, columns, figsize=(2.2 * columns + 0.8, 4.6 * rows + 0.5), squeeze=False, layout="constrained"
    )
    figure.suptitle(f"{name}: what in a photo spoke for the answer (Grad-CAM), with its probability")
    for axes in grid.flat:
        axes.set_axis_off()
    for number, title in enumerate(titles):
        row, column = divmod(number, columns)
        photo, overlay = grid[2 * row : 2 * row + 2, column]
        photo.imshow(pixels[number])
        photo.set_title(title, fontsize="medium")
        overlay.imshow(pixels[number])
        drawn = overlay.imshow(heat[number], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
    figure.colorbar(drawn, ax=grid, shrink=0.6, label="nothing (0) to most (1) for the class given")
    return figure
