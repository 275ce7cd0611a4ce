import importlib
import importlib.util

import pytest

import commands.cluster


def test_without_ray_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"^error: expected Ray, .* found none: run `make install`$"):
        importlib.reload(commands.cluster)
