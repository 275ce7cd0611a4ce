"""Parameters of the search for label errors."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from stages.common.param_types import Int, Section, Seed
from stages.models.recipe import Features


class LabelIssues(Section):
    """An entry under ``label_issues:``, named after the features that it takes."""

    folds: Annotated[Int, Field(ge=2)]
    seed: Seed


def check_features(entries: Iterable[str], features: Mapping[str, Features]) -> None:
    """Check that each entry of ``label_issues`` is named after stored features of a whole backbone.

    Raises:
        ValueError: One is not.
    """
    whole = [name for name, of in features.items() if of.are_stored and not of.stop_before]
    if others := sorted(set(entries).difference(whole)):
        raise ValueError(
            "label_issues: expected names of stored features of a whole backbone "
            f"({', '.join(whole) or 'none are listed'}), "
            f"received {', '.join(others)}: correct or remove the entry"
        )
