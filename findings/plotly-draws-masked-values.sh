#!/usr/bin/env bash
# Plotly 7.1.0: graph objects draw the masked values of an array, Plotly Express does not.
#
# A figure stores the memory of an array as it is, and loses the mask beside it: points that were masked as invalid are drawn, and a heat
# map's colours are scaled to them. Plotly Express makes a table of the same array first, in which they are missing, and a list has None
# for them; both leave gaps, as Matplotlib does. Issue 4213 (open) describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet plotly==7.1.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import base64
import json

import numpy as np
import plotly
import plotly.express as px
import plotly.graph_objects as go


def drawn(figure, name):
    written = json.loads(figure.to_json())["data"][0][name]
    if isinstance(written, dict):
        return np.frombuffer(base64.b64decode(written["bdata"]), written["dtype"]).tolist()
    return np.ravel(np.array(written, float)).tolist()


print("Plotly", plotly.__version__)
masked = np.ma.masked_equal([12.0, 9999.0, 15.0], 9999)
for name, figure, axis, right in [
    ("go.Scatter of a list", go.Figure(go.Scatter(y=masked.tolist())), "y", True),
    ("px.scatter", px.scatter(x=[0, 1, 2], y=masked), "y", True),
    ("go.Scatter", go.Figure(go.Scatter(y=masked)), "y", False),
    ("go.Heatmap", go.Figure(go.Heatmap(z=masked[None])), "z", False),
    ("go.Bar of whole numbers", go.Figure(go.Bar(y=masked.astype(int))), "y", False),
]:
    seen = drawn(figure, axis)
    print(f"{name} - expected: [12.0, nan, 15.0] - seen: {seen}")
    assert [seen[0], seen[2]] == [12, 15]
    assert np.isnan(seen[1]) if right else seen[1] == 9999
PYTHON
