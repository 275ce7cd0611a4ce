"""The report: the results on one page of Markdown, to paste into a pull request. Its text is ``report.md.jinja``."""

import re
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from stages.common.cli import escape_name, plural
from stages.common.paths import SPLIT_NAMES
from stages.evaluation.figures import largest_and_smallest
from stages.evaluation.plots import MAX_CONFUSED, MAX_MODELS
from stages.evaluation.results import Evaluation
from stages.evaluation.scores import DIGITS, ECE_BINS, SCORE_NAMES, selected_epoch
from stages.evaluation.significance import SIGNIFICANCE_LEVEL, compare, wilson_interval
from stages.inference.calibration import accuracy_by_coverage
from stages.storage.photo_lists import count_copies, count_rejected

MAX_CLASSES = 30  # in the table of the data
TEMPLATE = Path(__file__).with_suffix(".md.jinja")
OVERFITTING = 0.1  # by which training accuracy exceeds validation accuracy


def report(
    lists: dict[str, pd.DataFrame], ranked: list[Evaluation], table: pd.DataFrame, rank_by: str, issues: Iterable[str]
) -> str:
    """Write the report on models, ranked best first, whose ``leaderboard`` is ``table``.

    ``lists`` are train, validation, test, rejected and copies, as ``split`` wrote them; ``issues`` names the lists
    of labels that look wrong.
    """
    listed, selected = ranked[:MAX_MODELS], [model for model in ranked if "kept" in model.history]
    noted = [model for model in listed if "unlike" in model.scores.get("confidence", {})]
    values = {
        "ranked": ranked,
        "listed": listed,
        "leaderboard": table[~table["model"].isin([model.name for model in ranked[MAX_MODELS:]])],
        "rank_by": SCORE_NAMES[rank_by],
        "rank_score": ranked[0].scores["test"][rank_by],
        "label_issues": issues,
        "epochs": [f"`{m.name}` {selected_epoch(m.history)['epoch']:g} of {len(m.history)}" for m in selected],
        "unlike": [f"{m.scores['confidence']['unlike']:.3f} for `{m.name}`" for m in noted],
        "ece_bins": ECE_BINS,
        "max_confused": MAX_CONFUSED,
        "significance_level": SIGNIFICANCE_LEVEL,
        **data_values(lists),
        **values_of_best(ranked[0]),
        **alternatives(ranked, len(lists["validation"])),
        "linear": compare_with_linear(ranked),
    }
    # Markdown, not HTML: a filter of our own escapes what would be markup in names.
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)  # noqa: S701
    environment.filters |= {
        "listing": listing,
        "markdown": escape,
        "any_of": lambda names: listing((f"`{name}`" for name in names), "or"),
        "numbered": lambda lines: "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1)),
        "plural": plural,
        "score": format_score,
        "table": markdown_table,
    }
    environment.globals["interval"] = interval
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return re.sub(r"\n{3,}", "\n\n", template.render(values)).strip() + "\n"


def data_values(lists: dict[str, pd.DataFrame]) -> dict[str, Any]:
    counts = pd.DataFrame({split: lists[split]["label"].value_counts() for split in SPLIT_NAMES})
    counts = counts.fillna(0).astype(int).sort_index()
    table = pd.concat([largest_and_smallest(counts, MAX_CLASSES), counts.sum().to_frame("all").T])
    has_copies = (lists["copies"]["split"] != "").any()  # of photos in their own split
    splits = {split: lists[split] for split in ("validation", "test")} if has_copies else {}
    copies = count_copies(lists["copies"], splits)
    return {
        "all_classes": len(counts),
        "half_listed": MAX_CLASSES // 2 if len(counts) > MAX_CLASSES else 0,
        "counts": table.rename_axis("class").reset_index(),
        "imbalance": counts["train"].max() / counts["train"].min(),
        "copies": [f"{left['photos']} of {split} ({100 * left['share']:.1f} %)" for split, left in copies.items()],
        "rejected": count_rejected(lists["rejected"]),
    }


def values_of_best(best: Evaluation) -> dict[str, Any]:
    history, mistakes, photos = best.history, best.mistakes, best.photos
    epoch = selected_epoch(history)
    confusions = mistakes.groupby(["label", "predicted"], as_index=False).size()  # sorted by name, as ties stay
    curve = accuracy_by_coverage(photos["log_odds"].to_numpy(), photos["correct"].to_numpy())
    surest = curve[curve["coverage"] >= 0.5].to_dict("records")[0]  # half of them, or more if confidences are equal
    return {
        "best": best,
        "test": best.scores["test"],
        "photos": len(photos),
        "classes": len(best.scores["classes"]),
        "epoch": epoch,
        "overfits": round(epoch["accuracy"] - epoch["val_accuracy"], DIGITS) > OVERFITTING,
        "improves": len(history) > 1 and history["val_loss"].argmin() == len(history) - 1,
        "mistakes": len(mistakes),
        "confusions": confusions.nlargest(1, "size").to_dict("records"),
        "confidence": photos["confidence"].mean(),
        "surest": surest,
        "surest_interval": wilson_interval(surest["accuracy"], round(surest["coverage"] * len(photos))),
    }


def alternatives(ranked: list[Evaluation], validation_photos: int) -> dict[str, Any]:
    """Compare the best model with each other; list those no better than guessing, and those perhaps as good as it."""
    best = ranked[0].name
    pairs = compare({model.name: model.photos["correct"] for model in ranked}, best)
    chance = 1 / len(ranked[0].scores["classes"])
    guessing = [m.name for m in ranked if round(m.scores["test"]["balanced_accuracy"] - chance, DIGITS) <= 0]
    undecided = set(pairs["second"][pairs["p_holm"] >= SIGNIFICANCE_LEVEL]) - set(guessing)
    # With few test photos these are many: validation accuracy must be in the best one's confidence interval, too.
    validation = {model.name: model.scores["validation"]["accuracy"] for model in ranked}
    least, _ = wilson_interval(validation[best], validation_photos)
    undecided &= {name for name, accuracy in validation.items() if accuracy >= least}
    return {
        "pairs": pairs.to_dict("records"),
        "guessing": guessing,
        "undecided": [model for model in ranked if model.name in undecided and best not in guessing],
    }


def compare_with_linear(ranked: list[Evaluation]) -> dict[str, Any] | None:
    """Compare the others with the best linear classifier, if there is one, and list those not proved better."""
    linear = next((model for model in ranked if model.is_linear), None)
    others = [model for model in ranked if not model.is_linear]
    if linear is None or not others:
        return None
    pairs = compare({model.name: model.photos["correct"] for model in [linear, *others]}, linear.name)
    not_better = [
        f"`{pair['second']}`" + (" (significantly worse)" if pair["p_holm"] < SIGNIFICANCE_LEVEL else "")
        for pair in pairs.to_dict("records")
        if pair["p_holm"] >= SIGNIFICANCE_LEVEL or pair["b"] > pair["c"]
    ]
    return {"model": linear, "pairs": len(pairs), "not_better": not_better}


def leaderboard(ranked: list[Evaluation], baseline: float, rank_by: str) -> pd.DataFrame:
    """Tabulate formatted scores (over seeds: mean ± SD): the baseline, linear classifiers, and the others as given."""
    ranked = sorted(ranked, key=lambda model: not model.is_linear)

    def with_spread(split: str, score: str) -> list[str]:
        runs = [model.over_seeds(split, score) for model in ranked]
        spreads = [f" ({mean(values):.3f} ± {stdev(values):.3f})" if len(values) > 1 else "" for values in runs]
        return [f"{values[0]:.3f}{spread}" for values, spread in zip(runs, spreads, strict=True)]

    tests = [model.scores["test"] for model in ranked]
    columns = {
        "model": [model.name for model in ranked],
        f"validation {SCORE_NAMES[rank_by]}": with_spread("validation", rank_by),
        f"test {SCORE_NAMES[rank_by]}": with_spread("test", rank_by),
        "test accuracy": with_spread("test", "accuracy"),  # the same column, if models are ranked by accuracy
        "95 % CI": [interval(test["accuracy_low"], test["accuracy_high"]) for test in tests],
        "ROC AUC": with_spread("test", "roc_auc"),
        "ECE": with_spread("test", "ece"),
    }
    ends = wilson_interval(baseline, len(ranked[0].photos))
    first = {"model": "(majority class)", "test accuracy": f"{baseline:.3f}", "95 % CI": interval(*ends)}
    return pd.concat([pd.DataFrame([first]), pd.DataFrame(columns)], ignore_index=True)[list(columns)].fillna("")


def interval(low: float, high: float) -> str:
    return f"{format_score(low)} to {format_score(high)}"


def format_score(value: object) -> str:
    """Format a score with three digits, a missing one as "none", and anything else as it is."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return "none"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def listing(items: Iterable[str], conjunction: str = "and") -> str:
    """Join up to ``MAX_MODELS`` items, and the count of the others, as in "a, b and 3 more"."""
    listed = list(items)
    if len(listed) > MAX_MODELS:
        listed[MAX_MODELS:] = [f"{len(listed) - MAX_MODELS} more"]
    commas, last = ", ".join(listed[:-1]), "".join(listed[-1:])
    return f"{commas} {conjunction} {last}" if commas else last


def markdown_table(table: pd.DataFrame) -> str:
    """Format a table; all columns but the first are right-aligned, as numbers are."""
    rules = ["---", *["---:"] * (len(table.columns) - 1)]
    rows = [list(table.columns), rules, *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(escape(format_score(cell)) for cell in row)} |" for row in rows)


def escape(text: str) -> str:
    """Escape what Markdown, or GitHub in a comment, would read as markup, in the name of a file or a class."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", escape_name(text))
    text = re.sub(r"[\\|*`<[$~]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
    # Or it would notify @name, and link to #1, also behind a letter that is not ASCII.
    return re.sub(r"(?<!\w)[@#](?=\w)", r"\g<0>&#8288;", text, flags=re.ASCII)
