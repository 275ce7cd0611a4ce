"""Write the comment on a pull request, in Markdown: parameters and scores that differ from its base's, and the report.

Reads ``params.yaml``, what the last `dvc repro` wrote into ``metrics/``, and what git or a DVC experiment has of both
for the base.

    python -m commands.pull_request main > comment.md    # the base: a commit, branch, tag or experiment
"""

from os.path import relpath
from pathlib import Path

import pandas as pd
from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages.common.cli import UserError, command_parser, first_line, run, without_password
from stages.common.params import load_params
from stages.common.paths import REPORT, SPLITS
from stages.evaluation.report import markdown_table
from stages.evaluation.scores import SCORE_NAMES
from stages.inference.model_file import resolve_commit
from stages.storage.files import explain_unreadable

# By this first line the workflow finds its earlier comment.
MARKER = "<!-- python -m commands.pull_request -->"
# Of each of four blocks: a comment on GitHub has at most 65,536.
MAX_CHARACTERS = 15_000
COLUMNS = ("old", "new", "diff")  # of DVC's differences


def main() -> None:
    parser = command_parser("Write the comment on a pull request: parameters and scores that differ, and the report.")
    parser.add_argument("base", metavar="BASE", help="a commit, branch, tag or experiment to compare with")
    base = parser.parse_args().base
    with explain_unreadable(REPORT, "run `dvc repro`"):
        report = REPORT.read_text(encoding="utf-8")
    params = load_params()
    try:
        with Repo() as repo:
            commit = resolve_commit(repo, base)
            head = repo.scm.get_rev()[:7]
            changed = diff_from(repo, base, "params").drop(columns=["path", "change"])
            scores = diff_from(repo, base, "metrics")
            here = scored_lists(repo)
            with repo.switch(commit):
                changed_lists = [f"`{path}`" for path, md5 in scored_lists(repo).items() if here.get(path, md5) != md5]
    except DvcException as error:
        raise UserError(f"expected a git revision to compare with, received {base!r}: {first_line(error)}") from error
    base = base[:7] if base == commit else base  # as of `git merge-base`
    main_scores = {"test.accuracy", *(f"{split}.{params.evaluate.rank_by}" for split in ("validation", "test"))}
    is_main = scores["path"].str.startswith("metrics/models/") & scores["key"].isin(main_scores)
    main_rows = scores[is_main | (scores["key"] == "model")]
    best = report.partition("\n\n")[2].partition("\n")[0]  # after the title: its accuracy and confidence interval
    main_names = " and ".join(sorted({"accuracy", SCORE_NAMES[params.evaluate.rank_by]}))
    unchanged = f"The best model is the same, and so is each model's {main_names}."
    blocks = [
        MARKER,
        f"### Scores of `{head}` against `{base}`",
        best,
        f"Scores on other photos or labels: {' and '.join(changed_lists)} changed." if changed_lists else "",
        f"On the photos of `{without_password(params.download.photos)}`:",
        shortened(diff_table(main_rows, base)) if len(main_rows) else unchanged,
        details("Parameters that differ", diff_table(changed, base)) if len(changed) else "",
        details("All scores that differ", diff_table(scores, base)) if len(scores) else "",
        details(f"The report of <code>{head}</code>", report),
    ]
    print("\n\n".join(filter(None, blocks)))  # noqa: T201


def scored_lists(repo: Repo) -> dict[str, str]:
    """Return the MD5 of the lists of validation and test photos on which a revision's models were scored."""
    deps = [dep for stage in repo.index.stages if stage.name == "evaluate" for dep in stage.deps if dep.hash_info]
    paths = {f"{SPLITS}/{split}.csv" for split in ("validation", "test")}
    return {dep.def_path: dep.hash_info.value for dep in deps if dep.def_path in paths}


def diff_from(repo: Repo, base: str, kind: str) -> pd.DataFrame:
    """Return a row per value that differs in "params" or "metrics", sorted, formatted as text, paths from here.

    Not DVC's own Markdown, in which a value such as ``(cat|dog)`` ends a cell.
    """
    number = "{:.3g}" if kind == "metrics" else "{}"
    difference = getattr(repo, kind).diff(base)
    errors = difference.get("errors", {}).get("workspace", {})  # by file, or one that hides all files
    for error in errors.values() if isinstance(errors, dict) else [errors]:
        if not isinstance(error, FileNotFoundError):  # as of a model that was removed
            advice = "resolve the conflict, or run `dvc repro`"
            raise UserError(f"expected files that DVC can read: {first_line(error)}: {advice}")
    rows = []
    for path, changes in difference.get("diff", {}).items():
        here = relpath(Path(repo.root_dir, path))  # DVC's paths are from the root of its repository
        for key, change in changes.items():
            rows.append((here, key, *(format_value(change.get(name), number) for name in COLUMNS)))
    return pd.DataFrame(sorted(rows), columns=["path", "key", *COLUMNS], dtype=str).rename(columns={"diff": "change"})


def diff_table(rows: pd.DataFrame, base: str) -> str:
    return markdown_table(rows.rename(columns={"old": base, "new": "this branch"}))


def format_value(value: object, number: str) -> str:
    if value is None:  # there is none
        return "-"
    return number.format(value) if isinstance(value, float) else without_password(" ".join(str(value).splitlines()))


def details(summary: str, markdown: str) -> str:
    """Fold Markdown up under a line of HTML."""
    return f"<details><summary>{summary}</summary>\n\n{shortened(markdown)}\n\n</details>"


def shortened(markdown: str) -> str:
    if len(markdown) <= MAX_CHARACTERS:
        return markdown
    return markdown[:MAX_CHARACTERS].rpartition("\n")[0] + "\n\n(The rest is too long for a comment.)"


if __name__ == "__main__":
    run(main)
