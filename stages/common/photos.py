"""Photos: the lists that ``split`` wrote, and the one way in which every step opens a file of them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from tqdm import tqdm

from stages.common.command import UserError
from stages.common.paths import SPLITS
from stages.common.rows import Budget, Rows, make_rows

Result = TypeVar("Result")

# How the reason starts, in data/splits/rejected.csv, for a photo that is there twice.
DUPLICATE = "same photo as"


def read_list(split: str) -> pd.DataFrame:
    """Read the photos of a split ("train", "validation" or "test").

    Returns:
        A frame with a row per photo, sorted by path: ``path`` from the project's root and ``label``, both str.
    """
    path = SPLITS / f"{split}.csv"
    if not path.exists():
        raise UserError(f"expected the list {path}, found none: run `dvc repro split`")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def class_names(labels: Iterable[str]) -> list[str]:
    """List the classes in the order in which models count them: sorted by name."""
    return sorted(set(labels))


def guess_accuracy(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Work out how often the commonest class of ``train`` (the first by name of several) is right on ``test``."""
    commonest = train["label"].mode()[0]
    return float((test["label"] == commonest).mean())


def open_photo(path: str | Path | BinaryIO) -> Image.Image:
    """Decode a photo in full: upright as its EXIF orientation says, in RGB.

    Of an animation it is the first frame; what is transparent becomes white.

    Raises:
        OSError: The file is missing, truncated or no picture that Pillow reads, or its pixels have no known range.
    """
    with Image.open(path) as opened:
        photo = ImageOps.exif_transpose(opened)
    if photo.mode.startswith("I;16"):  # Pillow would clip 16 bits to 8 instead of scaling them
        photo = Image.fromarray((np.asarray(photo) >> 8).astype(np.uint8))
    elif photo.mode in ("I", "F"):
        raise OSError(f"its pixels are 32-bit numbers (mode {photo.mode}), of which nobody knows what is white")
    if photo.has_transparency_data:
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo.convert("RGBA"))
    return photo.convert("RGB")


def resized_pixels(path: str | Path | BinaryIO, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a photo and resize it (bilinear, without regard to its shape).

    Args:
        image_size: height and width in pixels.

    Returns:
        uint8 in 0..255, shaped (height, width, 3).
    """
    height, width = image_size
    return np.asarray(open_photo(path).resize((width, height), Image.Resampling.BILINEAR))


def pixels_or_reason(path: Path | BinaryIO, image_size: tuple[int, int]) -> np.ndarray | str:
    """Decode a photo and resize it as :func:`resized_pixels` does, or say why that fails."""
    try:
        return resized_pixels(path, image_size)
    except Exception as error:  # noqa: BLE001 (a damaged file makes each decoder fail in its own way)
        return reason_of(error, path)


def reason_of(error: Exception, path: str | Path | BinaryIO) -> str:
    """Say in a line why a file cannot be decoded, without its path."""
    if str(path).lower().endswith((".heic", ".heif")):
        return "cannot be decoded: HEIC is not read here: save it as JPEG"
    name = str(path) if isinstance(path, Path) else path
    reason = " ".join(str(error).replace(f" {name!r}", "").split())
    return f"cannot be decoded: {reason or type(error).__name__}"


def load_pixels(paths: Sequence[str], image_size: tuple[int, int], budget: Budget) -> Rows:
    """Decode photos and resize each to ``image_size``, height and width in pixels.

    Args:
        budget: the memory for them; where it is too small they are kept on disk.

    Returns:
        uint8 in 0..255, shaped (photos, height, width, 3).
    """
    pixels = make_rows(len(paths), (*image_size, 3), np.uint8, budget)

    def load(index: int) -> None:
        pixels[index] = resized_pixels(paths[index], image_size)

    each_in_parallel(load, range(len(paths)), "decoding photos")
    return pixels


def load_photos(
    photos: pd.DataFrame, classes: list[str], image_size: tuple[int, int], budget: Budget
) -> tuple[Rows, np.ndarray]:
    """Decode the photos of a list.

    Returns:
        Pixels, uint8 of 0..255 shaped (photos, height, width, 3), and labels, int64 shaped (photos,), each the
        place of its class in ``classes``.
    """
    labels = photos["label"].map(classes.index).to_numpy(np.int64)
    return load_pixels(list(photos["path"]), image_size, budget), labels


def each_in_parallel(function: Callable[[int], Result], indices: Sequence[int], description: str) -> list[Result]:
    """Call ``function`` on each index, on all cores, with a progress bar; Pillow decodes outside Python's lock."""
    with ThreadPoolExecutor() as pool:
        results = pool.map(function, indices)
        return list(tqdm(results, description, len(indices), unit="photo", disable=None))
