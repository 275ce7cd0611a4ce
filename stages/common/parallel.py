"""Do the same to many things at a time, on all cores."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Count the cores that this process may use: by OMP_NUM_THREADS, as Ray sets it for a task, or else all."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Call ``function`` on each item, in a thread per core, and yield the results in the order of the items.

    For functions that spend their time outside Python's lock, as Pillow, NumPy and TensorFlow do. At most two results
    per core are in memory.
    """
    threads = available_cores()
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                if len(pending) == 2 * threads:
                    yield pending.popleft().result()
                pending.append(pool.submit(function, item))
            while pending:
                yield pending.popleft().result()
        finally:  # whoever takes the results may want no more
            for future in pending:
                future.cancel()


def map_in_parallel(function: Callable[[int], Result], indices: Sequence[int], description: str) -> list[Result]:
    """Call ``function`` on each index, on all cores, with a progress bar."""
    return list(tqdm(in_parallel(function, indices), description, len(indices), unit="photo", disable=None))
