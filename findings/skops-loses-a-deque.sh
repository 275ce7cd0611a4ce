#!/usr/bin/env bash
# skops 0.16.0: a deque comes back empty, and of the keys 1 and "1" of a dictionary only one is left.
#
# skops.io is documented as a secure replacement of pickle for scikit-learn models. It saves what __reduce__() returns to build an
# object, and drops the items that a deque returns beside it, with its bound. Lists, sets and their subclasses are right. Keys are written
# into JSON, where the second "1" replaces the first; so do "0.5" and 0.5, "true" and True. Both are silent, when saving and when
# loading; pickle and joblib return what was saved. No issue of the project describes either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skops==0.16.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import pickle
from collections import Counter, OrderedDict, deque

import skops
import skops.io
from sklearn.preprocessing import FunctionTransformer

print("skops", skops.__version__)
for value, seen in [
    ([1, 2], [1, 2]),
    (Counter("aab"), Counter("aab")),
    (OrderedDict(b=1, a=2), OrderedDict(b=1, a=2)),
    ({1: "cat", 2: "dog"}, {1: "cat", 2: "dog"}),
    (deque([0.9, 0.8], maxlen=5), deque()),
    ({1: "cat", "1": "dog"}, {1: "dog"}),
    ({0.5: "cat", "0.5": "dog"}, {0.5: "dog"}),
    ({True: "cat", "true": "dog"}, {True: "dog"}),
]:
    model = FunctionTransformer(kw_args={"value": value})
    saved = skops.io.dumps(model)
    loaded = skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))
    print(f"expected: {value} - seen: {loaded.kw_args['value']}")
    assert pickle.loads(pickle.dumps(model)).kw_args == {"value": value}
    assert loaded.kw_args == {"value": seen} and type(loaded.kw_args["value"]) is type(value)
PYTHON
