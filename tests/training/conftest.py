import pytest


@pytest.fixture(autouse=True)
def _eagerly(eagerly: None) -> None:
    """In every test of this folder."""
