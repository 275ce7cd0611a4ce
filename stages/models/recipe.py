"""What ``params.yaml`` says of a model and of what it trains on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.common.param_types import Count, Float, Fraction, Int, Positive, Section, Seed, expected

LayerName = Annotated[str, Field(min_length=1)]


class Augmentation(Section):
    """How training photos are changed at random."""

    flip: Literal["horizontal", "vertical", "horizontal_and_vertical"] | None = None
    rotation: Annotated[Float, Field(ge=0, le=1)] = 0.0

    @property
    def augments(self) -> bool:
        """Whether training photos are flipped or rotated."""
        return bool(self.flip or self.rotation)


class Features(Augmentation):
    """A set under ``features:``: the photos themselves, or what a frozen backbone makes of them."""

    backbone: str
    stop_before: LayerName | None = None
    views: Count = 1
    seed: Seed = 0

    @model_validator(mode="after")
    def _photos_are_stored_as_they_are(self) -> "Features":
        if self.backbone == "none" and (self.stop_before or self.views > 1 or self.augments or self.seed):
            raise ValueError(
                "expected no stop_before, views, flip, rotation or seed without a backbone: models that train on "
                "photos flip and rotate them themselves"
            )
        return self

    @model_validator(mode="after")
    def _views_differ(self) -> "Features":
        if self.views > 1 and not self.augments:
            raise ValueError(f"expected flip or rotation for views to differ in, received {self.views} views alike")
        return self


class FineTune(Section):
    first_layer: LayerName
    after: Fraction
    learning_rate: Positive


class Recipe(Augmentation):
    """A model under ``models:``. What is left out is left out of the model, or taken from ``train:``."""

    features: str
    backbone: str
    rescale: Literal["zero_to_one", "minus_one_to_one"] | None = None
    fine_tune: FineTune | None = None
    conv_layers: Annotated[Int, Field(ge=0)] = 0
    filters: Annotated[Count | tuple[Count, ...], expected("a number from 1, or a list of one for each layer")] = 32
    kernel_size: Count = 3
    pool_size: Count = 2
    dropout: Annotated[Float, Field(ge=0, lt=1)]
    dense_units: Count
    epochs: Count | None = None
    learning_rate: Positive | None = None
    checkpoint: Literal["last", "best"] | None = None
    early_stopping: Count | None = None

    @model_validator(mode="after")
    def _what_fine_tunes_has_a_backbone(self) -> "Recipe":
        if self.fine_tune and self.backbone == "none":
            raise ValueError("expected fine_tune only in a recipe with a backbone, received it without one")
        return self

    @model_validator(mode="after")
    def _a_backbone_has_its_own_preprocessing(self) -> "Recipe":
        if self.backbone != "none" and self.rescale:
            raise ValueError(f"expected no rescale in a recipe with a backbone, received {self.rescale}")
        return self

    @model_validator(mode="after")
    def _each_conv_layer_has_filters(self) -> "Recipe":
        if isinstance(self.filters, tuple) and len(self.filters) != self.conv_layers:
            raise ValueError(
                f"expected filters as one number, or one for each of conv_layers ({self.conv_layers}), "
                f"received {list(self.filters)}"
            )
        return self

    @property
    def filters_per_layer(self) -> tuple[int, ...]:
        """The number of filters of each convolution."""
        return self.filters if isinstance(self.filters, tuple) else (self.filters,) * self.conv_layers

    def check_against(self, features: Features) -> None:
        """Check that the model begins as the features that it trains on were made.

        Raises:
            ValueError: It does not.
        """
        if features.backbone == "none":
            return
        if self.backbone != features.backbone:
            raise ValueError(
                f".backbone: expected {features.backbone}, of which features.{self.features} are, "
                f"received {self.backbone}"
            )
        first_layer = self.fine_tune and self.fine_tune.first_layer
        if first_layer != features.stop_before:
            where = "before which" if features.stop_before else "as"
            which = "stop" if features.stop_before else "hold the whole backbone"
            raise ValueError(
                f".fine_tune.first_layer: expected {features.stop_before or 'none'}, {where} features.{self.features} "
                f"{which}, received {first_layer or 'none'}"
            )
        if self.augments:
            raise ValueError(
                f": expected flip and rotation under features.{self.features}, on which it trains, received them here"
            )
