"""Mutation test: change the code that decides results in random places, one at a time, and count what tests catch.

A change is an operator of Cosmic Ray, such as another number, another comparison or a loop that never runs. The tests
nearest to it run first, then all of `make check`. It is caught when a test fails or the tests do not end. Works on a
clone of the last commit, in a temporary folder; the exit code is 1 if fewer than nine of ten changes were caught.

    python -m tests.mutants [--count 60] [--seed 0]
"""

import logging
import os
import random
import re
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.testing import run_tests
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome

from stages.common.cli import UserError, command_parser, logger, run

PROJECT = Path(__file__).parents[1]
ALL_TESTS = ("tests",)
# The modules that decide results, and the tests nearest to them.
MODULES = {
    "split.py": ("tests/test_split.py", "tests/test_split_duplicates.py"),
    "data/*.py": ("tests/data", "tests/test_split.py", "tests/test_split_duplicates.py"),
    "label_stats.py": ("tests/test_label_stats.py",),
    "photos/*.py": ("tests/photos",),
    "models/*.py": ("tests/models",),
    "datasets/*.py": ("tests/datasets",),
    "training/*.py": ("tests/training",),
    "train.py": ("tests/test_train.py",),
    "inference/*.py": ("tests/inference", "tests/test_evaluate.py"),
    "evaluation/*.py": ("tests/evaluation",),
    "evaluate.py": ("tests/test_evaluate.py", "tests/test_steps.py"),
}
OTHER_MODULES = {"archive", "fetch", "gradcam", "plots", "report"}  # fetching, figures and texts
# Decides no result, or is noticed by Python itself: drawing, the | of types and the ** of arguments, the log.
IRRELEVANT_FUNCTION = re.compile(r"draw_\w+(?<!augmentation)")
IRRELEVANT_OPERATOR = re.compile(r"core/ReplaceBinaryOperator_(BitOr|Pow)_")
IRRELEVANT_LINE = re.compile(r" *logger\.")
LEAST_CAUGHT = 0.9


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.getLogger("cosmic_ray").setLevel(logging.WARNING)
    with TemporaryDirectory() as temporary:
        subprocess.run(["git", "clone", "--quiet", PROJECT, temporary], check=True)
        os.chdir(temporary)
        limits = {tests: time_limit(tests) for tests in {*MODULES.values(), ALL_TESTS}}
        survivors = 0
        for number, mutation in enumerate(draw(args.count, args.seed), start=1):
            caught_by, change = challenge(mutation, limits)
            survivors += not caught_by
            logger.info("%d of %d: %s\n%s", number, args.count, caught_by or "NOT CAUGHT", change)
    logger.info("caught %d of %d, drawn with seed %d", args.count - survivors, args.count, args.seed)
    if survivors > (1 - LEAST_CAUGHT) * args.count:
        raise UserError(f"expected {LEAST_CAUGHT:.0%} of the changes to be caught, received {survivors} that are not")


def command(tests: tuple[str, ...]) -> str:
    return shlex.join([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", *tests])


def nearest_tests() -> dict[str, tuple[str, ...]]:
    """Return the nearest tests of each module that decides results."""
    found = {path: tests for pattern, tests in MODULES.items() for path in Path("stages").glob(pattern)}
    return {path.as_posix(): tests for path, tests in found.items() if path.stem not in OTHER_MODULES}


def time_limit(tests: tuple[str, ...]) -> float:
    """Return a limit in seconds: several times as many as the tests take, and pass in, on the unchanged code."""
    start = time.monotonic()
    outcome, output = run_tests(command(tests), timeout=3600)
    if outcome != TestOutcome.SURVIVED:
        raise UserError(f"expected tests that pass before anything is changed, received:\n{output}")
    return 60 + 4 * (time.monotonic() - start)


def draw(count: int, seed: int) -> list[MutationSpec]:
    """Draw places in the code, and a mutation for each."""
    with use_db("mutants.sqlite") as session:
        init(map(Path, nearest_tests()), session, {})
        mutations = [mutation for item in session.work_items for mutation in item.mutations]
    places = defaultdict(list)
    for mutation in sorted(mutations, key=lambda mutation: (mutation.operator_name, mutation.occurrence)):
        if matters(mutation):
            places[str(mutation.module_path), mutation.start_pos].append(mutation)
    rng = random.Random(seed)
    return [rng.choice(places[place]) for place in rng.sample(sorted(places), count)]


def matters(mutation: MutationSpec) -> bool:
    line = mutation.module_path.read_text(encoding="utf-8").splitlines()[mutation.start_pos[0] - 1]
    return not (
        IRRELEVANT_FUNCTION.fullmatch(mutation.definition_name or "")
        or IRRELEVANT_OPERATOR.match(mutation.operator_name)
        or IRRELEVANT_LINE.match(line)
    )


def challenge(mutation: MutationSpec, limits: dict[tuple[str, ...], float]) -> tuple[str, str]:
    """Run the tests on a mutation, and return the test that caught it ("": none) and the diff."""
    for tests in (nearest_tests()[str(mutation.module_path)], ALL_TESTS):
        result = mutate_and_test([mutation], command(tests), limits[tests])
        if result.test_outcome == TestOutcome.INCOMPETENT:
            raise RuntimeError(result.output)
        if result.test_outcome == TestOutcome.KILLED:
            failed = re.search(r"^(?:FAILED|ERROR) (\S+)", result.output, re.MULTILINE)
            return (failed[1] if failed else result.output.strip()[-200:] or "no test starts"), result.diff
    return "", result.diff


if __name__ == "__main__":
    run(main)
