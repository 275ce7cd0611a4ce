"""Classifying new photos with a small model of random weights."""

import errno
import json
import logging
import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

from commands import predict as command
from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.inference import predictor
from stages.inference.confidence import fit_temperature
from stages.inference.logits import load_model
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.inference.predictor import Prediction
from stages.photos import decode
from stages.photos.decode import resized_pixels
from stages.storage.files import write_json
from tests.commands.small_model import SIZE, save_small_model
from tests.conftest import write_photos

CLASSES = ["ants", "bees", "cows"]
PLAIN = ConfidenceSettings(temperature_scaling=False)
PHOTOS = [f"new/{number}.jpg" for number in range(5)]
Predict = Callable[..., str]


@pytest.fixture
def predict(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Run the command and return what it wrote to stdout.

    The workspace holds the models "good" and "other", of which "good" is the best, and five photos in ``new/``.
    """
    save_small_model("good", CLASSES, seed=1)
    save_small_model("other", CLASSES, seed=2)
    write_json({"model": "good"}, Path("metrics/best.json"))
    write_photos(Path("new"), len(PHOTOS))

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["predict", *arguments])
        command.main()
        return capsys.readouterr().out

    return call


def expected(name: str, paths: list[str], temperature: float = 1) -> Any:
    """The probabilities as Keras and SciPy give them, all photos at once."""
    pixels = np.stack([resized_pixels(path, SIZE) for path in paths])
    logits = load_model(Path(f"data/models/{name}.keras")).predict(pixels, verbose=0)
    return softmax(logits.astype(np.float64) / temperature, axis=1)


@pytest.mark.parametrize(("arguments", "model"), [((), "good"), (("--model", "other"), "other")])
def test_the_best_or_the_model_asked_for_gives_its_probabilities(
    predict: Predict, arguments: tuple[str, ...], model: str
) -> None:
    rows = pd.DataFrame(json.loads(predict("new", "--format", "json", *arguments)))
    assert list(rows["path"]) == PHOTOS
    probabilities = expected(model, PHOTOS)
    np.testing.assert_allclose(rows[[f"probability_{name}" for name in CLASSES]], probabilities, atol=1e-6)
    np.testing.assert_allclose(rows["probability"], probabilities.max(axis=1), atol=1e-6)
    assert list(rows["class"]) == [CLASSES[number] for number in probabilities.argmax(axis=1)]


def test_the_temperature_that_params_yaml_asks_for_is_in_the_probabilities(
    predict: Predict, set_params: Callable[..., None]
) -> None:
    set_params({"confidence.temperature_scaling": True})
    with np.load("data/models/good.npz") as arrays:
        temperature = fit_temperature(arrays["logits"].astype(np.float64), arrays["labels"])
    assert abs(temperature - 1) > 0.5
    rows = pd.DataFrame(json.loads(predict("new", "--format", "json")))
    probabilities = expected("good", PHOTOS, temperature)
    np.testing.assert_allclose(rows[[f"probability_{name}" for name in CLASSES]], probabilities, atol=1e-6)


def test_photos_below_the_threshold_are_unsure_beside_their_class(
    predict: Predict, set_params: Callable[..., None]
) -> None:
    plain = pd.DataFrame(json.loads(predict("new", "--format", "json")))
    second = plain["probability"].nlargest(2).iloc[1]
    np.savez("data/models/good.npz", logits=np.log([[second, *[(1 - second) / 2] * 2]]), labels=np.array([0]))
    set_params({"confidence.abstention_accuracy": 0.9})
    rows = pd.DataFrame(json.loads(predict("new", "--format", "json")))
    expected = np.where(plain["probability"] < second - 1e-5, "unsure", "")
    assert list(rows["note"]) == list(expected)
    assert rows.drop(columns="note").equals(plain)


def test_a_model_without_its_validation_predictions_says_what_it_goes_without(
    predict: Predict, set_params: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    Path("data/models/good.npz").unlink()
    plain = predict("new", "--format", "json")
    assert not caplog.text
    set_params({"confidence.temperature_scaling": True})
    assert predict("new", "--format", "json") == plain
    assert caplog.messages == [
        "data/models/good.keras has no predictions on the validation photos (.npz) beside it, so the section "
        "confidence of params.yaml has no effect: train it again"
    ]


def test_csv_has_the_rows_of_json_and_the_suffix_chooses_it(predict: Predict) -> None:
    assert predict("new", "-o", "out/a.csv") == ""
    assert pd.read_csv("out/a.csv").to_dict("records") == json.loads(predict("new", "--format", "json"))
    assert [path.name for path in Path("out").iterdir()] == ["a.csv"]


@pytest.mark.parametrize("arguments", [(), ("-o", "rows.txt"), ("-o", "rows")])
def test_without_a_format_or_a_suffix_it_is_a_table(predict: Predict, arguments: tuple[str, ...]) -> None:
    printed = predict("new", *arguments)
    head, *rows = (Path(arguments[1]).read_text() if arguments else printed).splitlines()
    assert head.split() == ["path", "class", "probability"]
    assert [row.split()[0] for row in rows] == PHOTOS
    assert {len(row) for row in rows} == {len(head)}


def test_many_photos_are_classified_in_order_chunk_by_chunk(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = predict("new", "--format", "csv")
    monkeypatch.setattr(predictor, "CHUNK_SIZE", 2)
    assert predict("new", "--format", "csv") == whole


def test_no_more_photos_than_a_chunk_are_in_memory_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    photos: list[weakref.ref[np.ndarray]] = []
    alive = []

    def decode(_path: Path, _size: tuple[int, int], _max_megapixels: float) -> np.ndarray:
        photo = np.zeros((2, 2, 3), np.uint8)
        photos.append(weakref.ref(photo))
        alive.append(sum(reference() is not None for reference in photos))
        return photo

    monkeypatch.setattr(predictor, "CHUNK_SIZE", 50)
    monkeypatch.setattr(predictor, "resized_pixels", decode)
    monkeypatch.setattr(predictor, "predict_logits", lambda _model, pixels: np.ones((len(pixels), 3)))
    trained = TrainedModel("good", SimpleNamespace(input_shape=(None, 2, 2, 3)), CLASSES)
    assert len(list(predictor.predict(trained, [Path("0.jpg")] * 300))) == len(photos) == 300
    assert max(alive) < 60, "a thread may still hold its last one"


def test_files_that_cannot_be_decoded_are_listed_and_the_rest_is_classified(
    predict: Predict, set_params: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    Image.new("RGB", (50, 50)).save("new/large.png")
    set_params({"split.max_megapixels": 0.002})
    Path("new/notes.txt").write_text("no photo")
    Path("new/1.jpg").write_bytes(Path("new/1.jpg").read_bytes()[:300])
    Path("new/.hidden").touch()
    Path("new/linked").symlink_to(Path("data").resolve())
    message = r"^4 of 8 files cannot be decoded .* fix or remove them; good classified the other 4$"
    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match=message):
        predict("new", "-o", "rows.csv")
    assert caplog.messages == [
        "new/1.jpg: cannot be decoded: Truncated File Read",
        "new/large.png: has 0.0025 megapixels, above the limit of 0.002 (split.max_megapixels)",
        "new/linked: cannot be read: Is a directory",
        "new/notes.txt: cannot be decoded: is a text file",
    ]
    assert list(pd.read_csv("rows.csv")["path"]) == [photo for photo in PHOTOS if photo != "new/1.jpg"]


@pytest.mark.parametrize("folder", ["new", "new/private"])
def test_a_folder_that_may_not_be_read_counts_as_a_file(
    predict: Predict, without_access: Callable[[str], None], caplog: pytest.LogCaptureFixture, folder: str
) -> None:
    Path("new/private").mkdir()
    without_access(folder)
    with pytest.raises(UserError, match=r"^1 of "):
        predict("new", "new/0.jpg")
    assert [message.split(":")[0] for message in caplog.messages] == [folder]


def test_a_photo_that_the_machine_fails_to_read_ends_it_without_an_output(
    predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(decode, "_read", fail)
    with pytest.raises(OSError, match="Input/output error"):
        predict("new", "-o", "rows.csv")
    assert not Path("rows.csv").exists()


def test_predictions_and_failures_come_in_the_order_of_the_paths(predict: Predict) -> None:
    Path("new/1.jpg").write_text("no photo")
    paths, results = zip(*predictor.predict(fetch_model_file("good").load(PLAIN), list(map(Path, PHOTOS))), strict=True)
    assert list(map(str, paths)) == PHOTOS
    assert [isinstance(result, Prediction) for result in results] == [True, False, True, True, True]


def test_without_a_single_photo_json_is_an_empty_list(predict: Predict) -> None:
    Path("notes.txt").write_text("no photo")
    with pytest.raises(UserError, match=r"1 of 1 files .* the other 0$"):
        predict("notes.txt", "-o", "rows.json")
    assert json.loads(Path("rows.json").read_text()) == []


def test_an_output_that_cannot_be_written_whole_is_left_as_it_was(
    predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.csv").write_text("before")
    there = set(Path().iterdir())
    seen = []

    def fail_at_the_second_chunk(_model: Any, pixels: np.ndarray) -> np.ndarray:
        seen.append(set(Path().iterdir()))
        if len(seen) == 2:
            raise ZeroDivisionError
        return np.ones((len(pixels), len(CLASSES)))

    monkeypatch.setattr(predictor, "CHUNK_SIZE", 2)
    monkeypatch.setattr(predictor, "predict_logits", fail_at_the_second_chunk)
    with pytest.raises(ZeroDivisionError):
        predict("new", "-o", "rows.csv")
    assert Path("rows.csv").read_text() == "before"
    assert set(Path().iterdir()) == there
    assert len(seen[1] - there) == 1  # the unfinished file


def test_two_commands_on_one_output_each_write_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with command.open_output(path) as last:
        with command.open_output(path) as first:
            for number in range(10_000):
                first.write(f"first,{number}\n")
                last.write(f"last,{number}\n")
        assert path.read_text() == "".join(f"first,{number}\n" for number in range(10_000))
    assert path.read_text() == "".join(f"last,{number}\n" for number in range(10_000))
    assert list(tmp_path.iterdir()) == [path]


def test_a_photo_is_not_overwritten_by_the_output(predict: Predict) -> None:
    before = Path(PHOTOS[0]).read_bytes()
    with pytest.raises(UserError, match=f"^--output: expected another file than the photos, received .*{PHOTOS[0]}"):
        predict("new", "--format", "csv", "-o", str(Path(PHOTOS[0]).absolute()))
    assert Path(PHOTOS[0]).read_bytes() == before


def test_a_reader_that_has_read_enough_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:  # to close it would raise BrokenPipeError, did it still lead to nobody
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as ended, command.open_output(None) as file:
            file.write("a row")
    assert ended.value.code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch.jpg"], r"received nonesuch.jpg: no such file$"),
        (["metrics/empty"], r"expected photos in the folder metrics/empty, found none"),
        (["new", "--rev", "HEAD"], r"^--rev: expected a git revision of this project, received 'HEAD'"),
        (["new", "-o", "a.xlsx"], r"^--output: expected a name in .csv, .json or .txt, or --format, received a.xlsx$"),
        (["new", "-o", "metrics"], r"^--output: expected the name of a file, received metrics, which is a folder"),
        (["a\n\x1b[2J.jpg"], r"received a\\n\\x1b\[2J.jpg: no such file$"),
        (["new", "-o", "a.\u202ecsv"], r"received a\.\\u202ecsv$"),
        (["new", "-o", "params.yaml/a.csv"], r"^cannot write params.yaml/a.csv .* another --output$"),
    ],
)
def test_a_mistake_is_one_line(predict: Predict, arguments: list[str], message: str) -> None:
    Path("metrics/empty").mkdir()
    with pytest.raises(UserError, match=message):
        predict(*arguments)


def test_a_file_that_cannot_be_decoded_is_named_on_one_line(predict: Predict, caplog: pytest.LogCaptureFixture) -> None:
    Path("new/a\n\u202eb.jpg").write_text("no photo")
    with pytest.raises(UserError, match=r"^1 of 6 files "):
        predict("new")
    assert [message.partition(": ")[0] for message in caplog.messages] == [r"new/a\n\u202eb.jpg"]
