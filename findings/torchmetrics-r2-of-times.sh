#!/usr/bin/env bash
# TorchMetrics 1.9.0: the R squared of a model that is worse than the mean is 0.46, if it predicts times, and of more of them 1.37.
#
# R2Score, ExplainedVariance and RelativeSquaredError add up the targets and their squares in float32 and subtract the square of the
# one from the other. Where targets are large beside their spread, as Unix times, prices or years are, both sums agree in all
# digits that float32 has, and the difference is rounding, which depends on the sizes of batches. PearsonCorrCoef of the same library
# keeps means instead and is right, and scikit-learn is right of the same float32 numbers. Issue 3077 (open) has such values above 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.15.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import torch
import torchmetrics
from sklearn.metrics import r2_score

print("TorchMetrics", torchmetrics.__version__)
random = np.random.default_rng(0)
day = 24 * 60 * 60


def score(name, batch):
    metric = getattr(torchmetrics, name)()
    for start in range(0, len(times), batch):
        metric.update(torch.from_numpy(predicted[start : start + batch]), torch.from_numpy(times[start : start + batch]))
    return metric.compute().item()


for start in (0, 1.7e9):  # when photos of a month were taken, counted from its first day and from 1970
    for count, batch in ((10_000, 32), (100_000, 100)):
        times = (start + random.uniform(0, 30 * day, count)).astype(np.float32)
        predicted = (times + random.normal(0, 9 * day, count)).astype(np.float32)
        expected = r2_score(times, predicted)
        for name in ("R2Score", "ExplainedVariance", "RelativeSquaredError"):
            seen = score(name, batch)
            right = 1 - expected if name == "RelativeSquaredError" else expected
            print(f"{name} of {count} times from {start:.0f} on - expected, as of scikit-learn: {right:.3f} - seen: {seen:.3g}")
            assert abs(seen - right) < 0.01 if start == 0 else abs(seen - right) > 0.2
        correlation = np.corrcoef(times.astype(float), predicted.astype(float))[0, 1]
        assert abs(score("PearsonCorrCoef", batch) - correlation) < 0.01
PYTHON
