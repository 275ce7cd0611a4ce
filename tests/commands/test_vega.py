"""The JavaScript of the plots page; test_page.py looks at the page in a browser."""

from pathlib import Path

import pytest

from commands import vega


def test_the_page_s_javascript_holds_vega_embed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    vega.main()
    assert "vegaEmbed" in (tmp_path / "dvc_plots/vega.js").read_text()
    assert [path.name for path in (tmp_path / "dvc_plots").iterdir()] == ["vega.js"]
