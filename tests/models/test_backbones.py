"""Any network of keras.applications as a backbone."""

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from commands.export.exporters import in_float32
from stages.common.cli import UserError
from stages.common.model_config import FineTune, ModelConfig
from stages.common.paths import FEATURES
from stages.datasets.feature_extraction import feature_extractor
from stages.evaluation.gradcam import heat_maps
from stages.inference.prediction import load_model
from stages.models.build import build_model, trainable_part
from stages.models.pretrained import copy_backbone, fold_batch_norm, foldable, load_backbone, split_network, unfreeze
from stages.models.saving import save_model
from stages.storage.files import write_json
from tests.conftest import read_json
from tests.models.backbones import published, save_weights, write_backbone
from tests.training.small_backbone import small_convnext, small_efficientnet, use_small_backbone

pytestmark = pytest.mark.usefixtures("workspace")

ENTRY, MOBILENET = (FEATURES / name / "backbone" for name in ("entry", "mobilenet_v2"))
SIZE = (75, 80)  # of photos that are not square; Xception takes no smaller ones
PIXELS = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3)).astype("float32")

# The batch normalisations that follow a linear layer alone, and all of them. (MobileNetV2 is test_build.py's.)
ARCHITECTURES = {
    "MobileNetV3Small": (34, 34),
    "EfficientNetV2B0": (59, 59),
    "EfficientNetB0": (49, 49),
    "ConvNeXtTiny": (0, 0),
    "DenseNet121": (59, 121),
    "ResNet50V2": (32, 49),
    "ResNet50": (53, 53),
    "Xception": (40, 40),
}
# All but the first take seconds each.
CASES = [pytest.param(name, marks=[pytest.mark.slow] if index else []) for index, name in enumerate(ARCHITECTURES)]


@pytest.fixture(scope="module")
def architecture(request: pytest.FixtureRequest) -> Iterator[str]:
    """A network that is built once for all tests that take it, as that takes the longest."""
    build = cache(getattr(keras.applications, request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, request.param, build)
        yield request.param
    build.cache_clear()


@pytest.mark.parametrize("architecture", CASES, indirect=True)
def test_a_network_has_its_preprocessing_and_can_be_folded(architecture: str) -> None:
    weights = write_random_weights(architecture)
    preprocessing, network, _ = load_backbone(ENTRY, SIZE)
    module = sys.modules[getattr(keras.applications, architecture).__module__]
    np.testing.assert_allclose(preprocessing(PIXELS), module.preprocess_input(PIXELS.copy()), rtol=1e-6, atol=1e-6)

    folded = fold_batch_norm(network)
    norms = [layer for layer in network.layers if isinstance(layer, layers.BatchNormalization)]
    assert (len(foldable(network)), len(norms)) == ARCHITECTURES[architecture]
    left = [layer for layer in folded.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(left) == len(norms) - len(foldable(network))
    theirs = published(architecture, SIZE, weights)
    expected = np.asarray(theirs(module.preprocess_input(PIXELS.copy()), training=False))
    assert expected.std() > 0.01
    for ours in (network, folded):
        np.testing.assert_allclose(ours(preprocessing(PIXELS)), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_an_efficientnet_is_keras_s_own_for_published_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras scales what enters it for ``weights="imagenet"`` alone; here a small one, at every run of the tests."""
    monkeypatch.setattr(keras.applications, "EfficientNetB0", small_efficientnet)
    weights = write_backbone("EfficientNetB0", SIZE, "entry", suffix=".h5")
    preprocessing, network, _ = load_backbone(ENTRY, SIZE)
    expected = np.asarray(published("EfficientNetB0", SIZE, weights)(PIXELS, training=False))
    for ours in (network, fold_batch_norm(network)):
        np.testing.assert_allclose(ours(preprocessing(PIXELS)), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.fixture
def normalizing() -> keras.Model:
    """A network with layers that derive constants from their weights, one of them in a layer of its own."""
    rng = np.random.default_rng(0)
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Normalization(), layers.Rescaling(2.0)])
    pixels = keras.Input((8, 8, 3))
    x = layers.Normalization(mean=1.0, variance=4.0)(inner(layers.Normalization()(pixels)))
    x = layers.BatchNormalization()(layers.SeparableConv2D(4, 3, depth_multiplier=2)(x))
    network = keras.Model(pixels, layers.BatchNormalization()(layers.Conv2D(4, 3, groups=2)(x)))
    for layer in network._flatten_layers():
        if isinstance(layer, layers.Normalization) and layer.input_mean is None:
            layer.adapt(rng.normal(5, 3, (9, 8, 8, 3)))
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.weights])
    return network


@pytest.mark.parametrize("copy", [fold_batch_norm, in_float32])
def test_a_copy_has_what_layers_derive_from_their_weights(
    normalizing: keras.Model, copy: Callable[[keras.Model], keras.Model]
) -> None:
    pixels = np.random.default_rng(1).uniform(0, 9, (2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(copy(normalizing)(pixels), normalizing(pixels), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_backbone_and_its_pooling_compute_in_float32(monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    use_small_backbone(monkeypatch, SIZE)
    fine_tune = FineTune(learning_rate=1e-4)
    config = ModelConfig(features="mobilenet_v2_blocks", fine_tune=fine_tune, classifier="linear")
    keras.config.set_dtype_policy(policy)
    model = build_model(config, SIZE, 2)
    assert keras.config.dtype_policy().name == policy
    keras.config.set_dtype_policy("float32")
    parts = [model.get_layer(name) for name in ("preprocessing", "backbone", "last_blocks", "pooling")]
    assert {layer.compute_dtype for part in parts for layer in part._flatten_layers()} == {"float32"}
    preprocessing, network, last_blocks = load_backbone(FEATURES / "mobilenet_v2_blocks/backbone", SIZE)
    assert last_blocks is not None
    features = reduce(lambda x, part: part(x), parts[:3], PIXELS)
    np.testing.assert_array_equal(features, last_blocks(network(preprocessing(PIXELS))))


def write_random_weights(architecture: str) -> Path:
    """Write the weights of the entry, and leave the network, which is built but once, without them."""
    legacy = architecture in ("ResNet50", "EfficientNetB0")
    file = write_backbone(architecture, SIZE, "entry", suffix=".h5" if legacy else ".weights.h5")
    network = getattr(keras.applications, architecture)(input_shape=(*SIZE, 3), include_top=False, weights=None)
    for weight in network.weights:
        weight.assign(weight * 0)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["MobileNetV3Small", "ConvNeXtTiny", "ResNet50"], indirect=True)
def test_a_saved_model_is_loaded_explained_and_exported(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if architecture == "ConvNeXtTiny":
        monkeypatch.setattr(keras.applications, architecture, cache(small_convnext))
    write_random_weights(architecture)
    config = ModelConfig(features="entry", dropout=0.5, dense_units=4)
    model = build_model(config, SIZE, 2)
    save_model(model, Path("model.keras"))
    loaded = load_model(Path("model.keras"))
    logits = np.asarray(model(PIXELS, training=False))
    np.testing.assert_array_equal(loaded(PIXELS, training=False), logits)
    np.testing.assert_array_equal(in_float32(loaded)(PIXELS, training=False), logits)
    heat = heat_maps(loaded, PIXELS.astype(np.uint8))
    assert heat.shape == (2, *SIZE)
    assert heat.max() > 0.9  # 1 before it is resized

    features = feature_extractor(model.get_layer("preprocessing"), model.get_layer("backbone"))(PIXELS)
    np.testing.assert_allclose(trainable_part(model)(features, training=False), logits, rtol=1e-3, atol=1e-4)


def test_the_last_blocks_are_split_off_and_unfrozen() -> None:
    write_backbone("MobileNetV2", SIZE, alpha=0.35)
    _, whole, _ = load_backbone(MOBILENET, SIZE)
    frozen, last_blocks = split_network(whole, "block_15_expand", "features.x.stop_before")
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, *SIZE, 3)).astype("float32")
    np.testing.assert_array_equal(last_blocks(frozen(pixels)), whole(pixels))
    unfreeze(last_blocks)
    names = [f"block_{block}_{part}" for block in (15, 16) for part in ("expand", "depthwise", "project")]
    assert [weight.path.split("/")[-2] for weight in last_blocks.trainable_weights] == [*names, "Conv_1"]
    # Around the first there is the block's shortcut; the second joins it.
    for layer in ("block_15_depthwise", "block_15_add"):
        with pytest.raises(UserError, match=f"^features.x.stop_before: .* no shortcut leads, received '{layer}'$"):
            split_network(whole, layer, "features.x.stop_before")
    with pytest.raises(UserError, match=r"^features.x.stop_before: expected a layer .* last are .*out_relu\) through"):
        split_network(whole, "nonesuch", "features.x.stop_before")


def test_a_depthwise_convolution_with_a_multiplier_is_folded() -> None:
    write_backbone("MobileNet", (32, 32), "entry", alpha=0.25, depth_multiplier=2)
    preprocessing, network, _ = load_backbone(ENTRY, (32, 32))
    scaled = preprocessing(PIXELS[:, :32, :32])
    np.testing.assert_allclose(fold_batch_norm(network)(scaled), np.asarray(network(scaled)), rtol=0, atol=1e-5)


@pytest.fixture
def weights(workspace: Path) -> Path:
    """Of the narrowest MobileNetV2, as features have them."""
    return MOBILENET / write_backbone("MobileNetV2", SIZE, alpha=0.35).name


BAD_ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "another width": ({"options": {"alpha": 1.0}}, r"2.weights: expected weights of MobileNetV2 .* others \(random"),
    "another network": ({"architecture": "MobileNet", "options": {}}, "expected weights of MobileNet without its top"),
    "no network": ({"architecture": "MobilNet"}, "^backbones.mobilenet_v2: .* received MobilNet with .*, which cannot"),
    "no feature map": ({"options": {"pooling": "avg"}}, "'avg'}, which .* its output is not a feature map"),
    "no option": ({"options": {"width": 1}}, r"options {'width': 1}, which cannot be built: .*unexpected keyword"),
}


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_an_entry_that_does_not_fit_its_weights_is_one_line(weights: Path, case: str) -> None:
    changes, message = BAD_ENTRIES[case]
    about = read_json(weights.with_name("architecture.json"))
    write_json({**about, **changes}, weights.with_name("architecture.json"))
    with pytest.raises(UserError, match=message) as error:
        load_backbone(MOBILENET, SIZE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["with a top", "no weights"])
def test_a_file_without_the_weights_is_one_line(weights: Path, content: str) -> None:
    weights.write_text("<!doctype html>")
    if content == "with a top":
        weights.unlink()
        with_top = keras.applications.MobileNetV2(alpha=0.35, weights=None, classes=10)
        save_weights(with_top, weights.with_name("with_top.h5"))
    with pytest.raises(UserError, match="expected weights of MobileNetV2 without its top"):
        load_backbone(MOBILENET, SIZE)


@pytest.mark.parametrize("content", ["{", "[]", '{"backbone": "", "architecture": "", "options": {}, "features": {}}'])
def test_a_damaged_description_is_one_line(weights: Path, content: str) -> None:
    weights.with_name("architecture.json").write_text(content)
    with pytest.raises(UserError, match=r"^expected .*mobilenet_v2/backbone .*damaged.*: run `dvc repro features@mob"):
        load_backbone(MOBILENET, SIZE)


def test_a_description_without_its_weights_is_one_line(weights: Path) -> None:
    weights.unlink()
    with pytest.raises(
        UserError, match=r"^expected .*mobilenet_v2/backbone .*\(0 files of weights\): run `dvc repro fe"
    ):
        load_backbone(MOBILENET, SIZE)


def test_what_is_missing_or_damaged_is_fetched_again() -> None:
    with pytest.raises(UserError, match=r"^expected weights in data/backbone/entry, found none: run `dvc re"):
        copy_backbone("entry", ENTRY, "entry", None)
    Path("data/backbone/entry").mkdir(parents=True)
    Path("data/backbone/entry/w.h5").touch()
    for content in (1, {"architecture": "MobileNetV2"}):
        write_json(content, Path("data/backbone/entry/architecture.json"))
        shutil.rmtree(ENTRY, ignore_errors=True)
        with pytest.raises(UserError, match=r"^expected .*/entry/arch.* damaged .*: run `dvc repro backbone@entry`"):
            copy_backbone("entry", ENTRY, "entry", None)
