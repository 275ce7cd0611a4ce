"""``params.yaml``, read and checked: every knob of the pipeline, its type and its range."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from stages.common.command import UserError

PARAMS = Path("params.yaml")


def _float_from_yaml(value: Any) -> Any:
    """Read ``1e-3`` as the number it is: YAML 1.1, and so PyYAML, wants ``1.0e-3`` and makes it a string."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Int = Annotated[int, Field(strict=True)]
Float = Annotated[float, Field(strict=True, allow_inf_nan=False), BeforeValidator(_float_from_yaml)]
Count = Annotated[Int, Field(ge=1)]
Seed = Annotated[Int, Field(ge=0, lt=2**32)]
Fraction = Annotated[Float, Field(gt=0, lt=1)]
Rate = Annotated[Float, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# `-S download.backbone=` makes it '', where the file's empty value is null.
EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)
# A model's name becomes a file's name and a DVC stage's name, so it is as plain as both want it.
ModelName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Section(BaseModel):
    """A mapping in ``params.yaml`` with exactly these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Download(Section):
    photos: Annotated[str, Field(min_length=1)]
    photos_sha256: Annotated[Sha256 | None, EmptyIsNone]
    backbone: Annotated[str | None, EmptyIsNone]
    backbone_sha256: Annotated[Sha256 | None, EmptyIsNone]


class Split(Section):
    test_every: Annotated[Int, Field(ge=2)]
    validation_fraction: Fraction
    test_fraction: Fraction
    seed: Seed
    max_rejected_share: Annotated[Float, Field(ge=0, le=1)]
    duplicate_distance: Annotated[Int, Field(ge=0, lt=32)] | None

    @model_validator(mode="after")
    def _leaves_photos_to_train_on(self) -> "Split":
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("expected validation_fraction + test_fraction below 1")
        return self


class LabelStats(Section):
    photos_per_class: Count
    seed: Seed


class Train(Section):
    image_size: tuple[Count, Count]
    batch_size: Count
    epochs: Count
    learning_rate: Rate
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    threads: Count
    seed: Seed


class FineTune(Section):
    blocks: Annotated[Int, Field(ge=1, le=16)]
    after: Fraction
    learning_rate: Rate


class Recipe(Section):
    """A model under ``models:``. What is left out is left out of the model, or taken from ``train:``."""

    backbone: Literal["none", "mobilenet_v2"]
    backbone_width: Rate = 1.0
    scale: tuple[Float, Float]
    views: Count | None = None
    fine_tune: FineTune | None = None
    flip: Literal["horizontal", "vertical", "horizontal_and_vertical"] | None = None
    rotation: Annotated[Float, Field(ge=0, le=1)] = 0.0
    convolutions: list[Count] = []
    kernel_size: Count = 3
    pool_size: Count = 2
    dropout: Annotated[Float, Field(ge=0, lt=1)]
    units: Count
    epochs: Count | None = None
    learning_rate: Rate | None = None

    @model_validator(mode="after")
    def _what_is_for_a_backbone_has_one(self) -> "Recipe":
        for key in ("views", "fine_tune"):
            if getattr(self, key) and self.backbone == "none":
                raise ValueError(f"expected {key} only in a recipe with a backbone, received it without one")
        return self

    @model_validator(mode="after")
    def _scale_rises(self) -> "Recipe":
        if self.scale[0] >= self.scale[1]:
            raise ValueError(f"expected scale as [low, high] with low < high, received {list(self.scale)}")
        return self


class Needs(Section):
    """What a training takes of a node of a cluster while it runs."""

    cpus: Count
    gpus: Annotated[Int, Field(ge=0)]
    memory_gib: Rate


class OtherNeeds(Section):
    """What a model takes that differs."""

    cpus: Count | None = None
    gpus: Annotated[Int, Field(ge=0)] | None = None
    memory_gib: Rate | None = None


class Cluster(Needs):
    models: dict[ModelName, OtherNeeds]
    retries: Annotated[Int, Field(ge=0)]

    def needs_of(self, model: str) -> Needs:
        common = {key: getattr(self, key) for key in Needs.model_fields}
        other = self.models[model].model_dump(exclude_none=True) if model in self.models else {}
        return Needs.model_validate({**common, **other})


class Params(Section):
    download: Download
    split: Split
    label_stats: LabelStats
    train: Train
    memory_gib: Annotated[Float, Field(ge=0)]
    models: Annotated[dict[ModelName, Recipe], Field(min_length=1)]
    cluster: Cluster

    @model_validator(mode="after")
    def _a_backbone_has_weights(self) -> "Params":
        names = [name for name, recipe in self.models.items() if recipe.backbone != "none"]
        if names and not self.download.backbone:
            raise ValueError(
                f"expected weights in download.backbone, or no model that needs them, received {', '.join(names)} "
                f"and no weights: name a file, or remove {'them' if names[1:] else 'it'} from models"
            )
        return self

    @model_validator(mode="after")
    def _the_cluster_knows_the_models(self) -> "Params":
        unknown = sorted(self.cluster.models.keys() - self.models.keys())
        if unknown:
            raise ValueError(f"expected models of params.yaml in cluster.models, received {', '.join(unknown)}")
        return self


def load_params(path: Path = PARAMS) -> Params:
    """Read every parameter and check all of them, also those that the caller does not use.

    Raises:
        UserError: The file cannot be read, or a key is missing, unknown, ill-typed or out of range; the line
            names each such key, what was expected and what came.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Params.model_validate(content)
    except OSError as error:
        raise UserError(f"{path}: expected the file that holds the parameters ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise UserError(f"{path}: " + "; ".join(_complaint(detail) for detail in error.errors())) from error


def _complaint(detail: Any) -> str:
    """Say in half a line what pydantic found wrong with one key."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]") or "the file"
    if detail["loc"][-1:] == ("[key]",):
        return f"{key}: expected a name of letters, digits, - and _ (it names the model's files)"
    received = f", received {detail['input']!r}"
    match detail["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key (misspelt, or in the wrong place?)"
        case "missing":
            return f"{key}: expected a value, received none"
        case "model_type" | "dict_type":
            return f"{key}: expected a mapping of keys to values{received}"
        case "tuple_type":
            return f"{key}: expected two numbers, as [1, 2]{received}"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}" if detail["loc"] else str(detail["ctx"]["error"])
    return f"{key}: {detail['msg'].replace('Input should be', 'expected')}{received}"
