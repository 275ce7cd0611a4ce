"""Schema of ``params.yaml``: every parameter of the pipeline, its type and its range.

No step but `evaluate` depends on this folder, so a default here must not shape a result: it stands for "none" or for
the common seed. What "none" means is decided where the parameter is read.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.common.cli import UserError, command_parser
from stages.common.model_config import Features, ModelConfig, Schedule, Warmup
from stages.common.param_types import Count, Fraction, ImageFit, Positive, Section, Seed, Text, expected, format_errors
from stages.common.paths import PIXELS

PARAMS = Path("params.yaml")

ImageSize = Annotated[
    tuple[Count, Count],
    Field(strict=False),  # YAML has lists
    BeforeValidator(lambda value: (value, value) if isinstance(value, int) else value),
    expected("pixels, as 160 or [height, width]"),
]
Sha256 = Annotated[
    str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True), expected("64 hexadecimal digits or nothing")
]
Option = Annotated[pydantic.JsonValue, expected("a finite number, text, true, false, or a list or mapping of those")]
Name = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]  # of a file and of a DVC stage


class Download(Section):
    photos: Text
    photos_sha256: Sha256 | None = None
    labels: str | None = None


class BackboneConfig(Section):
    """Entry of ``backbones:``, a network of ``keras.applications``."""

    architecture: Text
    weights: str | None = None
    sha256: Sha256 | None = None
    options: dict[str, Option] = Field(default_factory=dict)


class Split(Section):
    test_every: Annotated[Count, Field(ge=2)]
    validation_fraction: Fraction
    test_fraction: Fraction
    seed: Seed
    max_rejected_fraction: Annotated[float, Field(ge=0, le=1)]
    max_copies_fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    max_megapixels: Positive
    duplicate_distance: Annotated[int, Field(ge=0, lt=32)] | None
    group: str | None = None
    group_column: str | None = None
    split_column: str | None = None

    @property
    def has_groups(self) -> bool:
        """Whether photos may belong together that are no duplicates."""
        return bool(self.group or self.group_column)

    @field_validator("group")
    @classmethod
    def _is_a_pattern_with_a_group(cls, group: str | None) -> str | None:
        try:
            if group is None or re.compile(group).groups:
                return group
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"expected a regular expression, received '{group}': {error}") from error
        raise ValueError(f"expected a regular expression with a group in parentheses, received '{group}'")

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> "Split":
        if self.group and self.group_column:
            raise ValueError("expected group or group_column, received both")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("expected validation_fraction + test_fraction below 1")
        return self


class LabelStats(Section):
    photos_per_class: Annotated[int, Field(ge=1, le=25)]
    seed: Seed


class Train(Section):
    batch_size: Count
    epochs: Count
    learning_rate: Positive
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    micro_batches: Annotated[Count, Field(le=1024)]
    seed: Seed
    runs: Count
    class_weight: Literal["none", "balanced"]
    checkpoint: Literal["last", "best"]
    early_stopping: Count | None = None
    schedule: Schedule = "constant"
    warmup: Warmup = 0.0


class Evaluate(Section):
    rank_by: Literal["accuracy", "balanced_accuracy", "macro_f1"]


class ConfidenceSettings(Section):
    temperature_scaling: bool = False
    abstention_accuracy: Fraction | None = None
    out_of_distribution_fraction: Fraction | None = None


class LabelIssues(Section):
    """Entry of ``label_issues:``, named after the features that it reads."""

    folds: Annotated[Count, Field(ge=2)]
    seed: Seed


class Resources(Section):
    """What a training run reserves on a node of a cluster."""

    cpus: Count = 1
    gpus: Annotated[int, Field(ge=0, lt=2**31)] = 0
    memory_gib: Positive = 2


class Cluster(Resources):
    models: dict[Name, Resources] = Field(default_factory=dict)
    retries: Annotated[int, Field(ge=0, lt=2**31)] = 3

    def resources_of(self, model: str) -> Resources:
        """Return what a model reserves: its own values, or else the common ones."""
        own = self.models.get(model, Resources()).model_dump(exclude_unset=True)
        return Resources(**{name: own.get(name, getattr(self, name)) for name in Resources.model_fields})


class Params(Section):
    image_size: ImageSize
    image_fit: ImageFit = "stretch"
    seed: Seed
    download: Download
    backbones: dict[Name, BackboneConfig]
    split: Split
    label_stats: LabelStats
    train: Train
    features: dict[Name, Features]
    label_issues: dict[Name, LabelIssues]
    models: Annotated[dict[Name, ModelConfig], Field(min_length=1)]
    evaluate: Evaluate
    confidence: ConfidenceSettings
    cluster: Cluster = Cluster()

    @model_validator(mode="before")
    @classmethod
    def _sections_take_the_common_seed(cls, content: Any) -> Any:
        """Fill in the seed of each section and entry that has none."""
        if isinstance(content, dict) and isinstance(content.get("seed"), int):
            sections = [content.get(name) for name in ("split", "label_stats", "train")]
            for name in ("features", "label_issues"):
                sections += content[name].values() if isinstance(content.get(name), dict) else []
            for section in sections:
                if isinstance(section, dict) and section.get("seed") in (None, ""):
                    section["seed"] = content["seed"]
        return content

    @model_validator(mode="after")
    def _entries_fit_each_other(self) -> "Params":
        if PIXELS in self.features:
            raise ValueError(f"features.{PIXELS}: reserved for the photos themselves, which need no entry: remove it")
        check_case("backbones", self.backbones)
        check_case("features", [PIXELS, *self.features])
        check_case("models", self.models)
        for name, features in self.features.items():
            check_names(f"features.{name}.backbone", [features.backbone], "backbones", self.backbones)
            if not self.backbones[features.backbone].weights:
                key = f"backbones.{features.backbone}.weights"
                raise ValueError(f"{key}: expected a file, received none: name one, or remove features.{name}")
        whole = [name for name, features in self.features.items() if not features.stop_before]
        check_names("label_issues", self.label_issues, "features of a whole backbone", whole)
        for name, config in self.models.items():
            check_names(f"models.{name}.features", [config.features], "features", [PIXELS, *self.features])
            config.check_features(f"models.{name}", self.features.get(config.features))
        check_names("cluster.models", self.cluster.models, "models", self.models)
        return self


def check_names(key: str, names: Iterable[str], section: str, listed: Iterable[str]) -> None:
    """Raise a ValueError if a key has other names than those listed in a section."""
    if others := sorted(set(names).difference(listed)):
        choices = ", ".join(listed) or "none are listed"
        raise ValueError(f"{key}: expected one of {section} ({choices}), received {', '.join(others)}")


def check_case(section: str, names: Iterable[str]) -> None:
    """Raise a ValueError for names whose files are the same on macOS and Windows, which ignore case."""
    by_lower: dict[str, str] = {}
    for name in names:
        if (other := by_lower.setdefault(name.lower(), name)) != name:
            raise ValueError(f"{section}: expected names that differ in more than case, received {other} and {name}")


def load_params(path: Path = PARAMS) -> Params:
    content = read_yaml(path)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {format_errors(error.errors())}") from error


def read_yaml(path: Path) -> Any:
    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))  # as DVC reads it
    except OSError as error:
        raise UserError(f"{path}: expected the file that holds the parameters ({error.strerror})") from error
    except (YAMLError, ValueError, KeyError, RecursionError) as error:  # also not UTF-8, 2026-13-01, !!bool maybe
        reason = str(error).partition("To suppress")[0]  # what ruamel advises about a key that is there twice
        raise UserError(f"{path}: expected YAML: {' '.join(reason.split())}") from error


def load_entry(description: str | None, section: str) -> tuple[str, Params]:
    """Return the entry of ``section`` that the command line or else the running DVC stage names, and all parameters."""
    parser, default = command_parser(description), os.environ.get("DVC_STAGE", "").rpartition("@")[2]
    text = f"an entry of {section} in params.yaml (default: that of the running DVC stage, STEP@NAME)"
    parser.add_argument("name", nargs="?", metavar="NAME", default=default, help=text)
    name, params = str(parser.parse_args().name), load_params()
    if name not in (entries := getattr(params, section)):
        listed = ", ".join(entries) or "none are listed"
        raise UserError(f"expected NAME to be an entry of {section} in params.yaml ({listed}), received {name!r}")
    return name, params
