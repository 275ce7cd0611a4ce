"""A recipe: what ``params.yaml`` says of a model."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.common.param_types import Count, Float, Fraction, Positive, Section


class FineTune(Section):
    first_layer: Annotated[str, Field(min_length=1)]
    after: Fraction
    learning_rate: Positive


class Recipe(Section):
    """A model under ``models:``. What is left out is left out of the model, or taken from ``train:``."""

    backbone: str
    scale: tuple[Float, Float] | None = None
    views: Count | None = None
    fine_tune: FineTune | None = None
    flip: Literal["horizontal", "vertical", "horizontal_and_vertical"] | None = None
    rotation: Annotated[Float, Field(ge=0, le=1)] = 0.0
    convolutions: tuple[Count, ...] = ()
    kernel_size: Count = 3
    pool_size: Count = 2
    dropout: Annotated[Float, Field(ge=0, lt=1)]
    units: Count
    epochs: Count | None = None
    learning_rate: Positive | None = None

    @property
    def augments(self) -> bool:
        """Whether training photos are flipped or rotated."""
        return bool(self.flip or self.rotation)

    @model_validator(mode="after")
    def _what_is_for_a_backbone_has_one(self) -> "Recipe":
        for key in ("views", "fine_tune"):
            if getattr(self, key) and self.backbone == "none":
                raise ValueError(f"expected {key} only in a recipe with a backbone, received it without one")
        return self

    @model_validator(mode="after")
    def _the_scale_is_the_recipe_s_or_the_backbone_s(self) -> "Recipe":
        if self.backbone == "none" and (self.scale is None or self.scale[0] >= self.scale[1]):
            received = self.scale and list(self.scale)
            raise ValueError(f"expected scale as [low, high] with low < high, received {received}")
        if self.backbone != "none" and self.scale:
            raise ValueError(
                "expected no scale in a recipe with a backbone, which has its own preprocessing, received "
                f"{list(self.scale)}"
            )
        return self
