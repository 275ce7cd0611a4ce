#!/usr/bin/env bash
# Keras 3.15.1: image_dataset_from_directory shuffles the caller's list of labels in place, so the second call has wrong labels.
#
# Training and validation photos are read by two calls with the same seed, and with the same list of labels if they come from a
# CSV. The first call leaves that list in its shuffled order; the second pairs it with the files in alphabetical order, splits
# and shuffles both, and so gives photos the labels of others, without a warning. labels= may also be a tuple, by its
# documentation; that ends in a TypeError. audio_dataset_from_directory shares the code. Near to it: keras issue 14416 (open: labels
# that seem to be in a random order).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 pillow==13.0.0 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from pathlib import Path

import keras
from PIL import Image

labels = [0] * 10 + [1] * 10  # ten black photos, then ten white ones
Path("photos").mkdir()
for index, label in enumerate(labels):
    Image.new("RGB", (8, 8), (255 * label,) * 3).save(f"photos/{index:02}.png")


def wrong(subset, labels):
    """Return how many of ten photos have the label of the other colour."""
    dataset = keras.utils.image_dataset_from_directory(
        "photos", labels=labels, validation_split=0.5, subset=subset, seed=1, image_size=(8, 8), verbose=False
    )
    return sum(int(image[0, 0, 0] > 0) != int(label) for images, batch in dataset for image, label in zip(images, batch))


print("Keras", keras.__version__)
copies = wrong("training", list(labels)), wrong("validation", list(labels))
seen = wrong("training", labels), wrong("validation", labels)
print("expected: wrong labels of 10 training and of 10 validation photos, as with a copy of the list for each call:", copies)
print("seen:", seen, "and the list is now", labels)
assert copies == (0, 0)
assert seen == (0, 3)
assert labels != [0] * 10 + [1] * 10
try:
    wrong("training", tuple(labels))
except TypeError as error:
    print("seen of a tuple:", error)
else:
    raise AssertionError("labels may be a tuple")
PYTHON
