"""The page in a real browser, used by its keys alone."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pandas as pd
import pytest

from stages.common.paths import BEST
from stages.storage.files import write_json
from tests.commands.review.browser import Page, open_page
from tests.commands.review.examples import CLASSES, photo, write_lists
from tests.commands.small_model import save_small_model
from tests.conftest import PROJECT
from tests.project import environment

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workspace")]

PHOTO = "document.getElementById('single')?.hidden === false && document.getElementById('path').textContent"
STATUS = "document.getElementById('status')?.textContent"


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Start the command in a folder, and kill it as a crash would; yield it and its address."""
    command = [sys.executable, "-m", "commands.review", "--no-browser"]
    env = environment(folder) | {"PYTHONPATH": str(PROJECT)}
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=env, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        [address] = re.findall(r"http://\S+", (await process.stderr.readline()).decode())
        yield process, address
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def shows(page: Page, text: str) -> None:
    """Wait until a photo, or the progress, is shown."""
    await page.wait_for(f"[{PHOTO}, {STATUS}].some((shown) => shown && shown.includes({text!r}))")


def test_a_crash_in_mid_review_loses_nothing(tmp_path: Path) -> None:
    """Also with names that are markup elsewhere, each of which has a key."""
    suspects = write_lists()
    copy = photo("<b>", 4)

    async def scenario() -> None:
        async with open_page(tmp_path / "profile") as page:
            async with server(tmp_path) as (_, address):
                await page.open(address)
                await shows(page, suspects[0])
                keys = await page.evaluate(
                    "[...document.querySelectorAll('#classes button')].map((key) => key.innerText)"
                )
                assert keys == [f"{index + 1}{name}" for index, name in enumerate(sorted(CLASSES))]
                await page.press("x", "u", "3", "s", "b", "k")  # faster than the server answers
                await shows(page, "2 of 3 decided")
            await page.press("x")
            await page.wait_for("document.getElementById('error').textContent.includes('corrections.csv')")
            corrected = {suspects[0]: sorted(CLASSES)[2], suspects[1]: CLASSES[1]}
            assert dict(pd.read_csv("corrections.csv").to_numpy()) == corrected
            async with server(tmp_path) as (_, address):
                await page.open(address)
                await shows(page, suspects[2])
                await page.press("x")
                await shows(page, "3 of 3 decided")
                await page.wait_for("document.getElementById('summary').innerText.includes('train@linear')")
                await page.evaluate("queue.value = 'all'; search.value = '0/2.jpg'; search.oninput()")
                await shows(page, photo("<b>", 2))
                await page.press("x")
                await shows(page, "1 of 1 decided")
                decisions = dict(pd.read_csv("corrections.csv").to_numpy())
                assert decisions == corrected | dict.fromkeys([suspects[2], photo("<b>", 2), copy], "remove")

    asyncio.run(scenario())


def test_decisions_undone_one_by_one_skip_no_photo(tmp_path: Path) -> None:
    """Also where the list of decisions, which becomes shorter, is longer than what the page asks for at a time."""
    write_lists(per_class=22)
    paths = sorted(photo(label, number) for label in CLASSES for number in range(22))
    pd.DataFrame({"path": paths, "label": "remove"}).to_csv("corrections.csv", index=False)

    async def scenario() -> None:
        async with open_page(tmp_path / "profile") as page, server(tmp_path) as (_, address):
            await page.open(address)
            await shows(page, "of 3 decided")
            await page.evaluate("queue.value = 'decided'; queue.oninput()")
            await shows(page, f"1: {paths[0]}")
            await page.press("u", "g", "u")
            await page.wait_for(f"document.querySelector('#grid img')?.alt === {paths[2]!r}")
            await page.press("g")
            for number, path in enumerate(paths[2:], 1):
                await shows(page, f"{number}: {path} ")
                await page.press("s")
            await shows(page, "end of the list, 64 of 64 decided")
            await page.evaluate("queue.value = 'all'; queue.oninput()")
            await shows(page, f"1: {paths[0]}")
            key = {"type": "keyDown", "key": "x", "text": "x", "windowsVirtualKeyCode": ord("X")}
            for is_held in (False, True, True):
                await page.call("Input.dispatchKeyEvent", autoRepeat=is_held, **key)
            await shows(page, f"2: {paths[1]} ")
            await asyncio.sleep(0.2)
            await shows(page, f"2: {paths[1]} ")  # a key that is held down decides once

    asyncio.run(scenario())


def test_of_many_classes_one_is_found_by_its_name(tmp_path: Path) -> None:
    suspects = write_lists([f"class {number:03}" for number in range(200)], suspects=1)

    async def scenario() -> None:
        async with open_page(tmp_path / "profile") as page, server(tmp_path) as (_, address):
            await page.open(address)
            await shows(page, suspects[0])
            await page.press("/", *"123", "Enter")
            await shows(page, "1 of 1 decided")
            assert dict(pd.read_csv("corrections.csv").to_numpy()) == {suspects[0]: "class 123"}

    asyncio.run(scenario())


WAYS_IN = {
    "dropped": 'new DragEvent("drop", { dataTransfer: data, bubbles: true })',
    "pasted": 'new ClipboardEvent("paste", { clipboardData: data, bubbles: true })',
}


def test_a_photo_is_classified_however_it_comes(tmp_path: Path) -> None:
    write_lists()
    save_small_model("good", CLASSES)
    BEST.parent.mkdir()
    write_json({"model": "good"}, BEST)

    async def scenario() -> None:
        async with open_page(tmp_path / "profile") as page, server(tmp_path) as (_, address):
            await page.open(address.replace("#review", "#try"))
            await page.wait_for(f"{STATUS} === 'good is ready'", 60)
            await page.choose("#files", [photo("$", 0), "params.yaml"])
            await page.wait_for("document.getElementById('error').textContent.includes('cannot be decoded')")
            article = await page.wait_for("document.querySelector('article')?.innerText")
            assert article.startswith("0.jpg, good, ")
            assert all(name in article for name in [*CLASSES, "Grad-CAM", "No nearest training photos"])
            pictures = "[...document.querySelectorAll('article img')].every((picture) => picture.naturalWidth > 0)"
            assert await page.evaluate(pictures)
            for way, event in WAYS_IN.items():
                script = f"""
                    const content = atob(document.querySelector("article img").src.split(",")[1]);
                    const photo = Uint8Array.from(content, (character) => character.charCodeAt(0));
                    const data = new DataTransfer();
                    data.items.add(new File([photo], "{way}.jpg"));
                    document.dispatchEvent({event});"""
                await page.evaluate(f"{{{script}}}")
                await page.wait_for(f"{STATUS}.startsWith('{way}.jpg: ')")
            await page.evaluate("document.getElementById('camera').click()")  # the browser's own, of a test picture
            await page.wait_for("document.getElementById('video').videoWidth")
            await page.evaluate("document.getElementById('shoot').click()")
            await page.wait_for(f"{STATUS}.startsWith('camera.jpg: ')")

    asyncio.run(scenario())
