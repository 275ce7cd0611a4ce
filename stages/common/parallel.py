"""Threads on all available cores."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # of a container: CPU time in a period, in microseconds
CHUNK = 16  # items that a thread takes at a time, if there are many: handing over each by itself takes longer


def available_cores() -> int:
    """Return OMP_NUM_THREADS, which Ray sets for a task, or else the number of cores that this process may use."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdecimal() and int(limit) > 0:
        return int(limit)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # without a container, or without a limit ("max")
        quota, period = map(int, CPU_LIMIT.read_text().split())
        cores = min(cores, math.ceil(quota / period))
    return cores


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item], threads: int = 0) -> Iterator[Result]:
    """Apply a function to each item, by default in a thread per core, and yield the results in the order of the items.

    At most two results per thread wait in memory. It pays off for functions that release the GIL or wait for a server.
    """
    threads = threads or available_cores()
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                if len(pending) == 2 * threads:
                    yield pending.popleft().result()
                pending.append(pool.submit(function, item))
            while pending:
                yield pending.popleft().result()
        finally:  # also where the caller stops early
            for future in pending:
                future.cancel()


def map_in_parallel(function: Callable[[Item], Result], items: Sequence[Item], description: str) -> list[Result]:
    """Apply a function to each photo or its index, on all cores, with a progress bar."""
    size = min(CHUNK, 1 + len(items) // (8 * available_cores()))
    chunks = (items[start : start + size] for start in range(0, len(items), size))
    results = chain.from_iterable(in_parallel(lambda chunk: [*map(function, chunk)], chunks))
    return list(tqdm(results, description, len(items), unit="photo", disable=None))
