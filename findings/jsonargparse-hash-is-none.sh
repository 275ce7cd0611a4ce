#!/usr/bin/env bash
# jsonargparse 4.53.0: the color "#ff0000" is None, on the command line and in a config, for an argument of the type Optional[str].
#
# The value of an argument that may be None is read as YAML, in which "#" begins a comment, so that nothing is left, which is null. The same
# happens to "&a" and "~". A plain str is right. So is "#" further on. parse_object() does it, too, and save() leaves the value out, so
# that it is the default when the config is read again. The command line of PyTorch Lightning is made by jsonargparse. Near to it: issue
# 28 (closed: " " was None). No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jsonargparse==4.53.0 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
from pathlib import Path
from typing import Optional

import jsonargparse

print("jsonargparse", jsonargparse.__version__)
parser = jsonargparse.ArgumentParser(exit_on_error=False)
parser.add_argument("--config", action="config")
parser.add_argument("--plain", type=str)
parser.add_argument("--optional", type=Optional[str])
parser.add_argument("--new", type=str | None, default="run")
for value in ("#ff0000", "#1 with dropout", "run #1", "red"):
    Path("config.yaml").write_text(f"plain: '{value}'\noptional: '{value}'\nnew: '{value}'\n", encoding="utf-8")
    for source in ([f"--{name}={value}" for name in ("plain", "optional", "new")], ["--config=config.yaml"]):
        parsed = parser.parse_args(source)
        print(source, "- expected:", [value] * 3, "- seen:", [parsed.plain, parsed.optional, parsed.new])
        assert parsed.plain == value
        assert parsed.optional == parsed.new == (None if value.startswith("#") else value)
assert parser.parse_object({"optional": "#ff0000"}).optional is None
PYTHON
