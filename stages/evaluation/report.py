"""The results on one page of Markdown, to paste into a pull request."""

import pandas as pd

from stages.evaluation.mistakes import most_confused
from stages.evaluation.scores import Scores, ranking
from stages.evaluation.significance import Comparison, verdict
from stages.photos.lists import DUPLICATE

LISTED = 10  # mistakes
HOW_CHOSEN = "The best is so by validation accuracy, at a tie by validation loss; the test photos have no say."


def report(
    lists: dict[str, pd.DataFrame],
    scores: dict[str, Scores],
    leaderboard: pd.DataFrame,
    comparisons: list[Comparison],
    mistakes: pd.DataFrame,
    calibration: str,
) -> str:
    """Put the page together.

    Args:
        lists: the photos of "train", "validation", "test" and "rejected", by these names.
        mistakes: of the best model on the test photos, the most confident first.
        calibration: a sentence on the best model's.
    """
    best = ranking(scores)[0]
    sections = {
        "Data": data_section(lists),
        "Models": f"{markdown_table(leaderboard)}\n\n{HOW_CHOSEN}",
        "Is the best really better?": comparison_section(ranking(scores), comparisons),
        "Where it fails": failure_section(best, scores[best], mistakes),
        "Limits": limits_section(scores[best], len(lists["test"]), calibration),
        "How to repeat it": repeat_section(scores[best]["environment"]),
    }
    titled = [f"## {title}\n\n{text}" for title, text in sections.items()]
    return "\n\n".join(["# Report", summary(best, scores[best]["test"], len(lists["test"])), *titled]) + "\n"


def summary(best: str, test: dict[str, float], tested: int) -> str:
    return (
        f"`{best}`, the best on the validation photos, is right on {test['accuracy']:.3f} of the {tested} test photos "
        f"(95 % interval {test['accuracy_low']:.3f} to {test['accuracy_high']:.3f}); always guessing the commonest "
        f"class would be right on {test['accuracy'] - test['gain_over_baseline']:.3f}."
    )


def data_section(lists: dict[str, pd.DataFrame]) -> str:
    counts = pd.DataFrame({split: lists[split]["label"].value_counts() for split in ("train", "validation", "test")})
    counts = counts.fillna(0).astype(int).sort_index().rename_axis("class").reset_index()
    total = pd.DataFrame([{**counts.sum(numeric_only=True), "class": "all"}])
    duplicates = int(lists["rejected"]["reason"].str.startswith(DUPLICATE).sum())
    return (
        f"{markdown_table(pd.concat([counts, total]))}\n\n"
        f"Left out as of no use: {len(lists['rejected']) - duplicates}, as duplicates: {duplicates} "
        "(`data/splits/rejected.csv` names each)."
    )


def comparison_section(names: list[str], comparisons: list[Comparison]) -> str:
    if len(names) == 1:
        return f"`{names[0]}` is the only model."
    pairs = pd.DataFrame(comparisons).rename(
        columns={"b": "only the first right", "c": "only the second right", "p_holm": "p, corrected"}
    )
    for column in ("p", "p, corrected"):
        pairs[column] = pairs[column].map("{:.2g}".format)
    answer = verdict(names[0], names[1], comparisons)
    return f"Against the next on validation, `{names[1]}`: {answer}\n\n{markdown_table(pairs)}"


def failure_section(best: str, of_best: Scores, mistakes: pd.DataFrame) -> str:
    if mistakes.empty:
        return f"`{best}` makes no mistake on the test photos."
    worst = min(of_best["classes"], key=lambda row: row["recall"])
    label, predicted, count = most_confused(mistakes)
    listed = mistakes.head(LISTED)
    return (
        f"- Worst class: {escape(worst['label'])}, of which `{best}` finds {worst['recall']:.3f}.\n"
        f"- Most confused: {escape(label)} taken for {escape(predicted)}, {count} of {len(mistakes)} mistakes.\n"
        f"- The most confident mistakes ({len(listed)} of {len(mistakes)}):\n\n"
        + markdown_table(listed.assign(probability=listed["probability"].map("{:.3f}".format)))
    )


def limits_section(of_best: Scores, tested: int, calibration: str) -> str:
    half = (of_best["test"]["accuracy_high"] - of_best["test"]["accuracy_low"]) / 2
    return (
        f"- {tested} photos tested: another {tested} of the same kind might well move the accuracy by {half:.3f}.\n"
        "- One seed: trained again from another, each model would come out a little better or worse, "
        "which the intervals do not cover.\n"
        f"- Calibration: {calibration}"
    )


def repeat_section(environment: list[str]) -> str:
    lines = "\n".join(f"- {line}" for line in environment)
    return f"`dvc repro` gives the same bytes on a machine like the one that trained the best model:\n\n{lines}"


def markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(escape(str(cell)) for cell in row)} |" for row in rows)


def escape(text: str) -> str:
    """Keep what Markdown would read as its own in a file's or a class's name."""
    for sign in "\\|*`<[":
        text = text.replace(sign, f"\\{sign}")
    return text
