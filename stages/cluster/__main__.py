"""Run the pipeline with its trainings spread over a Ray cluster.

Does what `dvc repro` does and ends in the same ``dvc.lock``: the steps before training run here, each training that is
not up to date on whichever node has room (``cluster`` in ``params.yaml``), `evaluate` here again. DVC's default remote
carries the data there and the results back.

    RAY_ADDRESS=head:6379 python -m stages.cluster    # without RAY_ADDRESS: the cluster on this machine, or a new one
"""

import logging
from pathlib import Path

import ray
from dvc.repo import Repo

from stages.cluster.nodes import cause_of, check_nodes, connect, task_options
from stages.cluster.workspace import NodeError, dvc, workspace
from stages.common.params import load_params
from stages.common.program import UserError, run

logger = logging.getLogger(__name__)


def main() -> None:
    params = load_params()
    resources = {f"train@{model}": params.cluster.resources_of(model) for model in params.models}
    connect()
    check_nodes(resources.values())
    dvc("repro", "backbone", "label_stats")
    with Repo() as repo:
        changed = repo.status(list(resources))
    if changed:
        dvc("push", "download", "backbone", "split")
        lock = Path("dvc.lock").read_text(encoding="utf-8")
        retries = {"max_retries": params.cluster.retries, "retry_exceptions": [NodeError]}
        tasks = {
            reproduce.options(**task_options(needed), **retries).remote(step, lock): step
            for step, needed in resources.items()
            if step in changed
        }
        wait_for_all(tasks)
    dvc("repro", "--pull")


@ray.remote
def reproduce(step: str, lock: str) -> None:
    """Run a step on a node, from the remote's data to the remote."""
    with workspace(lock) as folder:
        dvc("repro", "--pull", "--single-item", step, folder=folder)
        dvc("push", "--run-cache", step, folder=folder)


def wait_for_all(steps: dict[ray.ObjectRef, str]) -> None:
    """Wait until all tasks have ended; when one fails, the others go on.

    Raises:
        UserError: Some failed. What the others trained is in the remote all the same.
    """
    failures = []
    waiting = list(steps)
    while waiting:
        [task], waiting = ray.wait(waiting)
        try:
            ray.get(task)
            logger.info("%s: done (%d to go)", steps[task], len(waiting))
        except ray.exceptions.RayError as error:
            failures.append(f"{steps[task]}: {cause_of(error)}")
    if failures:
        raise UserError(
            f"expected {len(steps)} trainings to succeed, received {len(failures)} failures: {'; '.join(failures)}"
        )


if __name__ == "__main__":
    run(main, __doc__)
