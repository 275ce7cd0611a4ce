"""Read a CSV of paths and labels, and find the files that it means.

Names are compared in Unicode's normal form C: macOS writes another, in which é is two characters.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path, PurePosixPath
from unicodedata import category, normalize

from stages.common.cli import UserError
from stages.storage.folders import HEADER_BYTES, identify

# How a path may differ from that of the file it means, each after those before.
MISSPELLINGS: list[tuple[str, Callable[[str], str]]] = [
    (r"its \ must be /", lambda path: path.replace("\\", "/")),
    ("upper and lower case differ", str.casefold),
    ("its leading zeros are missing", lambda path: re.sub(r"(?<!\d)0+(?=\d)", "", path)),
    ("its suffix is missing or another", lambda path: re.sub(r"\.[^./]*$", "", path)),
]


def read_labels(labels: Path, name: str) -> dict[PurePosixPath, set[str]]:
    """Read the labels of each path, usually one; columns other than ``path`` and ``label`` are ignored.

    Labels are as :func:`clean` writes them.

    Raises:
        UserError: The CSV cannot be read, has no such columns or a row without a path; messages start with ``name``.
    """
    listed = defaultdict(set)
    with labels.open("rb") as file:
        kind = identify(file.read(HEADER_BYTES))
    foreign = f": it is {kind}" if kind else ""
    try:
        with labels.open(encoding="utf-8-sig", newline="") as file:  # Excel starts a file with a byte order mark
            rows = csv.DictReader(file, skipinitialspace=True, strict=True)
            columns = rows.fieldnames or []
            if not {"path", "label"} <= set(columns):
                received = ", ".join(columns) or "none"
                if len(columns) == 1 and re.search(r"[;|\t]", received):
                    received += ": separate them with commas"
                raise UserError(f"{name}: expected the columns path and label, received {received}{foreign}")
            for row in rows:
                path, label = row["path"] or "", clean(row["label"] or "")
                if not path or any(category(character) == "Cc" for character in path + label):
                    raise UserError(
                        f"{name}: expected a path and a label without control characters in line "
                        f"{rows.line_num}, received {path!r} and {label!r}"
                    )
                listed[PurePosixPath(path)].update([label] if label else [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{name}: expected a CSV in UTF-8, received: {error}{foreign}") from error
    return listed


def clean(label: str) -> str:
    """Write a label in normal form C, with single spaces, and none around it."""
    return " ".join(normalize("NFC", label).split())


def match_names(listed: Mapping[PurePosixPath, set[str]], names: Set[str]) -> dict[str, set[str]]:
    """Write the ``listed`` paths as that of ``names`` which differs in nothing but Unicode's form, if one does."""
    forms = defaultdict(list)
    for name in names:
        forms[normalize("NFC", name)].append(name)
    found: dict[str, set[str]] = defaultdict(set)
    for path, labels in listed.items():
        name = path.as_posix()
        same = [name] if name in names else forms.get(normalize("NFC", name), [])
        found[same[0] if len(same) == 1 else name] |= labels
    return found


def similar_names(missing: Iterable[str], names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Find the one of ``names`` that a missing path means, where one does, and say how the two differ."""
    similar = {}
    spellings = {name: name for name in missing}
    meant = {name: name for name in sorted(names, reverse=True)} if spellings else {}
    for difference, spell in MISSPELLINGS:
        meant = {spell(key): name for key, name in meant.items()}
        for name, key in spellings.items():
            if name not in similar and (example := meant.get(key) or meant.get(spell(key))):
                similar[name] = example, difference
        spellings = {name: spell(key) for name, key in spellings.items()}
    in_folders = {key.rpartition("/")[2]: name for key, name in meant.items()}
    for name, key in spellings.items():
        parts = key.split("/")
        rests = ["/".join(parts[start:]) for start in range(1, len(parts))]
        if name in similar:
            continue
        if example := next((meant[rest] for rest in rests if rest in meant), None):
            similar[name] = example, "leave out what comes before"
        elif not rests and key in in_folders:
            similar[name] = in_folders[key], "its folder is missing"
    return similar
