"""Classifying new photos with a small model of random weights."""

import csv
import errno
import io
import json
import os
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

from commands import predict as command
from commands.export import export_cache
from stages.common.cli import UserError, escape_bytes, escape_name
from stages.inference import model_file
from stages.inference.calibration import Calibration, fit_temperature
from stages.inference.model_file import TrainedModel
from stages.inference.prediction import load_model
from stages.models.runtime import keras
from stages.photos import decode
from stages.photos.decode import resized_pixels
from stages.storage.files import write_json
from tests.commands.small_model import SIZE, save_small_model
from tests.conftest import SetParams, pack_photos, read_json, run_main, write_photos

CLASSES = ["ants", "bees", "cows"]
PHOTOS = [f"new/{number}.jpg" for number in range(5)]
Predict = Callable[..., str]


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def predict(
    workspace: Path,
    exports: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Predict:
    """Run the command on the models "good", which is the best, and "other", and ``new/``; return its stdout."""
    save_small_model("good", CLASSES, seed=1)
    save_small_model("other", CLASSES, seed=2)
    write_json({"model": "good"}, Path("metrics/best.json"))
    write_photos(Path("new"), len(PHOTOS))
    monkeypatch.setattr(export_cache, "EXPORTS", exports)  # made once for all tests

    def call(*arguments: str) -> str:
        run_main(command, *arguments)
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize(("model", "scales"), [("good", False), ("other", False), ("good", True)])
def test_the_best_or_a_given_model_predicts(predict: Predict, set_params: SetParams, model: str, scales: bool) -> None:
    """As Keras and SciPy do, with the temperature fitted on its validation photos where that is asked for."""
    set_params({"confidence.temperature_scaling": scales})
    with np.load(f"data/models/{model}.npz") as arrays:
        temperature = fit_temperature(arrays["logits"].astype(np.float64), arrays["labels"]) if scales else 1
    assert (abs(temperature - 1) > 0.5) == scales
    given = [] if model == "good" else ["--model", model]
    rows = pd.DataFrame(json.loads(predict("new", "--format", "json", *given)))
    assert list(rows["path"]) == PHOTOS
    pixels = np.stack([resized_pixels(path, SIZE) for path in PHOTOS])
    logits = load_model(Path(f"data/models/{model}.keras")).predict(pixels, verbose=0)
    probabilities = softmax(logits.astype(np.float64) / temperature, axis=1)
    np.testing.assert_allclose(rows[[f"probability_{name}" for name in CLASSES]], probabilities, atol=1e-6)
    np.testing.assert_allclose(rows["probability"], probabilities.max(axis=1), atol=1e-6)
    assert list(rows["class"]) == [CLASSES[number] for number in probabilities.argmax(axis=1)]


def test_csv_has_the_rows_of_json(predict: Predict) -> None:
    assert predict("new", "-o", "out/a.csv") == ""
    assert pd.read_csv("out/a.csv").to_dict("records") == json.loads(predict("new", "--format", "json"))
    assert [path.name for path in Path("out").iterdir()] == ["a.csv"]
    printed = predict("new", "-o", "-", "--format", "csv")
    assert printed == Path("out/a.csv").read_text(), "a dash is stdout"
    pack_photos(Path("new"))
    assert predict("data/raw", "--format", "csv") == printed.replace("new/", "data/raw/"), "photos in shards, too"


@pytest.mark.parametrize("arguments", [(), ("-o", "rows.txt"), ("-o", "rows")])
def test_the_default_is_a_table(predict: Predict, arguments: tuple[str, ...]) -> None:
    printed = predict("new", *arguments)
    head, *rows = (Path(arguments[1]).read_text() if arguments else printed).splitlines()
    assert head.split() == ["path", "class", "probability"]
    assert [row.split()[0] for row in rows] == PHOTOS
    assert {len(row) for row in rows} == {len(head)}


@pytest.mark.parametrize("chosen", ["csv", "json", "table"])
def test_many_photos_are_classified_in_chunks(predict: Predict, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    whole = predict("new", "--format", chosen)
    monkeypatch.setattr(command, "CHUNK_SIZE", 2)
    with mock.patch.object(TrainedModel, "classify", autospec=True, side_effect=TrainedModel.classify) as classify:
        assert predict("new", "--format", chosen) == whole
    assert [len(call.args[1]) for call in classify.call_args_list] == [2, 2, 1]


def test_csv_and_json_are_written_as_they_come() -> None:
    """However many photos there are, only the rows of a chunk are in memory."""
    endless = repeat(table_of(["1.jpg"], CLASSES))
    assert all("1.jpg" in next(lines(endless)) for lines in (command.csv_lines, command.json_lines))


def test_unreadable_files_are_listed(predict: Predict, set_params: SetParams, caplog: pytest.LogCaptureFixture) -> None:
    Image.new("RGB", (50, 50)).save("new/large.png")
    set_params({"split.max_megapixels": 0.002})
    Path("new/notes.txt").write_text("no photo")
    Path("new/1.jpg").write_bytes(Path("new/1.jpg").read_bytes()[:300])
    Path("new/.hidden").touch()
    Path("new/a\n\u202eb.jpg").touch()
    Path("new/linked").symlink_to(Path("data").resolve())
    message = r"^4 of 8 files cannot be decoded .* fix or remove them; good classified the other 4$"
    with pytest.raises(UserError, match=message):
        predict("new", "-o", "rows.csv")
    assert caplog.messages == [
        "notes, films and the like beside photos: 1, such as new/notes.txt",
        "new/1.jpg: cannot be decoded: Truncated File Read",
        r"new/a\n\u202eb.jpg: cannot be decoded: is an empty file",
        "new/large.png: has 0.0025 megapixels, above the limit of 0.002 (split.max_megapixels)",
        "new/linked: cannot be read: Is a directory",
    ]
    assert list(pd.read_csv("rows.csv")["path"]) == [photo for photo in PHOTOS if photo != "new/1.jpg"]


def test_a_named_pipe_is_no_photo(predict: Predict, caplog: pytest.LogCaptureFixture) -> None:
    """Reading one would never end."""
    os.mkfifo("pipe")
    with pytest.raises(UserError, match=r"^1 of 6 files cannot be decoded"):
        predict("new", "pipe")
    assert caplog.messages == ["pipe: cannot be read: a named pipe, a socket or a device, not a file"]


@pytest.mark.parametrize("folder", ["new", "new/private"])
def test_a_folder_that_may_not_be_read_counts_as_a_file(
    predict: Predict, without_access: Callable[[str], None], caplog: pytest.LogCaptureFixture, folder: str
) -> None:
    Path("new/private").mkdir()
    without_access(folder)
    with pytest.raises(UserError, match=r"^1 of "):
        predict("new", "new/0.jpg")
    assert [message.split(":")[0] for message in caplog.messages] == [folder]


def test_notes_and_films_in_a_folder_are_no_mistakes(predict: Predict, caplog: pytest.LogCaptureFixture) -> None:
    """Though they are, where the user names them, or has nothing else."""
    Path("new/film.MP4").write_bytes(b"\0\0\0\x18ftypmp42")
    Path("new/0.NEF").write_bytes(b"II*\0")  # beside a photo of its name
    assert len(predict("new", "--format", "csv").splitlines()) == 6
    assert caplog.messages == [
        "notes, films and the like beside photos: 2, such as new/0.NEF",
        "good classified 5 photos",
    ]
    with pytest.raises(
        UserError, match=r"^1 of 6 files cannot be decoded .* fix or remove it; good classified the other 5$"
    ):
        predict("new", "new/film.MP4")
    for photo in PHOTOS:
        Path(photo).unlink()
    with pytest.raises(UserError, match=r"^1 of 1 file cannot be decoded"):
        predict("new")
    Path("new/0.NEF").unlink()
    with pytest.raises(UserError, match=r"^expected photos, found only notes, films and the like"):
        predict("new")


def test_an_interrupted_output_is_left_as_it_was(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here by a read error of the machine."""
    Path("rows.csv").write_text("before")
    there = set(Path().iterdir())
    monkeypatch.setattr(decode, "_read", mock.Mock(side_effect=OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output error"):
        predict("new", "-o", "rows.csv")
    assert Path("rows.csv").read_text() == "before"
    assert set(Path().iterdir()) == there


@pytest.mark.parametrize("chosen", ["csv", "json", "table"])
def test_a_chunk_without_a_photo_adds_nothing(predict: Predict, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    whole = predict("new/4.jpg", "--format", chosen)
    for name in ("new/0.txt", "new/5.txt"):
        Path(name).write_text("no photo")
    monkeypatch.setattr(command, "CHUNK_SIZE", 1)
    with pytest.raises(UserError, match=r"^2 of 3 files .* the other 1$"):
        predict("new/0.txt", "new/4.jpg", "new/5.txt", "--format", chosen, "-o", "rows")
    assert Path("rows").read_text() == whole


def test_without_a_photo_json_is_empty_and_csv_has_the_header(predict: Predict) -> None:
    Path("notes.txt").write_text("no photo")
    for name in ("rows.json", "rows.csv"):
        with pytest.raises(UserError, match=r"1 of 1 file .*: fix or remove it$"):
            predict("notes.txt", "-o", name)
    assert read_json("rows.json") == []
    assert Path("rows.csv").read_text() == "path,class,probability,probability_ants,probability_bees,probability_cows\n"


def test_a_photo_is_not_overwritten_by_the_output(predict: Predict) -> None:
    before = Path(PHOTOS[0]).read_bytes()
    with pytest.raises(UserError, match=f"^--output: expected another file than the photos, received .*{PHOTOS[0]}"):
        predict("new", "--format", "csv", "-o", str(Path(PHOTOS[0]).absolute()))
    assert Path(PHOTOS[0]).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch.jpg"], r"received nonesuch.jpg: no such file$"),
        (["new", ""], r"^expected a photo or a folder, received an empty name: see "),
        (["metrics/empty"], r"expected photos in the folder metrics/empty, found none"),
        (["new", "--rev", "HEAD"], r"^--rev: expected a commit, branch, tag or experiment, received 'HEAD'"),
        (["new", "-o", "a.xlsx"], r"^--output: expected a name in .csv, .json or .txt, or --format, received a.xlsx$"),
        (["new", "-o", "metrics"], r"^--output: expected the name of a file, received metrics, a folder"),
        (["a\n\x1b[2J.jpg"], r"received a\\n\\x1b\[2J.jpg: no such file$"),
        (["new", "-o", "a.\u202ecsv"], r"received a\.\\u202ecsv$"),
        (["new", "-o", "data/raw/a.csv"], r"^--output: expected a path outside of the pipeline's data/raw, received"),
        (["new", "-o", "params.yaml/a.csv"], r"^cannot write params.yaml/a.csv .* another --output$"),
    ],
)
def test_a_mistake_is_one_line(predict: Predict, arguments: list[str], message: str) -> None:
    Path("metrics/empty").mkdir()
    with pytest.raises(UserError, match=message):
        predict(*arguments)


def table_of(names: list[str], classes: list[str], notes: list[str] | None = None) -> pd.DataFrame:
    """The rows of one or two photos, with the probabilities 0.25, 0.5 and 0.25, then 0.1234567, 0 and 0.8765433."""
    probabilities = np.array([[0.25, 0.5, 0.25], [0.1234567, 0, 0.8765433]])[: len(names)]
    calibration = mock.Mock(Calibration, gives_notes=notes is not None)
    calibration.probabilities.return_value, calibration.notes.return_value = probabilities, notes
    with mock.patch.object(model_file, "predict_outputs", return_value=(None, None)):
        table = TrainedModel("model", keras.Model(), classes, calibration).classify(probabilities)
    table.insert(0, "path", list(map(escape_bytes, names)))
    return table


def test_every_format_has_the_note_beside_the_probability() -> None:
    """JSON and CSV also the probability of each class, of six digits."""
    names = ["new/1.jpg", 'a "quoted", name.jpg']
    table = table_of(names, ["ants", "bees, wasps", "Kühe"], ["unsure", ""])
    assert "".join(command.table_lines([table])).splitlines() == [
        "path                  class        probability  note",
        "new/1.jpg             bees, wasps        0.500  unsure",
        'a "quoted", name.jpg  Kühe               0.877',
    ]
    assert "".join(command.csv_lines([table])).splitlines() == [
        'path,class,probability,note,probability_ants,"probability_bees, wasps",probability_Kühe',
        'new/1.jpg,"bees, wasps",0.5,unsure,0.25,0.5,0.25',
        '"a ""quoted"", name.jpg",Kühe,0.876543,,0.123457,0.0,0.876543',
    ]
    text = "".join(command.json_lines([table]))
    assert json.loads(text) == table.to_dict("records")
    assert text.count('\n{"path": "') == 2


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("caf\udce9.jpg", r"caf\xe9.jpg"),  # not UTF-8
        ("café.jpg", "café.jpg"),
        ("a\nb.jpg", r"a\nb.jpg"),
        ("a\rb.jpg", r"a\rb.jpg"),
        ('"\r.jpg', r'"\r.jpg'),
        ("\t@x.jpg", r"\t@x.jpg"),
        ("=1+1.jpg", "=1+1.jpg"),
        ("\x1b[2J.jpg", r"\x1b[2J.jpg"),
        ("\x9b2J.jpg", r"\x9b2J.jpg"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("a\u2067b\u200f.jpg", r"a\u2067b\u200f.jpg"),
        ("a\u2028b\udce9.jpg", r"a\u2028b\xe9.jpg"),
        ("\u5199\u771f\u30001 \u0646\u200c\u0647.jpg", "\u5199\u771f\u30001 \u0646\u200c\u0647.jpg"),
    ],
)
def test_a_table_escapes_names_that_csv_and_json_hold(name: str, escaped: str) -> None:
    """Their control characters, but not the invisible ones of Japanese and Persian words."""
    assert escape_name(Path(name)) == escaped
    held = escape_bytes(name)
    table = table_of([name], ["b", held, "c"])
    head, line = "".join(command.table_lines([table])).splitlines()
    assert line.startswith(f"{escaped}  {escaped}  ")
    assert len(line) == len(head)
    text = "".join(command.csv_lines([table]))
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == [held, held, "0.5", "0.25", "0.5", "0.25"]
    written = "".join(command.json_lines([table]))
    assert [json.loads(written)[0][key] for key in ("path", "class", f"probability_{held}")] == [held, held, 0.5]
    assert not set("\r\x1b\x9b\u202e\u2028") & set(written)
