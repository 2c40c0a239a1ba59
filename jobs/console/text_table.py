"""Tables of text, for a person."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.console import shown


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Text columns, as wide as their widest cell; numbers are flush right. What cannot be seen is escaped."""
    rows = [[shown.shown(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(cells, widths, strict=True)
        )
        return "  ".join(padded).rstrip()

    return [line(header), line(["-" * width for width in widths]), *(line(row) for row in rows)]
