"""Markdown, as the report is written in it."""

import pandas as pd


def markdown_table(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(escape(str(cell)) for cell in row)} |" for row in rows)


def escape(text: str) -> str:
    """Escape what Markdown would read as markup, in the name of a file or a class."""
    for sign in "\\|*`<[$":
        text = text.replace(sign, f"\\{sign}")
    return text
