"""Types of the values in ``params.yaml``, and the messages for values that do not fit."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, WrapValidator, model_validator

from stages.common.cli import shown


def expected(text: str) -> WrapValidator:
    """Describe a union of types in one message, where pydantic has one for each of them."""

    def validate(value: Any, handler: pydantic.ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except pydantic.ValidationError as error:
            raise ValueError(f"expected {text}, received {value!r}") from error

    return WrapValidator(validate)


Count = Annotated[int, Field(ge=1, lt=2**63)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]
ImageFit = Literal["stretch", "crop", "pad"]


class Section(BaseModel):
    """A mapping in ``params.yaml`` with exactly these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, content: Any) -> Any:
        """Take the default for null, and for '' (``-S image_fit=``); refuse text with zero bytes, as no path has."""
        if not isinstance(content, dict):
            return content
        for key, value in content.items():
            if isinstance(value, str) and "\0" in value:
                raise ValueError(f"expected text without zero bytes, received {key}: {value!r}")
        defaults = {key for key, field in cls.model_fields.items() if not field.is_required()}
        content = {key: None if value == "" else value for key, value in content.items()}
        return {key: value for key, value in content.items() if value is not None or key not in defaults}


def format_errors(details: Sequence[Any]) -> str:
    if "seed" in map(key_of, details):  # sections without a seed have taken this one
        details = [detail for detail in details if not key_of(detail).endswith(".seed")]
    return "; ".join(map(format_validation_error, details))


def key_of(detail: Any) -> str:
    return ".".join(shown(str(part)) for part in detail["loc"] if part != "[key]") or "the file"


def format_validation_error(detail: Any) -> str:
    key, received = key_of(detail), "nothing" if detail["input"] is None else repr(detail["input"])
    match detail:
        case {"loc": (*_, "[key]")}:
            return f"{key}: expected a name of letters, digits, - and _ (it names files), one of digits in quotes"
        case {"type": "extra_forbidden"}:
            return f"{key}: unknown key: docs/parameters.md lists all, CHANGELOG.md those that were renamed"
        case {"type": "missing"}:
            return f"{key}: expected a value, received none"
        case {"type": "model_type" | "dict_type"}:
            return f"{key}: expected a mapping of keys to values, received {received}"
        case {"type": "value_error", "loc": location, "ctx": {"error": error}}:
            return f"{key}: {error}" if location else str(error)
    return f"{key}: {detail['msg'].replace('Input should be', 'expected')}, received {received}"
