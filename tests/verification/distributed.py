"""Does work spread over a Ray cluster come out the same when a worker and a whole node are lost on the way?

A cluster of two nodes on this machine makes tapes of synthetic speech. One worker is killed in the middle of
a part, and one node once some parts are done; then everything must be there, as one process makes it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import ray
from ray.cluster_utils import Cluster

from kws.types import SAMPLE_RATE
from training.material.tapes import Pool, TapeConfig, Tapes, make_tapes
from training.shards import on_ray, spread
from training.synth import synthesize

COUNT = 30
LOST_AT = 5
"""Parts that are done when a node goes."""
PATH = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))


def tape(known: tuple[Pool, TapeConfig, Path], seed: Sequence[int]) -> Tapes:
    """One tape; the worker that gets the third one is killed the first time."""
    pool, config, marker = known
    if seed[1] == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return make_tapes(pool, 1, config, seed=seed[0] + seed[1], workers=1)


def main() -> int:
    """Print what was lost and what came out; 0 when nothing is missing or different."""
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Ray tells there of the worker that died
    speech = synthesize(["computer"] * 6 + ["good morning", "what time is it"] * 3, np.random.default_rng(1))
    hiss = np.random.default_rng(2).normal(scale=300, size=10 * SAMPLE_RATE).astype(np.int16)
    pool = Pool(((tuple(speech[:6]), 1.0),), tuple(speech[6:]), (hiss,))
    tasks, config = [[1, number] for number in range(COUNT)], TapeConfig(seconds=10.0)
    # Workers import this file by its name; and they are not to wait for everything else that runs here.
    os.environ.update({"PYTHONPATH": PATH, "RAY_worker_niceness": "0"})
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    with tempfile.TemporaryDirectory() as folder:
        marker = Path(folder) / "killed"
        alone = list(spread(tape, (pool, config, _touched(Path(folder) / "none")), tasks, "", workers=1))
        found, nodes = [], []
        with on_ray(cluster.address):
            for made in spread(tape, (pool, config, marker), tasks, ""):
                found.append(made)
                if len(found) == LOST_AT:
                    nodes.append(_alive())
                    cluster.remove_node(node, allow_graceful=False)
            nodes.append(_alive())
        killed = marker.exists()
    cluster.shutdown()
    same = sum(np.array_equal(a.rows, b.rows) for a, b in zip(alone, found, strict=False))
    lost = "a worker was killed" if killed else "no worker was killed"
    print(f"nodes at the start {nodes[0]}, at the end {nodes[1]}; {lost}", file=result)
    print(f"{len(found)} of {COUNT} tapes came, {same} the same as one process makes", file=result)
    result.close()
    return 0 if (nodes, killed, same) == ([2, 1], True, COUNT) else 1


def _touched(path: Path) -> Path:
    path.touch()
    return path


def _alive() -> int:
    return sum(node["Alive"] for node in ray.nodes())


if __name__ == "__main__":
    sys.exit(main())
