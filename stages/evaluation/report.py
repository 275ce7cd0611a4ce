"""The report: the results on one page of Markdown, to paste into a pull request."""

import re
from collections.abc import Iterable
from math import inf, isnan
from statistics import mean, stdev

import pandas as pd

from stages.common.cli import plural
from stages.common.paths import LABEL_ISSUES
from stages.evaluation import plots
from stages.evaluation.costs import cost_table
from stages.evaluation.figures import largest_and_smallest
from stages.evaluation.results import Evaluation
from stages.evaluation.scores import DIGITS, ECE_BINS, SCORE_NAMES, selected_epoch
from stages.evaluation.significance import SIGNIFICANCE_LEVEL, compare, compare_seeds, wilson_interval
from stages.inference.confidence import accuracy_by_coverage
from stages.storage.photo_lists import count_copies, count_rejected

MAX_CLASSES = 30  # in the table of the data
MAX_MISTAKES = 10
MAX_MODELS = 24  # in a table or a list
MIN_SEEDS = 3  # two may lie close together by chance
OVERFITTING = 0.1  # by which training accuracy exceeds validation accuracy


def report(
    lists: dict[str, pd.DataFrame],
    ranked: list[Evaluation],
    table: pd.DataFrame,
    comparisons: pd.DataFrame,
    rank_by: str,
    label_issues: Iterable[str],
) -> str:
    """Write the report.

    Args:
        lists: "train", "validation", "test", "rejected" and "copies".
        ranked: best first; ``table`` is their ``leaderboard``.
        comparisons: of the best model with each other, as ``compare`` returns them.
        label_issues: names of the lists of labels that look wrong.
    """
    best, photos = ranked[0], len(ranked[0].predictions.labels)
    shown = ranked[:MAX_MODELS]
    test = pd.DataFrame([{"model": m.name, **m.scores["test"], **m.scores.get("confidence", {})} for m in shown])
    accuracy, gain, low, high = (
        best.scores["test"][key] for key in ("accuracy", "gain_over_baseline", "accuracy_low", "accuracy_high")
    )
    summary = (
        f"`{best.name}`, the best on validation, has an accuracy of {accuracy:.3f} on the {photos} test photos (95 % "
        f"confidence interval {interval(low, high)}). The accuracy of the majority-class baseline is "
        f"{accuracy - gain:.3f}."
    )
    steps = enumerate(next_steps(ranked, comparisons, label_issues), 1)
    sections = {
        "What to do next": "\n".join(f"{number}. {step}" for number, step in steps),
        "Data": data_section(lists),
        "Models": models_section(ranked, table, rank_by),
        "Cost": cost_section(ranked),
        "Is the best model really better?": (
            comparison_section(ranked, comparisons) + linear_section(ranked) + seeds_section(ranked)
        ),
        "Where it fails": failure_section(best),
        "Calibration": calibration_section(best, test),
        "Coverage": coverage_section(best, test),
        "Limits": (  # the difference of two samples' accuracies varies by sqrt(2) times as much as one of them
            f"- With {photos} test photos, the accuracy is uncertain by about ±{(high - low) / 2:.3f} (95 % "
            f"confidence); on another {photos} of the same kind it might differ from this by "
            f"±{(high - low) / 2**0.5:.3f}."
        ),
        "How to reproduce it": (
            "`dvc repro` reproduces the results byte for byte on a machine like the one that trained the best model: "
            f"{'; '.join(best.environment)}."
        ),
    }
    if not best.repeats:
        sections["Limits"] += (
            "\n- Each model was trained from one seed. Another seed would change its scores a little, which the "
            "confidence intervals do not cover."
        )
    return (
        "\n\n".join(["# Report", summary, *(f"## {name}\n\n{text}" for name, text in sections.items() if text)]) + "\n"
    )


def next_steps(ranked: list[Evaluation], comparisons: pd.DataFrame, label_issues: Iterable[str]) -> list[str]:
    """List what is worth doing, most important first: on labels, mistakes, training and the choice of a model."""
    best = ranked[0]
    steps = [
        f"Review the labels that look wrong (`{LABEL_ISSUES.as_posix()}/{name}.csv`), if any: `make review` shows each "
        "in the browser and writes `corrections.csv`."
        for name in label_issues
    ]
    if not best.mistakes.empty:
        confusion, count = most_common_confusion(best.mistakes)
        steps.append(
            f"Look at the mistakes of `{best.name}` (`plots/mistakes/{best.name}.png`): the most common, {count} of "
            f"{len(best.mistakes)}, is {confusion}. Where a label is wrong, correct it in `make review`."
        )
    epoch = selected_epoch(best.history)
    training, validation = epoch["accuracy"], epoch["val_accuracy"]
    if round(training - validation, DIGITS) > OVERFITTING:
        steps.append(
            f"`{best.name}` overfits (accuracy {training:.3f} in training, {validation:.3f} on validation): try more "
            + ("photos." if best.is_linear else "photos, flips and rotations, or more dropout.")
        )
    elif len(best.history) > 1 and best.history["val_loss"].argmin() == len(best.history) - 1:
        steps.append(f"The validation loss of `{best.name}` was lowest in the last epoch: try more epochs.")
    chance = 1 / len(best.scores["classes"])
    guessing = [m.name for m in ranked if round(m.scores["test"]["balanced_accuracy"] - chance, DIGITS) <= 0]
    if guessing:
        steps.append(f"Do not use {code(guessing)}: no better than guessing, by balanced accuracy on the test photos.")
    undecided = set(comparisons["second"][comparisons["p_holm"] >= SIGNIFICANCE_LEVEL]) - set(guessing)
    if undecided and best.name not in guessing:
        others = [model for model in ranked if model.name in undecided]
        steps.append(
            f"These {len(best.predictions.labels)} test photos are too few to prove `{best.name}` better than "
            f"{code(model.name for model in others)}: {choice(best, others)}, or test on more photos."
        )
    return steps


def choice(best: Evaluation, others: list[Evaluation]) -> str:
    """Recommend the best model or, of those not proved worse, one that costs less to train."""
    counted = {model.name: model.cost.training_multiply_adds for model in [best, *others] if model.cost}
    if best.name not in counted:
        return "keep it, as the best on validation"
    cheapest = min([best, *others], key=lambda model: counted.get(model.name, inf))
    if cheapest is best:
        return "keep it, as the best on validation and the cheapest to train"
    accuracies = (f"{model.scores['test']['accuracy']:.3f}" for model in (cheapest, best))
    return (
        f"`{cheapest.name}` is the cheapest of all these to train, with "
        f"{counted[cheapest.name] / counted[best.name]:.0%} of the multiply-adds (test accuracy "
        f"{' instead of '.join(accuracies)}). Take it, or `{best.name}`, as the best on validation"
    )


def data_section(lists: dict[str, pd.DataFrame]) -> str:
    counts = pd.DataFrame({split: lists[split]["label"].value_counts() for split in ("train", "validation", "test")})
    counts = counts.fillna(0).astype(int).sort_index()
    listed = largest_and_smallest(counts, "train", MAX_CLASSES)
    text = markdown_table(pd.concat([listed, counts.sum().to_frame("all").T]).rename_axis("class").reset_index())
    if len(listed) < len(counts):
        half = MAX_CLASSES // 2
        text += (
            f"\n\nOf {len(counts)} classes, these are the {half} with the most and the {half} with the fewest training "
            "photos; all are in `plots/label_counts.csv`."
        )
    ratio = counts["train"].max() / counts["train"].min()
    if ratio >= 2:
        text += (
            f"\n\nThe largest class has {ratio:.3g} times as many training photos as the smallest, and so much more "
            "weight in the accuracy; in balanced accuracy and macro F1 all classes have the same weight."
        )
    text += (
        "\n\nAs far as `split` looked for duplicates (`split.duplicate_distance`), there are none among the "
        f"{len(lists['test'])} test photos: of each duplicate cluster, validation and test keep one photo."
    )
    if not lists["copies"].empty:
        copies = count_copies(lists["copies"], {split: lists[split] for split in ("validation", "test")})
        shares = [f"{of['photos']} of {split} ({of['share']:.1%})" for split, of in copies.items()]
        text += f" So {' and '.join(shares)} were left out as copies."
    count = count_rejected(lists["rejected"])
    unmatched = "file without a label or label without a file", "files without a label or labels without a file"
    text += (
        f"\n\nLeft out (listed in `data/splits/rejected.csv`): {plural(count['unusable'], 'unusable file')}, "
        f"{plural(count['unmatched'], *unmatched)}, {plural(count['conflicting'], 'photo')} with more than one label, "
        f"{plural(count['duplicates'], 'duplicate')}, {plural(count['grouped'], 'photo')} of a group in another split."
    )
    return text + (f" `corrections.csv` removed {plural(count['removed'], 'more photo')}." if count["removed"] else "")


def models_section(ranked: list[Evaluation], table: pd.DataFrame, rank_by: str) -> str:
    epochs = [
        f"`{model.name}` {selected_epoch(model.history)['epoch']:g} of {len(model.history)}"
        for model in ranked
        if "kept" in model.history
    ]
    text = (
        f"{markdown_table(without_left_out(table, 'model', ranked))}\n\n"
        f"The best model has the highest validation {SCORE_NAMES[rank_by]} (in a tie, the lowest validation loss); the "
        "test photos play no part in this choice. CI: confidence interval of the test accuracy; ECE: expected "
        "calibration error."
    )
    if len(ranked) > MAX_MODELS:
        text += (
            f" Of {len(ranked)} models, only the {MAX_MODELS} best on validation are in the tables of this report; "
            "`metrics/models/` and `metrics/best.json` have the scores of all."
        )
    return text + (f" Epoch selected on validation: {listing(epochs)}." if epochs else "")


def cost_section(ranked: list[Evaluation]) -> str:
    costs = {model.name: model.cost for model in ranked[:MAX_MODELS] if model.cost}
    if not costs:
        return ""
    return (
        f"{markdown_table(cost_table(costs))}\n\n"
        "A weight of a kernel counts once for each position of the output, and three times in training; a frozen "
        "backbone counts once for each photo and view. `metrics/costs.md`, which neither git nor DVC keeps, has what "
        "was measured on the machine that ran `evaluate`: CPU seconds of training, and milliseconds a photo."
    )


def without_left_out(table: pd.DataFrame, column: str, ranked: list[Evaluation]) -> pd.DataFrame:
    """Drop the rows of the models after the first ``MAX_MODELS``, which a column names."""
    left_out = [model.name for model in ranked[MAX_MODELS:]]
    return table[~table[column].isin(left_out)] if left_out else table


def leaderboard(ranked: list[Evaluation], baseline: float, rank_by: str) -> pd.DataFrame:
    """Tabulate formatted scores: the majority-class baseline, linear classifiers, and the other models as given.

    Mean and standard deviation over several seeds are in parentheses.
    """

    ranked = sorted(ranked, key=lambda model: not model.is_linear)

    def over_seeds(split: str, score: str) -> list[str]:
        runs = [model.over_seeds(split, score) for model in ranked]
        return [f"{of[0]:.3f}" + (f" ({mean(of):.3f} ± {stdev(of):.3f})" if len(of) > 1 else "") for of in runs]

    tests = [model.scores["test"] for model in ranked]
    table = pd.DataFrame(
        {
            "model": [model.name for model in ranked],
            f"validation {SCORE_NAMES[rank_by]}": over_seeds("validation", rank_by),
            f"test {SCORE_NAMES[rank_by]}": over_seeds("test", rank_by),
            "test accuracy": over_seeds("test", "accuracy"),  # the same column, if models are ranked by accuracy
            "95 % CI": [interval(test["accuracy_low"], test["accuracy_high"]) for test in tests],
            "ROC AUC": over_seeds("test", "roc_auc"),
            "ECE": over_seeds("test", "ece"),
        }
    )
    ends = wilson_interval(baseline, len(ranked[0].predictions.labels))
    first = {"model": "(majority class)", "test accuracy": f"{baseline:.3f}", "95 % CI": interval(*ends)}
    return pd.concat([pd.DataFrame([first], columns=table.columns), table], ignore_index=True).fillna("")


def comparison_section(ranked: list[Evaluation], comparisons: pd.DataFrame) -> str:
    if len(ranked) == 1:
        return f"`{ranked[0].name}` is the only model."
    best, second = ranked[0].name, ranked[1].name
    [pair] = comparisons[comparisons["second"] == second].to_dict("records")
    if pair["p_holm"] >= SIGNIFICANCE_LEVEL:
        answer = "No, the difference is not significant."
    elif pair["b"] > pair["c"]:
        answer = "Yes, the difference is significant."
    else:
        answer = f"No, on the contrary: `{second}` is significantly better on the test photos."
    table = without_left_out(comparisons, "second", ranked)
    table = table.assign(**table[["p", "p_holm"]].map("{:.2g}".format))
    table.columns = ["first", "second", "only the first correct", "only the second correct", "p", "corrected p"]
    return (
        f"The second best on validation is `{second}`. Is `{best}` better? {answer} `{best}` alone is correct on "
        f"{plural(pair['b'], 'test photo')}, `{second}` alone on {pair['c']} (McNemar's exact test, "
        f"p = {pair['p_holm']:.2g} after Holm's correction for {plural(len(comparisons), 'pair')})."
        f"{' Pairs without the best are in `metrics/best.json`.' if len(ranked) > 2 else ''}\n\n{markdown_table(table)}"
    )


def linear_section(ranked: list[Evaluation]) -> str:
    """Name the models that are not proved better than the best linear classifier, if there is one."""
    linear = next((model for model in ranked if model.is_linear), None)
    others = [model for model in ranked if not model.is_linear]
    if linear is None or not others:
        return ""
    pairs = compare({model.name: model.predictions.correct for model in [linear, *others]}, linear.name)
    not_better = [
        f"`{pair['second']}`" + " (significantly worse)" * (pair["p_holm"] < SIGNIFICANCE_LEVEL)
        for pair in pairs.to_dict("records")
        if pair["p_holm"] >= SIGNIFICANCE_LEVEL or pair["b"] > pair["c"]
    ]
    return (
        f"\n\nThe model to beat is `{linear.name}`, a linear classifier on a frozen backbone's features. Not proved "
        f"better on the test photos: {listing(not_better) or 'none'} (McNemar's exact test, with Holm's correction "
        f"for {plural(len(pairs), 'pair')})."
    )


def seeds_section(ranked: list[Evaluation]) -> str:
    seeds = len(ranked[0].repeats) + 1
    if seeds == 1:
        return ""
    text = f"\n\nThe table of models has the mean ± standard deviation over {seeds} seeds in parentheses."
    if len(ranked) == 1:
        return text
    if seeds < MIN_SEEDS:
        return f"{text} These are too few seeds to compare models by, which takes at least {MIN_SEEDS}."
    accuracies = {model.name: model.over_seeds("test", "accuracy") for model in ranked}
    pairs = compare_seeds(accuracies, len(ranked[0].predictions.labels))
    larger = pairs[pairs["p_holm"] < SIGNIFICANCE_LEVEL].to_dict("records")
    names = listing(f"`{pair['better']}` over `{pair['other']}`" for pair in larger)
    return (
        f"{text} Differences in mean test accuracy that are larger than those between seeds: {names or 'none'} "
        f"(Welch's t-test, with Holm's correction for {plural(len(pairs), 'pair')})."
    )


def failure_section(best: Evaluation) -> str:
    if best.mistakes.empty:
        return f"`{best.name}` makes no mistakes on the test photos."
    test, worst = best.scores["test"], min(best.scores["classes"], key=lambda row: row["recall"])
    confusion, count = most_common_confusion(best.mistakes)
    listed = best.mistakes.head(MAX_MISTAKES).rename(columns={"label": "true class", "predicted": "predicted class"})
    classes = len(best.scores["classes"])
    part = (
        f"- The figure of the confusion matrix has only the {plots.MAX_CLASSES} most confused of {classes} classes; "
        f"`plots/confusion/{best.name}.csv` has the true and the predicted class of each test photo.\n"
    )
    return (
        f"- Balanced accuracy {test['balanced_accuracy']:.3f}, macro F1 {test['macro_f1']:.3f}.\n"
        f"{part if classes > plots.MAX_CLASSES else ''}"
        f"- Lowest recall: {escape(worst['label'])}, {worst['recall']:.3f}.\n"
        f"- Most common confusion: {confusion}, {count} of {plural(len(best.mistakes), 'mistake')}.\n"
        f"- Most confident mistakes ({len(listed)} of {len(best.mistakes)}):\n\n{markdown_table(listed)}"
    )


def most_common_confusion(mistakes: pd.DataFrame) -> tuple[str, int]:
    """Describe the most common confusion, of ties the first by name; return also its count."""
    counts = mistakes.groupby(["label", "predicted"]).size()
    label, predicted = counts.index.to_list()[counts.argmax()]
    return f"{escape(label)} misclassified as {escape(predicted)}", counts.max()


def calibration_section(best: Evaluation, test: pd.DataFrame) -> str:
    confidence = best.predictions.confidence.mean()
    low, high, ece = (best.scores["test"][key] for key in ("accuracy_low", "accuracy_high", "ece"))
    if confidence > high:
        verdict, position = "overconfident", "above"
    elif confidence < low:
        verdict, position = "underconfident", "below"
    else:
        photos = len(best.predictions.labels)
        verdict, position = f"well calibrated on average, as far as {photos} photos can tell", "within"
    text = (
        f"`{best.name}` is {verdict}: its mean confidence of {confidence:.3f} is {position} the 95 % confidence "
        f"interval of its accuracy ({interval(low, high)}). Its expected calibration error (ECE, {ECE_BINS} bins) is "
        f"{ece:.3f}; on few photos, the ECE is biased upwards."
    )
    if "temperature" not in test:
        return text
    table = test.dropna(subset="temperature")[["model", "temperature", "ece_before", "ece", "loss_before", "loss"]]
    table.columns = ["model", "temperature", "ECE before", "ECE after", "loss before", "loss after"]
    return (
        f"{text}\n\nAll probabilities are softmax(logits / temperature), with a temperature fitted on the validation "
        f"photos. On the test photos, before and after:\n\n{markdown_table(table)}"
    )


def coverage_section(best: Evaluation, test: pd.DataFrame) -> str:
    curve = accuracy_by_coverage(best.predictions.log_odds, best.predictions.correct)
    half = curve[curve["coverage"] >= 0.5].iloc[0]  # or more, if confidences are equal
    text = (
        f"On the {half['coverage']:.0%} of the test photos that `{best.name}` is surest of, its accuracy is "
        f"{half['accuracy']:.3f}; on all of them it is {curve['accuracy'].iloc[-1]:.3f} (see `plots/coverage.png`)."
    )
    if "unlike" in test:
        known = test.dropna(subset="unlike")[["model", "unlike"]].itertuples(index=False)
        shares = listing(f"{share:.3f} for `{name}`" for name, share in known)
        text += (
            "\n\nProportion of the test photos that are unlike the training photos (farther from the nearest of them "
            f"than all but `confidence.out_of_distribution_fraction` of the validation photos): {shares}."
        )
    if "unsure_below" in test:
        table = test[["model", "unsure_below", "coverage", "sure_accuracy"]]
        table.columns = ["model", "threshold", "coverage", "accuracy"]
        table["95 % CI"] = list(map(interval, test["sure_accuracy_low"], test["sure_accuracy_high"]))
        text += (
            "\n\nA photo is unsure if its confidence is below a threshold: the lowest at which the accuracy on the "
            "validation photos is at least `confidence.abstention_accuracy`. Coverage is the proportion of the test "
            f"photos that are not unsure; the accuracy is that on these photos.\n\n{markdown_table(table)}"
        )
    return text


def interval(low: float, high: float) -> str:
    return f"{shown(low)} to {shown(high)}"


def shown(value: object) -> str:
    """Format a score with three digits, a missing one as "none", and anything else as it is."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return "none"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def code(names: Iterable[str]) -> str:
    return listing(f"`{name}`" for name in names)


def listing(items: Iterable[str]) -> str:
    """Join up to ``MAX_MODELS`` items, and count the others."""
    listed = list(items)
    left_out = [f"and {len(listed) - MAX_MODELS} more"] if len(listed) > MAX_MODELS else []
    return ", ".join([*listed[:MAX_MODELS], *left_out])


def markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(escape(shown(cell)) for cell in row)} |" for row in rows)


def escape(text: str) -> str:
    """Escape what Markdown would read as markup, in the name of a file or a class."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return re.sub(r"[\\|*`<[$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
