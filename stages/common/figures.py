"""Draw with matplotlib, without a screen: what all figures share."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from stages.common.files import atomic_write

matplotlib.use("agg")

# The colours of Okabe and Ito, which people with a colour-vision deficiency can tell apart too.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]
matplotlib.rcParams["axes.prop_cycle"] = cycler(color=COLOURS)


def write_figure(figure: Figure, path: Path) -> None:
    """Save a figure as PNG and close it."""
    with atomic_write(path) as unfinished:
        figure.savefig(unfinished, dpi=120)
    plt.close(figure)
