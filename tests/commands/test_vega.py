from pathlib import Path

import pytest

from commands import vega


def test_the_plots_page_s_javascript_holds_vega_embed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """test_page.py looks at the page in a browser."""
    monkeypatch.chdir(tmp_path)
    vega.main()
    assert "vegaEmbed" in Path("dvc_plots/vega.js").read_text()
