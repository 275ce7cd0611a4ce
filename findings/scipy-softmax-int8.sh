#!/usr/bin/env bash
# SciPy 1.17.1: softmax() of the int8 logits -128 and 127, as a quantized model returns them, is 0.73 for the first and 0.27 for the second.
#
# special.softmax() and log_softmax() subtract the largest value in the type of the logits: -128 - 127 is 1 in int8, so the least likely
# class becomes the most likely. A quantized model uses the whole range of int8 or uint8 for its logits. Smaller differences beyond 128
# overflow, to NaN and with a warning. The same numbers as floats or int32 are right, and so is logsumexp(). The documentation asks for
# "array_like". No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import scipy
from scipy.special import log_softmax, softmax

print("SciPy", scipy.__version__)
for logits in ([-128, 127], [-126, 127, 125], [-20, 10], [127, 126]):
    quantized = np.array(logits, np.int8)
    expected, seen = softmax(quantized.astype(float)), softmax(quantized)
    print(f"softmax of {logits} in int8 - expected: {expected.round(3)} - seen: {seen.astype(float).round(3)}")
    right = max(logits) - min(logits) < 128
    assert np.allclose(softmax(quantized.astype(np.int32)), expected)
    assert np.allclose(seen, expected, atol=0.001) == (seen.argmax() == np.argmax(logits)) == right
    assert np.allclose(log_softmax(quantized), log_softmax(quantized.astype(float)), rtol=0.01) == right
PYTHON
