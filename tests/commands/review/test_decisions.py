"""Decisions in ``corrections.csv``: what is written, what is left as it is, and which are new."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from commands.review.decisions import change_rows, count_new, read_decisions, write_decisions
from commands.review.queues import SHOWN, current_photos, describe, select
from stages.common.cli import UserError
from stages.common.paths import BEST, CORRECTIONS, LABEL_ISSUES, MODELS, OUT_OF_FOLD
from stages.storage.files import write_json
from tests.commands.review.examples import photo, write_lists
from tests.conftest import write_list

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.mark.parametrize(
    ("before", "labels", "after"),
    [
        ("path,label\n", {"b": "x", "a": "y"}, "path,label\na,y\nb,x\n"),
        ("path,label\nc,z\na,x\n", {"a": "y"}, "path,label\na,y\nc,z\n"),
        ("path,label\na,x\nb,z\n", {"a": None}, "path,label\nb,z\n"),
        ("label,by,path\nx,me,a\n,you,c\n", {"a": "y", "b": "z"}, "label,by,path\ny,me,a\nz,,b\n,you,c\n"),
        ("path,label\na,x\na,y\n./a,y\n", {"a": "z"}, "path,label\na,z\n"),
        ("path,label\n\ncafe\u0301,x\n", {"caf\u00e9": "y"}, "path,label\ncaf\u00e9,y\n"),
        ('path,label\n"a, b","<b>"\n', {"c": '"'}, 'path,label\n"a, b",<b>\nc,""""\n'),
        ("\ufeffpath,label\r\nb,x\r\n", {"a": "$"}, "\ufeffpath,label\r\na,$\r\nb,x\r\n"),
        ("path,label\na\n", {"b": "x"}, "path,label\na,\nb,x\n"),
        ("path,label,note\na,x,\na,y,second\n", {"a": None}, "path,label,note\na,,second\n"),
        ("path,label,note\na,x,ask Ada\nb,x,\n", {"a": None, "b": None}, "path,label,note\na,,ask Ada\n"),
    ],
)
def test_only_the_own_rows_change(before: str, labels: dict[str, str | None], after: str) -> None:
    assert change_rows(before.encode(), labels).decode() == after


def test_an_edit_by_hand_is_respected_and_undo_restores() -> None:
    names = {"a", "b", "c"}
    write_decisions({"b": "x"}, names)
    CORRECTIONS.write_text(CORRECTIONS.read_text() + "a,by hand\nd,\n")
    before = write_decisions({"c": "remove", "b": "y"}, names)
    assert before == {"b": "x", "c": None}
    assert read_decisions(names) == {"a": "by hand", "b": "y", "c": "remove"}
    write_decisions(before, names)
    assert CORRECTIONS.read_text() == "path,label\na,by hand\nb,x\nd,\n"


@pytest.mark.parametrize(
    "content", [b"path;label\n", b"path,label\n<<<<<<< HEAD\na,x\n", b'path,label\n"a,x\n', b"\xff"]
)
def test_a_damaged_file_is_refused_and_left_as_it_is(content: bytes) -> None:
    CORRECTIONS.write_bytes(content)
    with pytest.raises(UserError, match=r"corrections\.csv"):
        write_decisions({"a": "x"}, {"a"})
    assert CORRECTIONS.read_bytes() == content


def test_a_link_to_the_file_stays_one() -> None:
    CORRECTIONS.with_name("shared.csv").write_text("path,label\n")
    CORRECTIONS.symlink_to("shared.csv")
    write_decisions({"a": "x"}, {"a"})
    assert CORRECTIONS.is_symlink()
    assert CORRECTIONS.with_name("shared.csv").read_text() == "path,label\na,x\n"


def test_decisions_that_split_did_not_have_are_new() -> None:
    """Also one that is taken back."""
    write_lists()
    path = photo("$", 0)
    write_list("corrected", path=[path], given='"', label="$")
    photos = current_photos()
    assert count_new(photos, {path: "$"}) == 0
    assert count_new(photos, {path: "remove", photo("$", 1): "$"}) == 2
    assert count_new(photos, {}) == 1


def test_queues_begin_with_the_most_suspicious() -> None:
    suspects = write_lists()
    OUT_OF_FOLD.mkdir(parents=True)
    rows = [(photo("$", 1), '"', 0.2), (photo("$", 3), '"', 0.1), (photo('"', 1), '"', 0.6), (photo('"', 3), '"', 0.95)]
    table = pd.DataFrame(rows, columns=["path", "predicted", "probability"])
    table.to_csv(OUT_OF_FOLD / "mobilenet_v2_pooled.csv", index=False)
    photos, decisions = current_photos(), {photo("$", 1): "$"}

    def queue(**query: str) -> list[str]:
        return list(select(photos, decisions, query).index)

    assert queue(queue="suspects") == suspects
    assert queue(queue="mistakes") == [*suspects[:2], photo("$", 3), photo("$", 1)]
    assert queue(queue="unsure") == [suspects[2], photo('"', 1)]
    assert queue(queue="decided") == [photo("$", 1)]
    assert queue(queue="all", split="validation", search="/1.JPG", **{"class": "$"}) == [photo("$", 1)]
    assert queue(search="[<b>") == []  # no regular expression
    assert len(queue(queue="all")) == 13  # a copy left out, but not the file that is not a photo


def test_a_list_of_issues_that_cannot_be_read_is_one_line() -> None:
    write_lists()
    path = LABEL_ISSUES / "mobilenet_v2_pooled.csv"
    path.write_text("path;label\na.jpg;b\n")  # as Excel saves it in some countries
    expected = rf"^expected {path} .* changed .*: run `dvc repro label_issues@mobilenet_v2_pooled`$"
    with pytest.raises(UserError, match=expected):
        current_photos()


@pytest.mark.parametrize(("labels", "mistakes"), [([2, 0, 1], [(photo("<b>", 1), '"', 0.2)]), ([2, 0, 0], [])])
def test_mistakes_of_the_best_model_on_validation_are_queued(labels: list[int], mistakes: list[Any]) -> None:
    """Unless they had other labels when it was trained."""
    write_lists(suspects=0)
    MODELS.mkdir(parents=True)
    logits = np.log([[0.7, 0.1, 0.2], [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]])  # of ", $ and <b>
    np.savez(MODELS / "good.npz", logits=logits, labels=labels)
    write_json({"model": "good"}, BEST)
    photos = current_photos()
    rows = describe(photos, {}, select(photos, {}, {"queue": "mistakes"}))
    assert [(row["path"], row["predicted"], row["probability"]) for row in rows] == mistakes
    np.savez(MODELS / "good.npz", logits=5 * np.eye(3)[[2, 0, 1]], labels=[2, 0, 1])  # trained again: all correct
    assert not len(current_photos().queues["mistakes"])


def test_accents_are_found_as_macos_writes_them() -> None:
    write_lists(["cafe\u0301"])
    name = photo("cafe\u0301", 1)
    for search in ("caf\u00e9/1", "CAFE\u0301/1"):
        assert list(select(current_photos(), {}, {"search": search}).index) == [name]
    write_decisions({name: "remove"}, {name})
    assert read_decisions({name}) == {name: "remove"}


def test_nothing_left_out() -> None:
    [suspect] = write_lists(suspects=1)
    write_list("rejected", path=[], reason=[])
    write_list("copies", path=[], copy_of=[], split=[])
    photos = current_photos()
    assert [row["path"] for row in describe(photos, {}, select(photos, {}, {"queue": "suspects"}))] == [suspect]


def test_a_copy_has_its_originals_label_and_is_related() -> None:
    write_lists()
    photos = current_photos()
    [original, copy] = describe(photos, {}, photos.table.loc[[photo("<b>", 2), photo("<b>", 4)]])
    assert (original["shown"], copy["shown"]) == ([copy["path"]], [original["path"]])
    assert (copy["label"], copy["split"], copy["related"], copy["are_copies"]) == ("<b>", "left out", 1, True)


def test_each_photo_of_a_large_group_shows_as_many_others() -> None:
    write_lists()
    photos = current_photos()
    group = [photo("<b>", 2), *(f"other {number}.jpg" for number in range(30)), photo("<b>", 4)]
    photos.related.update(dict.fromkeys(group, group))
    for row in describe(photos, {}, photos.table.loc[[group[0], group[-1]]]):
        assert (row["related"], len(set(row["shown"]) - {row["path"]})) == (31, SHOWN)


def test_two_copies_left_out_for_their_labels_are_related() -> None:
    write_lists()
    pair = [photo("$", 4), photo('"', 4)]
    write_list("copies", path=pair, copy_of=pair[::-1], split=["", ""])
    write_list("rejected", path=[photo("<b>", 4)], reason=["removed by corrections.csv"])
    photos = current_photos()
    for row, other in zip(describe(photos, {}, photos.table.loc[pair]), pair[::-1], strict=True):
        assert (row["label"], row["shown"]) == ("", [other])
    assert photos.table["applied"][photo("<b>", 4)] == "remove"


def test_a_class_may_be_a_number() -> None:
    [suspect] = write_lists(["007", "1e3"], suspects=1)
    photos = current_photos()
    [row] = describe(photos, {}, select(photos, {}, {"queue": "mistakes"}))
    assert (row["path"], row["predicted"]) == (suspect, "1e3")
