#!/usr/bin/env bash
# LitData 0.2.76: photos with a palette, as those of GIFs and small PNGs are, are black when they are read from the data set.
#
# An image of Pillow is stored as its mode, its size and its pixels. In mode P the pixels are indices of a palette, and that is not
# stored. What is read has the mode P and an empty palette, so each index is black in RGB; no pixel differs as long as nobody converts
# it. Photos in the modes RGB, RGBA and L come back as they were. The documentation lists images of Pillow among the types
# that are stored as they are. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet litdata==0.2.76 torch==2.13.0 pillow==13.0.0 numpy==2.4.6 2>/dev/null
cd "$folder"
cat > photos.py <<'PYTHON'
import importlib.metadata

import litdata
from PIL import Image

photo = Image.new("RGB", (8, 8), "red")
photo.paste("blue", (4, 0, 8, 8))
photo.save("photo.gif")
photos = [("RGB", photo), ("RGBA", photo.convert("RGBA")), ("L", photo.convert("L")), ("P", photo.quantize()), ("GIF", Image.open("photo.gif"))]


def read(index):
    return {"index": index, "photo": photos[index][1]}


def colors(image):
    return [image.convert("RGB").getpixel((column, 0)) for column in (0, 7)]


if __name__ == "__main__":
    print("LitData", importlib.metadata.version("litdata"))
    for index, (name, original) in enumerate(photos):
        litdata.optimize(read, [index], output_dir=name, chunk_size=100, num_workers=1, verbose=False)
        stored = litdata.StreamingDataset(name, shuffle=False)[0]["photo"]
        print(f"{name} - expected: {original.mode}, {colors(original)} - seen: {stored.mode}, {colors(stored)}")
        assert stored.mode == original.mode and stored.tobytes() == original.tobytes()
        assert colors(stored) == ([(0, 0, 0)] * 2 if original.mode == "P" else colors(original))
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore photos.py 2>"$folder/errors" | grep -e LitData -e expected || { cat "$folder/errors"; exit 1; }
