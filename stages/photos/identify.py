"""Identify files that are not photos, or not in a format that is read, by their first bytes."""

from codecs import getincrementaldecoder

HEADER_BYTES = 512
SAVE = "save it as JPEG"

SIGNATURES = {  # what a file is: the bytes that it then has at a position
    "a Git LFS pointer: run `git lfs pull`": [(0, b"version https://git-lfs.github.com")],
    "a PDF": [(0, b"%PDF")],
    f"DICOM: {SAVE}": [(128, b"DICM")],
    f"JPEG XL: {SAVE}": [(0, b"\xff\x0a"), (4, b"JXL \r\n")],
    f"a camera's RAW (Canon): {SAVE}": [(4, b"ftypcrx"), (6, b"HEAPCCDR")],
    f"a camera's RAW (Fujifilm): {SAVE}": [(0, b"FUJIFILMCCD-RAW")],
    f"a camera's RAW (Minolta): {SAVE}": [(0, b"\0MRM")],
    f"a camera's RAW (Olympus): {SAVE}": [(0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR")],
    f"a camera's RAW (Panasonic): {SAVE}": [(0, b"IIU\0")],
    f"a camera's RAW (Sigma): {SAVE}": [(0, b"FOVb")],
    "a video": [
        *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"wide")),  # MP4, QuickTime
        *((0, start) for start in (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"0&\xb2u\x8ef\xcf\x11")),  # WebM, MPEG, WMV
        (8, b"AVI "),
    ],
    "a zip archive": [(0, b"PK\3\4"), (0, b"PK\5\6")],
    "a tar archive": [(257, b"ustar")],
    "a 7z archive": [(0, b"7z\xbc\xaf\x27\x1c")],
    "a rar archive": [(0, b"Rar!\x1a")],
    "a file compressed by gzip": [(0, b"\x1f\x8b\x08")],
    "a file compressed by bzip2": [(0, b"BZh")],
    "a file compressed by xz": [(0, b"\xfd7zXZ")],
    "a file compressed by zstd": [(0, b"\x28\xb5\x2f\xfd")],
    "a NumPy array": [(0, b"\x93NUMPY")],
    "metadata of another file, from macOS": [(0, b"\0\5\x16\7")],
}
MARKUP = {b"<html": "a web page", b"<!doctype html": "a web page", b"<svg": f"SVG: {SAVE}", b"<?xml": "an XML file"}


def identify(header: bytes) -> str | None:
    """Say what a file is that starts with these bytes (``HEADER_BYTES``, or all that it has), if that is known."""
    if not header.strip(b"\0"):
        return "a file that begins with zero bytes" if header else "an empty file"
    for kind, signatures in SIGNATURES.items():
        if any(header.startswith(signature, position) for position, signature in signatures):
            return kind
    text = header.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for tag, kind in MARKUP.items() if text.startswith(b"<") and tag in text), None)


def is_text(header: bytes) -> bool:
    """Return whether a file that starts with these bytes is a text, in UTF-8."""
    try:
        text = getincrementaldecoder("utf-8")().decode(header)  # whose last character may be cut
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
