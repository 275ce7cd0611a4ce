"""A page in Chromium, driven by its DevTools protocol over aiohttp's WebSocket: keys in, values of scripts out."""

import asyncio
import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

QUIET = [  # with a camera, and leave to use it
    *("--disable-gpu", "--disable-sync", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
CODES = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Delete": 46}


def find_browser() -> str:
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return next((path for path in found if path), "") or pytest.skip("no Chromium here to look at the page with")


class Page:
    """A tab of the browser."""

    def __init__(self, loop: asyncio.Runner, devtools: aiohttp.ClientWebSocketResponse) -> None:
        self.loop, self.devtools, self.ids = loop, devtools, itertools.count()

    def call(self, method: str, **params: Any) -> Any:
        async def exchange() -> Any:
            call_id = next(self.ids)
            await self.devtools.send_json({"id": call_id, "method": method, "params": params})
            while (answer := await self.devtools.receive_json(timeout=30)).get("id") != call_id:
                pass
            return answer

        answer = self.loop.run(exchange())
        assert "error" not in answer, answer
        return answer["result"]

    def evaluate(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 20) -> Any:
        """Return the value of a script as soon as it is true."""
        for _ in range(int(seconds * 50)):
            if value := self.evaluate(script):
                return value
            time.sleep(0.02)
        raise AssertionError(f"{script}: {self.evaluate('document.body.innerText')}")

    def press(self, *keys: str) -> None:
        for key in keys:
            text = {} if len(key) > 1 else {"text": key}
            code = CODES.get(key, ord(key[0].upper()))
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def choose(self, selector: str, files: list[str]) -> None:
        """Choose files in an input, as a person does in a dialogue."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)
        self.call("DOM.setFileInputFiles", files=[str(Path(file).resolve()) for file in files], **node)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)


@contextmanager
def open_page(profile: Path) -> Iterator[Page]:
    """Start Chromium with an empty page; end it, and no other, at the end."""
    # Chromium refuses to run as root with its sandbox, and containers have nobody else.
    command = [find_browser(), "--headless", "--no-sandbox", *QUIET, "--remote-debugging-port=0"]
    process = subprocess.Popen([*command, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL)
    try:
        ready = profile / "DevToolsActivePort"
        end = time.monotonic() + 20
        while not (ready.exists() and ready.read_text().count("\n")) and time.monotonic() < end:
            time.sleep(0.02)
        with asyncio.Runner() as loop:
            session, devtools = loop.run(connect(ready.read_text().splitlines()[0]))
            yield Page(loop, devtools)
            loop.run(session.close())
    finally:
        process.terminate()
        process.wait(20)


async def connect(port: str) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
    session = aiohttp.ClientSession()
    targets = await (await session.get(f"http://127.0.0.1:{port}/json/list")).json()
    [address] = [target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"]
    return session, await session.ws_connect(address, max_msg_size=0)
