"""The results on one page of Markdown, to paste into a pull request."""

from collections.abc import Iterable

import pandas as pd

from stages.evaluation.advice import advice
from stages.evaluation.confidence_sections import calibration_section, coverage_section
from stages.evaluation.curves import kept_epoch
from stages.evaluation.markdown import escape, markdown_table
from stages.evaluation.mistakes import most_confused
from stages.evaluation.results import Evaluation
from stages.evaluation.scores import SCORE_NAMES
from stages.evaluation.significance import SIGNIFICANCE_LEVEL, compare_seeds, verdict
from stages.storage.photo_lists import count_copies, count_rejected

LISTED = 10  # mistakes
MIN_SEEDS = 3  # two may lie close together by chance
ONE_SEED = (
    "\n- Each model was trained from one seed. Another seed would change its scores a little, which the confidence "
    "intervals do not cover."
)


def report(
    lists: dict[str, pd.DataFrame],
    ranked: list[Evaluation],
    leaderboard: pd.DataFrame,
    comparisons: pd.DataFrame,
    rank_by: str,
    label_issues: Iterable[str],
) -> str:
    """Write the page.

    Args:
        lists: "train", "validation", "test" and "rejected", and "copies", if there may be any.
        ranked: the best first.
        comparisons: as ``compare_with_best`` returns them.
        label_issues: the names of the lists of labels that look wrong.
    """
    best = ranked[0]
    test = best.scores["test"]
    low, high = test["accuracy_low"], test["accuracy_high"]
    photos = len(best.predictions.labels)
    blocks = [
        "# Report",
        (
            f"`{best.name}`, the best on validation, has an accuracy of {test['accuracy']:.3f} on the {photos} test "
            f"photos (95 % confidence interval {low:.3f} to {high:.3f}). The accuracy of the majority-class baseline "
            f"is {test['accuracy'] - test['gain_over_baseline']:.3f}."
        ),
        *next_steps(advice(ranked, comparisons, label_issues)),
        "## Data",
        data_section(lists),
        "## Models",
        markdown_table(leaderboard),
        (
            f"The best model has the highest validation {SCORE_NAMES[rank_by]} (in a tie, the lowest validation loss); "
            "the test photos play no part in this choice. CI: confidence interval of the test accuracy; ECE: "
            "expected calibration error."
            f"{kept_epochs(ranked)}"
        ),
        "## Is the best model really better?",
        comparison_section([model.name for model in ranked], comparisons),
        *seeds_section(ranked),
        "## Where it fails",
        failure_section(best),
        "## Calibration",
        calibration_section(ranked),
        "## Coverage",
        coverage_section(ranked),
        "## Limits",
        (
            # The difference of two samples' accuracies varies by sqrt(2) times as much as one of them.
            f"- With {photos} test photos, the accuracy is uncertain by about ±{(high - low) / 2:.3f} (95 % "
            f"confidence); on another {photos} of the same kind it might differ from this by "
            f"±{(high - low) / 2**0.5:.3f}."
        )
        + ONE_SEED * (not best.repeats),
        "## How to reproduce it",
        "`dvc repro` reproduces the results byte for byte on a machine like the one that trained the best model: "
        f"{'; '.join(best.environment)}.",
    ]
    return "\n\n".join(blocks) + "\n"


def next_steps(steps: list[str]) -> list[str]:
    return (
        ["## What to do next", "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))] if steps else []
    )


def kept_epochs(ranked: list[Evaluation]) -> str:
    """Say which epoch became the model, of those of which it was chosen."""
    chosen = [
        f"`{model.name}` {kept_epoch(model.history)['epoch']:g} of {len(model.history)}"
        for model in ranked
        if "kept" in model.history
    ]
    return f" The epoch kept is the best on validation: {', '.join(chosen)}." if chosen else ""


def data_section(lists: dict[str, pd.DataFrame]) -> str:
    counts = pd.DataFrame({split: lists[split]["label"].value_counts() for split in ("train", "validation", "test")})
    counts = counts.fillna(0).astype(int).sort_index().rename_axis("class").reset_index()
    total = pd.DataFrame([{**counts.sum(numeric_only=True), "class": "all"}])
    rejected = count_rejected(lists["rejected"])
    return (
        f"{markdown_table(pd.concat([counts, total]))}\n\n{unequal_classes(counts['train'])}"
        f"As far as `split` looked for duplicates (`split.duplicate_distance`), the {len(lists['test'])} test photos "
        f"show as many pictures: of duplicates, validation and test keep one.{copies_left_out(lists)}\n\n"
        f"Left out (listed in `data/splits/rejected.csv`): {rejected['unusable']} unusable files, "
        f"{rejected['unmatched']} files without a label or labels without a file, {rejected['conflicting']} photos "
        f"with more than one label, {rejected['duplicates']} duplicates, {rejected['grouped']} photos of a group in "
        "another split."
        + (f" `corrections.csv` removed {rejected['removed']} more photos." if rejected["removed"] else "")
    )


def copies_left_out(lists: dict[str, pd.DataFrame]) -> str:
    """Say how many copies validation and test left out, if any."""
    if "copies" not in lists or lists["copies"].empty:
        return ""
    counts = count_copies(lists["copies"], {split: lists[split] for split in ("validation", "test")})
    shares = [f"{count['photos']} of {split} ({count['share']:.1%})" for split, count in counts.items()]
    return f" So {' and '.join(shares)} were left out as copies."


def unequal_classes(photos: pd.Series) -> str:
    """Warn of what accuracy hides where the largest class has twice the training photos of the smallest, or more."""
    times = photos.max() / photos.min()
    if times < 2:
        return ""
    return (
        f"The largest class has {times:.3g} times as many training photos as the smallest. It counts as much more in "
        "the accuracy; in the balanced accuracy and in macro F1 all classes count alike.\n\n"
    )


def comparison_section(names: list[str], comparisons: pd.DataFrame) -> str:
    if len(names) == 1:
        return f"`{names[0]}` is the only model."
    titles = {"b": "only the first correct", "c": "only the second correct", "p_holm": "corrected p"}
    pairs = comparisons.rename(columns=titles)
    others = " Pairs without the best are in `metrics/best.json`." if len(names) > 2 else ""
    for column in ("p", "corrected p"):
        pairs[column] = pairs[column].map("{:.2g}".format)
    return (
        f"The second best on validation is `{names[1]}`. Is `{names[0]}` better? "
        f"{verdict(names[1], comparisons)}{others}\n\n{markdown_table(pairs)}"
    )


def seeds_section(ranked: list[Evaluation]) -> list[str]:
    """Say which differences between models are larger than those between seeds, if there are several seeds."""
    if not ranked[0].repeats:
        return []
    seeds = len(ranked[0].repeats) + 1
    sentences = [f"The table of models has the mean ± standard deviation over {seeds} seeds in parentheses."]
    if len(ranked) > 1 and seeds < MIN_SEEDS:
        sentences.append(f"These are too few seeds to compare the models by, which takes at least {MIN_SEEDS}.")
    elif len(ranked) > 1:
        accuracies = {model.name: model.over_seeds("test", "accuracy") for model in ranked}
        pairs = compare_seeds(accuracies, len(ranked[0].predictions.labels))
        significant = pairs[pairs["p_holm"] < SIGNIFICANCE_LEVEL].to_dict("records")
        larger = [f"`{pair['better']}` over `{pair['other']}`" for pair in significant]
        sentences.append(
            f"Differences of mean test accuracy that are larger than the seeds' own: {', '.join(larger) or 'none'} "
            f"(Welch's t-test, with Holm's correction for {len(pairs)} pairs)."
        )
    return [" ".join(sentences)]


def failure_section(best: Evaluation) -> str:
    if best.mistakes.empty:
        return f"`{best.name}` makes no mistake on the test photos."
    worst = min(best.scores["classes"], key=lambda row: row["recall"])
    label, predicted, count = most_confused(best.mistakes)
    listed = best.mistakes.head(LISTED).assign(confidence=best.mistakes["confidence"].map("{:.3f}".format))
    test = best.scores["test"]
    return (
        f"- Balanced accuracy {test['balanced_accuracy']:.3f}, macro F1 {test['macro_f1']:.3f}.\n"
        f"- Lowest recall: {escape(worst['label'])}, {worst['recall']:.3f}.\n"
        f"- Most common confusion: {escape(label)} misclassified as {escape(predicted)}, "
        f"{count} of {len(best.mistakes)} mistakes.\n"
        f"- Most confident mistakes ({len(listed)} of {len(best.mistakes)}):\n\n"
        + markdown_table(listed.rename(columns={"label": "true class", "predicted": "predicted class"}))
    )
