from functools import partialmethod

import pytest

from stages.models.runtime import keras


@pytest.fixture(autouse=True)
def _eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train without tracing, which takes longer than these trainings do; those of the whole pipeline are traced."""
    monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))
