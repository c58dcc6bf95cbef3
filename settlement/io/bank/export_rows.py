"""Which rows of a sheet are transactions, which are titles, totals, page heads, notes (BNK-06).

What belongs here: sorting rows into kinds, whole columns at a time. What does not: what a transaction says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io import cell_dates, cells
from settlement.io.bank.headers import Header
from settlement.io.bank.profiles import header_name
from settlement.io.sheet_model import SOURCE_ROW, Sheet

_TIME_ONLY = r"^[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$|^[0-2][0-9][0-5][0-9][0-5][0-9]$"
NOTHING = r"^[-/\\—–~]*$"
# A figure: digits without Chinese words or a colon around them, as labels have.
_FIGURE = r"^[^\x{4E00}-\x{9FFF}:]*[0-9][^\x{4E00}-\x{9FFF}:]*元?$"
_FULL_ROW = 5  # so many cells under our columns make a row a transaction that somebody wrote
MONEY_FIELDS = ("debit_out", "credit_in", "amount")


@dataclass(frozen=True)
class Rows:
    """The rows under a header: tidied cells of our fields, and masks over them. All arrays are of one length."""

    source_row: pa.Array
    fields: dict[str, list[pa.Array]]  # our field to its columns, tidied text
    raw: dict[str, list[pa.Array]]  # the same, as written
    booked_at: pa.Array  # timestamp of booking where a date could be read
    has_clock: pa.Array  # the time of day was written
    value_on: pa.Array
    is_date_bad: pa.Array  # a date cell says something that is no date
    is_value_bad: pa.Array
    is_transaction: np.ndarray
    is_total: np.ndarray
    is_rejected: np.ndarray  # money but no readable date
    is_note: np.ndarray
    first_text: pa.Array

    def without_cells(self) -> Rows:
        """The same without the text of the cells."""
        return replace(self, fields={}, raw={})


def rows_under(sheet: Sheet, header: Header, year: tuple[int, int] | None) -> Rows:
    """Sort the rows below ``header`` into kinds. ``year``: year and last month of dates written without one, as 01/02."""
    below = sheet.table.slice(header.last_row + 1)
    prefix = header.profile.cell_prefix
    raw = {
        field: [_bare(_column(below, at), prefix) for at in positions] for field, positions in header.columns.items()
    }
    tidied = {field: [cells.tidy(column) for column in columns] for field, columns in raw.items()}
    profile = header.profile
    booked_at, has_clock, written = _booked(tidied, profile.date_form, year, sheet.from_workbook)
    value_on, is_value_bad = _days(tidied.get("value_on"), profile.date_form, year, sheet.from_workbook, below.num_rows)
    has_date = _mask(pc.is_valid(booked_at)) | _mask(pc.is_valid(value_on))
    first_text = _first_text(below)
    is_blank = _mask(pc.is_null(first_text))
    is_total = ~has_date & ~is_blank & _mask(pc.match_substring_regex(first_text, _totals(profile.totals)))
    is_head = _is_header_again(below, header, np.flatnonzero(~has_date & ~is_blank))
    rest = ~is_blank & ~is_total & ~is_head
    is_transaction = rest & has_date
    is_rejected = rest & ~has_date & ~_is_label(first_text, profile.labels) & _looks_like_money(tidied, _mask(written))
    return Rows(
        source_row=_whole(below.column(SOURCE_ROW)),
        fields=tidied,
        raw=raw,
        booked_at=booked_at,
        has_clock=has_clock,
        value_on=value_on,
        is_date_bad=pc.and_(written, pc.is_null(booked_at)),
        is_value_bad=is_value_bad,
        is_transaction=is_transaction,
        is_total=is_total,
        is_rejected=is_rejected,
        is_note=rest & ~is_transaction & ~is_rejected,
        first_text=first_text,
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _column(table: pa.Table, at: int) -> pa.Array:
    column = _whole(table.column(f"c{at}"))
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column


def _bare(column: pa.Array, prefix: str | None) -> pa.Array:
    """Cells without the mark that a bank puts before every one of them."""
    return pc.replace_substring_regex(column, "^" + _escaped(prefix), "") if prefix else column


def _mask(values: pa.Array) -> np.ndarray:
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


def _looks_like_money(tidied: dict[str, list[pa.Array]], has_words_for_date: np.ndarray) -> np.ndarray:
    """Rows that must not be passed over though their date cannot be read: a figure, or a full row with something else there."""
    found = np.zeros(len(has_words_for_date), bool)
    filled = np.zeros(len(has_words_for_date), np.int64)
    for field, columns in tidied.items():
        filled += _mask(pc.is_valid(columns[0]))
        for column in columns if field in MONEY_FIELDS else ():
            found |= _mask(pc.match_substring_regex(column, _FIGURE))
    something = np.zeros(len(found), bool)
    for field in MONEY_FIELDS:
        for column in tidied.get(field, ()):
            something |= _mask(pc.is_valid(column)) & ~_mask(pc.match_substring_regex(column, NOTHING))
    return found | (something & has_words_for_date & (filled >= _FULL_ROW))


def _is_label(first_text: pa.Array, labels: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Rows that begin with a label: a title with its value beside it."""
    names = pa.array(sorted({header_name(label) for names in labels.values() for label in names}))
    return _mask(pc.is_in(_stripped(first_text), names))


def _totals(words: tuple[str, ...]) -> str:
    return "^(人民币|美元|欧元|港币|日元|[A-Z]{3})? ?(" + "|".join(words) + ")"


def _first_text(table: pa.Table) -> pa.Array:
    """The first cell of each row that is not empty, tidied; NULL for a blank row."""
    first = pa.nulls(table.num_rows, pa.string())
    for at in range(table.num_columns - 1):
        if first.null_count == 0:
            break
        first = pc.coalesce(first, cells.tidy(_column(table, at)))
    return first


def _is_header_again(table: pa.Table, header: Header, candidates: np.ndarray) -> np.ndarray:
    """A header row repeated on a later page; ``candidates`` are the rows that may be one."""
    again = np.ones(len(candidates), bool)
    part = table.take(pa.array(candidates))
    known = {position for positions in header.columns.values() for position in positions}
    for at in sorted(known)[:4]:
        pattern = "^" + _escaped(header.names[at]) + r"([\[(/A-Za-z].*)?$"
        again &= _mask(pc.match_substring_regex(_stripped(_column(part, at)), pattern))
    found = np.zeros(table.num_rows, bool)
    found[candidates[again]] = True
    return found


def _stripped(column: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.replace_substring_regex(pc.coalesce(cells.tidy(column), pa.scalar("")), r"[\s:*`]+", ""))


def _escaped(name: str) -> str:
    return "".join(f"\\{character}" if character in r"\.^$|?*+()[]{}/" else character for character in name)


def _booked(
    tidied: dict, date_form: str | None, year: tuple[int, int] | None, serials: bool
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Moment of booking, whether a time of day was written, whether any date cell holds text.

    The transaction's date where it is given, else the posting date; a column of times alone adds its time of day.
    """
    columns = [*tidied.get("booked_on", ()), *tidied.get("booked_at", ())]
    clock = next(iter(tidied.get("booked_at", ())), None)
    moment = written = None
    for column in columns:
        is_time = pc.fill_null(pc.match_substring_regex(column, _TIME_ONLY), False)
        day = pc.if_else(is_time, pa.scalar(None, pa.string()), column)
        read, _ = cell_dates.timestamp(_with_year(day, date_form, year), serials=serials)
        moment = read if moment is None else pc.coalesce(moment, read)
        has_text = pc.and_(pc.is_valid(day), pc.invert(pc.fill_null(pc.match_substring_regex(day, NOTHING), False)))
        written = has_text if written is None else pc.or_(written, has_text)
    if moment is None:
        length = len(next(iter(tidied.values()))[0])
        return pa.nulls(length, pa.timestamp("s")), _false(length), _false(length)
    if clock is not None and len(columns) > 1:
        moment = _with_clock(moment, clock, serials)
    midnight = pc.cast(pc.cast(moment, pa.date32(), safe=False), pa.timestamp("s"))
    return moment, pc.fill_null(pc.not_equal(moment, midnight), False), written


def _false(length: int) -> pa.Array:
    return pa.array(np.zeros(length, bool))


def _with_clock(moment: pa.Array, clock: pa.Array, serials: bool) -> pa.Array:
    """The day of ``moment`` with the time of ``clock``, where that column gives a time for it."""
    day = pc.strftime(pc.cast(moment, pa.timestamp("s")), "%Y-%m-%d")
    digits = pc.replace_substring_regex(clock, r"^([0-9]{2})([0-9]{2})([0-9]{2})$", r"\1:\2:\3")
    is_time = pc.fill_null(pc.match_substring_regex(clock, _TIME_ONLY), False)
    joined, _ = cell_dates.timestamp(
        pc.binary_join_element_wise(day, pc.if_else(is_time, digits, pa.scalar(None, pa.string())), " ")
    )
    own, _ = cell_dates.timestamp(pc.if_else(is_time, pa.scalar(None, pa.string()), clock), serials=serials)
    same_day = pc.equal(pc.cast(own, pa.date32(), safe=False), pc.cast(moment, pa.date32(), safe=False))
    return pc.coalesce(joined, pc.if_else(pc.fill_null(same_day, False), own, pa.scalar(None, own.type)), moment)


def _with_year(column: pa.Array, date_form: str | None, year: tuple[int, int] | None) -> pa.Array:
    """Dates as 01/02 with the year of the title; a bank's timestamp 2023-09-05-10.20.30.123456 in the usual form."""
    column = pc.replace_substring_regex(
        column, r"^([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9]{2})\.([0-9]{2})\.([0-9]{2}).*$", r"\1 \2:\3:\4"
    )
    if date_form == "MM/DD" and year is not None:
        parts = r"^([0-9]{1,2})[/-]([0-9]{1,2})$"
        month = pc.cast(pc.replace_substring_regex(column, parts, r"\1"), pa.string())
        is_day = pc.fill_null(pc.match_substring_regex(column, parts), False)
        number = pc.cast(pc.if_else(is_day, month, pa.scalar(None, pa.string())), pa.int32())
        # A month later than the statement's belongs to the year before.
        is_before = pc.fill_null(pc.greater(number, year[1]), False)
        this, last = (pc.replace_substring_regex(column, parts, rf"{one}-\1-\2") for one in (year[0], year[0] - 1))
        column = pc.if_else(is_day, pc.if_else(is_before, last, this), column)
    return column


def _days(
    columns: list[pa.Array] | None, date_form: str | None, year: tuple[int, int] | None, serials: bool, length: int
) -> tuple[pa.Array, pa.Array]:
    if not columns:
        return pa.nulls(length, pa.date32()), _false(length)
    moment, bad = cell_dates.timestamp(_with_year(columns[0], date_form, year), serials=serials)
    nothing = pc.fill_null(pc.match_substring_regex(columns[0], NOTHING), False)
    return pc.cast(moment, pa.date32(), safe=False), pc.and_(bad, pc.invert(nothing))
