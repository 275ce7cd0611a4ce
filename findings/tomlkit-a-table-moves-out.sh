#!/usr/bin/env bash
# TOML Kit 0.15.2: a table that is added below a dotted key is written somewhere else, and takes keys of others with it.
#
# lint.select under [tool.ruff] is a table "lint" in "ruff". A table that is added to it is written as [lint.per-file-ignores], which is no
# part of [tool.ruff] any more. At the top of a file, where other keys follow, the new header is written before them, so they become a part
# of the new table: the seed below is gone from where it was. The document object has all of it in the right place; the file has not.
# A number or a list that is added, and tables below a header of their own, are written where they belong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tomlkit==0.15.2
"$folder/venv/bin/python" - <<'PYTHON'
import tomllib

import tomlkit

print("TOML Kit", tomlkit.__version__)
HEADER = '[model]\nname = "cnn"\n\n[data]\nseed = 7\n'
DOTTED = 'model.name = "cnn"\nseed = 7\n'
RUFF = '[tool.ruff]\nlint.select = ["E"]\n'
for text, keys, key, value, alike in [
    (HEADER, ["model"], "optimizer", {"rate": 0.1}, True),
    (DOTTED, ["model"], "epochs", 20, True),
    (DOTTED, ["model"], "optimizer", {"rate": 0.1}, False),
    (RUFF, ["tool", "ruff", "lint"], "ignore", ["D"], True),
    (RUFF, ["tool", "ruff", "lint"], "per-file-ignores", {"tests/*": ["S101"]}, False),
    (RUFF, ["tool", "ruff", "lint"], "plugins", [{"name": "a"}, {"name": "b"}], False),
]:
    document, expected = tomlkit.parse(text), tomllib.loads(text)
    table, plain = document, expected
    for part in keys:
        table, plain = table[part], plain[part]
    table[key] = value
    plain[key] = value
    seen = tomllib.loads(document.as_string())
    print(f"{text!r}, {key} = {value} added to {'.'.join(keys)}\n    expected: {expected}\n    seen:     {seen}")
    assert document.unwrap() == expected and (seen == expected) == alike
    if text == DOTTED and not alike:
        assert "seed" not in seen and seen["model"]["optimizer"]["seed"] == 7
PYTHON
