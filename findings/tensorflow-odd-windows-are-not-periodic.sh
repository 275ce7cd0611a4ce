#!/usr/bin/env bash
# TensorFlow 2.21.0: signal.hann_window(7, periodic=True), the default, is the symmetric window; only even lengths are periodic.
#
# hamming_window does the same, and stft, which takes its window by default. The documentation says that periodic is "whether to generate a
# periodic or symmetric window", and nothing of odd lengths. A periodic window of N values is the symmetric one of N + 1 without the last,
# as SciPy computes it. So a spectrogram of 25 ms at 11,025 Hz, of 275 values, is not the one that other libraries compute.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 scipy==1.17.1 numpy==2.4.6 2>/dev/null
CUDA_VISIBLE_DEVICES='' "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from scipy.signal import get_window

print("TensorFlow", tf.__version__)
for name, function in [("hann", tf.signal.hann_window), ("hamming", tf.signal.hamming_window)]:
    for length in 8, 7:
        expected, symmetric = get_window(name, length), get_window(name, length, fftbins=False)
        seen = function(length, periodic=True).numpy()
        print(f"{name} of {length} - expected: {expected.round(3)} - seen: {seen.round(3)}")
        assert np.allclose(seen, expected, atol=1e-6) == (length == 8) and np.allclose(seen, symmetric, atol=1e-6) == (length == 7)
sound = np.random.default_rng(0).normal(size=275).astype(np.float32)
expected = np.abs(np.fft.rfft(sound * get_window("hann", 275), 512))
seen = np.abs(tf.signal.stft(sound, 275, 110)[0])
print(f"largest difference of a spectrum - expected: 0.000 - seen: {np.abs(seen - expected).max():.3f}, where its mean is {expected.mean():.3f}")
assert np.allclose(seen, np.abs(np.fft.rfft(sound * get_window("hann", 275, fftbins=False), 512)), atol=1e-3)
PYTHON
