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
from commands.cluster.nodes import cause_of, check_nodes, connect, on_node, resources_for_features, task_options
from commands.cluster.workspace import NodeError, dvc, workspace
from stages.common.cli import UserError, first_line, logger, plural, run
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
    options = {"max_retries": retries, "retry_exceptions": [NodeError]}
    wait_for_all({reproduce.options(**options, **task_options(steps[step])).remote(step, lock): step for step in stale})
    dvc("repro", "--pull", "--single-item", *stale)


@ray.remote
@on_node
def reproduce(step: str, lock: str) -> None:
    """Run a step on a node, from the remote's data to the remote."""
    with workspace(lock) as folder:
        dvc("repro", "--pull", "--single-item", step, folder=folder)
        dvc("push", "--run-cache", step, folder=folder)


def wait_for_all(steps: dict[ray.ObjectRef, str]) -> None:
    """Wait until all tasks have ended; raise UserError if some failed. The remote has the results of the others."""
    failures, waiting = [], list(steps)
    while waiting:
        [task], waiting = ray.wait(waiting)
        try:
            ray.get(task)
            logger.info("%s: done (%d to go)", steps[task], len(waiting))
        except ray.exceptions.RayError as error:
            failures.append(f"{steps[task]}: {first_line(cause_of(error))}")
    if failures:
        raise UserError(f"{len(failures)} of {plural(len(steps), 'step')} failed: {'; '.join(failures)}")


if __name__ == "__main__":
    run(main, __doc__)
