#!/usr/bin/env bash
# torch-uncertainty 0.13.0: class weights of CrossEntropyMaxSupLoss weigh no class: they multiply the loss of every photo by their mean.
#
# The cross-entropy in it is averaged over the batch without the weights, a column with the regularization of each photo is added to it,
# and the product with the weights has a row for each photo and a column for each class, of all of which the mean is returned. So weights
# of 10 for cats and of 10 for dogs train the same model, at a higher learning rate, and reduction="none" returns a matrix of which each
# photo's row has the mean cross-entropy. With max_sup=0, it is PyTorch's own loss, and right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch-uncertainty[cpu]==0.13.0" torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from torch_uncertainty.losses import CrossEntropyMaxSupLoss

print("torch-uncertainty", version("torch-uncertainty"))
torch.manual_seed(0)
logits = torch.randn(30, 3, requires_grad=True)
labels = torch.arange(3).repeat(10)
suppressed = (logits.amax(1) - logits.mean(1)).detach()
gradients = {}
for max_sup in [0, 0.001]:
    for name, weights in [("equal", [4.0, 4, 4]), ("10 for cats", [10.0, 1, 1]), ("10 for dogs", [1.0, 10, 1])]:
        loss = CrossEntropyMaxSupLoss(max_sup=max_sup, weight=torch.tensor(weights))(logits, labels)
        [gradient] = torch.autograd.grad(loss, logits)
        gradients[max_sup, name] = gradient
        expected = torch.nn.functional.cross_entropy(logits, labels, weight=torch.tensor(weights)) + max_sup * suppressed.mean()
        print(f"max_sup={max_sup}, {name} - expected: a loss of {expected:.3f} - seen: {loss:.3f}", end="")
        print(f", and a gradient of {[round(gradient[labels == label].norm().item(), 3) for label in range(3)]} by class")
        assert (abs(loss - expected) < 1e-5) == (max_sup == 0)
assert not torch.allclose(gradients[0, "10 for cats"], gradients[0, "10 for dogs"], atol=1e-2)
assert torch.allclose(gradients[0.001, "10 for cats"], gradients[0.001, "10 for dogs"])
assert torch.allclose(gradients[0.001, "10 for cats"], gradients[0.001, "equal"])
each = CrossEntropyMaxSupLoss(max_sup=0.001, weight=torch.tensor([10.0, 1, 1]), reduction="none")(logits, labels)
print(f"reduction='none' - expected: a shape of (30,) - seen: {tuple(each.shape)}")
assert each.shape == (30, 3)
PYTHON
