"""Exceptions of the input (输入异常): files, rows and folders that a person must see, as ``FOUND``.

What belongs here: turning refused rows and files into messages. What does not: refusing them (`input_rows.py`,
`settlement/io`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.rules.exceptions import FOUND, found, no_findings, sentence, subject_of
from settlement.rules.money import MONEY, divide_half_up
from settlement.rules.rows import table_of

ROW_DUPLICATE = "ROW_DUPLICATE"
_ROWS_NAMED = 10


def found_in_files(problems: ir.Table) -> ir.Table:
    """``FOUND`` of files that are exceptions as a whole: source_file, sheet, code, reason."""
    return found(
        problems,
        code=lambda t: t.code,
        subject=lambda t: subject_of(t.source_file, t.sheet),
        message=lambda t: sentence("文件 ", t.source_file, "：", t.reason, "。"),
        rule_id="contract-1",
    )


def found_in_rows(rejections: ir.Table, problems: ir.Table, mid_rates: ir.Table, until: date) -> ir.Table:
    """``FOUND`` of rejected rows, one each; duplicates one a file and table, with the first rows named.

    ``rejections``: source_file, input_table, source_row, field, found, reason, code, currency, amount, order_no,
    principal_id. Rows of a file that is a copy as a whole are said once, by ``problems``. The amount at risk is in
    CNY at the last mid rate published by ``until``; without a rate it is NULL.
    """
    copies = problems.filter(problems.code == ROW_DUPLICATE).select("source_file").distinct()
    single = rejections.filter(rejections.code != ROW_DUPLICATE)
    repeated = rejections.filter(rejections.code == ROW_DUPLICATE).anti_join(copies, "source_file")
    priced = _in_cny(single, mid_rates, until)
    rows = found(
        priced,
        code=lambda t: t.code,
        subject=lambda t: subject_of(t.source_file, t.input_table, t.source_row),
        message=lambda t: sentence("文件 ", t.source_file, " 第 ", t.source_row, " 行：", t.reason, "。该行未采用", _amount(t), "。"),
        amount_at_risk_cny=lambda t: t._cny,
    )
    return rows.union(_found_duplicates(repeated))


def _amount(rows: ir.Table) -> ir.StringValue:
    said = sentence("，金额 ", rows.currency, " ", rows.amount, " 未计入")
    return ibis.cases((rows.amount.fill_null(0) == 0, ibis.literal("")), else_=said)


def _in_cny(rows: ir.Table, mid_rates: ir.Table, until: date) -> ir.Table:
    """``rows`` with ``_cny``: the absolute amount in CNY, NULL without a rate."""
    published = mid_rates.filter(mid_rates.published_on <= ibis.literal(until))
    last = published.group_by("currency").agg(_per_100=published.rate_per_100.argmax(published.published_on))
    last = last.rename(_of="currency")
    joined = rows.left_join(last, rows.currency == last._of).drop("_of")
    amount = joined.amount.abs().cast(MONEY)
    converted = divide_half_up((amount * joined._per_100).cast("decimal(38, 10)"), 100)
    return joined.mutate(_cny=ibis.cases((joined.currency == "CNY", amount), else_=converted).cast(MONEY))


def _found_duplicates(repeated: ir.Table) -> ir.Table:
    place = ibis.window(group_by=["source_file", "input_table"], order_by="source_row")
    ranked = repeated.mutate(_rank=ibis.row_number().over(place))
    files = ranked.group_by("source_file", "input_table").agg(
        source_row=ranked.source_row.min(),
        reason=ranked.reason.argmin(ranked.source_row),
        _rows=lambda t: t.count(),
        _named=ranked.source_row.cast("string").group_concat("、", where=ranked._rank < _ROWS_NAMED, order_by=ranked.source_row),
    )
    return found(
        files,
        code=ROW_DUPLICATE,
        subject=lambda t: subject_of(t.source_file, t.input_table),
        message=lambda t: sentence(
            "文件 ", t.source_file, " 有 ", t._rows, " 行重复（第 ", t._named,
            (t._rows > _ROWS_NAMED).ifelse(" 行等", " 行"), "），不再计入。首行：", t.reason, "。",
        ),
        rule_id="contract-2",
    )


def missing_inputs(folders: Sequence[str], masters: Sequence[str], month: str) -> ir.Table:
    """``FOUND`` (INPUT_MISSING): mandatory folders of the month without a file, mandatory masters without a row."""
    if not folders and not masters:
        return no_findings()
    rows = [
        {"code": "INPUT_MISSING", "subject": f"{month}|{folder}", "field": folder,
         "message": f"raw/{month}/{folder}/ 没有文件。本月按现有资料结算，状态为未完整，不能关账。"}
        for folder in folders
    ] + [
        {"code": "INPUT_MISSING", "subject": f"reference|{name}", "field": name,
         "message": f"主数据 raw/reference/{name} 没有可用的行。"}
        for name in masters
    ]  # fmt: skip
    return table_of([row | {"rule_id": "contract-1"} for row in rows], FOUND)
