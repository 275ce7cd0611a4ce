#!/usr/bin/env bash
# torchvision 0.29.2: three of four boxes of whole numbers are a pixel up or left after a conversion to centers and back.
#
# The center of a box from 20 to 23 is stored as 21, rounded down, with a width of 3; on the way back 21 - 1.5 and 21 + 1.5 are rounded down
# again, to 19 and 22. Rounded up there, each box would come back as it was. Each further pair of conversions moves it once more:
# after 20, boxes lie 10 pixels off on average. Boxes given as centers are wrong from the first transform on: a padded one is not where
# the same box as corners is. XYWH and floats are exact, and so is torchvision.ops.box_convert(), which returns floats. The
# documentation does not mention rounding. Near to it: issue 8887 (open), of negative corners.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchvision==0.29.2 torch==2.15.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import torchvision
from torchvision.transforms.v2 import functional
from torchvision.tv_tensors import BoundingBoxes

print("torchvision", torchvision.__version__)
generator = torch.Generator().manual_seed(0)
starts, sizes = torch.randint(50, 100, (1000, 2), generator=generator), torch.randint(1, 50, (1000, 2), generator=generator)


def convert(boxes, form):
    return functional.convert_bounding_box_format(boxes, new_format=form)


for dtype in (torch.int64, torch.float32):
    corners = torch.cat([starts, starts + sizes], dim=1).to(dtype)
    boxes = BoundingBoxes(corners, format="XYXY", canvas_size=(200, 200))
    for form in ("XYWH", "CXCYWH"):
        seen, further = convert(convert(boxes, form), "XYXY"), boxes
        for _ in range(20):
            further = convert(convert(further, form), "XYXY")
        padded = convert(functional.pad(convert(boxes, form), [1, 1, 1, 1]), "XYXY")
        moved, apart = ((box != other).any(dim=1).float().mean().item() for box, other in ((seen, boxes), (padded, boxes + 1)))
        off = (further - boxes).float().mean().item()
        print(f"{dtype}, {form} and back - expected: 0 % moved - seen: {moved:.0%}, padded {apart:.0%}, after 20 times by {off:.1f}")
        right = form == "XYWH" or dtype == torch.float32
        assert (moved == apart == off == 0) if right else (min(moved, apart) > 0.7 and off < -7)
PYTHON
