import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.common.cli import UserError
from stages.common.model_config import ModelConfig
from stages.common.param_types import RENAMED
from stages.common.params import load_params

CNN = {"features": "pixels", "conv_layers": 1, "filters": 8, "dropout": 0.5, "dense_units": 8}


def test_the_project_s_own_parameters_are_the_notebook_s(workspace: Path) -> None:
    params = load_params()
    assert (params.train.batch_size, params.train.learning_rate) == (32, 1e-3)
    assert list(params.models)[:4] == ["cnn", "augmented", "preprocessed", "transfer"]
    cnn, *others = [(config.flip, config.rotation) for config in list(params.models.values())[:3]]
    features = params.features[params.models["transfer"].features]
    others.append((features.flip, features.rotation))
    assert cnn == (None, 0)
    assert others == [("horizontal", 0.2)] * 3
    assert {config.dropout for config in params.models.values()} == {0.5}


def test_what_a_recipe_leaves_out_is_left_out_of_the_model_or_taken_from_train() -> None:
    given = {"features": "pixels", "dropout": 0, "dense_units": 8}
    assert ModelConfig.model_validate(given).model_dump() == {
        **given,
        "kernel_size": None,
        "pool_size": None,
        "rotation": 0,
        "conv_layers": 0,
        **dict.fromkeys(
            ("filters", "rescale", "fine_tune", "flip", "epochs", "learning_rate", "checkpoint", "early_stopping")
        ),
    }


def test_what_all_models_are_to_rename_is_said_once(set_params: Callable[..., None]) -> None:
    set_params({"models.cnn.units": 8, "models.transfer.units": 8, "train.runs": 0})
    with pytest.raises(UserError, match=r"^params.yaml: models\.\*\.units: renamed to dense_units$"):
        load_params()


@pytest.mark.parametrize("given", [64, [64, 64]])
def test_image_size_is_one_number_or_two(set_params: Callable[..., None], given: Any) -> None:
    set_params({"image_size": given})
    assert load_params().image_size == (64, 64)


def test_a_section_takes_the_common_seed_unless_it_has_its_own(set_params: Callable[..., None]) -> None:
    set_params({"seed": 7, "split.seed": 3, "features.mobilenet_v2.seed": None})
    params = load_params()
    seeds = [params.split.seed, params.label_stats.seed, params.train.seed]
    assert seeds == [3, 7, 7]
    assert params.features["mobilenet_v2"].seed == params.label_issues["mobilenet_v2"].seed == 7


@pytest.mark.parametrize("pattern", RENAMED)
def test_a_key_of_an_earlier_version_is_refused_with_its_new_name(
    set_params: Callable[..., None], pattern: str
) -> None:
    key = pattern.replace("*", "fine_tuned")
    set_params({key: 1})
    with pytest.raises(UserError, match=f"{key}: {re.escape(RENAMED[pattern])}"):
        load_params()


@pytest.mark.parametrize(("filters", "per_layer"), [(8, (8, 8)), ([8, 16], (8, 16))])
def test_filters_are_one_number_or_one_for_each_layer(filters: Any, per_layer: tuple[int, ...]) -> None:
    assert ModelConfig.model_validate({**CNN, "conv_layers": 2, "filters": filters}).filters_per_layer == per_layer


def test_a_float_without_a_point_is_a_float(set_params: Callable[..., None]) -> None:
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("0.001", "1e-3"))
    assert load_params().train.learning_rate == 0.001


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train.precision": "half"}, "train.precision: expected 'auto', 'float32', 'mixed_bfloat16' or"),
        ({"evaluate.rank_by": "f1"}, "evaluate.rank_by: expected 'accuracy', 'balanced_accuracy' or 'macro_f1', rec"),
        ({"train.micro_batches": 0}, "train.micro_batches: expected greater than or equal to 1, received 0"),
        (
            {"label_issues": {"mobilenet_v2_blocks": {"folds": 5, "seed": 0}}},
            "label_issues: expected names of stored features of a whole backbone (mobilenet_v2), received mobile",
        ),
        (
            {"label_issues.mobilenet_v2.folds": 1},
            "label_issues.mobilenet_v2.folds: expected greater than or equal",
        ),
        ({"models.cnn.features": "nonesuch"}, "models.cnn.features: expected one of pixels, mobilenet_v2, mobilenet_v"),
        ({"features.mobilenet_v2.backbone": "vgg"}, "features.mobilenet_v2.backbone: expected one of backbones (mobi"),
        ({"features.pixels": {"backbone": "none"}}, "features.pixels: reserved for the photos themselves"),
        ({"features.mobilenet_v2.views": "each"}, "features.mobilenet_v2.views: expected a number from 1, or every_ep"),
        (
            {"features.mobilenet_v2.views": "every_epoch"},
            "label_issues: expected names of stored features of a whole backbone (none are listed), received mobi",
        ),
        ({"models.cnn.fine_tune": {"after": 0.5, "learning_rate": 1}}, "models.cnn.fine_tune: expected none, as fea"),
        ({"models.fine_tuned.features": "mobilenet_v2"}, "models.fine_tuned.fine_tune: expected none, as features.mob"),
        ({"models.fine_tuned.fine_tune": None}, "models.fine_tuned.fine_tune: expected after and learning_rate, as fe"),
        ({"models.cnn.conv_layers": 2, "models.cnn.filters": [8]}, "models.cnn: expected filters as one number, or on"),
        (
            {"models.cnn.filters": None},
            "models.cnn: expected filters as one number, or one for each of conv_layers (3)",
        ),
        ({"models.cnn.filters": 0}, "models.cnn.filters: expected a number from 1, or a list"),
        ({"models.cnn.rescale": "yes"}, "models.cnn.rescale: expected 'zero_to_one' or 'minus_one_to_one', received"),
        (
            {"features.mobilenet_v2.flip": None, "features.mobilenet_v2.rotation": 0},
            "features.mobilenet_v2: expected flip or rotation for views to differ in, received views: 4 alike",
        ),
        (
            {"models.transfer.flip": "vertical"},
            "models.transfer: expected flip and rotation under features.mobilenet_v2, on which it trains",
        ),
        ({"train.epochs": "five"}, "train.epochs: expected a valid integer, received 'five'"),
        ({"train.epochs": True}, "train.epochs: expected a valid integer, received True"),
        ({"train.epochs": 0}, "train.epochs: expected greater than or equal to 1, received 0"),
        ({"train.learning_rate": -1}, "train.learning_rate: expected greater than 0, received -1"),
        ({"train.learning_rate": float("nan")}, "train.learning_rate: expected a finite number, received nan"),
        ({"train.learning_rate": "fast"}, "train.learning_rate: expected a valid number, received 'fast'"),
        ({"train.rate": 0.1}, "train.rate: unknown key: docs/parameters.md lists all"),
        ({"image_size": [160]}, "image_size: expected pixels, as 160 or [height, width], received [160]"),
        ({"image_size": "large"}, "image_size: expected pixels, as 160 or [height, width], received 'large'"),
        ({"image_size": 0}, "image_size: expected pixels, as 160 or [height, width], received 0"),
        ({"image_size": True}, "image_size: expected pixels, as 160 or [height, width], received True"),
        ({"split.test_fraction": 0.9}, "split: expected validation_fraction + test_fraction below 1"),
        (
            {"split.group": r"\d+_"},
            r"split.group: expected a regular expression with a group in parentheses, received '\d+_'",
        ),
        (
            {"split.group": "(rex"},
            "split.group: expected a regular expression, received '(rex': missing ), unterminated",
        ),
        ({"download.photos_sha256": "abc"}, "download.photos_sha256: "),
        ({"models.cnn.rotation": -0.1}, "models.cnn.rotation: expected greater than or equal to 0"),
        ({"models.cnn.rotation": 1.1}, "models.cnn.rotation: expected less than or equal to 1"),
        ({"models.cnn.dropout": 1}, "models.cnn.dropout: expected less than 1"),
        ({"models.wide": None}, "models.wide: expected a mapping of keys to values, received nothing"),
        ({"models.wide": {}}, "models.wide.features: expected a value, received none"),
        ({"models.a/b": CNN}, "models.a/b: expected a name of letters, digits, - and _"),
        ({"models.; rm -rf ~": CNN}, "models.; rm -rf ~: expected a name of letters, digits, - and _"),
        ({"models": {}}, "models: "),
        (
            {"backbones.mobilenet_v2.weights": ""},
            "expected weights in backbones.mobilenet_v2, or nothing that needs them, received features.mobilenet_v2",
        ),
        (
            {"cluster.models": {"tranfer": {}}},
            "expected models of params.yaml in cluster.models, received tran",
        ),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(
    set_params: Callable[..., None], changes: dict[str, Any], message: str
) -> None:
    set_params(changes)
    with pytest.raises(UserError, match=f"^params.yaml: {re.escape(message)}") as error:
        load_params()
    assert "\n" not in str(error.value)


def test_an_empty_value_on_the_command_line_is_what_an_empty_one_in_the_file_is(
    set_params: Callable[..., None],
) -> None:
    set_params(
        {"split.duplicate_distance": "", "models.cnn.epochs": "", "models.cnn.checkpoint": "", "download.labels": ""}
    )
    params = load_params()
    cnn = params.models["cnn"]
    assert [params.split.duplicate_distance, cnn.epochs, cnn.checkpoint, params.download.labels] == [None] * 4


@pytest.mark.parametrize("content", ["train: [", "", "- a list", "\x00"])
def test_a_file_that_is_no_mapping_is_one_line(workspace: Path, content: str) -> None:
    Path("params.yaml").write_text(content)
    with pytest.raises(UserError, match=r"^params.yaml: [^\n]+$"):
        load_params()


def test_a_missing_file_is_one_line(workspace: Path) -> None:
    Path("params.yaml").unlink()
    with pytest.raises(UserError, match=r"params.yaml: expected the file that holds the parameters"):
        load_params()
