"""The types that sections of ``params.yaml`` are made of, and what is said of a value that does not fit."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


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


class Section(BaseModel):
    """A mapping in ``params.yaml`` with exactly these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, values: Any) -> Any:
        """Let ``-S download.labels=``, which makes it '', be what an empty value in the file is: null."""
        return (
            {key: None if value == "" else value for key, value in values.items()} if type(values) is dict else values
        )


def complaint(detail: Any) -> str:
    """Describe what pydantic found wrong with one key."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]") or "the file"
    if detail["loc"][-1:] == ("[key]",):
        return f"{key}: expected a name of letters, digits, - and _ (it names files)"
    received = f", received {'nothing' if detail['input'] is None else repr(detail['input'])}"
    match detail["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key (misspelt, or in the wrong place?)"
        case "missing":
            return f"{key}: expected a value, received none"
        case "model_type" | "dict_type":
            return f"{key}: expected a mapping of keys to values{received}"
        case "tuple_type":
            return f"{key}: expected two numbers, as [160, 160]{received}"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}" if detail["loc"] else str(detail["ctx"]["error"])
    return f"{key}: {detail['msg'].replace('Input should be', 'expected')}{received}"
