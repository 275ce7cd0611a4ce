"""The page in a real browser, used by its keys alone."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from stages.common.paths import BEST
from stages.storage.files import write_json
from tests.commands.review.browser import Page, open_page
from tests.commands.review.examples import CLASSES, photo, write_lists
from tests.commands.small_model import save_small_model
from tests.conftest import PROJECT
from tests.project import started

pytestmark = pytest.mark.slow

PHOTO = "document.getElementById('single')?.hidden === false && document.getElementById('path').textContent"
STATUS = "document.getElementById('status')?.textContent"


@pytest.fixture
def page(workspace: Path) -> Iterator[Page]:
    with open_page(workspace / "profile") as opened:
        yield opened


@contextmanager
def server() -> Iterator[str]:
    """Start the command in the current folder, and kill it as a crash would; yield its address."""
    program = ["env", f"PYTHONPATH={PROJECT}", sys.executable, "-m", "commands.review", "--no-browser"]
    with started(Path.cwd(), *program) as process:
        [address] = re.findall(r"http://\S+", process.stdout.readline() if process.stdout else "")
        yield address


def shows(page: Page, text: str) -> None:
    """Wait until a photo, or the progress, is shown."""
    page.wait_for(f"[{PHOTO}, {STATUS}].some((shown) => shown && shown.includes({text!r}))")


def corrections() -> dict[str, str]:
    return dict(pd.read_csv("corrections.csv").to_numpy())


def test_a_crash_in_mid_review_loses_nothing(page: Page) -> None:
    """Also with names that are markup elsewhere, each of which has a key."""
    suspects = write_lists()
    with server() as address:
        page.open(address)
        shows(page, suspects[0])
        keys = page.evaluate("[...document.querySelectorAll('#classes button')].map((key) => key.innerText)")
        assert keys == [f"{index + 1}{name}" for index, name in enumerate(sorted(CLASSES))]
        page.press("x", "u", "3", "s", "b", "k")  # faster than the server answers
        shows(page, "2 of 3 decided")
    page.press("x")
    page.wait_for("document.getElementById('error').textContent.includes('corrections.csv')")
    corrected = {suspects[0]: sorted(CLASSES)[2], suspects[1]: CLASSES[1]}
    assert corrections() == corrected
    with server() as address:
        page.open(address)
        shows(page, suspects[2])
        page.press("x")
        shows(page, "3 of 3 decided")
        page.wait_for("document.getElementById('summary').innerText.includes('last run: 3.')")
        page.evaluate("queue.value = 'all'; search.value = '0/2.jpg'; search.oninput()")
        shows(page, photo("<b>", 2))
        page.press("x")
        shows(page, "1 of 1 decided")
        removed = [suspects[2], photo("<b>", 2), photo("<b>", 4)]  # the last is a copy of the one before
        assert corrections() == corrected | dict.fromkeys(removed, "remove")


def test_decisions_undone_one_by_one_skip_no_photo(page: Page) -> None:
    """Also where the list of decisions, which becomes shorter, is longer than what the page asks for at a time."""
    write_lists(per_class=22)
    paths = sorted(photo(label, number) for label in CLASSES for number in range(22))
    pd.DataFrame({"path": paths, "label": "remove"}).to_csv("corrections.csv", index=False)
    with server() as address:
        page.open(address)
        shows(page, "of 3 decided")
        page.evaluate("queue.value = 'decided'; queue.oninput()")
        shows(page, f"1: {paths[0]}")
        page.press("u", "g", "u")
        page.wait_for(f"document.querySelector('#grid img')?.alt === {paths[2]!r}")
        page.press("g")
        for number, path in enumerate(paths[2:], 1):
            shows(page, f"{number}: {path} ")
            page.press("s")
        shows(page, "end of the list, 64 of 64 decided")
        page.evaluate("queue.value = 'all'; queue.oninput()")
        shows(page, f"1: {paths[0]}")
        key = {"type": "keyDown", "key": "x", "text": "x", "windowsVirtualKeyCode": ord("X")}
        for is_held in (False, True, True):
            page.call("Input.dispatchKeyEvent", autoRepeat=is_held, **key)
        shows(page, f"2: {paths[1]} ")
        time.sleep(0.2)
        shows(page, f"2: {paths[1]} ")  # a key that is held down decides once


def test_of_many_classes_one_is_found_by_its_name(page: Page) -> None:
    suspects = write_lists([*(f"class {number:03}" for number in range(200)), "long " * 20 + "name"], suspects=1)
    with server() as address:
        page.open(address)
        shows(page, suspects[0])
        assert page.evaluate("document.getElementById('class').offsetWidth") <= 256, "no room for the photo"
        page.press("/", *"123", "Enter")
        shows(page, "1 of 1 decided")
        assert corrections() == {suspects[0]: "class 123"}


WAYS_IN = {
    "dropped": 'new DragEvent("drop", { dataTransfer: data, bubbles: true })',
    "pasted": 'new ClipboardEvent("paste", { clipboardData: data, bubbles: true })',
}


def test_a_photo_is_classified_however_it_comes(page: Page) -> None:
    write_lists()
    save_small_model("good", CLASSES)
    write_json({"model": "good"}, BEST)
    with server() as address:
        page.open(address.replace("#review", "#try"))
        page.wait_for(f"{STATUS} === 'good is ready'", 60)
        page.choose("#files", [photo("$", 0), "params.yaml"])
        page.wait_for("document.getElementById('error').textContent.includes('cannot be decoded')")
        article = page.wait_for("document.querySelector('article')?.innerText")
        assert article.startswith("0.jpg, good, ")
        assert all(name in article for name in [*CLASSES, "Grad-CAM", "No nearest training photos"])
        assert page.evaluate("[...document.querySelectorAll('article img')].every((image) => image.naturalWidth > 0)")
        for way, event in WAYS_IN.items():
            script = f"""
                const content = atob(document.querySelector("article img").src.split(",")[1]);
                const photo = Uint8Array.from(content, (character) => character.charCodeAt(0));
                const data = new DataTransfer();
                data.items.add(new File([photo], "{way}.jpg"));
                document.dispatchEvent({event});"""
            page.evaluate(f"{{{script}}}")
            page.wait_for(f"{STATUS}.startsWith('{way}.jpg: ')")
        page.evaluate("document.getElementById('camera').click()")  # the browser's own, of a test picture
        page.wait_for("document.getElementById('video').videoWidth")
        page.evaluate("document.getElementById('shoot').click()")
        page.wait_for(f"{STATUS}.startsWith('camera.jpg: ')")
