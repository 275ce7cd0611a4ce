#!/usr/bin/env bash
# Hugging Face Datasets 5.2.0: map() loses what was done to a photo in place: after thumbnail() it has its old size.
#
# A decoded photo remembers the file that it was opened from. On the way back, a photo with a file name is stored as that name alone, so
# whatever changed the pixels of the same object is gone: thumbnail(), paste(), putpixel(), ImageDraw (here, a black box that hides a
# face). resize() and the like return a new object, which has no file name, and is stored. So is the same edit after copy(). map()
# succeeds without a warning, and the photos of the new dataset are the old ones. Dataset.from_dict() does the same. No issue of the
# project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pillow==13.0.0 numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1 2>/dev/null
cd "$folder"
HF_HOME="$folder/cache" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from pathlib import Path

import datasets
from PIL import Image, ImageDraw

Path("photos/cat").mkdir(parents=True)
Image.new("RGB", (400, 300), "white").save("photos/cat/1.png")
photos = datasets.load_dataset("imagefolder", data_dir="photos", split="train")


def edited(edit, copied):
    """Return the photo of the dataset that map() makes with an edit of the photo, or of a copy of it."""

    def change(row):
        image = row["image"].copy() if copied else row["image"]
        edit(image)
        return {"image": image}

    return photos.map(change)[0]["image"]


def hide(image):
    ImageDraw.Draw(image).rectangle((0, 0, 200, 200), fill="black")


def shrink(image):
    image.thumbnail((40, 40))


print("datasets", datasets.__version__)
expected, seen = edited(shrink, True).size, edited(shrink, False).size
print("size after thumbnail((40, 40)) - expected, as of a copy:", expected, "- seen:", seen)
assert (expected, seen) == ((40, 30), (400, 300))
expected, seen = edited(hide, True).getpixel((100, 100)), edited(hide, False).getpixel((100, 100))
print("a pixel under a black box - expected, as of a copy:", expected, "- seen:", seen)
assert (expected, seen) == ((0, 0, 0), (255, 255, 255))
PYTHON
