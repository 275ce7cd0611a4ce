"""Put the report and its figures on one page.

Reads ``metrics/report.md``, the best model's name in ``metrics/best.json``, and the figures of ``evaluate`` and
``label_issues``. Writes ``metrics/report.html``, which needs no other file and no network.
"""

import base64
import json
import shlex
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from string import Template, punctuation

from markdown import Markdown
from PIL import Image

from stages.common.cli import UserError, run
from stages.common.params import load_params
from stages.common.paths import BEST, LABEL_ISSUES, REPORT
from stages.storage.files import write_text

REPORT_PAGE = Path("metrics/report.html")

# A browser's own colours, light or dark, and its own fonts. A wide table scrolls by itself, within the page.
PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Report</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 50rem; margin: auto; padding: 1rem; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; break-after: avoid; }
code { font-size: 0.9em; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.75rem 0.3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8886; }
th, td { min-width: 5rem; max-width: min(26rem, 40vw); overflow-wrap: break-word; }
tr, figure { break-inside: avoid; }
figure { margin: 1.5rem 0; }
img { max-width: 100%; background: white; border-radius: 0.25rem; }
figcaption { font-size: 0.9rem; }
@media print {
  :root { font-size: 10pt; }
  body { max-width: none; }
  .table { overflow: visible; }
  img { max-height: 45vh; }
}
</style>
</head>
<body>
$body
</body>
</html>
""")


def main() -> None:
    params = load_params()
    listed = {f"{name}{suffix}" for name in params.label_issues for suffix in (".csv", ".png")}
    if others := [str(path) for path in sorted(LABEL_ISSUES.glob("[!.]*")) if path.name not in listed]:
        raise UserError(  # they would count as this step's input in dvc.lock
            f"expected in {LABEL_ISSUES} only what label_issues in params.yaml lists: move or delete "
            f"{shlex.join(others)}"
        )
    try:
        best = json.loads(BEST.read_text(encoding="utf-8"))["model"]
        html = page(REPORT.read_text(encoding="utf-8"), figures_by_section(best, params.label_issues))
    except FileNotFoundError as error:
        raise UserError(f"expected {error.filename}, found none: run `dvc repro`") from error
    write_text(html, REPORT_PAGE)


def figures_by_section(best: str, label_issues: Iterable[str]) -> dict[str, dict[Path, str]]:
    """Say which figures the sections of the report end with, and what they show."""
    plots = Path("plots")
    return {
        "What to do next": {LABEL_ISSUES / f"{name}.png": "Labels that look wrong" for name in label_issues},
        "Models": {plots / f"accuracy/{best}.png": "Accuracy over the epochs"},
        "Where it fails": {
            plots / "confusion.png": "Confusion matrix of the test photos",
            plots / f"mistakes/{best}.png": "Mistakes on the test photos",
            plots / "gradcam.png": "Grad-CAM of test photos, classified correctly and wrongly",
        },
        "Calibration": {plots / "calibration.png": "Calibration of all models"},
        "Coverage": {plots / "coverage.png": "Accuracy of all models over the coverage"},
    }


def page(report: str, figures: dict[str, dict[Path, str]]) -> str:
    """Turn the report from Markdown into HTML.

    Args:
        figures: by the heading of the section that they end: the files, and what each shows.
    """
    converter = Markdown(extensions=["tables"], output_format="html")
    converter.ESCAPED_CHARS = list(punctuation)  # all that Markdown lets escape today; by itself it has fewer
    converter.preprocessors.deregister("html_block")  # the report has no HTML: what looks so is a name
    converter.inlinePatterns.deregister("html")
    body = converter.convert(report).replace("<table>", '<div class="table" tabindex="0"><table>')
    first, *sections = body.replace("</table>", "</table></div>").split("<h2>")
    for section in sections:
        pictures = figures.get(section.partition("</h2>")[0], {})
        first += f"<h2>{section}" + "".join(figure(path, shows) for path, shows in pictures.items())
    return PAGE.substitute(body=first)


def figure(path: Path, shows: str) -> str:
    """Write a figure's file into HTML, as JPEG where that is smaller, as it is with photos."""
    png, jpeg = path.read_bytes(), BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(jpeg, "jpeg", quality=90)
    kind, content = min(("png", png), ("jpeg", jpeg.getvalue()), key=lambda each: len(each[1]))
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    caption = f"<figcaption>{shows}: <code>{path.as_posix()}</code></figcaption>"
    return f'<figure><img src="{source}" alt="{shows}">{caption}</figure>\n'


if __name__ == "__main__":
    run(main, __doc__)
