"""What is wrong with a command that names many photos; test_cluster.py runs it on a cluster."""

import sys

import pytest
import ray

from stages.cluster import predict as predict_many
from stages.common.params import Resources
from stages.common.program import UserError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "photos"), "expected OUTPUT outside of photos, whose files are to be named, received photos"),
        (("photos", "photos/named"), "expected OUTPUT outside of photos"),
        (("nowhere://photos", "named"), "expected a path or a URL that fsspec reads, received 'nowhere://photos': "),
        (("nothing", "named"), "expected photos in nothing, found none"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_folders_that_cannot_be_are_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], message: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["predict_many", *arguments])
    with pytest.raises(UserError, match=f"^{message}"):
        predict_many.main()


def test_a_cluster_without_room_to_decode_beside_the_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 2.0, "memory": 8 * 2**30}}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    monkeypatch.setattr(ray, "cluster_resources", lambda: node["Resources"])
    predict_many.check_room(Resources(cpus=1, gpus=0, memory_gib=2))
    with pytest.raises(UserError, match=r"received only 2 CPUs in all, where 2 name photos and 1 decodes them$"):
        predict_many.check_room(Resources(cpus=2, gpus=0, memory_gib=2))
    with pytest.raises(UserError, match=r"received none with 1 CPUs, 1 GPUs and 2 GiB of memory"):
        predict_many.check_room(Resources(cpus=1, gpus=1, memory_gib=2))
