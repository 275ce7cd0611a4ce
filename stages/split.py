"""Split the photos into training, validation and test.

Reads the list of files in ``data/thumbnails/`` and their thumbnails. Labels, and perhaps splits, come from the CSV
``data/labels/labels.csv`` or, without one, from the folders of the photos (``stages/data/layout.py`` has the layouts).
Then ``corrections.csv`` (``path,label``) changes the label of a photo that has one, or removes the photo (``remove``).
Writes into ``data/splits/``:

    train.csv, validation.csv, test.csv       path,label
    train_paths.csv, validation_paths.csv     path: for `pixels`, to which a
                                              corrected label makes no difference
    rejected.csv     path,reason: every file that is in none of the three
    copies.csv       path,copy_of,split: rejected duplicates and their originals;
                     split: of both, or empty where they differ in split or label
    groups.csv       path,group: training and validation photos that have others
                     in their group (duplicates, or by split.group)
    corrected.csv    path,given,label: photos whose label is a correction

Duplicates, and the photos of a group, are never in two splits. Training keeps all duplicates; validation and test keep
one photo of each cluster, so that scores, confidence intervals and tests count it once.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stages.common.cli import MismatchError, UserError, logger, quoted, run
from stages.common.params import Split, load_params
from stages.common.paths import CORRECTIONS, LABELS, RAW, SPLIT_NAMES, SPLITS, THUMBNAILS
from stages.data.duplicates import find_clusters, find_conflicts, hash_thumbnails
from stages.data.groups import assign_splits, find_groups
from stages.data.labels import apply_corrections, read_column, read_labels
from stages.data.layout import find_photos, splits_by_name
from stages.photos.formats import SUFFIXES
from stages.storage.arrays import ArrayStore, DiskArray, blockwise, open_array
from stages.storage.files import atomic_folder, explain_unreadable, read_json, write_csv
from stages.storage.non_photos import ARCHIVE_SUFFIXES, SIDECAR_SUFFIXES, file_sizes, find_sidecars
from stages.storage.photo_lists import DUPLICATE, NO_FILE, NO_LABEL, REMOVED, SAME_GROUP, SIDECAR, TWO_LABELS

MAX_LOGGED = 50  # rejected files, where they stop the run
HOW_TO_FIX = "data/raw is a copy: change the original photos or labels, then `dvc repro --force download && dvc repro`"
NOT_DUPLICATES = "; if those are not duplicates, lower split.duplicate_distance, or leave it empty to skip the check"
PREVIEWS = (".thm",)  # a camera's small JPEG of a film or photo beside it


def main() -> None:
    settings = load_params().split
    corrections = read_labels(CORRECTIONS.read_bytes(), str(CORRECTIONS)) if CORRECTIONS.exists() else {}
    files, thumbnails = read_thumbnails()
    try:
        photos = split_photos(files, thumbnails, settings, corrections)
    except MismatchError:
        raise
    except UserError as error:
        raise UserError(f"{error} ({HOW_TO_FIX})") from error
    lists = make_lists(photos)
    with atomic_folder(SPLITS, replace=True) as folder:
        for name, table in lists.items():
            write_csv(table, folder / f"{name}.csv")

    logger.info("photos: %s", ", ".join(f"{len(lists[split])} in {split}" for split in SPLIT_NAMES))
    relabelled = lists["corrected"]["given"] != lists["corrected"]["label"]
    removed = photos["reason"] == REMOVED
    if relabelled.any() or removed.any():
        logger.info("%s: %d relabelled, %d removed", CORRECTIONS, relabelled.sum(), removed.sum())
    rejected = lists["rejected"]["path"]
    logger.info("rejected files: %d (%s has the reasons)", len(rejected), SPLITS / "rejected.csv")
    sidecars = photos["path"][photos["reason"].str.startswith(SIDECAR)]
    if len(sidecars):
        logger.info("%d of them are notes, films and the like beside photos, such as %s", len(sidecars), min(sidecars))
    if len(archives := rejected[rejected.str.lower().str.endswith(ARCHIVE_SUFFIXES)]):
        text = "archives among the photos are not read: %d, such as %s: unpack any with photos (%s)"
        logger.warning(text, len(archives), min(archives), HOW_TO_FIX)


def read_thumbnails() -> tuple[pd.DataFrame, DiskArray]:
    """Read what `thumbnails` wrote: the table of files, and the array with a row for each."""
    advice = "run `dvc repro thumbnails`"
    with explain_unreadable(THUMBNAILS, advice):
        files = pd.read_csv(THUMBNAILS / "files.csv", dtype=str, keep_default_na=False)[["path", "problem"]]
        thumbnails = open_array(THUMBNAILS / "thumbnails.npy")
        if not (files["path"].shift(fill_value="") < files["path"]).all():
            raise ValueError("paths that are not sorted")
        if thumbnails.shape != (len(files), 3, 32, 32) or thumbnails.dtype != np.uint8:
            raise ValueError(f"{len(files)} files, thumbnails of {thumbnails.dtype}, shaped {thumbnails.shape}")
        sizes = file_sizes(RAW)  # none where DVC pulled the thumbnails alone
        if sizes and sizes != read_json(THUMBNAILS / "shards.json", dict, advice):
            raise UserError(f"{THUMBNAILS}: expected thumbnails of the photos in {RAW}, received others: {advice}")
        return files, thumbnails


def make_lists(photos: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the lists in ``data/splits/`` by their names, sorted as the finished table of photos."""
    used = usable(photos, ["path", "label", "split", "group"])
    lists = {split: used.loc[used["split"] == split, ["path", "label"]] for split in SPLIT_NAMES}
    lists |= {f"{split}_paths": lists[split][["path"]] for split in ("train", "validation")}
    lists["rejected"] = photos.loc[photos["reason"] != "", ["path", "reason"]]
    copies = photos.loc[photos["copy_of"] != "", ["path", "copy_of", "split"]]
    originals = used[used["path"].isin(copies["copy_of"])].set_index("path")["split"]
    in_same_split = copies["copy_of"].map(originals) == copies["split"]
    lists["copies"] = copies.assign(split=copies["split"].where(in_same_split, ""))
    fitted = used.loc[used["split"] != "test", ["path", "group"]]
    grouped = fitted[fitted["group"].duplicated(keep=False)]
    lists["groups"] = grouped.assign(group=grouped.groupby("group")["path"].transform("min"))
    lists["corrected"] = photos.loc[photos["given"] != "", ["path", "given", "label"]]
    return lists


def split_photos(
    files: pd.DataFrame, thumbnails: DiskArray, settings: Split, corrections: Mapping[str, frozenset[str]]
) -> pd.DataFrame:
    """Fill the table of photos (:func:`stages.data.layout.photo_table`), rule by rule, each of which may refuse it."""
    labels = LABELS / "labels.csv"
    photos = find_photos(RAW, list(files["path"]), labels)
    if settings.split_column:
        photos["split"] = splits_by_name(photos, read_column(labels, settings.split_column, "split.split_column"))
    # What a CSV lists is meant to be a photo, whatever its suffix.
    reject_unusable(photos, files["problem"], has_sidecars=not labels.exists())
    check_classes(photos)
    apply_corrections(photos, corrections)
    cluster_duplicates(photos, thumbnails, settings.duplicate_distance)
    check_classes(photos)
    in_fractions = not photos["split"].any()
    assign_groups_and_splits(photos, settings, labels)
    reject_leaks(photos)
    problems = [check_rejected_fraction(photos, settings.max_rejected_fraction)]
    # Where fractions divide the photos, clusters count once: training would have nearly all photos of a fixed camera.
    checked = SPLIT_NAMES if in_fractions else SPLIT_NAMES[1:]
    problems.append(check_copies(photos, thumbnails, settings.max_copies_fraction, checked))
    reject_copies(photos)
    problems.append(check_splits(photos))
    if any(problems):  # all at once, as correcting photos means to fetch and decode them again
        raise UserError("\nand ".join(filter(None, problems)))
    return photos.sort_values("path")  # until here, names without a file were the last


def usable(photos: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return photos.loc[photos["reason"] == "", columns]  # only these, as each takes memory


def reject_unusable(photos: pd.DataFrame, problems: "pd.Series[str]", *, has_sidecars: bool) -> None:
    """Reject labelled files that are not usable photos; ``problems`` (why not, or "") have the table's index."""
    labelled = photos.index[photos["reason"] == ""]
    reasons, paths = problems[labelled], photos["path"][labelled]
    if has_sidecars:
        reasons = reasons.mask(paths.str.lower().str.endswith(PREVIEWS), "is a camera's preview")
        is_sidecar = paths.isin(find_sidecars(paths[reasons != ""], paths[reasons == ""]))
        reasons = reasons.mask(is_sidecar, f"{SIDECAR}: " + reasons)
    photos.loc[labelled, "reason"] = reasons


def check_classes(photos: pd.DataFrame) -> None:
    """Raise a UserError if all photos of a class are rejected."""
    is_meant = (photos["label"] != "") & (photos["reason"] != REMOVED) & ~photos["reason"].str.startswith(SIDECAR)
    labelled = photos.loc[is_meant, ["path", "label", "reason", "copy_of"]]
    if lost := set(labelled["label"].unique()) - set(usable(labelled, ["label"])["label"].unique()):
        log_first(labelled[labelled["label"].isin(lost)])
        first = labelled[labelled["label"] == min(lost)].iloc[0]
        hint = NOT_DUPLICATES if first["copy_of"] else ""
        rejected = f"{first['path']}: {first['reason']}{hint}"
        raise UserError(f"expected usable photos of every class, found none of {quoted(sorted(lost))}: {rejected}")


def cluster_duplicates(photos: pd.DataFrame, thumbnails: DiskArray, max_distance: int | None) -> None:
    """Fill the duplicate clusters of usable photos, each of one class.

    Reject duplicates of photos with another label, as either may be the wrong one.
    """
    clustered = usable(photos, ["path", "label"])
    hashes = blockwise(lambda indices: hash_thumbnails(thumbnails[indices]), clustered.index.to_numpy())
    clustered[["phash", "mirrored_phash"]] = hashes
    clustered["cluster"] = find_clusters(clustered, thumbnails, max_distance)
    logger.info("usable photos: %d, copies among them: %d", len(hashes), len(hashes) - clustered["cluster"].max() - 1)
    if max_distance is not None:
        others = find_conflicts(clustered, thumbnails, max_distance)
        photos.loc[others.index, "copy_of"] = others
        photos.loc[others.index, "reason"] = f"{TWO_LABELS}: {DUPLICATE} " + others + ", which has another"
        clustered["cluster"] = clustered.groupby(["cluster", "label"]).ngroup()
    photos.loc[clustered.index, "cluster"] = clustered["cluster"]


def assign_groups_and_splits(photos: pd.DataFrame, settings: Split, labels: Path) -> None:
    """Fill the groups of usable photos, and the splits that are not given."""
    index = photos.index[photos["reason"] == ""]
    group_of = read_column(labels, settings.group_column, "split.group_column") if settings.group_column else {}
    photos.loc[index, "group"] = find_groups(photos.loc[index, ["path", "name", "cluster"]], settings, group_of)
    photos.loc[index, "split"] = assign_splits(photos.loc[index], settings, photos[photos["reason"] == REMOVED])


def reject_leaks(photos: pd.DataFrame) -> None:
    """Reject photos with others of their group in another split, which would make that split's score too good.

    A group keeps its photos in test if it has any, else those in validation.
    """
    grouped = usable(photos, ["path", "split", "cluster", "group"])
    splits = grouped["split"].map(SPLIT_NAMES.index)
    is_leak = splits < splits.groupby(grouped["group"]).transform("max")
    leaks, others = grouped[is_leak], grouped[~is_leak]
    same_photo = leaks["cluster"].map(others.drop_duplicates("cluster").set_index("cluster")["path"])
    same_group = leaks["group"].map(others.drop_duplicates("group").set_index("group")["path"])
    photos.loc[leaks.index, "copy_of"] = same_photo.fillna("")
    photos.loc[leaks.index, "reason"] = (f"{DUPLICATE} " + same_photo).fillna(f"{SAME_GROUP} " + same_group)


def check_rejected_fraction(photos: pd.DataFrame, max_fraction: float) -> str | None:
    """Return a problem if too many of the files that are meant to be photos are rejected.

    These are all files in class folders but sidecar files, all that the CSV lists, and elsewhere files with the suffix
    of a photo or of a listed file.
    """
    photos = photos.loc[photos["reason"] != REMOVED, ["path", "label", "reason", "copy_of"]]
    reasons = photos["reason"]
    suffixes = photos["path"].str.lower().str.extract(r"[^/](\.[^./]+)$", expand=False)
    is_meant = (photos["label"] != "") & ~reasons.str.startswith(SIDECAR)
    is_like_those = (reasons == NO_LABEL) & suffixes.isin(set(suffixes[is_meant].unique()) - SIDECAR_SUFFIXES)
    is_named_like_photo = reasons.str.startswith(NO_FILE) | suffixes.isin(SUFFIXES)
    candidates = photos[is_meant | is_like_those | is_named_like_photo]
    rejected = candidates[candidates["reason"] != ""]
    if len(rejected) / len(candidates) <= max_fraction:  # 0.29 * 100 is below 29 in floats
        return None
    log_first(rejected)
    hint = NOT_DUPLICATES if rejected["copy_of"].any() else ""
    return (
        f"expected at most {max_fraction:.1%} of the photos to be rejected, received {len(rejected)} of "
        f"{len(candidates)}, listed above: fix or remove them, or raise split.max_rejected_fraction{hint}"
    )


def log_first(rejected: pd.DataFrame) -> None:
    lines = [*(rejected["path"] + ": " + rejected["reason"]).head(MAX_LOGGED)]
    more = [f"... and {len(rejected) - MAX_LOGGED} more"] if len(rejected) > MAX_LOGGED else []
    logger.warning("\n".join([*lines, *more]))


def with_originals(photos: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return the usable photos of a split, with ``original``: the index of the first photo of their cluster there."""
    in_split = usable(photos[photos["split"] == split], ["path", "cluster"])
    return in_split.assign(original=in_split.index.to_series().groupby(in_split["cluster"]).transform("first"))


def check_copies(photos: pd.DataFrame, thumbnails: ArrayStore, max_fraction: float, splits: list[str]) -> str | None:
    """Return a problem if in one of these splits too many copies are not identical to their originals."""
    received, examples = [], []
    for split in splits:
        in_split = with_originals(photos, split)
        copies = in_split[in_split["original"] != in_split.index]
        pairs = np.stack([copies.index, copies["original"]], axis=1)
        alike = [pair for pair in pairs if not np.array_equal(*thumbnails[pair])]
        if alike and len(alike) / len(in_split) > max_fraction:
            received.append(f"{len(alike)} of {len(in_split)} in {split}")
            examples.append(" and ".join(photos["path"][alike[0]]))
    if not received:
        return None
    return (
        f"expected at most {max_fraction:.1%} of the photos of a split to be nearly the same as others there, received "
        f"{', '.join(received)}, as {examples[0]}: if they are copies, set split.max_copies_fraction to 1; if bursts "
        "or frames of films, also keep each together by split.group or split.group_column"
        f"{NOT_DUPLICATES}"
    )


def reject_copies(photos: pd.DataFrame) -> None:
    """In validation and test, reject all photos but the first of a cluster."""
    for split in SPLIT_NAMES[1:]:
        in_split = with_originals(photos, split)
        copies = in_split[in_split["original"] != in_split.index]
        if copies.empty:
            continue
        photos.loc[copies.index, "copy_of"] = photos["path"][copies["original"]].to_numpy()
        photos.loc[copies.index, "reason"] = f"{DUPLICATE} " + photos["copy_of"]
        text = "%s: copies of other photos there, left out: %d of %d (%.1f %%), such as %s of %s"
        example = photos.loc[copies.index[0], ["path", "copy_of"]]
        logger.warning(text, split, len(copies), len(in_split), 100 * len(copies) / len(in_split), *example)


def check_splits(photos: pd.DataFrame) -> str | None:
    """Return a problem if a class cannot be trained, validated and tested."""
    used = usable(photos, ["label", "split"])
    counts = pd.crosstab(used["label"], used["split"])
    counts = counts.reindex(sorted(set(photos["label"]) - {""}), columns=SPLIT_NAMES, fill_value=0)
    lacking = counts[(counts == 0).any(axis=1)]
    if lacking.empty:
        return None
    label = lacking.index[0]
    listed = ", ".join(f"{count} in {split}" for split, count in lacking.iloc[0].items())
    same_class = photos[photos["label"] == label]
    has_copies = usable(same_class, ["cluster"])["cluster"].duplicated().any()
    hint = NOT_DUPLICATES if has_copies or same_class["copy_of"].any() else ""
    others = f", and too few of {quoted(lacking.index[1:])}" if len(lacking) > 1 else ""
    found = f"found of {label!r} {listed}{others}{hint}"
    return f"expected three different photos or groups (split.group) of every class, {found}"


if __name__ == "__main__":
    run(main, __doc__)
