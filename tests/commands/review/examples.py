"""Lists of photos as ``split`` writes them, with a few photos."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stages.common.paths import CORRECTIONS, LABEL_ISSUES
from tests.conftest import write_list, write_photos

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
    for index, split in enumerate(("train", "validation", "test")):
        of_split = photos[photos["number"].clip(upper=2) == index]
        write_list(split, path=of_split["path"], label=of_split["label"])
    copy, original = photo(classes[0], per_class), photo(classes[0], 2)
    write_list("rejected", path=[copy, "data/raw/notes.txt"], reason=["of a later version", "cannot be decoded"])
    write_list("copies", path=[copy], copy_of=[original], split=["test"])
    write_list("corrected", path=[], given=[], label=[])
    write_list("groups", path=[], group=[])
    issues = photos[photos["number"] == 0].head(suspects)
    issues = issues.assign(label="", suggested=classes[-1], given_probability=0.01)
    LABEL_ISSUES.mkdir(parents=True)
    issues.to_csv(LABEL_ISSUES / "mobilenet_v2_pooled.csv", index=False)
    CORRECTIONS.write_text("path,label\n")
    return list(issues["path"])
