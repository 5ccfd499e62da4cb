"""Work in parts side by side: on this machine's processors, or on the workers of a Ray cluster.

What is made depends on the parts alone, never on who makes them or in which order they are done.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from training.progress import track

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Made = TypeVar("Made")

WORKERS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Processes of this machine that work side by side; of many processors not all, for each holds material."""
LIVES = 5
"""How often a part is begun anew after a Ray worker died under it."""
_AHEAD = 4
"""Parts given to Ray before they are waited for, per processor."""

_on_ray: ContextVar[bool] = ContextVar("on_ray", default=False)


@contextmanager
def on_ray(address: str | None) -> Iterator[None]:
    """Within it, `spread` gives its parts to this cluster; None changes nothing.

    Every worker needs the same packages installed and sees recordings under the same paths.

    Raises:
        KwsError: Ray is not installed, or nothing answers at the address.
    """
    if address is None:
        yield
        return
    ray = _joined(address)
    token = _on_ray.set(True)
    try:
        yield
    finally:
        _on_ray.reset(token)
        ray.shutdown()


def shuffled(count: int, parts: int, seed: int) -> list[tuple[int, int, npt.NDArray[np.int64]]]:
    """Tasks for `spread`: the numbers below `count` in at most so many parts, as (seed, part, numbers)."""
    order = np.array_split(np.random.default_rng(seed).permutation(count), parts)
    return [(seed, number, part) for number, part in enumerate(order) if len(part)]


def spread(
    function: Callable[[Shared, Task], Made],
    shared: Shared,
    tasks: Sequence[Task],
    label: str,
    *,
    workers: int = WORKERS,
    threads: bool = False,
    fork: bool = True,
) -> Iterator[Made]:
    """`function(shared, task)` for every task, in their order, with a bar (training.progress).

    Args:
        function: at the top level of a module, so that a worker can find it.
        shared: goes once to each worker.
        tasks: parts of the work.
        label: what the bar says.
        workers: processes of this machine; 1: none but this one.
        threads: threads instead, for work that is done by programs of its own.
        fork: processes take over what is shared without copying it; not with libraries that have threads.
    """
    if _on_ray.get():
        made = _over_ray(function, shared, tasks)
    elif workers == 1:
        made = (function(shared, task) for task in tasks)
    elif threads:
        made = _over_threads(function, shared, tasks, workers)
    else:
        made = _over_processes(function, shared, tasks, workers, "fork" if fork else "spawn")
    return track(made, label, len(tasks))


def _over_threads(
    function: Callable[[Any, Any], Any], shared: Any, tasks: Sequence[Any], workers: int
) -> Iterator[Any]:
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(lambda task: function(shared, task), tasks)
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nothing more is begun


_work: tuple[Callable[[Any, Any], Any], Any]


def _over_processes(
    function: Callable[[Any, Any], Any], shared: Any, tasks: Sequence[Any], workers: int, start: str
) -> Iterator[Any]:
    """A worker is never killed: one that was just writing a result would leave the others' reader waiting."""
    size, others = max(1, min(8, len(tasks) // (4 * workers))), set(active_children())
    pool = ProcessPoolExecutor(workers, get_context(start), _adopt, ((function, shared),))
    try:
        yield from pool.map(_done, tasks, chunksize=size)
    except BrokenProcessPool as error:
        raise KwsError("a process that worked on a part was ended, perhaps for want of memory") from error
    except BaseException:  # an error in a part, or Ctrl-C: what has been begun is of no use to anybody
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Stopped(BaseException):
    """Nobody waits for the part any more."""


_is_working = _is_stopped = False


def _adopt(work: tuple[Callable[[Any, Any], Any], Any]) -> None:
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began the work
    signal.signal(signal.SIGTERM, _stop)


def _stop(*_: Any) -> None:
    """Ends the part that is being made, and those that this worker has been given already."""
    global _is_stopped
    _is_stopped = True
    if _is_working:
        raise _Stopped


def _done(task: Any) -> Any:
    global _is_working
    function, shared = _work
    try:
        _is_working = True
        if _is_stopped:
            raise _Stopped
        return function(shared, task)
    finally:
        _is_working = False


def _joined(address: str) -> Any:
    try:
        import ray
    except ImportError as error:
        raise KwsError("--ray needs the package ray; pip install 'kws[distributed]'") from error
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = str(error).partition("\n")[0]
        raise KwsError(f"--ray {address}: no cluster there ({reason}); start one with ray start") from error
    return ray


def _over_ray(function: Callable[[Any, Any], Any], shared: Any, tasks: Sequence[Any]) -> Iterator[Any]:
    """A part whose worker dies is made again elsewhere; results that died with it too."""
    import ray

    everywhere, run = ray.put(shared), ray.remote(max_retries=LIVES)(function)
    ahead = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting: deque[Any] = deque()
    for task in tasks:
        waiting.append(run.remote(everywhere, task))
        if len(waiting) >= ahead:
            yield ray.get(waiting.popleft())
    while waiting:
        yield ray.get(waiting.popleft())
