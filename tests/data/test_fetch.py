"""Copies from a real server on this machine that misbehaves."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stages.common.cli import UserError
from stages.data.fetch import Source

pytestmark = pytest.mark.usefixtures("hurry")

PHOTO = bytes(range(256)) * 1000  # never decoded here


class Misbehaving(BaseHTTPRequestHandler):
    """Answers each path in its own bad way; counts the attempts."""

    attempts: dict[str, int] = {}  # noqa: RUF012 (the server makes a handler per request; what they share is this)

    def do_GET(self) -> None:
        self.attempts[self.path] = self.attempts.get(self.path, 0) + 1
        early = self.attempts[self.path] < 3
        match self.path:
            case "/good.jpg":
                self.answer(PHOTO)
            case "/redirect.jpg":
                self.send_response(302)
                self.send_header("Location", "/good.jpg")
                self.end_headers()
            case "/recovers.jpg" if early:
                self.send_error(500)
            case "/drops.jpg" if early:
                self.answer(PHOTO[: len(PHOTO) // 2], length=len(PHOTO))
            case "/hangs.jpg" if self.attempts[self.path] == 1:
                time.sleep(3)
            case "/recovers.jpg" | "/drops.jpg" | "/hangs.jpg":
                self.answer(PHOTO)
            case "/broken.jpg":
                self.send_error(503)
            case "/always-drops.jpg":
                self.answer(PHOTO[:1000], length=len(PHOTO))
            case "/short.jpg":
                self.answer(PHOTO, length=1000)
            case "/forbidden.jpg":
                self.send_error(403)
            case "/login.jpg":
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
    Misbehaving.attempts = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(
    ("name", "attempts"),
    [("good.jpg", 1), ("redirect.jpg", 1), ("recovers.jpg", 3), ("drops.jpg", 3), ("hangs.jpg", 2)],
)
def test_a_fault_that_passes_is_survived(server: str, tmp_path: Path, name: str, attempts: int) -> None:
    Source(f"{server}/{name}", "download.photos").copy_file(tmp_path / "copy", sha256=None)
    assert (tmp_path / "copy").read_bytes() == PHOTO
    assert Misbehaving.attempts[f"/{name}"] == attempts


@pytest.mark.parametrize(
    ("name", "attempts", "message"),
    [
        ("broken.jpg", 4, "cannot fetch .*503"),
        ("always-drops.jpg", 4, "cannot fetch "),
        ("forbidden.jpg", 1, "cannot fetch .*403"),
        ("missing.jpg", 1, "expected a file or folder at .*missing.jpg', found none"),
    ],
)
def test_a_fault_that_lasts_is_one_line(server: str, tmp_path: Path, name: str, attempts: int, message: str) -> None:
    source = Source(f"{server}/{name}", "download.photos")
    with pytest.raises(UserError, match=f"^download.photos: {message}") as error:
        source.copy_file(tmp_path / "copy", sha256=None)
    assert "\n" not in str(error.value)
    assert Misbehaving.attempts[f"/{name}"] == attempts


@pytest.mark.parametrize("name", ["short.jpg", "login.jpg"])
def test_a_wrong_file_that_arrives_without_a_fault_is_fetched_once(server: str, tmp_path: Path, name: str) -> None:
    source = Source(f"{server}/{name}", "download.photos")
    with pytest.raises(UserError, match=r"^download.photos_sha256: expected 0{64}, received [0-9a-f]{64}: "):
        source.copy_file(tmp_path / "copy", "0" * 64, "download.photos_sha256")
    assert Misbehaving.attempts[f"/{name}"] == 1


def test_a_web_page_is_no_folder(server: str) -> None:
    assert not Source(f"{server}/login.jpg", "download.photos").is_folder()
