#!/usr/bin/env bash
# pydicom 3.0.2: compress() of a color image whose red, green and blue lie in planes mixes them up.
#
# The file is valid: PlanarConfiguration 1, all of red before all of green. pixel_array shows it rightly. compress(RLELossless), which the
# documentation calls lossless, takes the bytes of the planes for pixels and keeps the 1, so what was a photo is lost, without a warning,
# as soon as it is saved. With PlanarConfiguration 0, or with compress(RLELossless, dataset.pixel_array), it is right. The guide to
# encoding says that for RGB "nothing else is required". No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydicom==3.0.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage


def dataset(photo, planar):
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = photo.shape
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", planar
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = (np.moveaxis(photo, -1, 0) if planar else photo).tobytes()
    return dataset


print("pydicom", pydicom.__version__)
photo = np.full((4, 6, 3), (250, 120, 0), np.uint8)  # orange
for planar in (0, 1):
    compressed = dataset(photo, planar)
    assert np.array_equal(compressed.pixel_array, photo)
    compressed.compress(RLELossless)
    colors = sorted(set(map(tuple, compressed.pixel_array.reshape(-1, 3).tolist())))
    print(f"PlanarConfiguration {planar}, colors - expected: [(250, 120, 0)] - seen: {colors}")
    assert colors == ([(0, 0, 0), (120, 120, 120), (250, 250, 250)] if planar else [(250, 120, 0)])
    assert np.array_equal(compressed.pixel_array, photo) == (planar == 0)
    explicit = dataset(photo, planar)
    explicit.compress(RLELossless, explicit.pixel_array)
    assert np.array_equal(explicit.pixel_array, photo)
PYTHON
