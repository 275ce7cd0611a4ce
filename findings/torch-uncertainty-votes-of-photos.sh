#!/usr/bin/env bash
# torch-uncertainty 0.13.0: VariationRatio takes the photos of a batch for the models of the ensemble, and its models for the photos.
#
# It is documented for probabilities shaped (photos, models, classes), as the other metrics of ensembles, and exchanges the first two axes
# before it averages over the second. So of 8 photos and 5 models it returns 5 numbers, how far the photos are of other classes; the mean of
# an ensemble that agrees on every photo is 0.5 if half of them are cats. VariationRatioCriterion, "for each sample", passes that shape on,
# and an example in its documentation says 0.45 where 0.35 is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch-uncertainty[cpu]==0.13.0" torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from torch_uncertainty.metrics.classification import Disagreement, VariationRatio
from torch_uncertainty.ood_criteria import VariationRatioCriterion

print("torch-uncertainty", version("torch-uncertainty"))


def variation_ratio(probabilities):
    """Return for each photo the share of models that are not for the class of the mean probability."""
    votes = probabilities.argmax(2)
    return (votes != probabilities.mean(1).argmax(1, keepdim=True)).float().mean(1)


torch.manual_seed(0)
agreed = torch.eye(2)[torch.arange(8) % 2].unsqueeze(1).repeat(1, 5, 1)
for name, probabilities in [("5 models that agree on 8 photos", agreed), ("random", torch.rand(8, 5, 3).softmax(2))]:
    metric = VariationRatio(probabilistic=False, reduction="none")
    metric.update(probabilities)
    seen = metric.compute()
    expected = variation_ratio(probabilities)
    print(f"{name} - expected: {expected.tolist()} - seen: {seen.tolist()}")
    assert len(expected) == 8 and torch.allclose(seen, variation_ratio(probabilities.transpose(0, 1)))
    assert torch.equal(VariationRatioCriterion()(probabilities.transpose(0, 1)), seen)  # it takes (models, photos, classes)
    if name != "random":
        disagreement = Disagreement()
        disagreement.update(probabilities)
        assert disagreement.compute() == 0 and expected.mean() == 0 and seen.mean() == 0.5

example = torch.tensor([[[0.7, 0.3], [0.6, 0.4], [0.8, 0.2]], [[0.4, 0.6], [0.5, 0.5], [0.3, 0.7]]])
metric = VariationRatio(probabilistic=True, reduction="mean")
metric.update(example)
expected = (1 - example.mean(1).amax(1)).mean().item()
print(f"example of the documentation - expected: {expected:.2f} - seen: {metric.compute():.2f}")
assert abs(metric.compute() - 0.45) < 1e-6 and abs(expected - 0.35) < 1e-6 and "tensor(0.4500)" in VariationRatio.__init__.__doc__
PYTHON
