#!/usr/bin/env bash
# Captum 0.9.0: integrated gradients by the trapezoidal rule are too small, by 2 % in 50 steps and by half in two.
#
# n points from 0 to 1, with both ends, have n - 1 intervals, but each gets a width of 1 / n, so the widths add up to (n - 1) / n. All
# attributions are too small by that, also of a linear model, where any rule is exact, and their sum is not the change of the
# prediction, the axiom that the method is made for. The left, middle and right rules and Gauss-Legendre, the default, are right. Wherever
# the method is "riemann_trapezoid" it is so: IntegratedGradients, LayerIntegratedGradients, LayerConductance, InternalInfluence. No
# issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet captum==0.9.0 torch==2.15.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import captum
import torch
from captum.attr import IntegratedGradients, LayerIntegratedGradients

print("Captum", captum.__version__)
torch.manual_seed(0)
models = {"linear": torch.nn.Linear(4, 1), "tanh": torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))}
image = torch.ones(1, 4)
for name, model in models.items():
    change = (model(image) - model(torch.zeros_like(image))).item()
    for method in ("riemann_trapezoid", "riemann_middle", "gausslegendre"):
        for steps in (2, 10, 50):
            integrated = IntegratedGradients(model).attribute(image, target=0, method=method, n_steps=steps)
            seen = integrated.sum().item() / change
            print(f"{name}, {method}, {steps} steps - expected a sum of 1 times the change - seen: {seen:.3f}")
            if name == "linear":
                assert abs(seen - (1 - 1 / steps if method == "riemann_trapezoid" else 1)) < 1e-5
            elif steps == 50:
                assert abs(seen - (0.98 if method == "riemann_trapezoid" else 1)) < 2e-3
layer = LayerIntegratedGradients(models["linear"], models["linear"]).attribute(image, method="riemann_trapezoid", n_steps=2)
assert abs(layer.sum().item() / (models["linear"](image) - models["linear"](image * 0)).item() - 0.5) < 1e-5
PYTHON
