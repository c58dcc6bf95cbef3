"""Which rows under a header are rows of the table, and what each cell of them says.

What belongs here: blank, total and repeated header rows (they are no rows), cells to values by the
layout's kinds, and what is wrong with a cell, in Chinese. What does not: files (`tables.py`), other rows (`ingest.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial, reduce

import pyarrow as pa
import pyarrow.compute as pc

from settlement.io import cell_dates, cell_words, cells
from settlement.io.headers import Header
from settlement.io.layouts import ARROW_TYPES, TEXT_KINDS, Field, Layout
from settlement.io.limits import limits
from settlement.io.sheet_model import SOURCE_ROW

# BNK-06, and what people write under a table. Only a row that lacks something required can be one of these.
_TOTAL_ROW = r"(?i)^((grand |sub-?)?totals? ?:?$|合 ?计|总 ?计|小 ?计|本页|期初|期末|累计|共 ?[0-9]|制表|制单|审核|复核|打印|导出|注:|备注:|说明:)"
_SHOWN_CHARACTERS = 200
_WHY = {
    "money": "不是金额（须为数字，最多两位小数，千分位每三位一组，小于一万亿）",
    "quantity": "不是数量（须为数字，最多六位小数）",
    "quote": "不是牌价或单价（须为数字，最多八位小数）",
    "rate": "不是税率或费率（如 13%、13、0.13，不得为负或超过 100%）",
    "date": "不是日期（如 2023-09-05、20230905、2023年9月5日）",
    "time": "不是时间（如 2023-09-05 16:30）",
    "flag": "不是 是/否",
    "whole": "不是整数",
    "currency": "不是认得的币种（如 CNY、USD、EUR）",
    "month": "不是月份（如 2023-09）",
    "text": "是公式错误值",
    "list": "是公式错误值",
    "account": "是公式错误值、未计算的公式或科学计数法（账号已丢失数字，请改为文本格式）",
    "code": "是公式错误值、未计算的公式或科学计数法（号码已丢失数字，请改为文本格式）",
}


@dataclass(frozen=True)
class CellsRead:
    """Rows of one layout: raw cells and values by field, what is wrong by field (Chinese or NULL), row numbers."""

    raw: Mapping[str, pa.Array]
    values: Mapping[str, pa.Array]
    wrong: Mapping[str, pa.Array]
    source_row: pa.Array


def read_cells(rows: pa.Table, header: Header, *, from_workbook: bool) -> CellsRead:
    """What each row under the header says. Rows that are no rows of the table are left out."""
    layout = header.layout
    columns = {field.name: _column(rows, header.columns.get(field.name)) for field in layout.fields}
    is_row = _is_row(rows, layout, columns, from_workbook)
    if is_row is not None:
        columns = {name: column.filter(is_row) for name, column in columns.items()}
    numbers = rows.column(SOURCE_ROW).combine_chunks()
    numbers = numbers if is_row is None else numbers.filter(is_row)
    values, wrong = {}, {}
    for field in layout.fields:
        read, bad = _bounded(field, *_kernel(field, from_workbook)(columns[field.name]))
        values[field.name] = _with_default(read, field)
        # A dash is no amount: it is as missing as an empty cell.
        missing = pc.and_(pc.is_null(read), pc.invert(bad)) if field.required else None
        problem = _problem(field, columns[field.name], bad, missing)
        if problem is not None:
            wrong[field.name] = problem
    if layout.currency_of is not None:
        for name in layout.money_of:
            _add_currency_problem(layout.field(name), columns[name], values, wrong, layout.currency_of)
    if layout.any_of:
        _add_none_of(layout, values, wrong)
    return CellsRead(columns, values, wrong, numbers)


def _column(rows: pa.Table, index: int | None) -> pa.Array:
    if index is None:
        return pa.repeat(pa.scalar("", pa.string()), rows.num_rows)
    column = rows.column(index).combine_chunks()
    return column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)


def _is_row(rows: pa.Table, layout: Layout, columns: Mapping[str, pa.Array], from_workbook: bool) -> pa.Array | None:
    """Mask of the rows that are rows of the table; None where all are."""
    needed = [_is_blank(columns[field.name]) for field in layout.fields if field.required]
    if layout.any_of:
        needed.append(reduce(pc.and_, [_is_blank(columns[name]) for name in layout.any_of]))
    incomplete = reduce(pc.or_, needed)
    header_again = reduce(
        pc.and_, [_is_header_cell(columns[field.name], field) for field in layout.fields if field.required]
    )
    suspect = pc.or_(incomplete, header_again)
    if not pc.any(suspect).as_py():
        return None
    part = rows.filter(suspect)
    texts = [cells.tidy(part.column(index)) for index in range(part.num_columns - 1)]
    first = pc.coalesce(*texts)
    is_total = pc.fill_null(pc.match_substring_regex(first, _TOTAL_ROW), False)
    for field in layout.fields:
        if field.kind in ("date", "time"):
            dates, _ = cell_dates.date(columns[field.name].filter(suspect), serials=from_workbook)
            is_total = pc.and_(is_total, pc.is_null(dates))
    none = pc.or_(pc.or_(pc.is_null(first), is_total), header_again.filter(suspect))
    none = pc.or_(none, _is_template(layout, columns, suspect))
    return pc.invert(pc.replace_with_mask(pa.repeat(pa.scalar(False), rows.num_rows), suspect, none))


def _is_blank(column: pa.Array) -> pa.Array:
    return pc.equal(pc.utf8_trim_whitespace(column), "")


def _is_header_cell(column: pa.Array, field: Field) -> pa.Array:
    return pc.is_in(pc.utf8_trim_whitespace(column), pa.array([field.header, f"{field.header}*", field.name]))


def _is_template(layout: Layout, columns: Mapping[str, pa.Array], suspect: pa.Array) -> pa.Array:
    """Rows of a decision sheet that nobody filled in: no name under it, no amount and no choice."""
    left_empty = [name for name in ("decided_by", "amount", "action", "kind") if name in columns]
    if "decided_by" not in columns:
        return pa.repeat(pa.scalar(False), pc.sum(suspect).as_py())
    return reduce(pc.and_, [_is_blank(columns[name].filter(suspect)) for name in left_empty])


def _kernel(field: Field, from_workbook: bool) -> Callable[[pa.Array], cells.Read]:
    if field.values:
        return partial(cell_words.one_of, allowed=field.values)
    if field.words:
        return partial(cell_words.list_of, allowed=field.words)
    dated = {
        "date": partial(cell_dates.date, serials=from_workbook),
        "time": partial(_time, serials=from_workbook),
        "money": partial(cells.money, from_workbook=from_workbook),
        "quantity": partial(cells.quantity, from_workbook=from_workbook, is_rounded=field.is_rounded),
        "quote": partial(cells.quote, from_workbook=from_workbook, is_rounded=field.is_rounded),
        "rate": partial(cells.rate, percent_from=Decimal(field.percent_from), from_workbook=from_workbook),
    }
    plain = {
        "text": cells.text,
        "list": cells.text,
        "code": cells.code,
        "account": cells.account,
        "flag": cells.flag,
        "whole": cells.whole,
        "currency": cell_words.currency,
        "month": cell_words.month,
    }
    return (plain | dated)[field.kind]


def _bounded(field: Field, values: pa.Array, bad: pa.Array) -> cells.Read:
    """Amounts no company of this kind has are slips, or meant to overflow a sum: refused like any unreadable amount."""
    if field.kind != "money":
        return values, bad
    largest = pa.scalar(Decimal(limits().largest_amount), cells.MONEY)
    too_large = pc.fill_null(pc.greater_equal(pc.abs(values), largest), False)
    return pc.if_else(too_large, pa.scalar(None, cells.MONEY), values), pc.or_(bad, too_large)


def _time(column: pa.Array, *, serials: bool) -> cells.Read:
    values, bad = cell_dates.timestamp(column, serials=serials)
    return pc.cast(values, ARROW_TYPES["time"]), bad


def _with_default(values: pa.Array, field: Field) -> pa.Array:
    if field.default is None:
        return values
    default, bad = _kernel(field, False)(pa.array([field.default]))
    if bad[0].as_py():
        raise ValueError(f"layouts.yaml: the default of {field.name} is not of its kind: {field.default}")
    return pc.fill_null(values, default[0])


def _problem(field: Field, raw: pa.Array, bad: pa.Array, missing: pa.Array | None) -> pa.Array | None:
    """What is wrong with each cell, in Chinese, NULL where nothing; None where nothing is wrong anywhere."""
    problem = None
    if pc.any(bad).as_py():
        why = _WHY[field.kind]
        if field.values or field.words:
            why = f"不是允许的内容（{'、'.join(field.values or field.words)}）"
        read = pc.binary_join_element_wise(f"「{field.header}」读到「", shown(raw), f"」：{why}", "")
        problem = pc.if_else(bad, read, pa.scalar(None, pa.string()))
    if missing is not None and pc.any(missing).as_py():
        text = pa.scalar(f"「{field.header}」必填，未填")
        problem = pc.if_else(missing, text, pa.scalar(None, pa.string()) if problem is None else problem)
    return problem


def shown(raw: pa.Array) -> pa.Array:
    """Raw cells as messages show them: cut at 200 characters, without line ends, never NULL."""
    cut = pc.utf8_slice_codeunits(pc.fill_null(raw, ""), 0, _SHOWN_CHARACTERS)
    return pc.replace_substring_regex(cut, r"[\x00-\x1F\x7F]+", " ")


def _add_currency_problem(
    field: Field, raw: pa.Array, values: Mapping[str, pa.Array], wrong: dict[str, pa.Array], currency_of: str
) -> None:
    clash = cell_words.disagrees_with_currency(raw, values[field.name], values[currency_of])
    if pc.any(clash).as_py():
        row_currency = pc.fill_null(values[currency_of], "")
        read = pc.binary_join_element_wise(
            f"「{field.header}」读到「", shown(raw), "」：与本行币种 ", row_currency, " 不符", ""
        )
        earlier = wrong.get(field.name, pa.nulls(len(raw), pa.string()))
        wrong[field.name] = pc.coalesce(earlier, pc.if_else(clash, read, pa.scalar(None, pa.string())))


def _add_none_of(layout: Layout, values: Mapping[str, pa.Array], wrong: dict[str, pa.Array]) -> None:
    nothing = reduce(pc.and_, [pc.is_null(values[name]) for name in layout.any_of])
    if pc.any(nothing).as_py():
        first = layout.any_of[0]
        text = "、".join(f"「{layout.field(name).header}」" for name in layout.any_of) + "至少填一项"
        earlier = wrong.get(first, pa.nulls(len(nothing), pa.string()))
        wrong[first] = pc.coalesce(earlier, pc.if_else(nothing, pa.scalar(text), pa.scalar(None, pa.string())))


def originals(read: CellsRead, layout: Layout) -> pa.Array:
    """JSON of the raw cells whose text the reading changed, by field, NULL where none was."""
    pieces = []
    for field in layout.fields:
        values = read.values[field.name]
        if field.kind not in TEXT_KINDS:
            continue
        raw = read.raw[field.name]
        changed = pc.and_(pc.not_equal(pc.fill_null(values, ""), raw), pc.not_equal(pc.utf8_trim_whitespace(raw), ""))
        if pc.any(changed).as_py():
            quoted = pc.binary_join_element_wise(f'"{field.name}":"', _escaped(raw), '"', "")
            pieces.append(pc.if_else(changed, quoted, pa.scalar(None, pa.string())))
    if not pieces:
        return pa.nulls(len(read.source_row), pa.string())
    joined = joined_present(pieces, ",")
    wrapped = pc.binary_join_element_wise("{", joined, "}", "")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), wrapped)


def joined_present(pieces: Sequence[pa.Array], separator: str) -> pa.Array:
    """The pieces that are not NULL, joined; ``""`` where all are. (Arrow's own null_handling="skip" loses such rows.)"""
    led = [pc.fill_null(pc.binary_join_element_wise(separator, piece, ""), "") for piece in pieces]
    return pc.utf8_slice_codeunits(pc.binary_join_element_wise(*led, ""), len(separator))


def _escaped(raw: pa.Array) -> pa.Array:
    text = pc.replace_substring(pc.replace_substring(raw, "\\", "\\\\"), '"', '\\"')
    for character, written in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = pc.replace_substring(text, character, written)
    return pc.replace_substring_regex(text, r"[\x00-\x1F\x7F]", "\\\\u0020")
