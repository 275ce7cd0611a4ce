"""The local server: who may ask, and what it answers. It serves the page, photos of the lists and nothing else.

Web pages elsewhere, other users of the machine and other machines are refused: the server listens on the loopback
address, each address starts with a random token, and ``Host`` and ``Origin`` must be its own.
"""

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import web

from commands.review.decisions import check_labels, count_new, read_decisions, write_decisions
from commands.review.queues import current_photos, describe, select
from stages.common.cli import UserError, machine_problem
from stages.data.labels import REMOVE
from stages.photos.decode import UnreadablePhotoError, thumbnail

EXECUTOR = ThreadPoolExecutor(1)  # of one thread: a model takes all cores for one photo
MAX_UPLOAD = 64 * 2**20  # bytes
SIZES = {"large": 1600, "small": 256}  # longer side of a served photo, in pixels
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NOT_OWN = "expected a request by this server's own page"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Secrets:
    """The token of all addresses, and that of the one with which a browser is started, which works once.

    The arguments of a program, such as the browser's, are visible to all users of a machine.
    """

    def __init__(self) -> None:
        self.token, self.once = secrets.token_urlsafe(32), secrets.token_urlsafe(32)


KEYS, HOSTS = web.AppKey("keys", Secrets), web.AppKey("hosts", set[str])


def is_equal(received: str, expected: str) -> bool:
    return hmac.compare_digest(received.encode(), expected.encode())


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse all requests but those of this server's own page; answer with the reason where one fails."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    is_own = origin == f"http://{host}" or (origin is None and request.method == "GET")
    token, keys = request.match_info.get("token", ""), request.app[KEYS]
    try:
        if host not in request.app[HOSTS] or not is_own:
            raise web.HTTPForbidden(text=NOT_OWN)
        if "once" not in request.match_info and not is_equal(token, keys.token):
            raise web.HTTPNotFound
        response = await handler(request)
    except (UserError, UnreadablePhotoError) as error:
        response = web.json_response({"error": str(error)}, status=409)
    except (ValueError, RecursionError):  # in a query or in JSON
        response = web.json_response({"error": NOT_OWN}, status=400)
    except OSError as error:
        if not (problem := machine_problem(error)):
            raise
        response = web.json_response({"error": problem}, status=500)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def make_app(keys: Secrets, port: int) -> web.Application:
    app = web.Application(middlewares=[guard], client_max_size=MAX_UPLOAD)
    app[KEYS], app[HOSTS] = keys, {f"127.0.0.1:{port}", f"localhost:{port}"}
    app.router.add_get("/enter/{once}", enter)
    app.router.add_get(r"/{token}/{file:|review\.css|review\.js|try\.js}", page)
    for handler in (project, photos, photo, models):
        app.router.add_get(f"/{{token}}/{handler.__name__}", handler)
    for handler in (decide, classify):
        app.router.add_post(f"/{{token}}/{handler.__name__}", handler)
    return app


async def enter(request: web.Request) -> web.StreamResponse:
    keys = request.app[KEYS]
    if not is_equal(request.match_info["once"], keys.once):
        raise web.HTTPNotFound
    keys.once = secrets.token_urlsafe(32)  # known to nobody
    raise web.HTTPSeeOther(f"/{keys.token}/")


async def page(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(Path(__file__).with_name(request.match_info["file"] or "review.html"))


async def project(_: web.Request) -> web.StreamResponse:
    """Answer with the classes, the number of photos in each queue, and that of decisions yet to be applied."""
    photos = current_photos()
    decisions = read_decisions(photos.table.index)
    counts = {name: len(rows) for name, rows in photos.queues.items()}
    counts["decided"] = int(photos.table.index.isin(decisions.keys()).sum())
    new = count_new(photos, decisions)
    return web.json_response({"classes": photos.classes, "remove": REMOVE, "queues": counts, "new": new})


async def photos(request: web.Request) -> web.StreamResponse:
    """Answer with some rows of a queue, how many it has and has decided, and the first that is not."""
    photos = current_photos()
    decisions = read_decisions(photos.table.index)
    rows = select(photos, decisions, request.query)
    is_decided = rows.index.isin(decisions.keys())
    start, count = (int(request.query.get(key, "0")) for key in ("start", "count"))
    first = int(is_decided.argmin()) if len(rows) else 0
    counts = {"total": len(rows), "decided": int(is_decided.sum()), "first": first}
    return web.json_response({**counts, "photos": describe(photos, decisions, rows.iloc[start : start + count])})


async def photo(request: web.Request) -> web.StreamResponse:
    """Answer with a photo of the lists, decoded and encoded again."""
    path, size = request.query.get("path", ""), request.query.get("size", "large")
    if path not in current_photos().table.index:
        raise web.HTTPNotFound
    if size not in SIZES:
        raise ValueError(f"expected one of {', '.join(SIZES)}")
    jpeg = await asyncio.to_thread(encode_photo, path, SIZES[size])
    return web.Response(body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})


def encode_photo(path: str, size: int) -> bytes:
    """Return a photo of the lists as a JPEG of at most ``size`` pixels a side."""
    content = BytesIO()
    thumbnail(path, size, current_photos().settings.max_megapixels).save(content, "jpeg", quality=88)
    return content.getvalue()


async def decide(request: web.Request) -> web.StreamResponse:
    """Write decisions, also on copies or a group if the query asks for it; answer with those that they replaced.

    It answers with null in place of one that no page may write back, such as two labels that disagree.
    """
    photos, labels = current_photos(), await request.json()
    if not isinstance(labels, dict) or not all(label is None or isinstance(label, str) for label in labels.values()):
        raise ValueError("expected an object of paths and labels")
    if "related" in request.query:
        labels = {other: label for path, label in labels.items() for other in photos.related.get(path, [path])}
    check_labels(labels, photos)
    replaced = write_decisions(labels, photos.table.index)
    writable = {*photos.classes, REMOVE}
    return web.json_response({path: label if label in writable else None for path, label in replaced.items()})


async def models(request: web.Request) -> web.StreamResponse:
    """Answer with the names of the models of a revision, and the best, which is loaded."""
    from commands.review.classifier import list_models  # which imports TensorFlow

    return await answer(list_models, request.query.get("rev") or None)


async def classify(request: web.Request) -> web.StreamResponse:
    """Answer with a model's predictions for the photo in the body."""
    from commands.review.classifier import classify_photo

    name, revision = (request.query.get(key) or None for key in ("model", "rev"))
    return await answer(classify_photo, await request.read(), name, revision)


async def answer(function: Callable[..., dict[str, Any]], *arguments: Any) -> web.StreamResponse:
    return web.json_response(await asyncio.get_running_loop().run_in_executor(EXECUTOR, function, *arguments))
