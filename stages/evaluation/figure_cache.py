"""Cache of figures in ``data/figures/``: one is drawn again only if something that shapes it has changed."""

import pickle
import shutil
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from stages.common.paths import FIGURES
from stages.evaluation.figures import FONTS, write_figure
from stages.storage.files import atomic_write, content_hash

STAGES = Path(__file__).parents[1]
DRAWING_CODE = ("common/*.py", "evaluation/*.py", "photos/*.py")


class FigureCache:
    """Figures by the hash of the code, the versions, the function that draws and its arguments.

    Args:
        photos: hash of the photos of which figures show thumbnails.
    """

    def __init__(self, photos: str) -> None:
        code = [file.read_text("utf-8") for pattern in DRAWING_CODE for file in sorted(STAGES.glob(pattern))]
        versions = [version(name) for name in ("matplotlib", "numpy", "Pillow")]
        self.key = content_hash([photos, *code, *versions, *FONTS])
        self.used: set[Path] = set()

    def write(self, draw: "partial[Figure]", path: Path) -> None:
        """Write a figure to ``path``, drawn or as it is cached."""
        arguments = np.frombuffer(pickle.dumps(draw), np.uint8)
        cached = FIGURES / f"{content_hash([self.key, arguments])}.png"
        self.used.add(cached)
        if not cached.exists():
            write_figure(draw(), cached)
        with atomic_write(path) as unfinished:
            shutil.copyfile(cached, unfinished)

    def delete_unused(self) -> None:
        for path in set(FIGURES.glob("*.png")) - self.used:
            path.unlink()
