#!/usr/bin/env bash
# pytorch-grad-cam 1.5.7: AblationCAM of two layers is another map if the later layer is named first.
#
# The maps of several target_layers are averaged, so their order should not matter, and does not for the other methods. The kept outputs
# are in the order in which the network runs, and are paired with target_layers by their position: in another order, AblationCAM
# weights the output of each layer by what happens without channels of the other one. Nothing is said about the order in the
# documentation. If the layers have different numbers of channels, it is an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet grad-cam==1.5.7 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
import torch
from pytorch_grad_cam import AblationCAM, EigenCAM, GradCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

photos = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def heat_map(method, places):
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 5)).eval()
    with method(network, [network[place] for place in places]) as cam:
        return cam(photos, [ClassifierOutputTarget(1)] * 4)


print("pytorch-grad-cam", version("grad-cam"))
for method in (GradCAM, EigenCAM, LayerCAM, AblationCAM):
    both, other = heat_map(method, [2, 4]), heat_map(method, [4, 2])
    difference = float(np.abs(both - other).max())
    print(f"{method.__name__}, the later layer first - expected: the same map - seen: differs by up to {difference:.3f} of 1")
    assert (difference > 0.5) == (method is AblationCAM) and (difference < 1e-4) == (method is not AblationCAM)
single = (heat_map(AblationCAM, [2]) + heat_map(AblationCAM, [4])) / 2
for places in ([2, 4], [4, 2]):
    print("AblationCAM of layers", places, "against the mean of both maps:", np.abs(heat_map(AblationCAM, places) - single).mean().round(3))
PYTHON
