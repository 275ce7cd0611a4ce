"""The page of plots and the report, drawn by a real browser that has no network."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.review.browser import find_browser
from tests.project import MODELS, run

pytestmark = pytest.mark.slow

TITLES = ["Accuracy", "Loss", "ROC on the test photos", *(f"plots/confusion/{name}.csv" for name in sorted(MODELS))]
OUTPUT = ["--virtual-time-budget=8000", "--enable-logging=stderr", "--dump-dom"]
OFFLINE = ["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--disable-component-update"]
QUIET = ["--disable-gpu", "--disable-quic", "--disable-sync", "--no-first-run"]


Page = tuple[Path, str, list[str]]  # its folder, what it consists of in the browser, and the console
browser = pytest.fixture(scope="module")(find_browser)


def render(browser: str, page: Path, profile: Path) -> tuple[str, list[str]]:
    """Load the page and return what it then consists of, and all that it wrote to the console."""
    # Chromium refuses to run as root with its sandbox, and containers have nobody else.
    command = [browser, "--headless", "--no-sandbox", *QUIET, *OFFLINE, *OUTPUT, f"--user-data-dir={profile}"]
    finished = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return finished.stdout, [line for line in finished.stderr.splitlines() if ":CONSOLE:" in line]


@pytest.fixture(scope="module")
def page(finished: Path, browser: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The finished project's page."""
    folder = tmp_path_factory.mktemp("page")
    project = Path(shutil.copytree(finished, folder / "project", symlinks=True))
    run(project, "make", "plots")
    return project / "dvc_plots", *render(browser, project / "dvc_plots/index.html", folder / "profile")


def test_every_chart_is_drawn_offline_with_its_numbers(page: Page, finished: Path) -> None:
    _, dom, console = page
    assert console == []
    drawn = [chart for chart in re.findall(r"<svg.*?</svg>", dom, re.DOTALL) if "</text>" in chart]
    assert [re.findall(r">([^<]+)</text>", chart)[-1] for chart in drawn] == TITLES, "which Vega writes last"
    for row in pd.read_csv(finished / "plots/curves.csv").query("epoch == 1").to_dict("records"):
        assert f"epoch: 1; accuracy: {row['accuracy']:g}; model: {row['model']}; split: {row['split']}" in drawn[0]


def test_every_figure_of_the_page_is_there(page: Page) -> None:
    folder, dom, _ = page
    sources = re.findall(r'<img src="([^"]+)"', dom)
    assert all((folder / source).is_file() for source in sources)
    of_all = {"calibration", "coverage", "gradcam", "label_counts", "label_issues_mobilenet_v2_pooled", "samples"}
    of_models = {f"{kind}_{name}" for kind in ("accuracy", "mistakes") for name in MODELS}
    assert {re.sub(r".*_plots_|\.png", "", source) for source in sources} == of_all | of_models


def test_the_report_opens_offline_without_a_warning(finished: Path, browser: str, tmp_path: Path) -> None:
    path = finished / "metrics/report.html"
    assert path.stat().st_size < 3_000_000
    dom, console = render(browser, path, tmp_path / "profile")
    assert console == []
    assert len(re.findall(r'<img src="data:image/(?:png|jpeg);base64,', dom)) == dom.count("<img ") == 7
    assert not re.search(r"<(?:script|link|iframe)|(?:src|href)=\"(?!data:)", dom)
