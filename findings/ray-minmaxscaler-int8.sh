#!/usr/bin/env bash
# Ray 2.60.0: MinMaxScaler scales a column of int8 or int16 to negative numbers.
#
# Its result is documented as (x - min) / (max - min), so 0 to 1. Both differences are computed in the column's own type: of
# int8 from -128 to 127, as quantized features have it, max - min is -1 instead of 255, and of int16, as sound has it, the
# differences wrap around as well. MaxAbsScaler and StandardScaler of the same module are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "ray[data]==2.60.0" pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6 2>/dev/null
cd "$folder"
RAY_DEDUP_LOGS=0 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import pandas as pd
import ray
from ray.data.preprocessors import MinMaxScaler, StandardScaler

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
ray.data.DataContext.get_current().enable_progress_bars = False


def scaled(scaler, values, dtype):
    dataset = ray.data.from_pandas(pd.DataFrame({"x": np.array(values, dtype)}))
    return [round(float(x), 3) for x in scaler(["x"]).fit_transform(dataset).to_pandas()["x"]]


print("Ray", ray.__version__)
for dtype, values in [("int8", [-128, 0, 127]), ("int16", [-30_000, 0, 30_000])]:
    expected, seen = scaled(MinMaxScaler, values, "float64"), scaled(MinMaxScaler, values, dtype)
    print(values, "- expected, as of float64:", expected, "- seen of", dtype, "-", seen)
    assert expected[0] == 0 and expected[2] == 1
    assert min(seen) < -0.001
    assert scaled(StandardScaler, values, "float64") == scaled(StandardScaler, values, dtype)
PYTHON
