"""The report as a page of HTML."""

import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from stages.common.cli import UserError
from stages.common.paths import BEST
from stages.evaluation.figures import write_figure
from stages.evaluation.plots import draw_mistakes
from stages.evaluation.report import escape, markdown_table
from stages.page import figures_by_section, main, page
from tests.evaluation.test_report import page as report_page
from tests.evaluation.test_report import wrong_on

NAME = "<script>alert(1)</script> $x$ *y* [z](http://example.org) a|b `c` \\d _e_ __f__ g_h ~~i~~ &amp; &"
VOID = {"meta", "img", "hr", "br"}


class Elements(HTMLParser):
    """What a page consists of; refuses tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []  # tag, attributes, the tags around it
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), list(self.open)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_each_section_ends_with_its_figures_inside_the_page(tmp_path: Path) -> None:
    """Those like a photo as JPEG, which is smaller."""
    chart, photo = tmp_path / "chart.png", tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "white").save(chart)
    Image.effect_noise((64, 64), 50).save(photo)
    html = page("# Report\n\n## One\n\nfirst\n\n## Two\n", {"One": {chart: "A chart"}, "Two": {photo: "Photos"}})
    figure = r'first</p>\s*<figure .*--readable: 29px"><img src="data:image/png;base64,[^"]+" alt="A chart">.*<h2>Two'
    assert re.search(figure, html, re.DOTALL)
    [content] = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert Image.open(BytesIO(base64.b64decode(content))).size == (64, 64)
    assert html.count("<img") == 2


@pytest.mark.usefixtures("workspace")
def test_the_figure_of_one_mistake_fits_a_phone() -> None:
    """Of 390 pixels, of which the page's padding takes 32."""
    Image.new("RGB", (8, 8)).save("photo.png")
    path = Path("plots/mistakes/one.png")
    mistake = {"path": ["photo.png"], "label": "cats", "predicted": "dogs", "confidence": 0.9}
    write_figure(draw_mistakes("preprocessed", pd.DataFrame(mistake)), path)
    html = page("## One\n", {"One": {path: "Mistakes"}})
    [readable] = re.findall(r"--readable: (\d+)px", html)
    assert int(readable) < 390 - 32
    assert re.findall(r"img [^\n]*max-width: ([^;]+);", html) == ["max(100%, var(--readable))", "100%"]


def test_names_arrive_as_text() -> None:
    table = markdown_table(pd.DataFrame({"class": [NAME]}))
    elements = Elements(page(f"# Report\n\n## One\n\n- {escape(NAME)}\n\n{table}\n", {}))
    assert elements.text.count(NAME) == 2
    assert r"\$x\$" in table, "or GitHub shows mathematics"
    assert not {"script", "a", "em"} & {tag for tag, _, _ in elements.found}


def test_a_class_notifies_nobody_and_hides_nothing() -> None:
    """A comment on GitHub would notify a person of that name, and link to another pull request."""
    names = ["@octocat", "cats/@octocat #1", "猫@octocat", "a@b\u202egpj", "~~i~~"]
    table = markdown_table(pd.DataFrame({"class": names}))
    assert "a@b" in table
    assert "~~" not in table  # in which GitHub strikes text through
    text = Elements(page(table, {})).text.replace("\u2060", "")
    assert all(name in text for name in ("@octocat", "cats/@octocat #1", "猫@octocat", r"a@b\u202egpj"))


def test_the_report_is_well_formed_and_its_tables_scroll() -> None:
    report = report_page(one=wrong_on(0), two=wrong_on(1, 2))
    elements = Elements(page(report, {}))
    around = [tags[-1] for tag, _, tags in elements.found if tag == "table"]
    assert around == ["div"] * 5
    lines = [line for line in report.splitlines() if line.startswith("|")]
    cells = sum(line.count(" | ") + 1 for line in lines)
    tags = [tag for tag, _, _ in elements.found]
    assert tags.count("td") + 2 * tags.count("th") == cells, "a rule below each header is no row"


def test_all_figures_have_their_section_in_the_report(workspace: Path) -> None:
    figures = figures_by_section("one", ["vgg"])
    paths = [path for pictures in figures.values() for path in pictures]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    html = page(report_page(one=wrong_on(0)), figures)
    assert re.findall(r"<figcaption>.*<code>(.*)</code>", html) == [str(path) for path in paths]
    assert html == page(report_page(one=wrong_on(0)), figures)
    judged = re.findall(r'<figure .*class="photos".*<code>(.*)</code>; .*make review', html)
    assert judged == ["plots/label_issues/vgg.png", "plots/mistakes/one.png"]
    assert "`make review`" in report_page(one=wrong_on(0))


@pytest.mark.usefixtures("workspace")
def test_files_of_a_removed_label_issues_entry_are_refused() -> None:
    Path("plots/label_issues").mkdir(parents=True)
    for name in (".gitkeep", "mobilenet_v2_pooled.csv", "my-copy.csv"):
        Path("plots/label_issues", name).touch()
    with pytest.raises(UserError, match=r"move or delete plots/label_issues/my-copy.csv$"):
        main()


@pytest.mark.usefixtures("workspace")
def test_a_missing_file_or_damaged_json_is_named_in_one_line() -> None:
    png = BytesIO()
    Image.effect_noise((64, 64), 50).save(png, "png")
    files = {"metrics/best.json": b'{"model": "one"}', "metrics/report.md": b"## Coverage\n", "plots/coverage.png": b""}
    for name, content in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        with pytest.raises(UserError, match=rf"^expected {name}, found none: run `dvc repro`$"):
            main()
        Path(name).write_bytes(content)
    for content in (b"", b"a note", png.getvalue()[:500], png.getvalue()[:50] + bytes(500)):
        Path("plots/coverage.png").write_bytes(content)
        with pytest.raises(UserError, match=r"^expected a figure in plots/coverage.png, received other content: run"):
            main()
    for damaged in ("<<<<<<< HEAD", '["one"]', '{"model": 1}'):
        BEST.write_text(damaged)
        with pytest.raises(UserError, match=rf"^expected .* in {BEST}, received .*: run `dvc repro`$"):
            main()
    assert not Path("metrics/report.html").exists()
