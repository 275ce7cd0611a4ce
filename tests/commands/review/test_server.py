"""The server: who is refused, and that names reach the page as text."""

import asyncio
import errno
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from aiohttp import ClientSession, web
from PIL import Image

from commands.review import __main__ as command
from commands.review import server as module
from commands.review.server import MAX_UPLOAD, Secrets, make_app
from stages.common.cli import UserError
from stages.common.paths import CORRECTIONS
from tests.commands.review.examples import CLASSES, photo, write_lists
from tests.conftest import run_main


class Server:
    """A server, which answers while it is asked, as a browser would."""

    def __init__(self, loop: asyncio.AbstractEventLoop, keys: Secrets, port: int) -> None:
        self.loop, self.keys, self.origin = loop, keys, f"http://127.0.0.1:{port}"

    def ask(self, path: str, method: str = "GET", token: str | None = None, **options: Any) -> tuple[int, bytes]:
        headers = {"Origin": self.origin} if method == "POST" else {}
        address = f"{self.origin}/{self.keys.token if token is None else token}/{path}"
        return self.request(method, address, headers=headers | options.pop("headers", {}), **options)[:2]

    def request(self, method: str, address: str, **options: Any) -> tuple[int, bytes, Any]:
        """Return the status, the content and the headers of an answer."""

        async def send() -> tuple[int, bytes, Any]:
            async with ClientSession() as session, session.request(method, address, **options) as answer:
                return answer.status, await answer.read(), answer.headers

        status, content, headers = self.loop.run_until_complete(send())
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        return status, content, headers


@pytest.fixture
def server(workspace: Path) -> Iterator[Server]:
    write_lists()
    with asyncio.Runner() as loop, socket.create_server(("127.0.0.1", 0)) as listening:
        keys, port = Secrets(), listening.getsockname()[1]
        runner = web.AppRunner(make_app(keys, port), access_log=None)
        loop.run(runner.setup())
        loop.run(web.SockSite(runner, listening).start())
        yield Server(loop.get_loop(), keys, port)
        loop.run(runner.cleanup())


PATHS = ["", "review.js", "project", "photos?count=9", "photos?search=nonesuch", f"photo?path={photo('$', 0)}"]
STRANGE = [{"Host": "example.org"}, {"Host": "example.org:80"}, {"Origin": "http://example.org"}, {"Origin": "null"}]


def test_only_the_own_page_is_answered(server: Server) -> None:
    for path in PATHS:
        assert server.ask(path)[0] == 200, path
        for token in ("", "x", server.keys.token[:-1], "%ff", server.keys.once):
            assert server.ask(path, token=token)[0] in (400, 404), path
        for headers in STRANGE:
            assert server.ask(path, headers=headers)[0] == 403, path
    body = json.dumps({photo("$", 0): '"'})
    for headers in STRANGE:
        assert server.ask("decide", "POST", data=body, headers=headers)[0] == 403
    address = f"{server.origin}/{server.keys.token}/decide"
    assert server.request("POST", address, data=body)[0] == 403  # without an origin
    assert server.ask("decide", "POST", token="x", data=body)[0] == 404  # noqa: S106
    assert CORRECTIONS.read_text() == "path,label\n"


def test_the_first_address_works_once(server: Server) -> None:
    address = f"{server.origin}/enter/{server.keys.once}"
    for status in (303, 404):
        answered, _, headers = server.request("GET", address, allow_redirects=False)
        assert answered == status
        assert (headers.get("Location") == f"/{server.keys.token}/") == (status == 303)


@pytest.mark.usefixtures("workspace")
def test_a_browser_is_opened_and_ctrl_c_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, though a request is still being sent."""
    write_lists()
    pages: list[bytes] = []
    upload = socket.socket()

    def browse(address: str) -> None:
        try:
            page = urlopen(address)  # noqa: S310 (its own)
            pages.append(page.read())
            url = urlsplit(page.url)
            lines = f"POST {url.path}decide HTTP/1.1", f"Host: {url.netloc}", f"Origin: http://{url.netloc}"
            upload.connect((url.hostname, url.port))
            upload.sendall("\r\n".join([*lines, "Content-Length: 9", "", ""]).encode())
            time.sleep(0.5)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("webbrowser.open", browse)
    start = time.monotonic()
    with upload:
        run_main(command)
    assert time.monotonic() - start < 30
    assert b"<title>Review" in pages[0]


@pytest.mark.usefixtures("workspace")
def test_a_missing_list_of_issues_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    write_lists()
    monkeypatch.setattr(web, "run_app", lambda _, sock, **__: sock.close())
    run_main(command, "--no-browser")
    assert "dvc repro" not in caplog.text
    Path("plots/label_issues/mobilenet_v2_pooled.csv").unlink()
    run_main(command, "--no-browser")
    assert "`dvc repro label_issues@mobilenet_v2_pooled`" in caplog.text


def test_a_port_in_use_is_one_line(server: Server) -> None:
    port = server.origin.rpartition(":")[2]
    with pytest.raises(UserError, match=rf"^--port: expected a free port of 127.0.0.1, received {port} \("):
        run_main(command, "--port", port)


def test_a_full_disk_is_answered(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write_decisions", mock.Mock(side_effect=OSError(errno.ENOSPC, "full")))
    status, content = server.ask("decide", "POST", data=json.dumps({photo("$", 0): "$"}))
    assert (status, b"not enough disk space" in content) == (500, True)


def test_only_photos_of_the_lists_are_served(server: Server) -> None:
    Path("data/raw/2/secret.jpg").write_bytes(Path(photo("$", 0)).read_bytes())
    status, content = server.ask("photo", params={"path": photo("$", 0), "size": "small"})
    assert status == 200
    assert Image.open(BytesIO(content)).size == (30, 20)
    address = f"{server.origin}/{server.keys.token}/photo"
    headers = server.request("GET", address, params={"path": photo("$", 0)})[2]
    assert server.ask("photo", params={"path": photo("$", 0), "size": "huge"})[0] == 400
    assert headers["Cache-Control"] == "private, max-age=60"  # for the next photo, and not for one that has changed
    others = ["data/raw/2/secret.jpg", "data/raw/notes.txt", "params.yaml", "/etc/passwd", f"./{photo('$', 0)}", ""]
    for path in [*others, "data/raw/../raw/2/0.jpg"]:
        assert server.ask("photo", params={"path": path})[0] == 404, path
    for path in ("../params.yaml", "%2e%2e/params.yaml", "server.py", "..%2fserver.py"):
        assert server.ask(path)[0] == 404, path


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"data/raw/notes.txt": "$"}), 409),
        (json.dumps({photo("$", 0): "nonesuch"}), 409),
        (json.dumps({photo("$", 0): 3}), 400),
        (json.dumps([photo("$", 0)]), 400),
        ("{", 400),
        ("[" * 100_000, 400),
        ("x" * (MAX_UPLOAD + 1), 413),
    ],
)
def test_decisions_that_do_not_fit_are_refused(server: Server, body: str, status: int) -> None:
    assert server.ask("decide", "POST", data=BytesIO(body.encode()))[0] == status
    assert CORRECTIONS.read_text() == "path,label\n"


def test_decisions_are_written_and_say_what_they_replace(server: Server) -> None:
    for label, before in ((CLASSES[1], None), ("remove", CLASSES[1]), (None, "remove")):
        status, content = server.ask("decide", "POST", data=json.dumps({photo("$", 0): label}))
        assert (status, json.loads(content)) == (200, {photo("$", 0): before})
    _, content = server.ask("photos", params={"queue": "suspects", "count": 2})
    listed = json.loads(content)
    assert (listed["total"], listed["decided"], len(listed["photos"])) == (3, 0, 2)


def test_a_photo_without_a_prediction_has_no_probability(server: Server) -> None:
    """Null: the browser could not read NaN."""
    _, content = server.ask("photos", params={"queue": "all", "count": 99})
    assert b"NaN" not in content
    assert {row["probability"] for row in json.loads(content)["photos"]} == {0.01, None}


@pytest.mark.parametrize("label", ["a line\n{},another", "no class"])
def test_a_mistake_that_a_decision_replaces_is_answered_as_none(server: Server, label: str) -> None:
    """As ``split`` would stop at it, and undo could not write it."""
    CORRECTIONS.write_text(f"path,label\n{photo('$', 0)},{label.format(photo('$', 0))}\n")
    status, content = server.ask("decide", "POST", data=json.dumps({photo("$", 0): "remove"}))
    assert (status, json.loads(content)) == (200, {photo("$", 0): None})
    assert CORRECTIONS.read_text() == f"path,label\n{photo('$', 0)},remove\n"


def test_columns_that_are_not_read_are_logged_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    CORRECTIONS.write_text("path,label,reason of Ada\n")
    for _ in range(2):
        assert server.ask("project")[0] == 200
    assert caplog.text.count("corrections.csv: columns besides path and label: 'reason of Ada'") == 1
