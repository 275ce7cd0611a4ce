#!/usr/bin/env bash
# timm 1.0.31: features of the layers (11, 3) arrive in the order 3, 11, while feature_info names them in the order asked for.
#
# A model made with features_only=True returns its features in the order of its layers, whatever the order of out_indices. Its
# feature_info, from which a decoder takes channels and strides, keeps the order of out_indices. In a vision transformer all layers have
# the same shape, so deep and shallow features are exchanged without an error; so are those of forward_intermediates() and
# get_intermediate_layers(). In a convolutional network the channels disagree. An index that is named twice is returned once. The
# documentation has "output indices of the model features to extract". Near to it: pull request 2239 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet timm==1.0.31 torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import timm
import torch

print("timm", timm.__version__)
photo = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
for indices in ((1, 3), (3, 1), (-1, 0)):
    model = timm.create_model("resnet18", features_only=True, out_indices=indices).eval()
    named, seen = model.feature_info.channels(), [feature.shape[1] for feature in model(photo)]
    print(f"resnet18, {indices} - expected, as of feature_info: {named} channels - seen: {seen}")
    assert seen == sorted(named) and (seen == named) == (indices == (1, 3))

torch.manual_seed(0)
whole = timm.create_model("vit_tiny_patch16_224", img_size=64).eval()
shallow, deep = (whole.forward_intermediates(photo, indices=[index], intermediates_only=True)[0] for index in (3, 11))
model = timm.create_model("vit_tiny_patch16_224", img_size=64, features_only=True, out_indices=(11, 3)).eval()
model.model.load_state_dict(whole.state_dict(), strict=False)
seen = ["layer 3" if torch.allclose(feature, shallow) else "layer 11" for feature in model(photo)]
print(f"vision transformer, (11, 3) - expected, as of feature_info: {model.feature_info.module_name()} - seen: {seen}")
assert model.feature_info.module_name() == ["blocks.11", "blocks.3"] and seen == ["layer 3", "layer 11"]
both = whole.forward_intermediates(photo, indices=[11, 3], intermediates_only=True)
assert torch.equal(both[0], shallow) and torch.equal(both[1], deep)
PYTHON
