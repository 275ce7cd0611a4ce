#!/usr/bin/env bash
# PyYAML 6.0.4: dump(allow_unicode=True) writes the character U+0085 as it is, and it comes back as a space: two labels become one key.
#
# U+0085 is a line break in YAML 1.1, and a single one within a text is read as a space, but the check of what has to be escaped lets it
# pass as printable. It lets U+2028 pass, too, but YAML 1.1 keeps that one. U+0085 is what a Windows file's ellipsis, 0x85, becomes when
# read as Latin-1. Without allow_unicode it is escaped, and CSafeDumper escapes it always. Known from OmegaConf issue 829 (closed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyyaml==6.0.4 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import yaml

print("PyYAML", yaml.__version__)
label = b"cat\x85dog".decode("latin-1")
counts = {label: 3, "cat dog": 4, "cat\u2028dog": 5}
for dumper in (yaml.SafeDumper, yaml.CSafeDumper):
    for allow_unicode in (False, True):
        text = yaml.dump(counts, Dumper=dumper, allow_unicode=allow_unicode)
        seen = yaml.safe_load(text)
        print(f"{dumper.__name__}, allow_unicode={allow_unicode} - expected: {counts} - seen: {seen}")
        assert (seen == counts) != (allow_unicode and dumper is yaml.SafeDumper)
assert yaml.safe_load(yaml.dump(label, allow_unicode=True)) == "cat dog"
PYTHON
