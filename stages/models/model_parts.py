"""The backbone and the linear head of a saved model, read and replaced in its file without loading TensorFlow."""

import json
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

import h5py
import numpy as np

from stages.storage.files import content_hash

CHECK_BATCH = 8  # photos on which a saved model is checked at a time
# Relative to the largest logit. Measured with MobileNetV2: features stored as float16 change it by 0.02 %, a head in
# bfloat16 0.2 %, a CNN in bfloat16 up to 0.7 %; a bfloat16 backbone, folded in training alone, by 5 to 10 %.
RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 0.02, 0.01
WEIGHTS, CONFIG = "model.weights.h5", "config.json"
FROZEN = "layers/functional/", "layers/functional_1/"  # preprocessing and backbone
KERNEL, BIAS = "layers/dense/vars/0", "layers/dense/vars/1"  # of the only Dense beside the backbone


class LinearHead(NamedTuple):
    """The logits of a backbone's pooled features x are ``x @ kernel + bias``."""

    kernel: np.ndarray  # float32, shaped (channels, classes)
    bias: np.ndarray  # float32, shaped (classes,)


def read_parts(path: Path) -> tuple[str | None, LinearHead | None]:
    """Return a hash of a saved model's layers up to its frozen backbone, and its head.

    Both are None without a backbone, and the head is None if the model is not a linear classifier.
    """
    with ZipFile(path) as archive:
        layers = json.loads(archive.read(CONFIG))["config"]["layers"]
        weights = BytesIO(archive.read(WEIGHTS))  # of any model, to verify their checksum
    names = [layer["config"]["name"] for layer in layers]
    if "backbone" not in names:
        return None, None
    paths = list[str]()
    with h5py.File(weights) as file:
        file.visit(paths.append)
        items = [file[path] for path in paths if path.startswith(FROZEN)]
        arrays = [item[()] for item in items if isinstance(item, h5py.Dataset)]  # one may be a scalar
        is_linear = names[-3:] == ["backbone", "pooling", "logits"]
        head = LinearHead(file[KERNEL][:], file[BIAS][:]) if is_linear else None
    return content_hash([json.dumps(layers[: names.index("backbone") + 1]), *arrays]), head


def replace_linear_head(model: bytes, kernel: np.ndarray, bias: np.ndarray, target: Path) -> None:
    """Write a saved linear classifier with another head of the same shape: the bytes that ``save_model`` would."""
    with ZipFile(BytesIO(model)) as archive, ZipFile(target, "w") as copy:
        for name in archive.namelist():
            content = BytesIO(archive.read(name))
            if name == WEIGHTS:
                with h5py.File(content, "r+") as file:
                    file[KERNEL][:], file[BIAS][:] = kernel, bias
            copy.writestr(ZipInfo(name), content.getbuffer())


def rounding_tolerance(logits: np.ndarray) -> float:
    """Return by how much a saved model's logits may differ from those of its training."""
    return max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * float(np.abs(logits).max()))
