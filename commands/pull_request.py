"""Write the comment on a pull request, in Markdown: parameters and scores that differ from its base's, and the report.

Reads ``params.yaml``, what the last `dvc repro` wrote into ``metrics/``, and what git or a DVC experiment has of both
for the base.

    python -m commands.pull_request main > comment.md    # the base: a commit, branch, tag or experiment
"""

import subprocess
import sys

from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages.common.cli import UserError, command_parser, first_line, run
from stages.common.params import load_params
from stages.common.paths import BEST, REPORT
from stages.inference.model_file import resolve_commit
from stages.storage.files import json_value

# By this first line the workflow finds its earlier comment.
MARKER = "<!-- python -m commands.pull_request -->"
# Of each of four blocks: a comment on GitHub has at most 65,536.
MAX_CHARACTERS = 15_000


def main() -> None:
    parser = command_parser("Write the comment on a pull request: parameters and scores that differ, and the report.")
    parser.add_argument("base", metavar="BASE", help="a commit, branch, tag or experiment to compare with")
    base = parser.parse_args().base
    if not REPORT.exists():
        raise UserError(f"expected {REPORT}, found none: run `dvc repro`")
    if BEST.exists():  # DVC leaves out a file that it cannot read
        json_value(BEST.read_bytes(), "model", str, BEST, "resolve the conflict, or run `dvc repro`")
    params = load_params()
    head = current_commit(base)
    params_header, params_rows = diff_from(base, "params", "--no-path")
    header, rows = diff_from(base, "metrics", "--precision", "3")
    main_scores = {"test.accuracy", *(f"{split}.{params.evaluate.rank_by}" for split in ("validation", "test"))}
    main_rows = [row for row in rows if is_main(row, main_scores)]
    report = REPORT.read_text(encoding="utf-8")
    best = report.partition("\n\n")[2].partition("\n")[0]  # after the title: its accuracy and confidence interval
    unchanged = f"The best model and each model's {params.evaluate.rank_by} are the same."
    blocks = [
        MARKER,
        f"### Scores of `{head}` against `{base}`",
        f"{best}\n\nOn the photos of `{params.download.photos}`:",
        shortened("\n".join([*header, *main_rows])) if main_rows else unchanged,
        details("Parameters that differ", "\n".join([*params_header, *params_rows])) if params_rows else "",
        details("All scores that differ", "\n".join([*header, *rows])) if rows else "",
        details(f"The report of <code>{head}</code>", report),
    ]
    print("\n\n".join(filter(None, blocks)))  # noqa: T201


def current_commit(base: str) -> str:
    """Return the current commit's short hash, or raise UserError if ``base`` is not a commit to compare it with."""
    try:
        with Repo() as repo:
            resolve_commit(repo, base)
            return str(repo.scm.get_rev()[:7])
    except DvcException as error:
        raise UserError(f"expected a git revision to compare with, received {base!r}: {first_line(error)}") from error


def diff_from(base: str, kind: str, *options: str) -> tuple[list[str], list[str]]:
    """Run `dvc params diff` or `dvc metrics diff`, and return its Markdown table: the header, and the rows, sorted.

    DVC's own order varies.
    """
    command = [sys.executable, "-m", "dvc", kind, "diff", "--md", *options, base]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode:
        reason = first_line(finished.stderr.strip().removeprefix("ERROR: "))
        raise UserError(f"expected {kind} to compare with those of {base!r}, found none that DVC can read: {reason}")
    titles, rule, *rows = finished.stdout.strip().splitlines()
    return [titles.replace(" workspace ", " this branch "), rule], sorted(rows)


def is_main(row: str, main_scores: set[str]) -> bool:
    """Return whether a row of the table is of the best model's name or of a model's main score."""
    _, path, metric, *_ = (cell.strip() for cell in row.split("|"))
    return metric == "model" or (path.startswith("metrics/models/") and metric in main_scores)


def details(summary: str, markdown: str) -> str:
    """Fold Markdown up under a line of HTML."""
    return f"<details><summary>{summary}</summary>\n\n{shortened(markdown)}\n\n</details>"


def shortened(markdown: str) -> str:
    if len(markdown) <= MAX_CHARACTERS:
        return markdown
    return markdown[:MAX_CHARACTERS].rpartition("\n")[0] + "\n\n(The rest is too long for a comment.)"


if __name__ == "__main__":
    run(main)
