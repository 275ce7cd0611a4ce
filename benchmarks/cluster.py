"""How the time of a run falls with the nodes of a Ray cluster.

    python -m benchmarks.cluster

Starts clusters of 1, 2 and 4 nodes with one processor each on this machine. On each runs eight DVC steps that sleep,
and the drawn photos' models, by `python -m stages.cluster`; and measures what Ray adds to a task that does nothing.
Prints a table in Markdown. Real steps gain from no more nodes than this machine has processors.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from ray.cluster_utils import Cluster

from benchmarks.compare import lay_out, measure

NODES = (1, 2, 4)
NAPS, NAP_SECONDS, EMPTY_TASKS = 8, 10, 1000

# Run in the project's folder: the first with a dvc.yaml of steps that sleep.
NAP = f"""
from pathlib import Path
from stages import cluster
from stages.cluster.nodes import connect
connect()
cluster.wait_for_all({{cluster.reproduce.remote(f"nap@{{n}}", ""): f"nap@{{n}}" for n in range({NAPS})}})
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    args.photos = args.backbone = None
    rows = []
    for count in NODES:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(count):
            cluster.add_node(num_cpus=1)
        os.environ["RAY_ADDRESS"] = cluster.address
        with TemporaryDirectory() as temporary:
            _, empty = measure([sys.executable, "-c", NOTHING], Path(temporary), subprocess.PIPE)
            naps = measure([sys.executable, "-c", NAP], with_naps(Path(temporary, "naps"), args))[0]
            real = measure([sys.executable, "-m", "stages.cluster"], shared(Path(temporary, "real"), args))[0]
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


def shared(folder: Path, args: argparse.Namespace) -> Path:
    """The project with drawn photos and a folder beside it as DVC's remote; all that precedes training is done."""
    lay_out(folder, args, args.epochs)
    measure(["dvc", "remote", "add", "--default", "shared", folder.with_suffix(".remote")], folder)
    measure(["dvc", "repro", "label_stats"], folder)
    return folder


def with_naps(folder: Path, args: argparse.Namespace) -> Path:
    lay_out(folder, args, epochs=1)
    measure(["dvc", "remote", "add", "--default", "shared", folder.with_suffix(".remote")], folder)
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


if __name__ == "__main__":
    main()
