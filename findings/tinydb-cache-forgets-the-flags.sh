#!/usr/bin/env bash
# TinyDB 4.9.0: a search that ignores case returns the result of an earlier one that does not, and a changed result stays changed.
#
# Results of searches are cached by what a query asks for, up to the next write. The flags of matches() and search() are left out of that,
# so the same pattern with re.IGNORECASE finds what it found without, and the other way round. The order of two searches decides. contains()
# and get() are right, as they use no cache. A cached list is copied, but not its documents: a label that is changed in a result, to print
# it for example, is the label of all later searches, though the file has the old one. The documentation says that the query cache
# needs "the same query always returning the same hash", not that different queries share one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tinydb==4.9.0 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import json
import pathlib
import re

from tinydb import Query, TinyDB

print("TinyDB", importlib.metadata.version("tinydb"))
label = Query().label
for name in ("matches", "search"):
    exact, any_case = getattr(label, name)("cat"), getattr(label, name)("cat", flags=re.IGNORECASE)
    for queries, expected in (((exact, any_case), (1, 3)), ((any_case, exact), (3, 1))):
        photos = TinyDB(f"{name}-{expected[0]}.json")
        photos.insert_multiple([{"label": "Cat"}, {"label": "CAT"}, {"label": "cat"}])
        seen = tuple(len(photos.search(query)) for query in queries)
        print(f"{name} of cat in {'any case, then exactly' if queries[0] is any_case else 'this case, then in any'}"
              f" - expected: {expected} - seen: {seen}")
        assert seen == (expected[0], expected[0])
        assert sum(query(photo) for photo in photos for query in [queries[1]]) == expected[1]

photos = TinyDB("photos.json")
photos.insert({"label": "cat"})
photos.search(label == "cat")[0]["label"] = "Cat (1 photo)"
stored = json.loads(pathlib.Path("photos.json").read_text())["_default"]["1"]["label"]
seen = photos.search(label == "cat")[0]["label"]
print(f"label == 'cat' after a result was changed - expected: {stored}, as in the file - seen: {seen}")
assert stored == "cat" and seen == "Cat (1 photo)"
PYTHON
