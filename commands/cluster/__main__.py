"""Run the pipeline with its features and training runs spread over a Ray cluster.

The result is that of `dvc repro`, down to ``dvc.lock``. The first steps run here, except that all nodes extract the
features. Then each training run that is not up to date goes to a node with room for it (``cluster`` in
``params.yaml``). The last steps, `evaluate`, `label_issues` and `page`, run here again. DVC's default remote carries
the features to the nodes and the results back.

    RAY_ADDRESS=head:6379 python -m commands.cluster    # without RAY_ADDRESS: the cluster on this machine, or a new one
"""

import ray
from dvc.repo import Repo

from commands import sort_dvc_lock
from commands.cluster.nodes import on_node, prepare, task_options, wait_for_all
from commands.cluster.workspace import dvc, reproduce, workspace
from stages.common.cli import UserError, first_line, plural, run
from stages.common.params import load_params


def main() -> None:
    params = load_params()
    models = {f"train@{name}": params.cluster.resources_of(name) for name in params.models}
    lock = prepare([*models.values(), params.cluster], ["split", "pixels"], params.features)
    with Repo() as repo:
        status = repo.status(list(models))
    if stale := [step for step in models if step in status]:
        options = {step: task_options(models[step], params.cluster.retries) for step in stale}
        results = wait_for_all({step: train.options(**options[step]).remote(step, lock) for step in stale})
        if failures := [f"{step}: {first_line(error)}" for step, error in results.items() if error]:
            raise UserError(f"{len(failures)} of {plural(len(stale), 'step')} failed: {'; '.join(failures)}")
        dvc("repro", "--pull", "--single-item", *stale)
    sort_dvc_lock.main()
    dvc("repro")


@ray.remote
@on_node
def train(step: str, lock: str) -> None:
    with workspace(lock) as folder:
        reproduce(folder, step)


if __name__ == "__main__":
    run(main, __doc__)
