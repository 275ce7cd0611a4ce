"""Matplotlib's settings, and what all figures share: grids of photos, captions, writing, a cache."""

import pickle
from collections.abc import Iterable, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from unicodedata import bidirectional

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font, get_font_names
from matplotlib.rcsetup import cycler
from matplotlib.text import Text
from PIL import Image

from stages.common.cli import logger
from stages.common.machine import read_code
from stages.common.paths import FIGURES
from stages.photos.decode import explain_undecodable, thumbnail
from stages.storage.arrays import read_cached, write_cached
from stages.storage.files import atomic_write, content_hash

matplotlib.rcdefaults()  # not those of a person's matplotlibrc

# The palette of Okabe and Ito, distinct also to readers with a colour-vision deficiency.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]
matplotlib.rcParams["axes.prop_cycle"] = cycler(color=COLOURS)
# Do not parse $...$ in names as math.
matplotlib.rcParams["text.parse_math"] = False
# Matplotlib's own font has Latin, Greek, Cyrillic, Arabic and Hebrew glyphs; others come from the first installed font
# of Linux, macOS or Windows. The last, also matplotlib's, has a box for each script.
CJK_FONTS = ["Noto Sans CJK JP", "Arial Unicode MS", "Microsoft YaHei", "Malgun Gothic"]
FONTS = ["DejaVu Sans", *(name for name in CJK_FONTS if name in get_font_names())]
matplotlib.rcParams["font.family"] = [*FONTS, "Last Resort High-Efficiency"]

MAX_CAPTION_LETTERS = 112  # of a line before it is wrapped to four
LEFT_TO_RIGHT = "\u200e"  # an invisible mark
DRAWING_CODE = ("common/*.py", "evaluation/*.py", "photos/*.py")


def largest_and_smallest(counts: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return at most ``rows`` of a row per class: all, or half with the most and half with the fewest in ``train``."""
    if len(counts) <= rows:
        return counts
    ordered = counts.sort_values("train", ascending=False, kind="stable")
    return pd.concat([ordered.head(rows // 2), ordered.tail(rows // 2)])


def picture_grid(figure: Figure, rows: int, columns: int, anchor: str = "C") -> np.ndarray:
    """Add bare axes for pictures to a figure, and return them, shaped (rows, columns)."""
    # No ticks at all, as matplotlib takes longer to lay out invisible ones than to draw a picture.
    bare = {"xticks": [], "yticks": [], "anchor": anchor}
    grid: np.ndarray = figure.subplots(rows, columns, squeeze=False, subplot_kw=bare)
    for axes in grid.flat:
        axes.set_axis_off()
    return grid


def draw_photos(title: str, paths: Sequence[str], captions: Iterable[str], columns: int, row_height: float) -> Figure:
    """Draw thumbnails row by row, each below its caption, in up to ``columns``; ``row_height`` is in inches."""
    columns = max(1, min(columns, len(paths)))
    rows = -(-len(paths) // columns)
    width = max(2.2 * columns, 0.1 * len(title))
    figure = plt.figure(figsize=(width, row_height * rows + 0.5), layout="constrained")
    figure.suptitle(title)
    grid = picture_grid(figure, rows, columns, "N").flat if paths else ()
    for axes, path, text in zip(grid, paths, captions, strict=False):
        axes.imshow(listed_thumbnail(path))
        axes.set_title(text, fontsize="medium")
    return figure


def listed_thumbnail(path: str) -> Image.Image:
    with explain_undecodable(path):
        return thumbnail(path)


def shorten(text: str, letters: int) -> str:
    """Elide the middle of a long text: classes that are confused often begin with the same words."""
    half = letters // 2
    return text if len(text) <= letters else f"{text[: half - 1]}…{text[-half:]}"


def caption(*lines: str) -> str:
    """Wrap the lines above a picture of a grid, so that long names do not run into the next picture's."""
    wrapped = [part for line in lines for part in wrap(shorten(line, MAX_CAPTION_LETTERS), 28)]
    if any(bidirectional(letter) in ("R", "AL") for line in lines for letter in line):
        # A line that begins with an Arabic or Hebrew name would run from right to left, and exchange the classes.
        wrapped = [f"{LEFT_TO_RIGHT}{line}" for line in wrapped]
    return "\n".join(wrapped)


def write_figure(figure: Figure, path: Path) -> None:
    """Save a figure as PNG and close it; warn of letters that no installed font has."""
    letters = {letter for text in figure.findobj(Text) for letter in text.get_text() if letter.isprintable()}
    fonts = [get_font(findfont(name)) for name in FONTS]
    if missing := sorted(letter for letter in letters if not any(font.get_char_index(ord(letter)) for font in fonts)):
        warn_of_boxes("".join(missing))
    figure.dpi = 120
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # once, where savefig draws everything twice
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])  # type: ignore[no-untyped-call]
    with atomic_write(path) as unfinished:
        picture.save(unfinished, compress_level=3)  # a third of the time that the default takes, for 3 % more bytes
    plt.close(figure)


@cache  # once, though many figures have the same class names
def warn_of_boxes(letters: str) -> None:
    text = "figures have boxes for %s, which no font has: for Chinese, Japanese or Korean install %s and delete %s"
    logger.warning(text, letters, CJK_FONTS[0], matplotlib.get_cachedir())


class FigureCache:
    """Figures in ``data/figures/`` by the hash of the code, the versions, the function that draws and its arguments."""

    def __init__(self, photos: Iterable[str]) -> None:  # hashes of the photos of which figures show thumbnails
        versions = [version(name) for name in ("matplotlib", "numpy", "Pillow")]
        self.key = content_hash([*photos, *read_code(DRAWING_CODE), *versions, *FONTS])
        self.used: set[Path] = set()

    def write(self, draw: partial[Figure], path: Path) -> None:
        """Write a figure to ``path``, drawn or as it is cached."""
        key = content_hash([self.key, np.frombuffer(pickle.dumps(draw), np.uint8)])
        cached = FIGURES / f"{key}.npz"
        self.used.add(cached)
        if arrays := read_cached(cached, key):
            with atomic_write(path) as unfinished:
                unfinished.write_bytes(arrays["png"].tobytes())
        else:
            write_figure(draw(), path)
            write_cached(cached, key, png=np.frombuffer(path.read_bytes(), np.uint8))

    def delete_unused(self) -> None:
        for path in {*FIGURES.glob("*.npz"), *FIGURES.glob("*.png")} - self.used:  # PNGs are of earlier versions
            path.unlink()
