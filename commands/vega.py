"""Write the JavaScript that draws the plots page to ``dvc_plots/vega.js``: the page needs no network."""

from pathlib import Path

import vl_convert

from stages.common.cli import run
from stages.storage.files import write_text


def main() -> None:
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg, unused-ignore]  # the stub of 1.9 lacks the default
    write_text(bundle, Path("dvc_plots/vega.js"))


if __name__ == "__main__":
    run(main, __doc__)
