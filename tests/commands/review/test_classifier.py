"""What the page shows of a new photo, and to whom its nearest training photos belong."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from commands.review.classifier import classify_photo, list_models, load_current
from stages.common.cli import UserError
from stages.common.paths import BEST, MODELS
from stages.photos.decode import UnreadablePhotoError
from stages.storage.feature_sets import reference_rows
from stages.storage.files import write_json
from tests.commands.review.examples import CLASSES, photo, write_lists
from tests.commands.small_model import SIZE, TRAINING, save_model_on_backbone, save_small_model
from tests.conftest import SetParams

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


def test_a_new_fit_and_new_parameters_take_effect(set_params: SetParams) -> None:
    """Of a page that stays open while ``dvc repro train@good`` writes no other ``metrics/best.json``."""
    write_lists()
    write_json({"model": "good"}, BEST)
    noise, answers = png(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)), []
    for seed in (1, 2):
        save_small_model("good", CLASSES, seed)
        answers.append(classify_photo(noise, None, None)["classes"])
    set_params({"confidence.temperature_scaling": True})
    answers.append(classify_photo(noise, None, None)["classes"])
    assert answers[0] != answers[1] != answers[2]
    loaded = load_current("good", None)
    assert load_current("good", None) is loaded
    (MODELS / "good.keras").touch()  # as DVC may, after all its other files
    assert load_current("good", None) is not loaded


def test_the_nearest_training_photo_of_one_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    write_lists()
    save_model_on_backbone("near", monkeypatch)
    listed = [photo("$", 1), *(f"data/raw/gone/{number}.jpg" for number in range(29))]
    with np.load(MODELS / "near.npz") as arrays:
        np.savez(MODELS / "near.npz", **arrays, training_paths=np.array(listed)[reference_rows(30, seed=0)])
    for row, label in ((0, "$"), (7, None)):
        nearest = classify_photo(png(np.asarray(TRAINING.examples)[row]), "near", None)["nearest"]
        assert (nearest[0]["path"], nearest[0]["label"]) == (listed[row], label)
        assert nearest[0]["cosine"] == pytest.approx(1, abs=0.001)
        assert len(nearest) == 6
