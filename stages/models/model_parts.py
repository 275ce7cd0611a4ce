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


def hash_backbone(path: Path) -> str | None:
    """Hash the layers of a saved model up to its frozen backbone, or return None if it has none."""
    with ZipFile(path) as archive:
        layers = json.loads(archive.read(CONFIG))["config"]["layers"]
        names = [layer["config"]["name"] for layer in layers]
        if "backbone" not in names:
            return None
        weights = BytesIO(archive.read(WEIGHTS))
    paths = list[str]()
    with h5py.File(weights) as file:
        file.visit(paths.append)
        items = [file[path] for path in paths if path.startswith(FROZEN)]
        arrays = [item[()] for item in items if isinstance(item, h5py.Dataset)]  # one may be a scalar
    return content_hash([json.dumps(layers[: names.index("backbone") + 1]), *arrays])


def read_linear_head(path: Path) -> LinearHead | None:
    """Read the head of a saved model, or return None if the model is not a linear classifier on a backbone."""
    with ZipFile(path) as archive:
        layers = json.loads(archive.read(CONFIG))["config"]["layers"]
        if [layer["config"]["name"] for layer in layers[-3:]] != ["backbone", "pooling", "logits"]:
            return None
        weights = BytesIO(archive.read(WEIGHTS))
    with h5py.File(weights) as file:
        return LinearHead(file[KERNEL][:], file[BIAS][:])


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
