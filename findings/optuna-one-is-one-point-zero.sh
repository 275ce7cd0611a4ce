#!/usr/bin/env bash
# Optuna 5.0.0: of the choices 1 and 1.0, best_params always names the first, also if the other one was tried and won.
#
# suggest_categorical() returns the choice that the sampler drew, but the study records the first choice that is equal to it, by
# Python's ==, for which 1, 1.0 and True are one value. max_features of a tree or a random forest means one feature if it is 1, and
# all of them if it is 1.0, so a model that is fitted again from best_params is not the one that won. The documentation recommends
# choices of None, bool, int, float and str. GridSampler, enqueue_trial() and study.trials agree on the wrong one.
# No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import optuna
from sklearn.tree import DecisionTreeClassifier

optuna.logging.set_verbosity(optuna.logging.ERROR)
random = np.random.default_rng(0)
features, test_features = random.normal(size=(2, 300, 20))
labels, test_labels = features[:, 0] > 0, test_features[:, 0] > 0  # one feature of twenty matters
tried = []


def accuracy(max_features):
    tree = DecisionTreeClassifier(max_depth=1, max_features=max_features, random_state=0)
    return float(tree.fit(features, labels).score(test_features, test_labels))


def objective(trial):
    max_features = trial.suggest_categorical("max_features", [1, 1.0])
    tried.append((max_features, accuracy(max_features)))
    return tried[-1][1]


print("Optuna", optuna.__version__)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.GridSampler({"max_features": [1, 1.0]}))
study.optimize(objective)
best, best_accuracy = max(tried, key=lambda pair: pair[1])
seen = study.best_params["max_features"]
print("tried:", tried)
print(f"expected as best_params: {best!r} - seen: {seen!r}")
print(f"accuracy of the best trial: {best_accuracy:.2f} - of a model fitted again with best_params: {accuracy(seen):.2f}")
assert sorted(type(value).__name__ for value, _ in tried) == ["float", "int"]
assert isinstance(best, float) and isinstance(seen, int)
assert study.best_value == best_accuracy and best_accuracy - accuracy(seen) > 0.1

for choices in ([0, False], [True, 1], [False, 0.0]):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = []
    study.optimize(lambda trial: drawn.append(trial.suggest_categorical("choice", choices)) or 0.0, n_trials=20)
    recorded = [trial.params["choice"] for trial in study.trials]
    print(f"choices {choices} - drawn: {set(map(repr, drawn))} - recorded: {set(map(repr, recorded))}")
    assert set(map(repr, drawn)) == set(map(repr, choices)) and set(map(repr, recorded)) == {repr(choices[0])}
PYTHON
