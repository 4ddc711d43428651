"""The report's tables as HTML, escaped; on a narrow screen each row becomes a card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from edge_resnet.train.report.tables import NOTHING, Cell, Table

_ROWS = 12


def table_html(table: Table) -> str:
    """The table: its first rows, and the others folded away."""
    shown = _body(table, table.rows[:_ROWS])
    if len(table.rows) <= _ROWS:
        return shown
    rest = table.rows[_ROWS:]
    return f"{shown}<details><summary>{len(rest):,} more</summary>{_body(table, rest)}</details>"


def folded_html(summary: str, table: Table) -> str:
    """The whole table, folded away under its summary."""
    return f"<details><summary>{escape(summary)}</summary>{_body(table, table.rows)}</details>"


def _body(table: Table, rows: Iterable[Sequence[Cell]]) -> str:
    heads = "".join(f"<th>{escape(head)}" for head in table.heads)
    lines = "".join(_row(table.heads, row) for row in rows)
    return f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def _row(heads: Sequence[str], cells: Sequence[Cell]) -> str:
    told = (
        f'<td data-label="{escape(head)}"><div>{_cell(cell)}</div>' for head, cell in zip(heads, cells, strict=True)
    )
    return f"<tr>{''.join(told)}</tr>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    return f'{cell}<br><span class="note">{cell.range}</span>' if cell.n else NOTHING
