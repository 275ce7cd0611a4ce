"""Measured times, in ``data/costs/``: they differ from run to run, so no output that DVC or git tracks holds them."""

import json
from contextlib import suppress
from typing import Any

from stages.common.paths import COSTS


def record_measurements(name: str, of: str, **values: float) -> None:
    """Write measured values; ``of`` is the hash of what they were measured of."""
    COSTS.mkdir(parents=True, exist_ok=True)
    (COSTS / f"{name}.json").write_text(json.dumps({"of": of, **values}) + "\n", encoding="utf-8")


def read_measurements(name: str, of: str) -> dict[str, Any]:
    """Read measured values; none if they were not measured here, or of something else."""
    with suppress(OSError, ValueError):
        values = json.loads((COSTS / f"{name}.json").read_text(encoding="utf-8"))
        if isinstance(values, dict) and values.pop("of", None) == of:
            return values
    return {}
