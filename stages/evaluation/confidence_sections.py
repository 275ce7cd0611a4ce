"""The report's sections on how far the probabilities of models are to be believed."""

import pandas as pd

from stages.evaluation.calibration import describe_calibration
from stages.evaluation.coverage import describe_coverage
from stages.evaluation.markdown import markdown_table
from stages.evaluation.results import Evaluation


def calibration_section(ranked: list[Evaluation]) -> str:
    rows = [
        {
            "model": evaluation.name,
            "temperature": f"{confidence['temperature']:.3f}",
            **{
                f"{title} {when}": f"{number:.3f}"
                for title, key in (("ECE", "ece"), ("loss", "loss"))
                for when, number in (("before", confidence[f"{key}_before"]), ("after", evaluation.scores["test"][key]))
            },
        }
        for evaluation in ranked
        if "temperature" in (confidence := evaluation.scores.get("confidence", {}))
    ]
    if not rows:
        return describe_calibration(ranked[0])
    return (
        f"{describe_calibration(ranked[0])}\n\nAll probabilities are softmax(logits / temperature), with a temperature "
        "fitted on the validation photos. On the test photos, before and after:\n\n"
        + markdown_table(pd.DataFrame(rows))
    )


def coverage_section(ranked: list[Evaluation]) -> str:
    rows = [
        {
            "model": evaluation.name,
            "threshold": shown(confidence["unsure_below"]),
            "coverage": shown(confidence["coverage"]),
            "accuracy": shown(confidence["sure_accuracy"]),
            "95 % CI": f"{shown(confidence['sure_accuracy_low'])} to {shown(confidence['sure_accuracy_high'])}",
        }
        for evaluation in ranked
        if "unsure_below" in (confidence := evaluation.scores.get("confidence", {}))
    ]
    told = describe_coverage(ranked[0])
    unlike = {model.name: model.scores.get("confidence", {}).get("unlike") for model in ranked}
    if found := [f"{share:.3f} for `{name}`" for name, share in unlike.items() if share is not None]:
        told += (
            "\n\nProportion of the test photos that are unlike the training photos (farther from the nearest than all "
            f"but `confidence.out_of_distribution_fraction` of the validation photos): {', '.join(found)}."
        )
    if not rows:
        return told
    return (
        f"{told}\n\nA photo is unsure if its probability is below a threshold, the lowest from "
        "which on the accuracy on the validation photos is at least `confidence.abstention_accuracy`. The test photos "
        f"that are not unsure, and the accuracy on them:\n\n{markdown_table(pd.DataFrame(rows))}"
    )


def shown(number: float | None) -> str:
    return "none" if number is None else f"{number:.3f}"
