import importlib
import importlib.util

import pytest

import commands.cluster


def test_without_ray_its_commands_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"^error: expected Ray, .* found none: run `make install`$"):
        importlib.reload(commands.cluster)
