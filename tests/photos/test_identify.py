"""What is not a photo says what it is."""

from io import BytesIO

import pytest
from PIL import Image

from stages.photos.decode import UnreadablePhotoError, open_photo, read_photo


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (bytes(4000), "zero bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a Git LFS pointer: run `git lfs pull`"),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "a web page"),
        (b"\xef\xbb\xbf\r\n <HTML lang='en'><body>", "a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "an XML file"),
        (b'{"error": "not found"}', "a text file"),
        ("caf\u00e9 ".encode() * 200, "a text file"),
        (bytes(128) + b"DICM\2\0", "DICOM"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"8BPS\0\1" + bytes(20), "PSD"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\x1aE\xdf\xa3\x01\0", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera's RAW .Canon"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's RAW .Fujifilm"),
        (b"IIRO\x08\0\0\0", "a camera's RAW .Olympus"),
        (b"IIU\0\x18\0\0\0", "a camera's RAW .Panasonic"),
        (b"PK\3\4\x14\0", "a zip archive"),
        (b"a.jpg".ljust(257, b"\0") + b"ustar\0", "a tar archive"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x93NUMPY\1\0", "a NumPy array"),
        (b"\x8f\x02\xff\x13", "cannot identify"),
    ],
)
def test_what_is_not_a_photo_says_what_it_is(content: bytes, kind: str) -> None:
    with pytest.raises(UnreadablePhotoError, match=f"^cannot be decoded: .*{kind}"):
        open_photo(content)
    with pytest.raises(UnreadablePhotoError, match=kind):
        read_photo(BytesIO(content), len(content), max_megapixels=1)


def test_a_jpeg_of_twelve_bits_is_refused_by_name() -> None:
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    start, marker, end = file.getvalue().partition(b"\xff\xc0\0\x11")
    with pytest.raises(UnreadablePhotoError, match="12-bit"):
        open_photo(start + marker + b"\x0c" + end[1:])
