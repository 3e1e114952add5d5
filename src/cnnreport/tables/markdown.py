"""Write rows of text as a table in Markdown."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cnnreport.formats import one_line

_ALIGNMENT = {"l": ":---", "r": "---:", "c": ":---:"}


@dataclass(frozen=True)
class Table:
    """A table of Markdown cells; `align` has an l, r or c for each column."""

    headers: list[str]
    rows: list[list[str]]
    align: str

    @property
    def markdown(self) -> str:
        """The table as Markdown, without a line end after the last row."""
        return markdown_table(self.headers, self.rows, self.align)


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Write a Markdown table; pipes in a cell are escaped and line breaks become spaces.

    Raises:
        ValueError: a row or `align` has another number of columns than the headers.

    """
    lines = [headers, [_ALIGNMENT[letter] for letter in align], *rows]
    if wrong := [line for line in lines if len(line) != len(headers)]:
        raise ValueError(f"wanted {len(headers)} columns, came {wrong[0]}")
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    # A pipe that is escaped already is left as it is.
    return re.sub(r"(\\.)|\|", lambda match: match[1] or r"\|", one_line(text))
