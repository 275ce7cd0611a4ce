"""Save a model as a file whose bytes depend on the model alone."""

import json
import re
import zipfile
from pathlib import Path

from stages.common.files import atomic_write
from stages.models.runtime import keras


def save_model(model: keras.Model, path: Path) -> None:
    """Save as a ``.keras`` file whose bytes depend on the model alone."""
    with atomic_write(path) as undated:
        dated = undated.with_suffix(".dated.keras")  # deleted with the folder of both
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(undated, "w") as target:
            for name in sorted(source.namelist()):
                # A ZipInfo of its own has the oldest date that a zip can hold, not the time of saving.
                target.writestr(zipfile.ZipInfo(name), normalize_member(name, source.read(name)))


def normalize_member(name: str, content: bytes) -> bytes:
    """Remove from a member of a ``.keras`` file what differs from save to save.

    Keras writes the time of saving into ``metadata.json``, and into ``config.json`` the memory addresses of objects
    that layers share; a consecutive number identifies such an object just as well.
    """
    match name:
        case "metadata.json":
            return json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
        case "config.json":
            numbers: dict[bytes, int] = {}
            return re.sub(
                rb'(?<="shared_object_id": )\d+',
                lambda address: b"%d" % numbers.setdefault(address[0], len(numbers)),
                content,
            )
    return content
