"""What `python -m stages.cluster.predict` refuses; test_cluster.py runs it on a cluster."""

import sys

import pytest
import ray

from stages.cluster import predict
from stages.cluster.nodes import task_options
from stages.common.params import Resources
from stages.common.program import UserError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "photos"), "expected OUTPUT outside of photos, where the photos are, received photos"),
        (("photos", "photos/predictions"), "expected OUTPUT outside of photos"),
        (
            ("nowhere://photos", "predictions"),
            "expected a path or a URL that fsspec reads, received 'nowhere://photos': ",
        ),
        (("nothing", "predictions"), "expected photos in nothing, found none"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_folders_that_cannot_be_are_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], message: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["predict", *arguments])
    with pytest.raises(UserError, match=f"^{message}"):
        predict.main()


def test_a_cluster_without_room_to_decode_beside_the_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 2.0, "memory": 8 * 2**30}}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    monkeypatch.setattr(ray, "cluster_resources", lambda: node["Resources"])
    predict.check_resources(Resources(cpus=1, gpus=0, memory_gib=2))
    with pytest.raises(UserError, match=r"received only 2 CPUs in all, where 2 classify photos and 1 decodes them$"):
        predict.check_resources(Resources(cpus=2, gpus=0, memory_gib=2))
    with pytest.raises(UserError, match=r"received none with 1 CPUs, 1 GPUs and 2 GiB of memory"):
        predict.check_resources(Resources(cpus=1, gpus=1, memory_gib=2))


def test_a_task_reserves_what_is_looked_for_on_a_node() -> None:
    assert task_options(Resources(cpus=2, gpus=1, memory_gib=0.5)) == {"num_cpus": 2, "num_gpus": 1, "memory": 2**29}
