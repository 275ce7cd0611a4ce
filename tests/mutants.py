"""Change the code that decides results, one place at a time, and count the changes that the tests catch.

The places are drawn at random; each is changed by an operator of Cosmic Ray, such as another number, another comparison
or a loop that never runs. The tests nearest to it run first, then all of `make check`. A change is caught when a test
fails, or when the tests do not end. Works on a clone of the last commit, in a temporary folder. Prints each change and
what caught it; the exit code is 1 if fewer than nine of ten were caught.

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

from stages.common.program import UserError, command_parser, run

logger = logging.getLogger(__name__)

PROJECT = Path(__file__).parents[1]
# The modules that decide results, by the tests nearest to them.
MODULES = {
    ("tests/test_split.py", "tests/intake"): ("split", "intake/duplicates", "intake/layout"),
    ("tests/photos",): ("photos/arrays", "photos/decode", "photos/lists", "label_stats"),
    ("tests/models",): (
        *("models/backbone", "models/build", "models/precision", "models/recipe", "models/runtime", "models/saving"),
    ),
    ("tests/training",): (
        *("training/augmentation", "training/backup", "training/callbacks", "training/datasets", "training/features"),
        *("training/training", "train"),
    ),
    ("tests/inference", "tests/evaluation", "tests/test_evaluate.py"): (
        *("evaluation/calibration", "evaluation/curves", "evaluation/results", "evaluation/scores"),
        *("evaluation/significance", "inference/model", "evaluate"),
    ),
}
NEAREST = {f"stages/{module}.py": tests for tests, modules in MODULES.items() for module in modules}
ALL_TESTS = ("tests",)
# Drawing decides no result, and | joins types in signatures: such a change is noticed by Python itself.
IRRELEVANT_FUNCTION = re.compile(r"draw_(accuracy|calibration|counts|reliability|samples)")
IRRELEVANT_OPERATOR = re.compile(r"core/ReplaceBinaryOperator_BitOr_")
LEAST_CAUGHT = 0.9


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with TemporaryDirectory() as temporary:
        subprocess.run(["git", "clone", "--quiet", PROJECT, temporary], check=True)
        os.chdir(temporary)
        limits = {tests: time_limit(tests) for tests in {*NEAREST.values(), ALL_TESTS}}
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


def time_limit(tests: tuple[str, ...]) -> float:
    """Run tests on the code as it is, and allow several times as many seconds.

    Raises:
        UserError: They fail.
    """
    start = time.monotonic()
    outcome, output = run_tests(command(tests), timeout=3600)
    if outcome != TestOutcome.SURVIVED:
        raise UserError(f"expected tests that pass before anything is changed, received:\n{output}")
    return 60 + 4 * (time.monotonic() - start)


def draw(count: int, seed: int) -> list[MutationSpec]:
    """Draw places in the code, and for each one of the mutations that are possible there."""
    with use_db("mutants.sqlite") as session:
        init([Path(module) for module in NEAREST], session, {})
        mutations = [mutation for item in session.work_items for mutation in item.mutations]
    places = defaultdict(list)
    for mutation in sorted(mutations, key=lambda mutation: (mutation.operator_name, mutation.occurrence)):
        drawing = IRRELEVANT_FUNCTION.fullmatch(mutation.definition_name or "")
        if not drawing and not IRRELEVANT_OPERATOR.match(mutation.operator_name):
            places[str(mutation.module_path), mutation.start_pos].append(mutation)
    rng = random.Random(seed)
    return [rng.choice(places[place]) for place in rng.sample(sorted(places), count)]


def challenge(mutation: MutationSpec, limits: dict[tuple[str, ...], float]) -> tuple[str, str]:
    """Run the tests on a mutation; return what caught it, "" for nothing, and the change as a diff."""
    for tests in (NEAREST[str(mutation.module_path)], ALL_TESTS):
        result = mutate_and_test([mutation], command(tests), limits[tests])
        if result.test_outcome == TestOutcome.INCOMPETENT:
            raise RuntimeError(result.output)
        if result.test_outcome == TestOutcome.KILLED:
            failed = re.search(r"^(?:FAILED|ERROR) (\S+)", result.output, re.MULTILINE)
            return (failed[1] if failed else result.output.strip()[-200:] or "no test starts"), result.diff
    return "", result.diff


if __name__ == "__main__":
    run(main)
