"""Types of the values in ``params.yaml``, and the messages for values that do not fit."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, WrapValidator, model_validator

from stages.common.cli import escape_name


def expected(text: str) -> WrapValidator:
    """Describe a union of types in one message, where pydantic has one for each of them."""

    def validate(value: Any, handler: pydantic.ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except pydantic.ValidationError as error:
            raise ValueError(f"expected {text}, received {value!r}") from error

    return WrapValidator(validate)


Count = Annotated[int, Field(ge=1, lt=2**31)]
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


# Keys of earlier versions, and what became of them; * stands for a name.
RENAMED = {
    "confidence.temperature": "renamed to confidence.temperature_scaling",
    "confidence.unlike_fraction": "renamed to confidence.out_of_distribution_fraction",
    "confidence.unsure_accuracy": "renamed to confidence.abstention_accuracy",
    "memory_gib": "removed: arrays are on disk",
    "models.*.backbone": "removed: name it in features.NAME.backbone, and NAME in the model's features",
    "models.*.convolutions": "renamed to conv_layers (how many) and filters",
    "models.*.fine_tune.after": "removed: a model that fine-tunes starts as a fitted linear classifier",
    "models.*.fine_tune.first_layer": "removed: name the layer in features.NAME.stop_before alone",
    "models.*.keep": "renamed to checkpoint",
    "models.*.patience": "renamed to early_stopping",
    "models.*.scale": "renamed to rescale: zero_to_one, the default, or minus_one_to_one",
    "models.*.units": "renamed to dense_units",
    "models.*.views": "removed: set features.NAME.views",
    "train.image_size": "renamed to image_size, outside of the sections",
    "train.keep": "renamed to train.checkpoint",
    "train.parts": "renamed to train.micro_batches",
    "train.patience": "renamed to train.early_stopping",
    "train.repeats": "renamed to train.runs",
    "train.threads": "removed: one thread for each of train.micro_batches",
}


def format_errors(details: Sequence[Any]) -> str:
    if "seed" in map(key_of, details):  # sections without a seed have taken this one
        details = [detail for detail in details if not key_of(detail).endswith(".seed")]
    return "; ".join(map(format_validation_error, details))


def key_of(detail: Any) -> str:
    return ".".join(escape_name(str(part)) for part in detail["loc"] if part != "[key]") or "the file"


def format_validation_error(detail: Any) -> str:
    key, received = key_of(detail), "nothing" if detail["input"] is None else repr(detail["input"])
    match detail:
        case {"loc": (*_, "[key]")}:
            return f"{key}: expected a name of letters, digits, - and _ (it names files), one of digits in quotes"
        case {"type": "extra_forbidden"}:
            renamed = (text for pattern, text in RENAMED.items() if fnmatchcase(key, pattern))
            return f"{key}: {next(renamed, 'unknown key: docs/parameters.md lists all')}"
        case {"type": "missing"}:
            return f"{key}: expected a value, received none"
        case {"type": "model_type" | "dict_type"}:
            return f"{key}: expected a mapping of keys to values, received {received}"
        case {"type": "value_error", "loc": location, "ctx": {"error": error}}:
            return f"{key}: {error}" if location else str(error)
    return f"{key}: {detail['msg'].replace('Input should be', 'expected')}, received {received}"
