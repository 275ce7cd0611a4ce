"""The server: who is refused, and that names reach the page as text."""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from PIL import Image

from commands.review.server import MAX_UPLOAD, Secrets, make_app
from stages.common.paths import CORRECTIONS
from tests.commands.review.examples import CLASSES, photo, write_lists

pytestmark = pytest.mark.usefixtures("workspace")


class Server:
    """A running server, asked as a browser would."""

    def __init__(self, session: ClientSession, keys: Secrets, port: int) -> None:
        self.session, self.keys, self.origin = session, keys, f"http://127.0.0.1:{port}"

    async def ask(self, path: str, method: str = "GET", token: str | None = None, **options: Any) -> tuple[int, bytes]:
        headers = {"Origin": self.origin} if method == "POST" else {}
        headers |= options.pop("headers", {})
        address = f"{self.origin}/{self.keys.token if token is None else token}/{path}"
        async with self.session.request(method, address, headers=headers, **options) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            return answer.status, await answer.read()


def serve(scenario: Callable[[Server], Awaitable[None]]) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            keys, port = Secrets(), listening.getsockname()[1]
            runner = web.AppRunner(make_app(keys, port), access_log=None)
            await runner.setup()
            await web.SockSite(runner, listening).start()
            async with ClientSession() as session:
                await scenario(Server(session, keys, port))
            await runner.cleanup()

    asyncio.run(main())


PATHS = ["", "review.js", "project", "photos?count=9", f"photo?path={photo('$', 0)}", "rerun"]


def test_only_the_own_page_is_answered() -> None:
    write_lists()

    async def scenario(server: Server) -> None:
        for path in PATHS:
            assert (await server.ask(path))[0] == 200, path
            for token in ("", "x", server.keys.token[:-1], "%ff", server.keys.once or ""):
                assert (await server.ask(path, token=token))[0] in (400, 404), path
            for headers in (
                {"Host": "example.org"},
                {"Host": "example.org:80"},
                {"Origin": "http://example.org"},
                {"Origin": "null"},
            ):
                assert (await server.ask(path, headers=headers))[0] == 403, path
        body = json.dumps({photo("$", 0): '"'})
        for headers in ({"Origin": "http://example.org"}, {"Origin": "null"}, {"Host": "example.org"}):
            assert (await server.ask("decide", "POST", data=body, headers=headers))[0] == 403
        async with server.session.post(f"{server.origin}/{server.keys.token}/decide", data=body) as answer:
            assert answer.status == 403  # without an origin
        assert (await server.ask("decide", "POST", token="x", data=body))[0] == 404  # noqa: S106
        assert CORRECTIONS.read_text() == "path,label\n"

    serve(scenario)


def test_the_first_address_works_once() -> None:
    write_lists()

    async def scenario(server: Server) -> None:
        address = f"{server.origin}/enter/{server.keys.once}"
        for status in (303, 404):
            async with server.session.get(address, allow_redirects=False) as answer:
                assert answer.status == status
                assert (answer.headers.get("Location") == f"/{server.keys.token}/") == (status == 303)

    serve(scenario)


def test_only_photos_of_the_lists_are_served() -> None:
    write_lists()
    Path("data/raw/2/secret.jpg").write_bytes(Path(photo("$", 0)).read_bytes())

    async def scenario(server: Server) -> None:
        status, content = await server.ask("photo", params={"path": photo("$", 0), "size": "small"})
        assert status == 200
        assert Image.open(BytesIO(content)).size == (30, 20)
        others = ["data/raw/2/secret.jpg", "data/raw/notes.txt", "params.yaml", "/etc/passwd", f"./{photo('$', 0)}", ""]
        for path in [*others, "data/raw/../raw/2/0.jpg"]:
            assert (await server.ask("photo", params={"path": path}))[0] == 404, path
        for path in ("../params.yaml", "%2e%2e/params.yaml", "server.py", "..%2fserver.py"):
            assert (await server.ask(path))[0] == 404, path

    serve(scenario)


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
def test_decisions_that_do_not_fit_are_refused(body: str, status: int) -> None:
    write_lists()

    async def scenario(server: Server) -> None:
        assert (await server.ask("decide", "POST", data=BytesIO(body.encode())))[0] == status
        assert CORRECTIONS.read_text() == "path,label\n"

    serve(scenario)


def test_decisions_are_written_and_say_what_they_replace() -> None:
    write_lists()

    async def scenario(server: Server) -> None:
        for label, before in ((CLASSES[1], None), ("remove", CLASSES[1]), (None, "remove")):
            status, content = await server.ask("decide", "POST", data=json.dumps({photo("$", 0): label}))
            assert (status, json.loads(content)) == (200, {photo("$", 0): before})
        _, content = await server.ask("photos", params={"queue": "suspects", "count": 2})
        listed = json.loads(content)
        assert (listed["total"], listed["decided"], len(listed["photos"])) == (3, 0, 2)

    serve(scenario)


def test_columns_that_are_not_read_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    write_lists()
    CORRECTIONS.write_text("path,label,reason of Ada\n")
    caplog.set_level(logging.INFO)

    async def scenario(server: Server) -> None:
        for _ in range(2):
            assert (await server.ask("project"))[0] == 200

    serve(scenario)
    assert [message for message in caplog.messages if "reason of Ada" in message] == [
        "corrections.csv: columns that are not read: reason of Ada"
    ]
