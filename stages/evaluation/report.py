"""The results on one page of Markdown, to paste into a pull request."""

import pandas as pd

from stages.evaluation.calibration import describe_calibration
from stages.evaluation.mistakes import most_confused
from stages.evaluation.results import Evaluation
from stages.evaluation.significance import Comparison, verdict
from stages.photos.lists import DUPLICATE

LISTED = 10  # mistakes
HOW_CHOSEN = (
    "The best model has the highest validation accuracy (in a tie, the lowest validation loss); the test photos play "
    "no part in this choice. CI: confidence interval of the test accuracy; ECE: expected calibration error."
)


def report(
    lists: dict[str, pd.DataFrame], ranked: list[Evaluation], leaderboard: pd.DataFrame, comparisons: list[Comparison]
) -> str:
    """Write the page.

    Args:
        lists: the photos of "train", "validation" and "test", and the "rejected" files, by these names.
        ranked: the models, the best first.
    """
    best = ranked[0]
    sections = {
        "Data": data_section(lists),
        "Models": f"{markdown_table(leaderboard)}\n\n{HOW_CHOSEN}",
        "Is the best model really better?": comparison_section([model.name for model in ranked], comparisons),
        "Where it fails": failure_section(best),
        "Calibration": describe_calibration(best),
        "Limits": limits_section(best),
        "How to reproduce it": environment_section(best),
    }
    titled = [f"## {title}\n\n{text}" for title, text in sections.items()]
    return "\n\n".join(["# Report", summary(best), *titled]) + "\n"


def summary(best: Evaluation) -> str:
    test = best.scores["test"]
    return (
        f"`{best.name}`, the best on validation, has an accuracy of {test['accuracy']:.3f} on the "
        f"{len(best.predictions.labels)} test photos (95 % confidence interval {test['accuracy_low']:.3f} to "
        f"{test['accuracy_high']:.3f}). The accuracy of the majority-class baseline is "
        f"{test['accuracy'] - test['gain_over_baseline']:.3f}."
    )


def data_section(lists: dict[str, pd.DataFrame]) -> str:
    counts = pd.DataFrame({split: lists[split]["label"].value_counts() for split in ("train", "validation", "test")})
    counts = counts.fillna(0).astype(int).sort_index().rename_axis("class").reset_index()
    total = pd.DataFrame([{**counts.sum(numeric_only=True), "class": "all"}])
    duplicates = int(lists["rejected"]["reason"].str.startswith(DUPLICATE).sum())
    return (
        f"{markdown_table(pd.concat([counts, total]))}\n\n"
        f"Unusable files: {len(lists['rejected']) - duplicates}; duplicates: {duplicates} "
        "(listed in `data/splits/rejected.csv`)."
    )


def comparison_section(names: list[str], comparisons: list[Comparison]) -> str:
    if len(names) == 1:
        return f"`{names[0]}` is the only model."
    pairs = pd.DataFrame(comparisons).rename(
        columns={"b": "only the first correct", "c": "only the second correct", "p_holm": "corrected p"}
    )
    for column in ("p", "corrected p"):
        pairs[column] = pairs[column].map("{:.2g}".format)
    answer = verdict(names[0], names[1], comparisons)
    question = f"The second best on validation is `{names[1]}`. Is `{names[0]}` better?"
    return f"{question} {answer}\n\n{markdown_table(pairs)}"


def failure_section(best: Evaluation) -> str:
    if best.mistakes.empty:
        return f"`{best.name}` makes no mistake on the test photos."
    worst = min(best.scores["classes"], key=lambda row: row["recall"])
    label, predicted, count = most_confused(best.mistakes)
    listed = best.mistakes.head(LISTED)
    listed = listed.assign(confidence=listed["confidence"].map("{:.3f}".format))
    return (
        f"- Lowest recall: {escape(worst['label'])}, {worst['recall']:.3f}.\n"
        f"- Most common confusion: {escape(label)} misclassified as {escape(predicted)}, "
        f"{count} of {len(best.mistakes)} mistakes.\n"
        f"- Most confident mistakes ({len(listed)} of {len(best.mistakes)}):\n\n"
        + markdown_table(listed.rename(columns={"label": "true class", "predicted": "predicted class"}))
    )


def limits_section(best: Evaluation) -> str:
    test = best.scores["test"]
    half_width = (test["accuracy_high"] - test["accuracy_low"]) / 2
    return (
        f"- With {len(best.predictions.labels)} test photos, the accuracy is uncertain by about ±{half_width:.3f} "
        "(95 % confidence).\n"
        "- Each model was trained from one seed. Another seed would change its scores a little, which the confidence "
        "intervals do not cover."
    )


def environment_section(best: Evaluation) -> str:
    lines = "\n".join(f"- {line}" for line in best.environment)
    machine = "a machine like the one that trained the best model"
    return f"`dvc repro` reproduces the results byte for byte on {machine}:\n\n{lines}"


def markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(escape(str(cell)) for cell in row)} |" for row in rows)


def escape(text: str) -> str:
    """Escape what Markdown would read as markup, in the name of a file or a class."""
    for sign in "\\|*`<[":
        text = text.replace(sign, f"\\{sign}")
    return text
