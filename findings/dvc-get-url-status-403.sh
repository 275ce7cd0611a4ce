#!/usr/bin/env bash
# DVC 3.67.1: `dvc get-url` says of a URL that a server refuses (403) or cannot serve now (503) that it does not exist.
#
# The error and the exit code are those of a URL that is not there (404), so one looks for a misspelt name where access
# or patience is what lacks. `Repo.get_url` raises URLMissingError for all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1 2>/dev/null
export PATH="$folder/venv/bin:$PATH" HOME="$folder"
cat > "$folder/server.py" <<'PYTHON'
from http.server import BaseHTTPRequestHandler, HTTPServer


class Refusing(BaseHTTPRequestHandler):
    """Answer /403.zip with 403, and so on."""

    def do_GET(self):
        self.send_error(int(self.path[1:4]))

    do_HEAD = do_GET


server = HTTPServer(("127.0.0.1", 0), Refusing)
with open("port", "w") as file:
    print(server.server_port, file=file)
server.serve_forever()
PYTHON
cd "$folder"
python server.py 2>/dev/null &
server=$!
until [ -s port ]; do sleep 0.1; done
echo "DVC $(dvc --version)"
echo "expected: 403 is refused and 503 is for now; only 404 does not exist"
for status in 404 403 503; do
    error=$(dvc get-url "http://127.0.0.1:$(cat port)/$status.zip" 2>&1) && { echo "$status is no error now"; exit 1; }
    error=$(grep ERROR <<< "$error" | sed "s/127.0.0.1:[0-9]*/host/g")
    echo "seen with status $status: $error"
    grep --quiet "does not exist" <<< "$error"
done
