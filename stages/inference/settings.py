"""What ``params.yaml`` says of how far a model is to be believed."""

from typing import Annotated

from pydantic import Field

from stages.common.param_types import Fraction, Section


class ConfidenceSettings(Section):
    """The section ``confidence:``."""

    temperature_scaling: Annotated[bool, Field(strict=True)] = False
    abstention_accuracy: Fraction | None = None
    out_of_distribution_fraction: Fraction | None = None
