"""Copies from a real server on this machine that misbehaves, and from a folder."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from stages.common.cli import UserError
from stages.data import fetch
from stages.data.fetch import Source
from tests.conftest import pack_photos, packed_files, write_photos

pytestmark = pytest.mark.usefixtures("hurry")

PHOTO = bytes(range(256)) * 1000  # never decoded here


class Misbehaving(BaseHTTPRequestHandler):
    """Answers each path in its own bad way; counts the attempts."""

    attempts: dict[str, int] = {}  # noqa: RUF012 (the server makes a handler per request; what they share is this)

    def do_GET(self) -> None:
        self.attempts[self.path] = self.attempts.get(self.path, 0) + 1
        is_early = self.attempts[self.path] < 3
        match self.path:
            case "/redirect.jpg":
                self.answer(status=302, headers={"Location": "/good.jpg"})
            case "/redirects.jpg":
                self.answer(status=302, headers={"Location": self.path})
            case "/drops.jpg" if is_early:
                self.answer(PHOTO[: len(PHOTO) // 2], headers={"Content-Length": str(len(PHOTO))})
            case "/hangs.jpg" if self.attempts[self.path] == 1:
                time.sleep(3)
            case "/always-drops.jpg":
                self.answer(PHOTO[:1000], headers={"Content-Length": str(len(PHOTO))})
            case "/short.jpg":
                self.answer(PHOTO[:1000])
            case "/no-http.jpg":
                self.wfile.write(PHOTO)
                self.close_connection = True
            case "/private.jpg" if "Authorization" not in self.headers:
                self.send_error(401)
            case "/login.jpg":
                self.answer(b"<!DOCTYPE html><title>Sign in</title>")
            case "/403.jpg" | "/404.jpg" | "/503.jpg":
                self.send_error(int(self.path[1:4]))
            case "/429.jpg" if is_early:
                self.answer(status=429, headers={"Retry-After": ["20", "1000"][self.attempts[self.path] - 1]})
            case "/recovers.jpg" if is_early:
                self.send_error(500)
            case _:
                self.answer(PHOTO)

    def answer(self, body: bytes = b"", status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
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
    ("name", "attempts"), [("good", 1), ("redirect", 1), ("recovers", 3), ("drops", 3), ("hangs", 2)]
)
def test_a_transient_error_is_retried(server: str, tmp_path: Path, name: str, attempts: int) -> None:
    Source(f"{server}/{name}.jpg", "download.photos").copy_file(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == PHOTO
    assert Misbehaving.attempts[f"/{name}.jpg"] == attempts


@pytest.mark.parametrize(
    ("name", "attempts", "message"),
    [
        ("503", 4, "cannot fetch .*503"),
        ("always-drops", 4, "cannot fetch "),
        ("403", 1, "cannot fetch .*403"),
        ("404", 1, "expected a file or folder at .*404.jpg', found none"),
        ("redirects", 10, "cannot fetch .*TooManyRedirects"),
        ("no-http", 1, "cannot fetch .{,800}$"),
        ("private", 1, "cannot fetch .*401"),
        ("short", 1, "expected the SHA-256 0{64}, received [0-9a-f]{64}: "),
        ("login", 1, "expected the SHA-256 0{64}, received [0-9a-f]{64}: "),
    ],
)
def test_a_lasting_error_is_one_line(server: str, tmp_path: Path, name: str, attempts: int, message: str) -> None:
    with pytest.raises(UserError, match=rf"^key: {message}[^\n]*$"):
        Source(f"{server}/{name}.jpg", "key").copy_file(tmp_path / "copy", "0" * 64)
    assert Misbehaving.attempts[f"/{name}.jpg"] == attempts


def test_a_server_is_given_the_time_that_it_asks_for(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As seconds, up to a maximum; and the usual time if it asks for none."""
    delays = mock.Mock()
    monkeypatch.setattr("stages.data.fetch.time.sleep", delays)
    monkeypatch.setattr("stages.data.fetch.RETRY_DELAYS_S", (1, 3))
    for name in ("429", "recovers"):
        Source(f"{server}/{name}.jpg", "key").copy_file(tmp_path / "copy")
    assert [call.args for call in delays.call_args_list] == [(20,), (120,), (1,), (3,)]


def test_a_password_is_from_the_url_or_netrc(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No message shows it."""
    address = server.removeprefix("http://")
    Source(f"http://me:p%40ss@{address}/private.jpg", "key").copy_file(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == PHOTO
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    Source(f"{server}/private.jpg", "key").copy_file(tmp_path / "copy")
    with pytest.raises(UserError, match=f"at 'http://{address}/404.jpg', found none"):
        Source(f"http://me:p%40ss@{address}/404.jpg", "key").copy_file(tmp_path / "copy")


def test_a_proxy_is_from_the_environment(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server)
    Source("http://photos.invalid/good.jpg", "key").copy_file(tmp_path / "copy")
    assert Misbehaving.attempts == {"http://photos.invalid/good.jpg": 1}


def test_ctrl_c_while_fetching_is_one_line(server: str, tmp_path: Path) -> None:
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # background jobs ignore it
        "from pathlib import Path; from stages.common.cli import run; from stages.data.fetch import Source; "
        f"run(lambda: Source('{server}/hangs.jpg', 'key').copy_file(Path('{tmp_path}/copy')))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        while not Misbehaving.attempts and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.communicate()[1] == "stopped: run the same command again (a training run resumes)\n"


def test_a_web_page_is_not_a_folder(server: str) -> None:
    assert not Source(f"{server}/login.jpg", "download.photos").is_folder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two photos."""
    write_photos(tmp_path / "photos/cats", 2)
    return tmp_path / "photos"


def packed(folder: Path) -> list[str]:
    """Pack a folder and list what arrived."""
    pack_photos(folder, folder.with_name("packed"))
    return list(packed_files(folder.with_name("packed")))


@pytest.mark.parametrize("name", ["a::b", "zip::b", "cats-1::cats-2", "file:", "50%25", "x[1]*?#"])
def test_a_name_like_a_url_is_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(folder)
    write_photos(folder / name, 1)
    source = Source(name, "download.photos")
    assert source.is_folder()
    source.pack_folder(folder.parent)
    assert list(packed_files(folder.parent)) == ["0.jpg"]
    Source(f"{name}/0.jpg", "download.labels").copy_file(folder / "copy")
    assert (folder / "copy").read_bytes() == (folder / name / "0.jpg").read_bytes()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("a::b", "'a::b', in which :: separates paths: the first is not in the second, as in zip://FOLDER::ARCHIVE"),
        ("https://127.0.0.1/a.zip::zip://cats", "the first is not in the second, .*; in a URL :: is %3A%3A"),
        ("http://127.0.0.1/a.zip?name=b::c", "in which :: separates paths: the first is not in the second"),
        ("memory://photos::cats-1", "in which :: separates paths: the first is not in the second"),
        ("a::photos", "in which :: separates paths: Protocol not known: photos"),
        ("zip://a.zip", "received 'zip://a.zip': .*directory"),
        ("tar://::cats/0.jpg", "separates paths: "),
        *((url, f"expected a path or a URL that fsspec reads, received '{url}': ") for url in ("github://a", "ftp://")),
        ("file://localhost/a b\n", r"b\\n' \('.*/localhost/a b\\n'\), found none: correct it"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of fsspec's ftp://
def test_a_url_that_leads_nowhere_is_one_line(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^download.photos: .*{message}[^\n]*$"):
        Source(url, "download.photos").copy_file(tmp_path / "copy")


def test_a_file_is_copied_where_no_link_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on exFAT."""
    (tmp_path / "photos.zip").write_text("photos")
    monkeypatch.setattr(Path, "symlink_to", mock.Mock(side_effect=OSError(errno.ENOSYS, "not there")))
    Source(str(tmp_path / "photos.zip"), "download.photos").copy_file(tmp_path / "copy", may_link=True)
    assert (tmp_path / "copy").read_text() == "photos"


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("may_link", [False, True])
def test_a_pipe_or_a_device_is_not_read(tmp_path: Path, kind: str, may_link: bool) -> None:
    """Reading it may have no end."""
    os.mkfifo(tmp_path / "pipe")
    source = {"pipe": tmp_path / "pipe", "device": "/dev/zero"}[kind]
    with pytest.raises(UserError, match=f"^download.labels: expected .* received .*{source}, .* a pipe or a device"):
        Source(str(source), "download.labels").copy_file(tmp_path / "copy", may_link=may_link)


@pytest.mark.parametrize("limit", [0, fetch.MAX_BUFFERED])
def test_a_folder_is_packed_byte_for_byte(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Large files, too, which are not read into memory."""
    monkeypatch.setattr(fetch, "MAX_BUFFERED", limit)
    monkeypatch.setattr(fetch, "RAW", folder)
    assert packed(folder) == ["cats/0.jpg", "cats/1.jpg"]
    files = packed_files(folder.with_name("packed"))
    assert files == {name: (folder / name).read_bytes() for name in files}
    assert {path.name for path in folder.parent.iterdir()} == {"packed", "photos"}, "no copy is left"


def test_files_of_a_bucket_are_fetched_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None ends before eight have begun."""
    bucket, together = MemoryFileSystem(), threading.Barrier(8)
    for number in range(32):
        bucket.pipe(f"/bucket/cats/{number}.jpg", b"%d" % number)
    cat_file = MemoryFileSystem.cat_file

    def wait(*arguments: Any, **options: Any) -> Any:
        together.wait(timeout=20)
        return cat_file(*arguments, **options) + b", after eight"

    monkeypatch.setattr(MemoryFileSystem, "async_impl", True)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", wait)
    Source("memory://bucket", "download.photos").pack_folder(tmp_path)
    assert packed_files(tmp_path) == {f"cats/{number}.jpg": b"%d, after eight" % number for number in range(32)}


def test_transient_errors_of_local_files_are_retried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [TimeoutError("busy"), ConnectionError("reset"), b"0", b"1"]
    monkeypatch.setattr(LocalFileSystem, "cat_file", mock.Mock(side_effect=answers))
    pack_photos(folder, folder.with_name("packed"))
    assert packed_files(folder.with_name("packed")) == {"cats/0.jpg": b"0", "cats/1.jpg": b"1"}


@pytest.mark.parametrize(
    ("files", "error", "attempts", "raised"),
    [
        (LocalFileSystem, PermissionError(errno.EACCES, "Permission denied"), 1, UserError),
        (LocalFileSystem, OSError(errno.EIO, "Input/output error"), 1, OSError),
        (LocalFileSystem, OSError(errno.EMFILE, "Too many open files"), 1, OSError),
        (LocalFileSystem, MemoryError(), 1, MemoryError),
        (MemoryFileSystem, OSError(errno.EIO, "InternalError"), 4, UserError),  # of a server, as s3fs reports it
        (MemoryFileSystem, OSError(errno.ENOSPC, "No space left on device"), 1, OSError),
    ],
)
def test_failures_of_this_machine_are_not_blamed_on_photos(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: Any, error: Exception, attempts: int, raised: Any
) -> None:
    get_file = mock.Mock(side_effect=error)
    monkeypatch.setattr(files, "get_file", get_file)
    url = str(folder / "cats/0.jpg") if files is LocalFileSystem else "memory://cats/0.jpg"
    with pytest.raises(raised) as failure:
        Source(url, "download.photos").copy_file(folder / "copy")
    assert get_file.call_count == attempts
    assert failure.value is error or str(failure.value).startswith("download.photos: cannot fetch ")


@pytest.mark.parametrize("inner", ["cats", "cats/more"])
def test_an_unreadable_folder_is_not_left_out(folder: Path, without_access: Callable[[str], None], inner: str) -> None:
    write_photos(folder / "cats/more", 1)
    without_access(str(folder / inner))
    with pytest.raises(UserError, match=rf"^download.photos: cannot fetch .*Permission denied: '.*photos/{inner}'$"):
        packed(folder)


def test_an_unreadable_hidden_folder_is_left_out(folder: Path, without_access: Callable[[str], None]) -> None:
    """As of a disk's system, which only root may read."""
    write_photos(folder / "lost+found", 1)
    without_access(str(folder / "lost+found"))
    assert packed(folder) == ["cats/0.jpg", "cats/1.jpg"]


@pytest.mark.parametrize(("code", "raised"), [(errno.ENOENT, UserError), (errno.EIO, OSError)])
def test_a_disk_lost_while_it_is_listed_stops(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, raised: type[Exception]
) -> None:
    """Of which the rest would be all photos, if it comes back."""
    write_photos(folder / "dogs", 1)
    scandir = os.scandir

    def fail(path: Any) -> Any:
        if str(path).endswith("/dogs"):
            raise OSError(code, os.strerror(code), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(raised, match=r"photos/dogs'$"):
        packed(folder)


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("caf\udce9.jpg", "cats/0.jpg", r"names in UTF-8 .*, received 'caf\\udce9.jpg': rename it"),
        ("dogs", "cats", "received .*photos/dogs, a folder, a link to one or to nothing, a pipe or a device"),
        ("0.jpg", "nowhere.jpg", "received .*photos/0.jpg, a folder, a link to one or to nothing, "),
    ],
)
def test_unusable_names_and_links_are_refused(folder: Path, name: str, target: str, message: str) -> None:
    (folder / name).symlink_to(folder / target)
    with pytest.raises(UserError, match=message):
        packed(folder)
