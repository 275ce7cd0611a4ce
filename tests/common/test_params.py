import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import load_yaml

from stages.common.cli import UserError
from stages.common.model_config import AUGMENTATION
from stages.common.param_types import RENAMED
from stages.common.params import load_entry, load_params
from tests.conftest import SetParams

pytestmark = pytest.mark.usefixtures("workspace")

CNN = {"features": "pixels", "conv_layers": 1, "filters": 8, "dropout": 0.5, "dense_units": 8}


def test_the_project_s_parameters_are_the_notebook_s() -> None:
    params = load_params()
    assert (params.train.batch_size, params.train.learning_rate) == (32, 1e-3)
    cnn, augmented, preprocessed, transfer = (
        params.models[name] for name in ("cnn", "augmented", "preprocessed", "transfer")
    )
    augmentation = [(of.flip, of.rotation) for of in (augmented, preprocessed, params.features[transfer.features])]
    assert augmentation == [("horizontal", 0.2)] * 3
    assert not cnn.augments
    assert {model.dropout for model in (cnn, augmented, preprocessed, transfer)} == {0.5}


def test_a_section_takes_the_common_seed_by_default(set_params: SetParams) -> None:
    set_params({"seed": 7, "split.seed": 3, "features.mobilenet_v2.seed": None})
    params = load_params()
    assert [params.split.seed, params.label_stats.seed, params.train.seed] == [3, 7, 7]
    assert params.features["mobilenet_v2"].seed == params.label_issues["mobilenet_v2_pooled"].seed == 7


def test_a_model_takes_the_cluster_s_resources_by_default(set_params: SetParams) -> None:
    set_params({"cluster": {"cpus": 3, "memory_gib": 5, "models": {"cnn": {"memory_gib": 9}}}})
    resources = [load_params().cluster.resources_of(model) for model in ("cnn", "transfer")]
    assert [(of.cpus, of.gpus, of.memory_gib) for of in resources] == [(3, 0, 9), (3, 0, 5)]


@pytest.mark.parametrize(
    ("key", "given", "read"),
    [
        ("image_size", 64, (64, 64)),
        ("image_size", [64, 32], (64, 32)),
        *(("models.linear.inverse_regularization", given, (0.001,)) for given in (1e-3, "1e-3", [1e-3])),
        ("download.photos_sha256", "AB" * 32, "ab" * 32),  # as Get-FileHash of Windows prints it
        *((key, "", None) for key in ("split.duplicate_distance", "models.cnn.epochs", "download.labels")),  # -S key=
        *(("image_fit", given, "stretch") for given in ("", None)),
        ("features.mobilenet_v2.crop", None, 1),
        ("backbones.mobilenet_v2.options", None, {}),
    ],
)
def test_a_value_may_be_written_in_several_ways(set_params: SetParams, key: str, given: Any, read: Any) -> None:
    set_params({key: given})
    value = load_params().model_dump()
    for name in key.split("."):
        value = value[name]
    assert value == read


@pytest.mark.parametrize("pattern", RENAMED)
def test_a_renamed_key_is_refused_with_its_new_name(set_params: SetParams, pattern: str) -> None:
    key = pattern.replace("*", "fine_tuned")
    set_params({key: 1})
    with pytest.raises(UserError, match=f"{key}: {re.escape(RENAMED[pattern])}"):
        load_params()


@pytest.mark.parametrize(("written", "value"), [("1e-3", 0.001), ("010", 10), ("1_0", 10), ("0o10", 8)])
def test_a_number_is_what_dvc_reads(written: str, value: float) -> None:
    """Otherwise dvc.lock would name another value than the one that was used."""
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("0.001", written))
    assert load_params().train.learning_rate == load_yaml("params.yaml")["train"]["learning_rate"] == value


def test_a_sweep_may_try_no_convolutions(set_params: SetParams) -> None:
    set_params({"models.cnn.conv_layers": 0})
    assert load_params().models["cnn"].filters_per_layer == ()


@pytest.mark.parametrize("seed", ["x", -1, None])
def test_a_bad_seed_is_reported_once(set_params: SetParams, seed: Any) -> None:
    """And not of each section that takes it."""
    set_params({"seed": seed})
    with pytest.raises(UserError, match=r"^params.yaml: seed: expected [^;]+, received [^;]+$"):
        load_params()


@pytest.mark.parametrize(
    ("given", "stage", "name"), [(["nonesuch"], "", "nonesuch"), ([], "train@nonesuch", "nonesuch"), ([], "", "")]
)
def test_an_unknown_entry_is_one_line(monkeypatch: pytest.MonkeyPatch, given: list[str], stage: str, name: str) -> None:
    monkeypatch.setattr(sys, "argv", ["step", *given])
    monkeypatch.setenv("DVC_STAGE", stage)
    with pytest.raises(UserError, match=rf"an entry of backbones in .* \(mobilenet_v2\), received '{name}'$"):
        load_entry(None, "backbones")


BACKBONE = "features.mobilenet_v2"
OPTION = "backbones.mobilenet_v2.options.alpha"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        # A key of each kind: what was expected and what came. Each key's values are in docs/parameters.md.
        ("train.precision", "half", "train.precision: expected 'auto', 'float32', 'mixed_bfloat16' or"),
        ("train.epochs", "five", "train.epochs: expected a valid integer, received 'five'"),
        ("train.epochs", True, "train.epochs: expected a valid integer, received True"),
        ("train.learning_rate", float("nan"), "train.learning_rate: expected a finite number, received nan"),
        ("train.learning_rate", "fast", "train.learning_rate: expected a valid number, received 'fast'"),
        ("train.epochs", 10**30, f"train.epochs: expected less than {2**31}, received {10**30}"),
        ("train.rate", 0.1, "train.rate: unknown key: docs/parameters.md lists all"),
        *(
            ("image_size", value, f"image_size: expected pixels, as 160 or [height, width], received {value!r}")
            for value in ([160], "large", 0, True)
        ),
        ("download.photos_sha256", "abc", "download.photos_sha256: expected 64 hexadecimal digits or nothing, rec"),
        *((OPTION, value, f"{OPTION}: expected a finite number, text,") for value in (float("inf"), date(2026, 1, 2))),
        ("models.cnn.batch_norm", 1, "models.cnn.batch_norm: expected a valid boolean, received 1"),
        ("models.cnn.dropout", 1, "models.cnn.dropout: expected less than 1"),
        ("models.wide", None, "models.wide: expected a mapping of keys to values, received nothing"),
        ("models.wide", {}, "models.wide.features: expected a value, received none"),
        ("models.a/b", CNN, "models.a/b: expected a name of letters, digits, - and _"),
        ("models.a; b", CNN, "models.a; b: expected a name of letters, digits, - and _"),  # it stands in a command
        ("models.-a", CNN, "models.-a: expected a name of letters, digits, - and _"),
        ("models.a\nb", CNN, r"models.a\nb: expected a name of letters, digits, - and _"),
        ("models", {2024: CNN}, "models.2024: expected a name of letters, digits, - and _ (it names files), one of d"),
        ("models", {}, "models: "),
        ("download.photos", "a\0b", r"download: expected text without zero bytes, received photos: 'a\x00b'"),
        ("split.group", r"\d+_", r"split.group: expected a regular expression with a group in parentheses, received"),
        ("split.group", "(rex", "split.group: expected a regular expression, received '(rex': missing ), unt"),
        ("split.group", "(a){99999999999}", "split.group: expected a regular expression, received '(a){99999999999}'"),
        ("split.group", 3000 * "(" + 3000 * ")", "split.group: expected a regular expression, received '((("),
        ("models.cnn.filters", 0, "models.cnn.filters: expected a number from 1, or a list"),
        # Keys that do not fit each other.
        ("split.test_fraction", 0.9, "split: expected validation_fraction + test_fraction below 1"),
        ("models.cnn.filters", [8], "models.cnn: expected filters: one number, or 3 (conv_layers), received [8]"),
        ("models.cnn.filters", None, "models.cnn: expected filters: one number, or 3 (conv_layers), received none"),
        ("models.transfer.batch_norm", True, "models.transfer: expected conv_layers with batch_norm, received none"),
        ("models.transfer.filters", 8, "models.transfer: expected conv_layers with filters, received none"),
        ("models.transfer.kernel_size", 5, "models.transfer: expected conv_layers with kernel_size, received none"),
        ("models.cnn", {**CNN, "pooling": "average", "pool_size": 3}, "models.cnn: expected no pool_size with averag"),
        ("models.cnn.conv_layers", 10**7, "models.cnn.conv_layers: expected less than or equal to 1000, received 10"),
        ("train.micro_batches", 10**6, "train.micro_batches: expected less than or equal to 1024, received 1000000"),
        ("models.cnn.dense_units", 2**62, "models.cnn.dense_units: expected less than 2147483648, received 46"),
        ("models.transfer.erasing", 0.1, f"models.transfer: expected {AUGMENTATION} under {BACKBONE}"),
        (BACKBONE, {"backbone": "mobilenet_v2", "views": 4}, f"{BACKBONE}: expected one of flip, rotation, "),
        ("models.transfer.rescale", "zero_to_one", "models.transfer: expected no rescale with a backbone"),
        ("models.cnn.features", "nonesuch", "models.cnn.features: expected one of features (pixels, mobilenet_v2"),
        (f"{BACKBONE}.backbone", "vgg", f"{BACKBONE}.backbone: expected one of backbones (mobilenet_v2), received vgg"),
        ("features.pixels", {"backbone": "none"}, "features.pixels: reserved for the photos themselves"),
        ("backbones.mobilenet_v2.weights", "", "backbones.mobilenet_v2.weights: expected a file, received none"),
        ("label_issues", {"mobilenet_v2_blocks": {"folds": 5}}, "label_issues: expected one of features of a whole"),
        ("models.cnn.fine_tune", {"learning_rate": 1}, "models.cnn.fine_tune: expected none, as pixels has no stop"),
        ("models.fine_tuned.features", "mobilenet_v2", "models.fine_tuned.fine_tune: expected none, as mobilenet_v2 "),
        ("models.transfer.features", "mobilenet_v2_blocks", "models.transfer.fine_tune: expected learning_rate, as"),
        # Linear classifiers and pooled features.
        (f"{BACKBONE}.pooling", "average", f"{BACKBONE}: expected none of stop_before, views, flip, rotation, "),
        ("models.linear.dropout", 0.5, "models.linear: expected only features, inverse_regularization, folds with"),
        ("models.linear.features", "pixels", "models.linear.features: expected features of a whole backbone"),
        ("models.linear.features", "mobilenet_v2_blocks", "models.linear.features: expected features of a whole back"),
        ("models.linear.inverse_regularization", [], "models.linear.inverse_regularization: expected a number from 1"),
        ("models.linear.inverse_regularization", [1, 1e-300], "models.linear.inverse_regularization: expected a nu"),
        ("models.linear.fine_tune", {"learning_rate": 1}, "models.linear.fine_tune: expected none, as mobilenet_v2_p"),
        ("models.fine_tuned.dropout", 0.1, "models.fine_tuned: expected only features, inverse_regularization, folds,"),
        (
            "models.dense",
            {"features": "mobilenet_v2_blocks", "fine_tune": {"learning_rate": 1}, "dropout": 0.5, "dense_units": 8},
            "models.dense.fine_tune: expected classifier: linear, received none",
        ),
        ("models.cnn.folds", 5, "models.cnn: expected classifier: linear with inverse_regularization, folds, received"),
        ("models.wide", {"features": "pixels"}, "models.wide: expected dense_units and dropout, or classifier: linear"),
        ("models.transfer.features", "mobilenet_v2_pooled", "models.transfer.features: expected features without pool"),
        ("models.CNN", {"features": "pixels", "dropout": 0.5, "dense_units": 8}, "models: expected names that differ"),
        ("backbones.MobileNet_v2", {"architecture": "MobileNetV2"}, "backbones: expected names that differ in more"),
        ("features.Pixels", {"backbone": "mobilenet_v2"}, "features: expected names that differ in more than case, "),
        ("cluster.models", {"tranfer": {}}, "cluster.models: expected one of models (linear, cnn,"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(set_params: SetParams, key: str, value: Any, message: str) -> None:
    set_params({key: value})
    with pytest.raises(UserError, match=rf"^params.yaml: {re.escape(message)}[^\n]*$"):
        load_params()


@pytest.mark.parametrize(
    ("model", "changes"), [("cnn", {"conv_layers": 2, "pooling": "average"}), ("cnn", {}), ("transfer", {})], ids=str
)
def test_pool_size_is_for_any_max_pooling(set_params: SetParams, model: str, changes: dict[str, Any]) -> None:
    """Between convolutions, or behind the last one or the backbone."""
    set_params({f"models.{model}.{key}": value for key, value in {**changes, "pool_size": 3}.items()})
    assert load_params().models[model].pool_size == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected the file that holds the parameters"),
        *((content, "expected ") for content in ("train: [", "\x00")),
        *((content, "the file: expected a mapping") for content in ("", "- a list")),
        ("seed: 2026-13-01", "expected YAML: month must be in 1"),
        ("seed: !!bool maybe", "expected YAML: 'maybe'"),
        # As of a model that was copied and not renamed: it would silently replace the first.
        (
            "models:\n  cnn: {filters: 8}\n  cnn: {filters: 16}",
            r'expected YAML: .* duplicate key "cnn" .* \(line: 3\)$',
        ),
    ],
)
def test_a_file_without_a_mapping_is_one_line(content: str | None, message: str) -> None:
    Path("params.yaml").unlink()
    if content is not None:
        Path("params.yaml").write_text(content)
    with pytest.raises(UserError, match=rf"^params.yaml: {message}[^\n]*$"):
        load_params()
