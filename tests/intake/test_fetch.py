"""Downloads from a real server on this machine that misbehaves."""

import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stages import download
from stages.common.paths import RAW
from stages.common.program import UserError
from tests.conftest import CNN_ALONE

pytestmark = pytest.mark.usefixtures("hurry")

buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("cats/0.jpg", bytes(range(256)) * 1000)
ARCHIVE = buffer.getvalue()


class Misbehaving(BaseHTTPRequestHandler):
    """Answers each path in its own bad way; counts the tries."""

    tries: dict[str, int] = {}  # noqa: RUF012 (the server makes a handler per request; what they share is this)

    def do_GET(self) -> None:
        self.tries[self.path] = self.tries.get(self.path, 0) + 1
        first_tries = self.tries[self.path] < 3
        match self.path:
            case "/good.zip":
                self.answer(ARCHIVE)
            case "/redirect.zip":
                self.send_response(302)
                self.send_header("Location", "/good.zip")
                self.end_headers()
            case "/heals.zip" if first_tries:
                self.send_error(500)
            case "/drops.zip" if first_tries:
                self.answer(ARCHIVE[: len(ARCHIVE) // 2], length=len(ARCHIVE))
            case "/hangs.zip" if first_tries:
                time.sleep(3)
            case "/heals.zip" | "/drops.zip" | "/hangs.zip":
                self.answer(ARCHIVE)
            case "/broken.zip":
                self.send_error(503)
            case "/always-drops.zip":
                self.answer(ARCHIVE[:1000], length=len(ARCHIVE))
            case "/short.zip":
                self.answer(ARCHIVE, length=1000)
            case "/forbidden.zip":
                self.send_error(403)
            case "/login.zip":
                self.answer(b"<!DOCTYPE html><title>Sign in</title>")
            case _:
                self.send_error(404)

    def answer(self, body: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body[:length])
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Keep the tests' output to the tests."""


@pytest.fixture
def server() -> Iterator[str]:
    Misbehaving.tries = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def fetch(server: str, name: str, set_params: Callable[..., None]) -> None:
    set_params({"download.photos": f"{server}/{name}", **CNN_ALONE})
    download.main()


@pytest.mark.parametrize(
    ("name", "tries"), [("good.zip", 1), ("redirect.zip", 1), ("heals.zip", 3), ("drops.zip", 3), ("hangs.zip", 3)]
)
def test_a_fault_that_passes_is_outlasted(
    workspace: Path, server: str, set_params: Callable[..., None], name: str, tries: int
) -> None:
    fetch(server, name, set_params)
    assert (RAW / "cats/0.jpg").read_bytes() == bytes(range(256)) * 1000
    assert Misbehaving.tries[f"/{name}"] == tries


@pytest.mark.parametrize(
    ("name", "tries", "message"),
    [
        ("broken.zip", 4, r"cannot fetch .*503"),
        ("always-drops.zip", 4, r"cannot fetch "),
        ("forbidden.zip", 1, r"cannot fetch .*403"),
        ("missing.zip", 1, r"expected a file or folder at .*missing.zip', found none"),
        ("short.zip", 1, r"expected a zip or tar archive, received a file that starts with b'PK"),
        ("login.zip", 1, r"expected a zip or tar archive, received a file that starts with b'<!DOCTYPE html>"),
    ],
)
def test_a_fault_that_lasts_is_one_line_and_leaves_nothing(
    workspace: Path, server: str, set_params: Callable[..., None], name: str, tries: int, message: str
) -> None:
    with pytest.raises(UserError, match=f"^download.photos: {message}") as error:
        fetch(server, name, set_params)
    assert "\n" not in str(error.value)
    assert Misbehaving.tries[f"/{name}"] == tries
    assert not any(Path("data").iterdir())
