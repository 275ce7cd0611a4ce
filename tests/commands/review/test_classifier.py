"""What the page shows of a new photo, and to whom its nearest training photos belong."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from commands.review.classifier import classify_photo, list_models
from stages.common.cli import UserError
from stages.common.model_config import ModelConfig
from stages.common.paths import BEST, MODELS
from stages.models.build import build_model
from stages.models.runtime import make_deterministic
from stages.models.saving import save_model
from stages.photos.decode import UnreadablePhotoError
from stages.storage.feature_sets import reference_rows
from stages.storage.files import write_json
from stages.training.network import sample_features
from tests.commands.review.examples import CLASSES, photo, write_lists
from tests.commands.small_model import SIZE, save_small_model
from tests.training.examples import photos
from tests.training.small_backbone import use_small_backbone

pytestmark = pytest.mark.usefixtures("workspace")


def png(pixels: np.ndarray) -> bytes:
    content = BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


@pytest.mark.parametrize("image_fit", ["stretch", "crop", "pad"])
def test_a_photo_is_shown_as_the_model_sees_it(image_fit: str) -> None:
    write_lists()
    save_small_model("good", CLASSES)
    write_json({"classes": CLASSES, "environment": [], "image_fit": image_fit}, MODELS / "good.json")
    assert list_models(None) == {"models": ["good"], "best": None}
    BEST.parent.mkdir()
    write_json({"model": "good"}, BEST)
    assert list_models(None) == {"models": ["good"], "best": "good"}
    result = classify_photo(png(np.zeros((60, 60, 3), np.uint8)), None, None)
    assert {name for name, _ in result["classes"]} == set(CLASSES)
    assert sum(probability for _, probability in result["classes"]) == pytest.approx(1, abs=0.001)
    assert (result["nearest"], result["note"]) == ([], "")
    shown = Image.open(BytesIO(b64decode(result["photo"].partition(",")[2])))
    height, width = SIZE
    assert shown.width / shown.height == pytest.approx(1 if image_fit == "stretch" else width / height, rel=0.01)
    with pytest.raises(UnreadablePhotoError):
        classify_photo(b"GIF89a", None, None)
    with pytest.raises(UserError, match=r"received '\.\./good'"):
        classify_photo(b"", "../good", None)


def test_the_nearest_training_photo_of_one_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    write_lists()
    training = photos(30, 0, 32)
    use_small_backbone(monkeypatch, (32, 32))
    make_deterministic(0)
    config = ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8)
    model = build_model(config, (32, 32), 2)
    save_model(model, MODELS / "near.keras")
    write_json({"classes": ["cats", "dogs"]}, MODELS / "near.json")
    listed = [photo("$", 1), *(f"data/raw/gone/{number}.jpg" for number in range(29))]
    np.savez(
        MODELS / "near.npz",
        logits=model.predict_on_batch(training.examples),
        labels=training.labels,
        training_features=sample_features(model, training, seed=0),
        training_paths=np.array(listed)[reference_rows(30, seed=0)],
    )
    for row, label in ((0, "$"), (7, None)):
        nearest = classify_photo(png(np.asarray(training.examples)[row]), "near", None)["nearest"]
        assert (nearest[0]["path"], nearest[0]["label"]) == (listed[row], label)
        assert nearest[0]["cosine"] == pytest.approx(1, abs=0.001)
        assert len(nearest) == 6
