import os
import time
from collections.abc import Generator, Iterator
from itertools import count, islice
from pathlib import Path
from threading import Barrier, Event, Timer

import pytest

from stages.common import parallel
from stages.common.parallel import available_cores, in_parallel, map_in_parallel


@pytest.fixture(autouse=True)
def _two_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(parallel, "CPU_LIMIT", tmp_path / "cpu.max")


def test_only_a_few_items_are_taken_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    assert list(islice(in_parallel(str, items()), 3)) == ["0", "1", "2"]
    assert len(taken) <= 3 + 4


def test_few_items_are_mapped_on_all_cores() -> None:
    both = Barrier(2, timeout=10)
    assert map_in_parallel(lambda _: both.wait(), range(2), "waiting") in ([0, 1], [1, 0])


@pytest.mark.parametrize("length", [0, 1, 17, 1000])
def test_results_of_many_items_come_in_their_order(length: int) -> None:
    assert map_in_parallel(str, range(length), "mapping") == [str(number) for number in range(length)]


def test_a_failure_is_raised_in_place_of_its_result() -> None:
    results = in_parallel(lambda number: 1 / number, [1, 2, 0, 4])
    assert list(islice(results, 2)) == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_nothing_is_begun_after_the_caller_stops() -> None:
    begun, wait = [], Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            wait.wait(timeout=10)
        return number

    results = in_parallel(work, count())
    assert isinstance(results, Generator)
    assert next(results) == 0
    end = time.monotonic() + 10
    while len(begun) < 3 and time.monotonic() < end:  # the second thread may not have been given its turn yet
        time.sleep(0.01)
    Timer(0.1, wait.set).start()
    results.close()
    assert sorted(begun) == [0, 1, 2], "the first, and those that two threads had begun"


@pytest.mark.parametrize(("limit", "cores"), [("3", 3), ("0", 4), ("", 4), ("many", 4)])
def test_omp_num_threads_limits_the_cores(limit: str, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 5, 6, 7}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert available_cores() == cores


LIMITS = [("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 3), ("max 100000", 3)]


@pytest.mark.parametrize(("limit", "cores"), LIMITS)
def test_a_container_s_limit_counts(limit: str, cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2}, raising=False)
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert available_cores() == cores
