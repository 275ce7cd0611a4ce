"""The types that sections of ``params.yaml`` are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _float_from_yaml(value: Any) -> Any:
    """Read ``1e-3`` as a number: YAML 1.1, and so PyYAML, expects ``1.0e-3`` and makes it a string."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Int = Annotated[int, Field(strict=True)]
Float = Annotated[float, Field(strict=True, allow_inf_nan=False), BeforeValidator(_float_from_yaml)]
Count = Annotated[Int, Field(ge=1)]
Seed = Annotated[Int, Field(ge=0, lt=2**32)]
Fraction = Annotated[Float, Field(gt=0, lt=1)]
Positive = Annotated[Float, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# `-S download.labels=` makes it '', where the file's empty value is null.
EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)


class Section(BaseModel):
    """A mapping in ``params.yaml`` with exactly these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
