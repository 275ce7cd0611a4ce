"""Run the pipeline with its features and training runs spread over a Ray cluster.

The result is that of `dvc repro`, down to ``dvc.lock``. The first steps run here, but for features, which all nodes
extract; then each training run that is not up to date, on whichever node has room (``cluster`` in ``params.yaml``); and
the last steps, `evaluate`, `label_issues` and `page`, here again. DVC's default remote carries the features there and
the results back.

    RAY_ADDRESS=head:6379 python -m commands.cluster    # without RAY_ADDRESS: the cluster on this machine, or a new one
"""

from collections.abc import Mapping
from pathlib import Path

import ray
from dvc.repo import Repo

from commands import sort_dvc_lock
from commands.cluster.nodes import check_nodes, connect, on_node, resources_for_features, task_options, wait_for_all
from commands.cluster.workspace import dvc, reproduce, workspace
from stages.common.cli import UserError, first_line, plural, run
from stages.common.params import Resources, load_params


def main() -> None:
    params = load_params()
    models = {f"train@{name}": params.cluster.resources_of(name) for name in params.models}
    connect()
    check_nodes([*models.values(), *(resources_for_features(name, params) for name in params.features)])
    dvc("repro", "backbone", "label_stats", "pixels")
    if params.features:
        dvc("repro", "--pull", "--single-item", *(f"features@{name}" for name in params.features))
    reproduce_on_nodes(models, params.cluster.retries)
    sort_dvc_lock.main()
    dvc("repro")


def reproduce_on_nodes(steps: Mapping[str, Resources], retries: int) -> None:
    """Run the training runs that are not up to date on nodes with such resources, and pull their results."""
    with Repo() as repo:
        status = repo.status(list(steps))
    if not (stale := [step for step in steps if step in status]):
        return
    dvc("push", "split", "pixels", "features")
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    tasks = {step: train.options(**task_options(steps[step], retries)).remote(step, lock) for step in stale}
    results = wait_for_all(tasks)
    if failures := [f"{step}: {first_line(error)}" for step, error in results.items() if error]:
        raise UserError(f"{len(failures)} of {plural(len(stale), 'step')} failed: {'; '.join(failures)}")
    dvc("repro", "--pull", "--single-item", *stale)


@ray.remote
@on_node
def train(step: str, lock: str) -> None:
    with workspace(lock) as folder:
        reproduce(folder, step)


if __name__ == "__main__":
    run(main, __doc__)
