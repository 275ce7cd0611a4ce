"""Measure how the time of a run falls with the number of nodes of a Ray cluster.

    python -m benchmarks.cluster

Starts clusters of 1, 2 and 4 nodes with one core each on this machine. Runs on each of them eight DVC steps that
sleep, the models of the synthetic images by `python -m commands.cluster`, and tasks that do nothing, which shows what
Ray adds. Prints a table in Markdown. Real steps gain from no more nodes than this machine has cores.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from ray.cluster_utils import Cluster

from benchmarks.compare import lay_out, measure
from stages.common.cli import command_parser, run

NODES = (1, 2, 4)
NAPS, NAP_SECONDS, EMPTY_TASKS = 8, 10, 1000

# Run in the project's folder, the first with a dvc.yaml of steps that sleep.
NAP = f"""
from commands.cluster.__main__ import train
from commands.cluster.nodes import connect, wait_for_all
connect()
wait_for_all({{f"nap@{{n}}": train.remote(f"nap@{{n}}", "") for n in range({NAPS})}})
"""
NOTHING = f"""
import time, ray
ray.init(logging_level="ERROR")
nothing = ray.remote(num_cpus=1)(lambda: None)
ray.get([nothing.remote() for _ in range(10)])
start = time.perf_counter()
ray.get([nothing.remote() for _ in range({EMPTY_TASKS})])
print((time.perf_counter() - start) / {EMPTY_TASKS} * 1000)
"""


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    epochs = parser.parse_args().epochs
    rows = []
    for count in NODES:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(count):
            cluster.add_node(num_cpus=1)
        os.environ["RAY_ADDRESS"] = cluster.address
        with TemporaryDirectory() as temporary:
            _, empty = measure([sys.executable, "-c", NOTHING], Path(temporary), subprocess.PIPE)
            naps, _ = measure([sys.executable, "-c", NAP], lay_out_naps(Path(temporary, "naps")))
            real, _ = measure(
                [sys.executable, "-m", "commands.cluster"], lay_out_photos(Path(temporary, "real"), epochs)
            )
        cluster.shutdown()
        rows.append(
            {
                "nodes": count,
                f"{NAPS} steps of {NAP_SECONDS} s asleep: wall s": naps["wall"],
                "four models: wall s": real["wall"],
                "empty task: ms": float(empty),
            }
        )
    print(pd.DataFrame(rows).round(1).to_markdown(index=False))  # noqa: T201


def lay_out_photos(folder: Path, epochs: int) -> Path:
    """Lay out the project with synthetic images and run all that precedes training."""
    lay_out_with_remote(folder, epochs)
    measure(["dvc", "repro", "label_stats"], folder)
    return folder


def lay_out_naps(folder: Path) -> Path:
    """Lay out the project with steps that sleep in place of its own."""
    lay_out_with_remote(folder, epochs=1)
    nap = {
        "foreach": list(range(NAPS)),
        "do": {
            "cmd": f"sleep {NAP_SECONDS} && echo ${{item}} > data/nap-${{item}}",
            "deps": ["README.md"],
            "outs": ["data/nap-${item}"],
        },
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"nap": nap}}))
    return folder


def lay_out_with_remote(folder: Path, epochs: int) -> None:
    """Lay out the project with a folder beside it as DVC's remote."""
    lay_out(folder, None, epochs)
    measure(["git", "add", "--all"], folder)
    measure(["dvc", "remote", "add", "--default", "shared", folder.with_suffix(".remote")], folder)


if __name__ == "__main__":
    run(main)
