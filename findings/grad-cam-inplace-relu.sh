#!/usr/bin/env bash
# pytorch-grad-cam 1.5.7: the heat map of a layer depends on whether the ReLU behind it works in place.
#
# The output of the layer is kept as it is, without a copy, and used after the whole network has run. A ReLU that works in place, as in
# most networks of torchvision, has set its negative values to zero by then, so that the map is of the ReLU's output, with the weights of
# the layer's. In place is documented to save memory only, and the network answers the same. So it is for the last of a DenseNet's
# features, behind which torchvision has such a ReLU.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet grad-cam==1.5.7 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version
from unittest import mock

import numpy as np
import torch
import torchvision
from pytorch_grad_cam import EigenCAM, GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

photo = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))


def small(inplace):
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(inplace), torch.nn.Conv2d(8, 8, 3), torch.nn.ReLU(inplace)]
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 5)).eval()


print("pytorch-grad-cam", version("grad-cam"))
for method in (GradCAM, EigenCAM):
    maps, logits = [], []
    for inplace in (False, True):
        network = small(inplace)
        logits.append(network(photo).detach().numpy())
        maps.append(method(network, [network[2]])(photo, [ClassifierOutputTarget(1)]))
    print(f"{method.__name__} of a small network, in place - expected: the same as without - seen: differs by up to", np.abs(maps[0] - maps[1]).max().round(3))
    assert np.array_equal(*logits) and np.abs(maps[0] - maps[1]).max() > 0.1

relu = torch.nn.functional.relu
torch.manual_seed(0)
densenet = torchvision.models.densenet121(weights=None).eval()
maps, logits = [], []
for name in ("as torchvision has it", "without in place"):
    changed = mock.patch("torchvision.models.densenet.F.relu", lambda x, inplace=False: relu(x))
    with changed if name.startswith("without") else mock.MagicMock():
        logits.append(densenet(photo).detach().numpy())
        maps.append(np.concatenate([GradCAM(densenet, [densenet.features[-1]])(photo, [ClassifierOutputTarget(index)]) for index in range(10)]))
print("GradCAM of DenseNet121, features[-1], for ten classes - expected: the same - seen: differs by up to", np.abs(maps[0] - maps[1]).max().round(3))
assert np.array_equal(*logits) and np.abs(maps[0] - maps[1]).max() > 0.1
PYTHON
