"""Figures as they are written, and names of classes in them, whatever letters they have."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from stages.common.paths import FIGURES
from stages.evaluation.figures import FigureCache, caption, largest_and_smallest, picture_grid, write_figure
from tests.conftest import PROJECT
from tests.storage.damage import DAMAGES, damaged


def drawn(path: Path, *names: str) -> bytes:
    """Draw a figure with these names, and return its pixels."""
    figure = plt.figure(figsize=(2, 2))
    for place, name in enumerate(names):
        figure.text(0, place / len(names), name)
    write_figure(figure, path)
    return Image.open(path).tobytes()


def test_a_person_s_settings_of_matplotlib_are_ignored(tmp_path: Path) -> None:
    """Those in a file, and those that a notebook makes for the programs that it starts."""
    (tmp_path / "matplotlibrc").write_text("font.size: 30\n")
    inline = "module://matplotlib_inline.backend_inline"
    settings = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "MPLBACKEND": inline}
    code = "import stages.label_stats, matplotlib as m; print(m.rcParams['font.size'], m.get_backend())"
    command, environment = [sys.executable, "-c", code], {**os.environ, **settings}
    printed = subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True).stdout
    assert printed == b"10.0 agg\n"


def test_dollar_signs_are_not_parsed_as_math(tmp_path: Path) -> None:
    assert drawn(tmp_path / "a.png", "$5_and_$6") != drawn(tmp_path / "a.png", "$5_and_6$")
    drawn(tmp_path / "a.png", r"$\frac$")  # as a formula it has nothing to divide


def test_letters_without_a_glyph_are_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        drawn(tmp_path / "a.png", "cat 𒀀", "𒀁\n𒀀", "عربية", "עברית", "Ελληνικά")  # cuneiform, and what is no box
    [message] = caplog.messages
    assert message.startswith("figures have boxes for 𒀀𒀁, which no font has")


def test_classes_of_equal_size_stay_in_their_order() -> None:
    """On any CPU: NumPy's fastest sort has an order of its own on each."""
    counts = pd.DataFrame({"train": [1, 2] * 500}, [f"{index:03}" for index in range(1000)])
    assert largest_and_smallest(counts, 4).index.tolist() == ["001", "003", "996", "998"]


def test_a_caption_is_wrapped_and_a_very_long_one_elided() -> None:
    name = "West_Highland_white_terrier_of_the_north"
    lines = caption(f"labelled {name}", "0.98 for cats").splitlines()
    assert max(map(len, lines)) <= 28
    assert "".join(lines[:-1]) == f"labelled {name}"
    assert lines[-1] == "0.98 for cats"
    # A mark, or a name read from right to left would turn the line and exchange the classes.
    assert caption("كلب misclassified as cat", "0.5") == "\u200eكلب misclassified as cat\n\u200e0.5"
    assert len(caption("a" + "b" * 1800 + "c").splitlines()) == 4
    assert re.fullmatch("ab+…b+c", caption("a" + "b" * 1800 + "c").replace("\n", ""))


def test_a_figure_has_the_pixels_that_savefig_writes(tmp_path: Path) -> None:
    """And one of pictures those of axes that are switched off."""
    for name in ("ours.png", "expected.png"):
        figure = plt.figure(figsize=(3, 2), layout="constrained")
        grid = picture_grid(figure, 1, 2) if name == "ours.png" else figure.subplots(1, 2)
        for axes in grid.flat:
            axes.set_axis_off()
            axes.imshow(np.arange(12).reshape(3, 4))
            axes.set_title("cat")
        if name == "ours.png":
            write_figure(figure, tmp_path / name)
        else:
            figure.savefig(tmp_path / name, dpi=120)
    ours, expected = (Image.open(tmp_path / name) for name in ("ours.png", "expected.png"))
    assert ours.mode == "RGB"
    np.testing.assert_array_equal(ours, expected.convert("RGB"))


def draw_empty(width: int) -> Figure:
    return plt.figure(figsize=(width, 1))


@pytest.mark.parametrize("damage", [*DAMAGES[:2], "a bit"])
def test_a_figure_is_drawn_again_where_it_is_damaged(damage: str, workspace: Path) -> None:
    path, cache = workspace / "a.png", FigureCache(["photos"])
    cache.write(partial(draw_empty, 1), path)
    before = path.read_bytes()
    path.unlink()
    with mock.patch(f"{__name__}.plt.figure", side_effect=AssertionError):
        cache.write(partial(draw_empty, 1), path)
    assert path.read_bytes() == before
    [cached] = FIGURES.iterdir()
    cached.write_bytes(damaged(cached.read_bytes(), damage))
    cache.write(partial(draw_empty, 1), workspace / "b.png")
    assert (workspace / "b.png").read_bytes() == before
    assert FigureCache(["other photos of the same names"]).key != cache.key
