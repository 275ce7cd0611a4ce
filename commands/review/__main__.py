"""Review labels, and try models on new photos, in the browser: a page that only this machine can open.

Reads the lists of photos, the photos, ``plots/label_issues/``, ``data/out_of_fold/`` and the models. Writes
``corrections.csv``, at once with each decision, and nothing else.

    python -m commands.review [--tab try]    # Ctrl-C ends it
"""

import asyncio
import socket
import webbrowser
from contextlib import suppress

from aiohttp import web

from commands.review.queues import current_photos
from commands.review.server import Secrets, make_app
from stages.common.cli import UserError, command_parser, logger, run
from stages.common.params import load_params
from stages.common.paths import LABEL_ISSUES

HOST = "127.0.0.1"


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--tab", choices=["review", "try"], default="review", help="of the page (default: review)")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    args = parser.parse_args()
    current_photos()  # a mistake in the project ends it here
    for name in load_params().label_issues:
        if not (LABEL_ISSUES / f"{name}.csv").exists():
            logger.warning("no list yet of labels that look wrong: run `dvc repro label_issues@%s`", name)
    try:
        server = socket.create_server((HOST, args.port))
    except (OSError, OverflowError) as error:
        raise UserError(f"--port: expected a free port of {HOST}, received {args.port} ({error})") from error
    with server, suppress(KeyboardInterrupt):  # Ctrl-C is how to end it
        asyncio.run(serve(server, args.tab, open_browser=not args.no_browser))


async def serve(server: socket.socket, tab: str, *, open_browser: bool) -> None:
    keys, port = Secrets(), server.getsockname()[1]
    runner = web.AppRunner(make_app(keys, port), access_log=None)
    await runner.setup()
    await web.SockSite(runner, server).start()
    logger.info("review and try: http://%s:%d/%s/#%s\nCtrl-C ends it", HOST, port, keys.token, tab)
    if open_browser:
        await asyncio.to_thread(webbrowser.open, f"http://{HOST}:{port}/enter/{keys.once}#{tab}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main)
