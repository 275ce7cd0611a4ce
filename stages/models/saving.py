"""Save models reproducibly, and check what was saved."""

import json
import re
import time
import zipfile
from pathlib import Path

import numpy as np

from stages.common.cli import logger
from stages.models.model_parts import CHECK_BATCH, rounding_tolerance
from stages.models.runtime import keras, tf
from stages.storage.files import atomic_write

CHECK_SECONDS = 0.5  # of CPU time, but at least one batch; loading MobileNetV2 takes longer


def save_model(model: keras.Model, path: Path) -> None:
    """Save as a ``.keras`` file whose bytes depend on the model alone."""
    with atomic_write(path) as unfinished:
        dated = unfinished.with_suffix(".dated.keras")  # in the same scratch folder
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(unfinished, "w") as target:
            for name in sorted(source.namelist()):
                # A new ZipInfo is dated 1980, not the time of saving.
                target.writestr(zipfile.ZipInfo(name), normalize_member(name, source.read(name)))


def normalize_member(name: str, content: bytes) -> bytes:
    """Replace what differs from save to save: the time, and the memory addresses of objects that layers share."""
    if name == "metadata.json":
        return json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
    if name == "config.json":
        indices: dict[bytes, int] = {}
        pattern = rb'(?<="shared_object_id": )\d+'
        return re.sub(pattern, lambda address: b"%d" % indices.setdefault(address[0], len(indices)), content)
    return content


def check_saved_model(path: Path, pixels: np.ndarray, logits: np.ndarray) -> None:
    """Raise a RuntimeError unless a saved model predicts, up to rounding, its training's logits for some photos."""
    started = time.process_time()
    model = keras.saving.load_model(path, compile=False)
    # In half precision a graph rounds as in training, which fuses operations; else it only takes time to compile.
    predict = model if keras.config.dtype_policy().name == "float32" else tf.function(model)
    computed: list[np.ndarray] = []
    while len(computed) < len(pixels) and (not computed or time.process_time() - started < CHECK_SECONDS):
        computed.extend(np.asarray(predict(pixels[len(computed) : len(computed) + CHECK_BATCH], training=False)))
    expected = logits[: len(computed)]
    difference, tolerance = float(np.abs(computed - expected).max()), rounding_tolerance(expected)
    if not difference <= tolerance:  # as where one is NaN
        raise RuntimeError(
            f"expected the saved model to compute the logits of its training, received others: on {len(computed)} "
            f"validation photos they differ by up to {difference:.3g}, by rounding up to {tolerance:.3g}. No model is "
            "written, as its scores would be another's; please report this"
        )
    logger.info("the saved model agrees with its training: logits differ by at most %.2g", difference)
