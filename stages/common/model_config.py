"""Parameters of a model and of the features that it trains on."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from stages.common.param_types import Count, Positive, Section, Seed, Text, expected
from stages.common.paths import PIXELS

Filters = Annotated[
    Count | Annotated[tuple[Count, ...], Field(strict=False)],
    expected("a number from 1, or a list of one for each layer"),
]
Strengths = Annotated[
    tuple[Annotated[float, Field(ge=1e-10)], ...],  # scikit-learn fits in float32
    Field(min_length=1, strict=False),
    BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (value,)),
    expected("a number from 1e-10, or a list of those to choose from"),
]
Schedule = Literal["constant", "cosine"]
Warmup = Annotated[float, Field(ge=0, lt=1)]


class Augmentation(Section):
    """Random augmentation of training photos."""

    flip: Literal["horizontal", "vertical", "horizontal_and_vertical"] | None = None
    rotation: Annotated[float, Field(ge=0, le=1)] = 0.0
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    color_jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    erasing: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def augments(self) -> bool:
        return bool(self.model_dump(include=set(Augmentation.model_fields), exclude_defaults=True))


AUGMENTATION = ", ".join(Augmentation.model_fields)


class Features(Augmentation):
    """Entry of ``features:``, extracted from the photos by a frozen backbone."""

    backbone: str
    stop_before: Text | None = None
    pooling: Literal["average"] | None = None
    views: Count = 1
    seed: Seed = 0

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> "Features":
        if self.views != 1 and not self.augments:
            raise ValueError(f"expected one of {AUGMENTATION} with views: {self.views}, received none")
        if self.pooling and (self.augments or self.stop_before or self.views != 1):
            raise ValueError(f"expected none of stop_before, views, {AUGMENTATION} with pooling")
        return self


LINEAR_KEYS = ("inverse_regularization", "folds")
LINEAR_FINE_TUNING_KEYS = ("fine_tune", "epochs", "schedule", "warmup", "checkpoint", "early_stopping")


class FineTune(Section):
    learning_rate: Positive


class ModelConfig(Augmentation):
    """Entry of ``models:``. What is None is left out of the model, or taken from ``train:``."""

    features: str
    rescale: Literal["zero_to_one", "minus_one_to_one"] | None = None
    fine_tune: FineTune | None = None
    conv_layers: Annotated[int, Field(ge=0, le=1000)] = 0
    filters: Filters | None = None
    kernel_size: Count | None = None
    pool_size: Count | None = None
    batch_norm: bool = False
    pooling: Literal["average"] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    dense_units: Count | None = None
    epochs: Count | None = None
    learning_rate: Positive | None = None
    schedule: Schedule | None = None
    warmup: Warmup | None = None
    checkpoint: Literal["last", "best"] | None = None
    early_stopping: Count | None = None
    classifier: Literal["linear"] | None = None
    inverse_regularization: Strengths | None = None
    folds: Annotated[Count, Field(ge=2)] | None = None

    @property
    def is_linear(self) -> bool:
        """Whether the head is a linear classifier, fitted to pooled features; ``fine_tune`` goes on from there."""
        return self.classifier == "linear"

    @property
    def has_backbone(self) -> bool:
        return self.features != PIXELS

    @property
    def filters_per_layer(self) -> tuple[int, ...]:
        return self.filters if isinstance(self.filters, tuple) else (self.filters or 0,) * self.conv_layers

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> "ModelConfig":
        given = set(self.model_dump(exclude_defaults=True))
        usable = ("features", *LINEAR_KEYS, *(LINEAR_FINE_TUNING_KEYS if self.fine_tune else ()))
        if self.is_linear and (others := sorted(given - {"classifier", *usable})):
            raise ValueError(f"expected only {', '.join(usable)} with classifier: linear, received {', '.join(others)}")
        if not self.is_linear and given & {*LINEAR_KEYS}:
            raise ValueError(f"expected classifier: linear with {', '.join(LINEAR_KEYS)}, received none")
        if not self.is_linear and (missing := sorted({"dropout", "dense_units"} - given)):
            raise ValueError(f"expected {' and '.join(missing)}, or classifier: linear, received none")
        if len(self.filters_per_layer) != self.conv_layers or 0 in self.filters_per_layer:
            received = list(self.filters_per_layer) if self.filters else "none"
            raise ValueError(f"expected filters: one number, or {self.conv_layers} (conv_layers), received {received}")
        conv_keys = sorted(given & {"batch_norm", "filters", "kernel_size"})
        if conv_keys and "conv_layers" not in self.model_fields_set:  # a sweep may try 0, too
            raise ValueError(f"expected conv_layers with {', '.join(conv_keys)}, received none")
        if self.pool_size and self.pooling and self.conv_layers < 2:
            raise ValueError("expected no pool_size with average pooling and fewer than two conv_layers")
        if self.has_backbone and self.rescale:
            raise ValueError("expected no rescale with a backbone, which has its own preprocessing")
        if self.has_backbone and self.augments:
            raise ValueError(f"expected {AUGMENTATION} under features.{self.features} instead")
        return self

    def check_features(self, key: str, features: Features | None) -> None:
        """Raise a ValueError unless the model can train on features (None: pixels), and fine-tunes what they lack."""
        name, stop_before = self.features, features and features.stop_before
        if self.is_linear and not self.fine_tune and (features is None or stop_before):
            raise ValueError(f"{key}.features: expected features of a whole backbone, received {name}")
        if not self.is_linear and features and features.pooling:
            raise ValueError(f"{key}.features: expected features without pooling, received {name}")
        if stop_before and not self.fine_tune:
            raise ValueError(f"{key}.fine_tune: expected learning_rate, as features.{name} has stop_before")
        if self.fine_tune and not stop_before:
            raise ValueError(f"{key}.fine_tune: expected none, as {name} has no stop_before, received one")
        if self.fine_tune and not self.is_linear:
            raise ValueError(f"{key}.fine_tune: expected classifier: linear, received none")
