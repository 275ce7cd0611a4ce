"""Names of classes in figures, whatever letters they have."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from stages.common.figures import write_figure


def drawn(path: Path, *names: str) -> bytes:
    """Draw a figure with these names, and return its pixels."""
    figure = plt.figure(figsize=(2, 2))
    for place, name in enumerate(names):
        figure.text(0, place / len(names), name)
    write_figure(figure, path)
    return Image.open(path).tobytes()


def test_what_stands_between_two_dollar_signs_is_no_formula(tmp_path: Path) -> None:
    assert drawn(tmp_path / "a.png", "$5_and_$6") != drawn(tmp_path / "a.png", "$5_and_6$")
    drawn(tmp_path / "a.png", r"$\frac$")  # as a formula it has nothing to divide


def test_letters_that_no_font_has_are_boxes_and_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        drawn(tmp_path / "a.png", "cat 𒀀", "𒀁\n𒀀", "عربية", "עברית", "Ελληνικά")  # cuneiform, and what is no box
    assert len(caplog.messages) == 1
    message = caplog.messages[0]
    assert message.startswith("figures have boxes for 𒀀𒀁, which none of their fonts has: for Chinese, ")
    assert message.endswith("; no other letters can be added")
