#!/usr/bin/env bash
# PyTorch 2.15.0: a batch of arrays of different types has other numbers with workers than without: 300 becomes 44.
#
# default_collate() stacks the samples of a batch. In the main process the batch has a type that holds all of them. In a worker it has
# the type of its first sample, for which shared memory is made, and the others are converted to it without a check. So masks that are
# stored in 8 bits where there are few objects and in more where there are many lose the objects above 255, and float32 turns infinite
# beside float16. Which samples suffer depends on their order, so on the seed of the shuffling. The documentation says that
# num_workers is how many processes load data, and nothing of types. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch
from torch.utils.data import DataLoader

print("PyTorch", torch.__version__)
few, many = np.array([[1, 2]], np.uint8), np.array([[2, 300]], np.int32)
for name, samples, right in [
    ("masks of 8 and 32 bits", [few, many], False),
    ("the same in the other order", [many, few], True),
    ("features in float16 and float32", [np.array([1, 2], np.float16), np.array([1e5, 2], np.float32)], False),
]:
    expected, seen = (next(iter(DataLoader(samples, batch_size=2, num_workers=workers))) for workers in (0, 1))
    print(f"{name} - expected, as without a worker: {expected.tolist()} - seen with one: {seen.tolist()}, {seen.dtype}")
    assert torch.equal(expected, torch.stack([torch.as_tensor(sample) for sample in samples]))
    assert expected.equal(seen) == right
    assert seen.dtype == torch.as_tensor(samples[0]).dtype
PYTHON
