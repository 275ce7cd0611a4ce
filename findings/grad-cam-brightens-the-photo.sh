#!/usr/bin/env bash
# pytorch-grad-cam 1.5.7: show_cam_on_image() brightens a dark photo up to white, also where it is to show the photo alone.
#
# The result is documented as image_weight * img + (1 - image_weight) * mask. It is divided by its maximum afterwards, so that a night
# photo of up to 0.3 is shown as one of up to 1, by an image_weight of 1 too, and overlays of two photos cannot be compared. A photo
# that has white somewhere is as documented. No issue of the project was found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet grad-cam==1.5.7 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from pytorch_grad_cam.utils.image import show_cam_on_image

mask = np.zeros((8, 8), np.float32)
print("pytorch-grad-cam", version("grad-cam"))
for brightest in (1.0, 0.3):
    photo = np.full((8, 8, 3), 0.2, np.float32)
    photo[0, 0] = brightest
    seen = show_cam_on_image(photo, mask, use_rgb=True, image_weight=1.0)
    print(f"a pixel of 0.2, the brightest {brightest}, image_weight=1 - expected: {255 * 0.2:.0f} - seen: {seen[4, 4, 0]}")
    assert abs(int(seen[4, 4, 0]) - 255 * 0.2 / brightest) < 2
PYTHON
