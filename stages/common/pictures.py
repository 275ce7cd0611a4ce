"""Draw with matplotlib, without a screen."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from stages.common.output import replacing

matplotlib.use("agg")

# Okabe and Ito's colours, which also people with a colour-vision deficiency tell apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]


def write_picture(figure: Figure, path: Path) -> None:
    """Save a figure as PNG and forget it."""
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=120)
    plt.close(figure)
