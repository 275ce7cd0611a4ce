from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.model_config import ModelConfig
from stages.common.params import Train
from tests.training.examples import CONFIG, SETTINGS, train, train_until, undisturbed


@pytest.fixture(autouse=True)
def _eagerly(eagerly: None) -> None:
    """In every test of this folder."""


@pytest.fixture
def check_resumed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    """Train, be stopped in the epoch after this one, and resume: the model and history are those of a run in one go."""

    def check(epoch: int, settings: Train = SETTINGS, config: ModelConfig = CONFIG) -> None:
        train_until(epoch, tmp_path, settings, config)
        assert train(tmp_path, settings, config=config) == undisturbed(settings, config)
        assert (f"resuming after epoch {epoch} of {settings.epochs}" in caplog.text) == (epoch > 0)

    return check
