#!/usr/bin/env bash
# joblib 1.6.0: a cached function that was called with 1 metre returns the same result for 1 kilometre.
#
# Memory hashes an array by its class, type, shape and bytes. What else an instance of a subclass of NumPy's array holds, such as the unit
# of a Quantity of Astropy, is left out, though it is in the array's pickle, which joblib hashes of all other objects. So the second
# call finds the first one's result, which is wrong by a factor of 1,000. The documentation says that a function is computed again
# whenever its arguments change. Near to it: issue 573 (open: masked arrays, which are an error). No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet joblib==1.6.0 numpy==2.4.6 astropy==8.0.2 2>/dev/null
cd "$folder"
cat > sizes.py <<'PYTHON'
import pickle

import astropy
import joblib
import numpy as np
from astropy import units

memory = joblib.Memory("cache", verbose=0)


class Image(np.ndarray):
    """Pixels with the space of their colours."""

    space = "RGB"

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (state, self.space)

    def __setstate__(self, state):
        super().__setstate__(state[0])
        self.space = state[1]


@memory.cache
def in_metres(length):
    return float(length.to_value(units.m))


@memory.cache
def space(image):
    return image.space


if __name__ == "__main__":
    print("joblib", joblib.__version__, "Astropy", astropy.__version__)
    for length in (1 * units.m, 1 * units.km, 1 * units.mm):
        print(f"{length} in metres - expected: {in_metres.func(length)} - seen: {in_metres(length)}")
        assert in_metres(length) == 1
    assert in_metres.func(1 * units.km) == 1000
    assert joblib.hash(1 * units.m) == joblib.hash(1 * units.km)
    assert pickle.dumps(1 * units.m) != pickle.dumps(1 * units.km)

    rgb, lab = (np.zeros((2, 2, 3)).view(Image) for _ in range(2))
    lab.space = "LAB"
    assert pickle.loads(pickle.dumps(lab)).space == "LAB"
    print("an image in LAB after one in RGB - expected: LAB - seen:", [space(rgb), space(lab)][1])
    assert space(lab) == "RGB"
PYTHON
"$folder/venv/bin/python" sizes.py
