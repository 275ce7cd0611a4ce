"""Markdown, as the report is written in it."""

import re

import pandas as pd


def markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(escape(str(cell)) for cell in row)} |" for row in rows)


def escape(text: str) -> str:
    """Escape what Markdown would read as markup, in the name of a file or a class."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return re.sub(r"[\\|*`<[$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
