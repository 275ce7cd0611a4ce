"""A page in Chromium, driven by its DevTools protocol over aiohttp's WebSocket: keys in, values of scripts out."""

import asyncio
import itertools
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

QUIET = [
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",  # a camera
    "--use-fake-ui-for-media-stream",  # and leave to use it
]
CODES = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Delete": 46}


def find_browser() -> str:
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return next((path for path in found if path), "") or pytest.skip("no Chromium here to look at the page with")


class Page:
    """A tab of the browser."""

    def __init__(self, devtools: aiohttp.ClientWebSocketResponse) -> None:
        self.devtools = devtools
        self.ids = itertools.count()

    async def call(self, method: str, **params: Any) -> Any:
        call_id = next(self.ids)
        await self.devtools.send_json({"id": call_id, "method": method, "params": params})
        while (answer := await self.devtools.receive_json(timeout=30)).get("id") != call_id:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    async def evaluate(self, script: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def wait_for(self, script: str, seconds: float = 20) -> Any:
        """Return the value of a script as soon as it is true."""
        for _ in range(int(seconds * 50)):
            if value := await self.evaluate(script):
                return value
            await asyncio.sleep(0.02)
        raise AssertionError(f"{script}: {await self.evaluate('document.body.innerText')}")

    async def press(self, *keys: str) -> None:
        for key in keys:
            text = {} if len(key) > 1 else {"text": key}
            code = CODES.get(key, ord(key[0].upper()))
            for kind in ("keyDown", "keyUp"):
                await self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    async def choose(self, selector: str, files: list[str]) -> None:
        """Choose files in an input, as a person does in a dialogue."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = await self.call("DOM.querySelector", nodeId=root, selector=selector)
        await self.call("DOM.setFileInputFiles", files=[str(Path(file).resolve()) for file in files], **node)

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)


@asynccontextmanager
async def open_page(profile: Path) -> AsyncIterator[Page]:
    """Start Chromium with an empty page; end it, and no other, at the end."""
    # Chromium refuses to run as root with its sandbox, and containers have nobody else.
    command = [find_browser(), "--headless", "--no-sandbox", *QUIET, "--remote-debugging-port=0"]
    process = subprocess.Popen([*command, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL)
    try:
        ready = profile / "DevToolsActivePort"
        for _ in range(1000):
            if ready.exists() and ready.read_text().count("\n"):
                break
            await asyncio.sleep(0.02)
        port = ready.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as session:
            targets = await (await session.get(f"http://127.0.0.1:{port}/json/list")).json()
            [address] = [target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"]
            async with session.ws_connect(address, max_msg_size=0) as devtools:
                yield Page(devtools)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
