#!/usr/bin/env bash
# ruamel.yaml 0.19.1: the unsure label ?cat in a list is {'cat': None} after it was written and read, and cat as a key of a dictionary.
#
# YAML(typ="safe") writes the innermost lists and dictionaries on one line, within brackets, and puts no quotes around ?cat there. By the
# standard none are needed: a question mark begins a key only before a space. But within brackets ruamel.yaml takes each for one when it
# reads, as PyYAML does, so [?cat] is a list of a dictionary, and {?cat: 1} one of the label cat. As a value, {label: ?cat}, it is an error.
# The default, YAML(), writes a line for each entry, where ?cat is right; a list that was within brackets in the file stays so, and is
# wrong again. PyYAML writes quotes, and so reads what it wrote. Known from PyYAML's issue 128 (open), on reading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ruamel.yaml==0.19.1 pyyaml==6.0.4 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import io

import ruamel.yaml
import yaml

print("ruamel.yaml", ruamel.yaml.__version__)


def write(labels, **options):
    """Return the labels as ruamel.yaml writes them."""
    file = io.StringIO()
    ruamel.yaml.YAML(**options).dump(labels, file)
    return file.getvalue()


edited = ruamel.yaml.YAML().load("[dog]")
edited.append("?cat")
for name, labels, text, seen in [
    ("safe, a list", ["dog", "?cat"], write(["dog", "?cat"], typ="safe"), ["dog", {"cat": None}]),
    ("safe, a dictionary", {"?cat": 1}, write({"?cat": 1}, typ="safe"), {"cat": 1}),
    ("safe, another sign", ["dog", "!cat"], write(["dog", "!cat"], typ="safe"), ["dog", "!cat"]),
    ("default", ["dog", "?cat"], write(["dog", "?cat"]), ["dog", "?cat"]),
    ("default, within brackets", ["dog", "?cat"], write(edited), ["dog", {"cat": None}]),
    ("PyYAML", ["dog", "?cat"], yaml.safe_dump(["dog", "?cat"], default_flow_style=True), ["dog", "?cat"]),
]:
    read = ruamel.yaml.YAML(typ="safe").load(text)
    print(f"{name}: {text.strip()!r} - expected: {labels} - seen: {read}")
    assert read == yaml.safe_load(text) == seen
PYTHON
