"""Draw with matplotlib, without a screen: what all figures share."""

import logging
from functools import cache
from pathlib import Path
from textwrap import wrap
from unicodedata import bidirectional

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font, get_font_names
from matplotlib.rcsetup import cycler
from matplotlib.text import Text
from PIL import Image

from stages.storage.files import atomic_write

logger = logging.getLogger(__name__)

matplotlib.use("agg")

# The colours of Okabe and Ito, which people with a colour-vision deficiency can tell apart too.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]
matplotlib.rcParams["axes.prop_cycle"] = cycler(color=COLOURS)
# Names of classes and files are no formulas, whatever stands between two "$".
matplotlib.rcParams["text.parse_math"] = False
# Letters that matplotlib's own font lacks (it has Latin, Greek, Cyrillic, Arabic and Hebrew ones) are taken from the
# next that is installed here: of Linux, macOS, Windows. The last, also matplotlib's, has a box for each script.
CJK_FONTS = ["Noto Sans CJK JP", "Arial Unicode MS", "Microsoft YaHei", "Malgun Gothic"]
FONTS = ["DejaVu Sans", *(name for name in CJK_FONTS if name in get_font_names())]
matplotlib.rcParams["font.family"] = [*FONTS, "Last Resort High-Efficiency"]

LEFT_TO_RIGHT = "\u200e"  # a mark that is not drawn


def picture_grid(figure: Figure, rows: int, columns: int, anchor: str = "C") -> np.ndarray:
    """Add axes for pictures to a figure, without anything around them.

    They have no ticks at all, as matplotlib takes longer to lay out invisible ones than to draw a picture.

    Returns:
        The axes, shaped (rows, columns).
    """
    bare = {"xticks": [], "yticks": [], "anchor": anchor}
    grid: np.ndarray = figure.subplots(rows, columns, squeeze=False, subplot_kw=bare)
    for axes in grid.flat:
        axes.set_axis_off()
    return grid


def caption(*lines: str) -> str:
    """Wrap the lines that stand above a picture of a grid, so that long names do not run into the next picture's."""
    wrapped = [part for line in lines for part in wrap(line, 28)]
    if any(bidirectional(letter) in ("R", "AL") for line in lines for letter in line):
        # A line that begins with an Arabic or Hebrew name would run from right to left: the classes would be swapped.
        wrapped = [f"{LEFT_TO_RIGHT}{line}" for line in wrapped]
    return "\n".join(wrapped)


def write_figure(figure: Figure, path: Path) -> None:
    """Save a figure as PNG and close it; log which letters of its texts are boxes, as no font has them."""
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
    logger.warning(
        "figures have boxes for %s, which none of their fonts has: for Chinese, Japanese or Korean letters install %s "
        "and delete %s; no other letters can be added",
        letters,
        CJK_FONTS[0],
        matplotlib.get_cachedir(),
    )
