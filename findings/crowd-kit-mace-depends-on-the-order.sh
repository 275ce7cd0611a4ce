#!/usr/bin/env bash
# crowd-kit 1.4.2: the labels that MACE finds depend on the order of the answers: of 300 photos, 286 are right in one, 115 in another.
#
# Workers and labels are numbered as they appear, but the table of how often each worker guesses each label comes from a groupby, which
# sorts both, and its values are used by those numbers. So the guesses of one worker are taken for those of another, and of other labels.
# MACE is right only where answers are sorted so that both appear in alphabetical order. Other models, such as Dawid-Skene's, return
# the same in any order. The random restarts, n_restarts, all begin at the same point, as each has the same seed, so 1 and 10 return
# the same. No issue of the project describes either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet crowd-kit==1.4.2 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pandas as pd
from crowdkit.aggregation import MACE, DawidSkene

print("crowd-kit", version("crowd-kit"))
random = np.random.default_rng(1)
classes = np.array(["cat", "dog", "owl"])
truth = pd.Series(random.choice(classes, 300))
answers = []
for photo, label in truth.items():
    for worker in random.choice(9, 5, replace=False):  # of nine, four look at the photos, and five click on "owl"
        if worker < 4:
            answer = label if random.random() < 0.9 else random.choice(classes)
        else:
            answer = random.choice(classes, p=[0.05, 0.05, 0.9])
        answers.append((photo, f"worker {worker}", answer))
answers = pd.DataFrame(answers, columns=["task", "worker", "label"])
orders = {
    "photo by photo": answers,
    "sorted by label and worker": answers.sort_values(["label", "worker", "task"], ignore_index=True),
    "shuffled": answers.sample(frac=1, random_state=0).reset_index(drop=True),
}
seen = {}
for name, table in orders.items():
    others, seen[name] = (int((model.fit_predict(table).reindex(truth.index) == truth).sum()) for model in (DawidSkene(), MACE()))
    print(f"{name} - expected of MACE: the same in any order - seen: {seen[name]} right - Dawid-Skene: {others} right")
    assert others == 283
assert seen["sorted by label and worker"] > 280 and seen["photo by photo"] < 120 and seen["shuffled"] < 120
once, ten_times = (MACE(n_restarts=restarts).fit(answers) for restarts in (1, 10))
print(f"1 and 10 restarts - expected: other strategies - seen: equal ones: {np.array_equal(once.thetas_, ten_times.thetas_)}")
assert np.array_equal(once.thetas_, ten_times.thetas_)
PYTHON
