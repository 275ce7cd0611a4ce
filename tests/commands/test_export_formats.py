from pathlib import Path

import numpy as np
import pytest

from commands.export_formats import FORMATS, Format, in_float32, write_model
from stages.inference.logits import load_model
from tests.commands.small_model import SIZE, save_small_model


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("target", FORMATS.values(), ids=FORMATS)
def test_an_export_gives_the_logits_of_the_model_in_float32(target: Format, policy: str) -> None:
    save_small_model("small", ["cats", "dogs"], policy=policy)
    model = in_float32(load_model(Path("data/models/small.keras")))
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    path = Path(f"exported{target.suffix}")
    write_model(model, target, path)
    for photos in (1, 3):  # batches of any size, and the same each time: nothing is augmented
        pixels = np.random.default_rng(photos).integers(0, 256, (photos, *SIZE, 3)).astype(np.float32)
        logits = target.run(path, pixels)
        np.testing.assert_allclose(logits, model.predict(pixels, verbose=0), atol=1e-5)
        np.testing.assert_array_equal(target.run(path, pixels), logits)


@pytest.mark.usefixtures("workspace")
def test_of_a_model_in_float32_the_copy_is_the_same_model() -> None:
    save_small_model("small", ["cats", "dogs"])
    model = load_model(Path("data/models/small.keras"))
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3))
    copy = in_float32(model).predict(pixels, verbose=0)
    np.testing.assert_array_equal(copy, model.predict(pixels, verbose=0))
