"""Review labels, and try models on new photos, in the browser: a page that only this machine can open.

Reads the lists of photos, the photos, ``plots/label_issues/``, ``data/out_of_fold/`` and the models. Writes
``corrections.csv``, at once with each decision, and nothing else.

    python -m commands.review [--tab try]    # Ctrl-C ends it
"""

import socket
import webbrowser
from threading import Thread

from aiohttp import web

from commands.review.queues import current_photos
from commands.review.server import Secrets, make_app
from stages.common.cli import UserError, command_parser, logger, run
from stages.common.params import load_params
from stages.common.paths import LABEL_ISSUES

HOST = "127.0.0.1"


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--tab", choices=["review", "try"], default="review", help="tab to open (default: review)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
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
    keys, port = Secrets(), server.getsockname()[1]
    logger.info("review and try: http://%s:%d/%s/#%s\nCtrl-C ends it", HOST, port, keys.token, args.tab)
    if not args.no_browser:  # a browser in the terminal blocks until it ends
        Thread(target=webbrowser.open, args=[f"http://{HOST}:{port}/enter/{keys.once}#{args.tab}"], daemon=True).start()
    web.run_app(make_app(keys, port), sock=server, shutdown_timeout=1, print=None, access_log=None)


if __name__ == "__main__":
    run(main)
