"""Save a model as a file whose bytes depend on the model alone."""

import json
import logging
import re
import time
import zipfile
from pathlib import Path

import numpy as np

from stages.models.runtime import keras, tf
from stages.storage.files import atomic_write

logger = logging.getLogger(__name__)

CHECK_SECONDS = 2.0  # of CPU time, of which loading MobileNetV2 takes half
CHECK_BATCH = 8
# Of the largest logit, and at least in logits. Measured with MobileNetV2: features stored as float16 change 0.02 %, a
# head in bfloat16 0.2 %, a CNN in bfloat16 up to 0.7 %; a backbone in bfloat16, whose batch normalisation was folded in
# training alone, 5 to 10 %.
RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 0.02, 0.01


def save_model(model: keras.Model, path: Path) -> None:
    """Save as a ``.keras`` file whose bytes depend on the model alone."""
    with atomic_write(path) as undated:
        dated = undated.with_suffix(".dated.keras")  # deleted with the folder of both
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(undated, "w") as target:
            for name in sorted(source.namelist()):
                # A ZipInfo of its own has the oldest date that a zip can hold, not the time of saving.
                target.writestr(zipfile.ZipInfo(name), normalize_member(name, source.read(name)))


def normalize_member(name: str, content: bytes) -> bytes:
    """Remove from a member of a ``.keras`` file what differs from save to save.

    Keras writes the time of saving into ``metadata.json``, and into ``config.json`` the memory addresses of objects
    that layers share; a consecutive number identifies such an object just as well.
    """
    match name:
        case "metadata.json":
            return json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
        case "config.json":
            numbers: dict[bytes, int] = {}
            return re.sub(
                rb'(?<="shared_object_id": )\d+',
                lambda address: b"%d" % numbers.setdefault(address[0], len(numbers)),
                content,
            )
    return content


def check_saved_model(path: Path, pixels: np.ndarray, logits: np.ndarray) -> None:
    """Check that a saved model, loaded again, computes the logits that its training did, up to rounding.

    It stops after ``CHECK_SECONDS``, and compares at least one batch.

    Args:
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).
        logits: those of the training, float32, shaped (photos, classes).

    Raises:
        RuntimeError: They differ by more.
    """
    started = time.process_time()
    model = keras.saving.load_model(path, compile=False)
    # A graph, as in training: without one a CNN in bfloat16 rounds differently, by up to 0.7 % of its largest logit.
    signature = [tf.TensorSpec((None, *pixels.shape[1:]), tf.uint8)]
    predict = tf.function(lambda photos: model(photos, training=False), input_signature=signature)
    computed: list[np.ndarray] = []
    while len(computed) < len(pixels) and (not computed or time.process_time() - started < CHECK_SECONDS):
        computed.extend(np.asarray(predict(pixels[len(computed) : len(computed) + CHECK_BATCH])))
    expected = logits[: len(computed)]
    difference = float(np.abs(computed - expected).max())
    tolerance = max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * float(np.abs(expected).max()))
    if not difference <= tolerance:  # as where one is NaN
        raise RuntimeError(
            f"expected the saved model to compute the logits of its training, received others: on {len(computed)} "
            f"validation photos they differ by up to {difference:.3g}, by rounding up to {tolerance:.3g}. No model is "
            "written, as its scores would be another's; please report this"
        )
    logger.info("the saved model agrees with its training: logits differ by at most %.2g", difference)
