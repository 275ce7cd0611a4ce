"""Steps, commands and the cluster decode photos in the same way, each model's own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

from commands import predict
from commands.cluster import batch_predict, classification
from commands.export.fidelity import validation_photos
from stages import evaluate, pixels, train
from stages.common.cli import UserError
from stages.common.param_types import ImageFit
from stages.common.params import ConfidenceSettings
from stages.inference.model_file import fetch_model_file
from stages.inference.prediction import load_model
from stages.photos.decode import resized_pixels
from tests.conftest import CNN_ALONE, PHOTOS, TINY_CNN, edit_params, pack_photos, read_json, run_main, write_photos
from tests.test_split import split_photos

pytestmark = pytest.mark.usefixtures("_trained")
SIZE = (16, 20)
FITS: tuple[ImageFit, ...] = ("crop", "stretch")


@pytest.fixture
def _trained(workspace: Path, eagerly: None) -> None:
    """Train a model on cropped wide photos, in the current folder."""
    changes = {"image_size": list(SIZE), "image_fit": "crop", "models": {"cnn": TINY_CNN}}
    settings = {"train.epochs": 1, "train.batch_size": 8, "train.precision": "float32"}
    edit_params(Path("params.yaml"), {**CNN_ALONE, **changes, **settings})
    for label in ("cats", "dogs"):
        write_photos(PHOTOS / "train" / label, 4, width=60, suffix=".png")
        write_photos(PHOTOS / "validation" / label, 6, width=60, suffix=".png")
    split_photos()
    pixels.main()
    run_main(train, "cnn")


def decoded(name: str, image_fit: ImageFit = "crop") -> np.ndarray:
    paths = pd.read_csv(f"data/splits/{name}.csv")["path"]
    return np.stack([resized_pixels(path, SIZE, image_fit) for path in paths])


def test_all_decode_as_the_model_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``params.yaml`` says by then; only `evaluate` insists on the same."""
    train_pixels = decoded("train")
    np.testing.assert_array_equal(np.load("data/features/pixels/train.npy"), train_pixels)
    assert not np.array_equal(train_pixels, decoded("train", "stretch"))
    assert read_json("data/models/cnn.json")["image_fit"] == "crop"
    model = load_model(Path("data/models/cnn.keras"))

    evaluate.main()
    with np.load("data/predictions/cnn.npz") as arrays:
        np.testing.assert_allclose(arrays["logits"], model(decoded("test")), atol=1e-5)

    edit_params(Path("params.yaml"), {"image_fit": "pad"})
    with pytest.raises(UserError, match=r"image_fit pad .*, received crop: run `dvc repro train@cnn`"):
        evaluate.main()

    paths = sorted((PHOTOS / "validation/cats").iterdir())
    probabilities, stretched = (
        softmax(model(np.stack([resized_pixels(path, SIZE, fit) for path in paths])), axis=1)[:, 0] for fit in FITS
    )
    assert np.abs(probabilities - stretched).min() > 1e-4
    run_main(predict, "data/raw/validation/cats", "-o", "out.csv")
    np.testing.assert_allclose(pd.read_csv("out.csv")["probability_cats"], probabilities, atol=1e-5)

    compared, _ = validation_photos(fetch_model_file("cnn").load(ConfidenceSettings()))
    np.testing.assert_array_equal(compared[np.arange(len(compared))], decoded("validation"))

    monkeypatch.setattr(batch_predict, "connect", lambda: None)
    monkeypatch.setattr(classification, "load_job", lambda job: (job, job.model.load(job.settings)))
    monkeypatch.setattr(batch_predict, "check_resources", lambda _: None)
    classify = classification.classify_part._function  # in this process, instead of a cluster's
    monkeypatch.setattr(batch_predict, "predict_photos", lambda paths, job, *_: classify([job], 0, paths))
    run_main(batch_predict, "data/raw/validation/cats", "classified")
    np.testing.assert_allclose(pd.read_parquet("classified")["probability_cats"], probabilities, atol=1e-5)


def test_a_border_that_is_cut_off_draws_figures_again() -> None:
    """The pixels are the same, and so are the predictions, but figures show whole photos."""
    evaluate.main()
    figures, pixels_before = set(Path("data/figures").iterdir()), decoded("test")
    for path in PHOTOS.rglob("*.png"):
        with Image.open(path) as photo:
            photo.paste((255, 0, 0), (0, 0, 5, 20))
            photo.save(path)
    pack_photos()
    evaluate.main()
    np.testing.assert_array_equal(decoded("test"), pixels_before)
    assert figures.isdisjoint(Path("data/figures").iterdir())
