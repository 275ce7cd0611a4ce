"""Put the report and its figures on one page.

Reads ``metrics/report.md``, the best model's name in ``metrics/best.json``, and the figures of ``evaluate`` and
``label_issues``. Writes ``metrics/report.html``, which needs no other file and no network.
"""

import base64
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from string import Template, punctuation

from markdown import Markdown
from PIL import Image

from stages.common.cli import UserError, run
from stages.common.params import load_params
from stages.common.paths import BEST, LABEL_ISSUES, REPORT
from stages.storage.files import check_leftovers, explain_unreadable, json_value, write_text

REPORT_PAGE = Path("metrics/report.html")
PHOTOS_TO_JUDGE = (LABEL_ISSUES, Path("plots/mistakes"))  # their figures are as wide as the window


def main() -> None:
    params = load_params()
    check_leftovers([LABEL_ISSUES], params.label_issues, "label_issues")
    with explain_unreadable(REPORT, "run `dvc repro`"):
        best = json_value(BEST.read_bytes(), "model", str, BEST, "run `dvc repro`")
        html = page(REPORT.read_text(encoding="utf-8"), figures_by_section(best, params.label_issues))
    write_text(html, REPORT_PAGE)


def figures_by_section(best: str, label_issues: Iterable[str]) -> dict[str, dict[Path, str]]:
    """Map headings of the report to the figures that their sections end with, each with its title."""
    plots = Path("plots")
    return {
        "What to do next": {LABEL_ISSUES / f"{name}.png": "Labels that look wrong" for name in label_issues},
        "Models": {plots / f"accuracy/{best}.png": "Accuracy over the epochs"},
        "Where it fails": {
            plots / "confusion.png": "Confusion matrix of the test photos",
            plots / f"mistakes/{best}.png": "Mistakes on the test photos",
            plots / "gradcam.png": "Grad-CAM of test photos classified correctly and wrongly",
        },
        "Calibration": {plots / "calibration.png": "Calibration of all models"},
        "Coverage": {plots / "coverage.png": "Accuracy of all models over the coverage"},
    }


def page(report: str, figures: dict[str, dict[Path, str]]) -> str:
    """Convert the report from Markdown to HTML, with figures by the heading of the section that they end."""
    converter = Markdown(extensions=["tables"], output_format="html")
    converter.ESCAPED_CHARS = list(punctuation)  # as CommonMark allows; its own list is shorter
    converter.preprocessors.deregister("html_block")  # the report has no HTML: what looks so is a name
    converter.inlinePatterns.deregister("html")
    body = converter.convert(report).replace("<table>", '<div class="table" tabindex="0"><table>')
    html, *sections = body.replace("</table>", "</table></div>").split("<h2>")
    for section in sections:
        embedded = figures.get(section.partition("</h2>")[0], {})
        html += f"<h2>{section}" + "".join(figure(path, title) for path, title in embedded.items())
    template = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
    return template.substitute(body=html)


def figure(path: Path, title: str) -> str:
    """Embed a figure's file in HTML, as JPEG where that is smaller, as it is with photos."""
    png, jpeg = path.read_bytes(), BytesIO()
    try:
        picture = Image.open(BytesIO(png)).convert("RGB")
    except (OSError, SyntaxError) as error:  # of Pillow, as the file has been read
        raise UserError(f"expected a figure in {path}, received other content: run `dvc repro`") from error
    picture.save(jpeg, "jpeg", quality=90)
    attributes = f'tabindex="0" style="--readable: {0.45 * picture.width:.0f}px"'
    kind, content = min(("png", png), ("jpeg", jpeg.getvalue()), key=lambda each: len(each[1]))
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    caption = f"{title}: <code>{path.as_posix()}</code>"
    if path.parent in PHOTOS_TO_JUDGE:
        attributes += ' class="photos"'
        caption += "; <kbd>make review</kbd> shows photos larger and corrects labels"
    return f'<figure {attributes}><img src="{source}" alt="{title}"><figcaption>{caption}</figcaption></figure>\n'


if __name__ == "__main__":
    run(main, __doc__)
