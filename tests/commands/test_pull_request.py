"""The comment on a pull request, of a project of the real git and dvc with two branches."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from commands import pull_request
from stages.common.cli import UserError
from stages.storage.files import write_json, write_text
from tests.conftest import PROJECT, SetParams, run_main
from tests.project import commit, run


def write_metrics(best: str, **models: dict[str, Any]) -> None:
    shutil.rmtree("metrics", ignore_errors=True)
    for name, test in models.items():
        scores = {"train": {"accuracy": 0.9}, "validation": {"accuracy": 0.8}, "test": test, "classes": [{"recall": 1}]}
        write_json({**scores, "environment": ["Python"]}, Path(f"metrics/models/{name}.json"))
    write_json({"model": best, "test": models[best], "comparisons": []}, Path("metrics/best.json"))
    write_text(f"# Report\n\nThe best is {best}.\n", Path("metrics/report.md"))


@pytest.fixture
def branches(workspace: Path) -> Path:
    """On the branch "smaller", whose pull request to "main" changes `cnn`, adds `small` and removes `large`."""
    shutil.copy(PROJECT / "dvc.yaml", workspace)
    run(workspace, "git", "init", "--quiet", "--initial-branch=main")
    Repo.init(str(workspace)).close()
    write_metrics("large", cnn={"accuracy": 0.7, "ece": 0.1}, large={"accuracy": 0.8, "ece": 0.1})
    commit(workspace)
    run(workspace, "git", "switch", "--quiet", "--create=smaller")
    write_metrics("cnn", cnn={"accuracy": 0.75, "ece": 0.2}, small={"accuracy": 0.6, "ece": 0.1})
    commit(workspace)
    return workspace


@pytest.fixture
def comment(branches: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Write the comment in the repository with branches."""

    def write(base: str = "main") -> str:
        run_main(pull_request, base)
        return capsys.readouterr().out

    return write


def rows(table: str) -> list[list[str]]:
    return [re.findall(r"[^| ]+", row) for row in table.splitlines() if row.startswith("| metrics/")]


def test_main_scores_come_first(comment: Callable[..., str]) -> None:
    """Those that differ, then all scores that differ, then the report."""
    main, others, report = comment().split("<details><summary>")  # no parameter differs
    assert main.startswith(f"{pull_request.MARKER}\n\n### Scores of `")
    assert "\n\nThe best is cnn.\n\n" in main
    assert "| main | this branch | change |" in main
    assert rows(main) == [
        ["metrics/best.json", "model", "large", "cnn", "-"],
        ["metrics/models/cnn.json", "test.accuracy", "0.7", "0.75", "0.05"],
        ["metrics/models/large.json", "test.accuracy", "0.8", "-", "-"],
        ["metrics/models/large.json", "validation.accuracy", "0.8", "-", "-"],
        ["metrics/models/small.json", "test.accuracy", "-", "0.6", "-"],
        ["metrics/models/small.json", "validation.accuracy", "-", "0.8", "-"],
    ]
    assert ["metrics/models/cnn.json", "test.ece", "0.1", "0.2", "0.1"] in rows(others)
    assert rows(others) == sorted(rows(others))
    assert report.endswith("\n\n# Report\n\nThe best is cnn.\n\n\n</details>\n")


def test_the_score_of_rank_by_is_a_main_one(comment: Callable[..., str], set_params: SetParams) -> None:
    set_params({"evaluate.rank_by": "macro_f1"})
    write_metrics("cnn", cnn={"accuracy": 0.7, "macro_f1": 0.6})
    main, parameters, scores, _ = comment("HEAD").split("<details><summary>")
    assert ["metrics/models/cnn.json", "test.macro_f1", "-", "0.6", "-"] in rows(main)
    assert parameters.startswith("Parameters that differ</summary>\n\n| key | HEAD ")
    assert "| evaluate.rank_by | accuracy | macro_f1 |" in parameters
    assert scores.startswith("All scores that differ")


def test_a_base_may_be_named_like_a_column(branches: Path, comment: Callable[..., str]) -> None:
    run(branches, "git", "branch", "key", "main")
    text = comment("key")
    assert "| path | key | key | this branch | change |" in text
    assert rows(text) == rows(comment("main"))


def test_a_hash_is_shortened_in_titles(branches: Path, comment: Callable[..., str]) -> None:
    base = run(branches, "git", "merge-base", "main", "HEAD").strip()
    text = comment(base)
    assert base not in text
    assert f"` against `{base[:7]}`" in text
    assert f"| {base[:7]} | this branch |" in text


def test_a_parameter_with_markup_is_shown_whole(comment: Callable[..., str], set_params: SetParams) -> None:
    """In a table of GitHub a bar would end the cell and hide the rest, and a tag would be left out."""
    set_params({"split.group": "/(?P<id>IMG|DSC)_\n(\\d+)", "train.learning_rate": 0.000123456})
    parameters = comment("HEAD").split("<details><summary>")[1]
    assert r"| split.group | - | /(?P\<id>IMG\|DSC)\_ (\\d+) |" in parameters
    assert "| train.learning_rate | 0.001 | 0.000123456 |" in parameters


def test_a_password_in_a_url_is_not_shown(comment: Callable[..., str], set_params: SetParams) -> None:
    set_params({"download.photos": "https://me:s3cret@example.org/photos.zip"})
    text = comment("HEAD")
    assert "s3cret" not in text
    assert text.count("https://example.org/photos.zip") == 2


def test_where_no_score_differs_it_says_so(comment: Callable[..., str]) -> None:
    text = comment("smaller")
    assert "\n\nThe best model is the same, and so is each model's accuracy.\n\n<details><summary>The report" in text


def test_scores_on_other_photos_are_called_so(branches: Path, comment: Callable[..., str]) -> None:
    """As after another seed, which leaves their number; here only the test photos are others."""
    lock = "schema: '2.0'\nstages:\n  evaluate:\n    cmd: python -m stages.evaluate\n    deps:\n"
    for branch, md5 in {"main": "1", "smaller": "2"}.items():
        run(branches, "git", "switch", "--quiet", branch)
        lists = {"validation": "0", "test": md5}
        deps = [f"    - {{path: data/splits/{split}.csv, hash: md5, md5: '{lists[split] * 32}'}}\n" for split in lists]
        write_text(lock + "".join(deps), Path("dvc.lock"))
        commit(branches)
    assert "\n\nScores on other photos or labels: `data/splits/test.csv` changed.\n\nOn the" in comment()
    assert "other photos" not in comment("HEAD")


def test_a_comment_has_no_more_characters_than_github_takes(comment: Callable[..., str]) -> None:
    many = {f"model_{number}": {"accuracy": 0.5, "ece": 0.1} for number in range(150)}
    write_metrics("model_0", **many)
    write_text("# Report\n\n" + "One more line.\n" * 5000, Path("metrics/report.md"))
    text = comment()
    assert 45_000 - 200 < len(text) < 65_536 - pull_request.MAX_CHARACTERS
    assert text.count("(The rest is too long for a comment.)") == 3
    assert text.endswith("</details>\n")


def test_a_mistake_is_one_line(comment: Callable[..., str]) -> None:
    for base in ("mian", "", "HEAD:dvc.yaml", "HEAD^{tree}", "workspace", "a\nb"):
        with pytest.raises(UserError, match=r"^expected a git revision to compare with, received '[^\n]*$"):
            comment(base)
    Path("metrics/report.md").unlink()
    with pytest.raises(UserError, match=r"^expected metrics/report.md, found none: run `dvc repro`$"):
        comment()


@pytest.mark.parametrize("name", ["metrics/best.json", "metrics/models/cnn.json", "dvc.lock"])
def test_a_conflict_in_a_file_of_dvc_s_is_one_line(name: str, comment: Callable[..., str]) -> None:
    """DVC would leave out the file or, without ``dvc.lock``, all scores and parameters of the branch."""
    Path(name).write_text("<<<<<<< HEAD\n{}\n=======\n")
    with pytest.raises(UserError, match=rf"^expected files that DVC can read: [^\n]*{name}[^\n]*: resolve "):
        comment()


def test_a_sub_folder_has_a_base(branches: Path, comment: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    project = branches / "sub/project"
    project.mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml", "metrics"):
        shutil.move(branches / name, project / name)
    shutil.rmtree(branches / ".dvc")
    monkeypatch.chdir(project)
    Repo.init(subdir=True).close()
    commit(branches)
    write_metrics("small", cnn={"accuracy": 0.75, "ece": 0.2}, small={"accuracy": 0.8, "ece": 0.1})
    main, *_ = comment("HEAD").split("<details>")
    assert ["metrics/best.json", "model", "cnn", "small", "-"] in rows(main)


BOT, STRANGER = "github-actions[bot]", "stranger"
OURS = pull_request.MARKER
OF_OTHERS = [(1, STRANGER, "Nice!"), (2, STRANGER, f"{OURS}\n\nForged"), (3, BOT, "Of another workflow")]
OF_OTHERS += [(4, BOT, f"> {OURS}"), (5, "github-actions", OURS), (6, "dependabot[bot]", OURS)]


def post_comment(folder: Path, text: str, comments: list[tuple[int, str, str]], *, check: bool = True) -> list[str]:
    """Run the step that posts with a `gh` that notes how it is called and runs real jq on these comments."""
    [job] = [job for _, job in jobs() if "pull-requests" in job["permissions"]]
    [step] = [step["run"] for step in job["steps"] if "run" in step]
    gh = folder / "gh"
    gh.write_text("""#!/bin/sh
echo "$*" >>calls
while [ $# -gt 1 ]; do if [ "$1" = --jq ]; then jq --raw-output "$2" comments.json; fi; shift; done
""")
    gh.chmod(0o755)
    answer = [{"id": number, "user": {"login": login}, "body": body} for number, login, body in comments]
    write_json(answer, folder / "comments.json")
    (folder / "comment.md").write_text(text)
    (folder / "calls").touch()
    run(folder, "env", f"PATH={folder}:{os.environ['PATH']}", "NUMBER=5", "bash", "-ec", step, check=check)
    return (folder / "calls").read_text().splitlines()


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
@pytest.mark.parametrize(
    ("comments", "edited"), [([], None), (OF_OTHERS, None), ([*OF_OTHERS, (7, BOT, OURS), (9, BOT, OURS)], 7)]
)
def test_only_our_comment_is_edited(tmp_path: Path, comments: list[tuple[int, str, str]], edited: int | None) -> None:
    looked, posted = post_comment(tmp_path, f"{pull_request.MARKER}\n\nScores\n", comments)
    assert "/issues/5/comments" in looked
    assert "comment.md" in posted
    assert re.search(f"--method PATCH .*/comments/{edited} " if edited else "^pr comment 5 ", posted)


def test_another_text_or_a_link_is_not_posted(tmp_path: Path) -> None:
    for text in ("", "Other text", f"\n{pull_request.MARKER}", pull_request.MARKER + "\n" + "a" * 2**18):
        assert not post_comment(tmp_path, text, [], check=False)
    (tmp_path / "comment.md").rename(tmp_path / "secret")
    (tmp_path / "comment.md").symlink_to("secret")
    assert not post_comment(tmp_path, f"{pull_request.MARKER}\n", [], check=False)


def jobs() -> list[tuple[str, dict[str, Any]]]:
    """Each job of each workflow."""
    paths = sorted((PROJECT / ".github/workflows").glob("*.y*ml"))
    workflows = {path.stem: yaml.safe_load(path.read_text()) for path in paths}
    return [(f"{stem}.{name}", job) for stem, flow in workflows.items() for name, job in flow["jobs"].items()]


@pytest.mark.parametrize(("name", "job"), jobs())
def test_no_job_lets_the_branch_s_code_write(name: str, job: dict[str, Any]) -> None:
    """A job that may write checks nothing out; a checkout leaves no token behind."""
    used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
    writes = "write" in job["permissions"].values()
    assert writes == (name == "pull_request.comment")
    assert not (writes and "actions/checkout" in used)
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", ""), "what GitHub fills in becomes part of the script: use env"


def test_forks_and_dependabot_are_not_posted_for() -> None:
    found = dict(jobs())
    scores, comment = found["pull_request.scores"], found["pull_request.comment"]
    assert comment["needs"] == "scores"
    assert f"${{{{ {comment['if']} }}}}" == scores["env"]["HAS_SECRETS"], "who has secrets may post"
    assert "head.repo.full_name == github.repository" in comment["if"]
    assert "user.login != 'dependabot[bot]'" in comment["if"]
