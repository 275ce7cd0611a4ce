"""What ``params.yaml`` says of how far a model is to be believed."""

from typing import Annotated

from pydantic import Field

from stages.common.param_types import EmptyIsNone, Fraction, Section


class ConfidenceSettings(Section):
    """The section ``confidence:``."""

    temperature: Annotated[bool, Field(strict=True)] = False
    unsure_accuracy: Annotated[Fraction | None, EmptyIsNone] = None
    unlike_fraction: Annotated[Fraction | None, EmptyIsNone] = None
