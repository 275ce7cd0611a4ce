"""Lists of photos as ``split`` writes them, with a few photos."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stages.common.paths import CORRECTIONS, LABEL_ISSUES, SPLITS
from tests.conftest import write_photos

CLASSES = ["<b>", '"', "$"]


def photo(label: str, number: int) -> str:
    return f"data/raw/{CLASSES.index(label) if label in CLASSES else label}/{number}.jpg"


def write_lists(classes: Sequence[str] = CLASSES, per_class: int = 4, suspects: int = 3) -> list[str]:
    """Write the lists, photos, and label issues of which the label is suggested; return the paths of the suspects."""
    rows = []
    for label in classes:
        write_photos(Path(photo(label, 0)).parent, per_class + 1)
        rows += [{"path": photo(label, number), "label": label, "number": number} for number in range(per_class)]
    photos = pd.DataFrame(rows)
    SPLITS.mkdir(parents=True)
    for index, split in enumerate(("train", "validation", "test")):
        numbers = [number for number in range(per_class) if min(number, 2) == index]
        photos[photos["number"].isin(numbers)][["path", "label"]].to_csv(SPLITS / f"{split}.csv", index=False)
    copy = {"path": photo(classes[0], per_class), "reason": f"same photo as {photo(classes[0], 2)}"}
    pd.DataFrame([copy, {"path": "data/raw/notes.txt", "reason": "cannot be decoded"}]).to_csv(
        SPLITS / "rejected.csv", index=False
    )
    pd.DataFrame(columns=["path", "given", "label"]).to_csv(SPLITS / "corrected.csv", index=False)
    pd.DataFrame(columns=["path", "group"]).to_csv(SPLITS / "groups.csv", index=False)
    issues = photos[photos["number"] == 0].head(suspects)
    LABEL_ISSUES.mkdir(parents=True)
    issues.assign(label="", suggested=classes[-1], given_probability=0.01).to_csv(
        LABEL_ISSUES / "mobilenet_v2_pooled.csv", index=False
    )
    CORRECTIONS.write_text("path,label\n")
    return list(issues["path"])
