"""The rows of a sheet that are no transactions: whose account follows, what the bank says the lines add up to.

What belongs here: titles and totals between and under the lines. What does not: the lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from settlement.io import cells
from settlement.io.bank.export_lines import Where
from settlement.io.bank.export_rows import Rows
from settlement.io.bank.headers import Header
from settlement.io.bank.profiles import Profile
from settlement.io.bank.titles import Stated, label_count, normal, read_stated
from settlement.io.sheet_model import SOURCE_ROW, Sheet

_ROWS_READ = 5_000  # rows between transactions that are looked at for labels, one by one
_OPENING = ("期初", "承前", "上期", "上页", "起始")
_OTHER_SPANS = ("累计", "小计", "本页", "本日", "本年", "本月")  # sums of something else than this file


@dataclass
class Block:
    """Rows of one account: a sheet has several where title rows with another account stand between them."""

    start: int
    stated: Stated
    stop: int = 0


def cells_of(sheet: Sheet, rows: range | np.ndarray) -> Iterator[tuple[int, list[str]]]:
    """Rows of a sheet as (row as people count it, cells)."""
    part = sheet.table.take(pa.array(rows, pa.int64()))
    columns = [part.column(at).to_pylist() for at in range(sheet.width)]
    yield from zip(part.column(SOURCE_ROW).to_pylist(), (list(row) for row in zip(*columns, strict=True)), strict=True)


def stated_year(sheet: Sheet, header: Header, stated: Stated) -> tuple[int, int] | None:
    """Year and last month of dates written without a year: of the stated period, else of 2024年01月 in the title."""
    if stated.to_on:
        return stated.to_on.year, stated.to_on.month
    for _, row in cells_of(sheet, range(header.first_row)):
        for cell in row:
            text = normal(cell)
            at = text.find("年")
            if at >= 4 and text[at - 4 : at].isdigit():
                month = text[at + 1 : at + 3].rstrip("月")
                return int(text[at - 4 : at]), int(month) if month.isdigit() else 12
    return None


def blocks_of(sheet: Sheet, header: Header, rows: Rows, stated: Stated) -> list[Block]:
    """Blocks of accounts by the title rows between transactions; totals go to the block they stand under."""
    blocks = [Block(0, stated)]
    others = np.flatnonzero(rows.is_note | rows.is_total)[:_ROWS_READ]
    offset = header.last_row + 1
    runs = np.split(others, np.flatnonzero(np.diff(others) > 1) + 1) if len(others) else []
    for run in runs:
        read = list(zip(run.tolist(), cells_of(sheet, run + offset), strict=True))
        has_lines = bool(rows.is_transaction[blocks[-1].start : run[0]].any())
        at = _first_of_another(read, header.profile, blocks[-1].stated, has_lines)
        _read_run(read[:at], rows, header, blocks[-1].stated)
        if at < len(read):
            blocks[-1].stop = read[at][0]
            blocks.append(Block(read[at][0], Stated()))
            _read_run(read[at:], rows, header, blocks[-1].stated)
    blocks[-1].stop = len(rows.is_note)
    return blocks


def _first_of_another(read: list, profile: Profile, current: Stated, has_lines: bool) -> int:
    """Where in a run of rows the title of another account begins; its length where none does."""
    if has_lines:
        for at, (_, row) in enumerate(read):
            found = Stated()
            read_stated([row], profile, found)
            if found.account_no and found.account_no != current.account_no:
                return at
    return len(read)


def _read_run(read: list, rows: Rows, header: Header, stated: Stated) -> None:
    said: list[tuple[int, list[str]]] = []
    for index, (row, texts) in read:
        if rows.is_total[index] and label_count(texts, header.profile) < 3:
            _read_total(rows, index, row, stated)
            # Figures under our columns are read above; of the rest only sentences (合计 12 笔, 收入合计：…).
            texts = [text if any(mark in text for mark in ":：笔") else "" for text in texts]
        said.append((row, texts))
    read_stated(said, header.profile, stated)


def _read_total(rows: Rows, index: int, row: int, stated: Stated) -> None:
    """Figures of a total row under our columns: 期初 / 期末 balances, sums of the sides."""
    text = rows.first_text[index].as_py() or ""
    if text.startswith(_OPENING) or text.startswith("期末"):
        balance = _figure(rows, "balance", index)
        if balance is not None:
            stated.put("closing" if text.startswith("期末") else "opening", balance, row)
    elif not any(word in text for word in _OTHER_SPANS):
        for name, field in (("debit_total", "debit_out"), ("credit_total", "credit_in")):
            value = _figure(rows, field, index)
            if value is not None:
                stated.put(name, abs(value), row)


def _figure(rows: Rows, field: str, index: int) -> Decimal | None:
    for column in rows.fields.get(field, ()):
        value, bad = cells.money(column.slice(index, 1))
        if value[0].is_valid and not bad[0].as_py():
            return value[0].as_py()
    return None


def where_of(
    rows: Rows,
    blocks: list[Block],
    own_accounts: dict[str, str],
    default_account: str | None,
    default_currency: str | None,
) -> Where:
    """Account and currency of each row by the titles above it."""

    def spread(value_of) -> pa.Array:
        return pa.concat_arrays(
            [pa.repeat(pa.scalar(value_of(block.stated), pa.string()), block.stop - block.start) for block in blocks]
        )

    assert sum(block.stop - block.start for block in blocks) == len(rows.is_note)
    return Where(
        spread(lambda stated: stated.account_no or default_account),
        spread(lambda stated: stated.currency),
        own_accounts,
        default_currency,
    )
