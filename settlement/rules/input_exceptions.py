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
from settlement.rules.money import MONEY, decimal_literal, divide_half_up, wide
from settlement.rules.rows import table_of

ROW_DUPLICATE = "ROW_DUPLICATE"
_ROWS_NAMED = 10


def found_in_files(problems: ir.Table) -> ir.Table:
    """``FOUND`` of files that are exceptions as a whole: source_file, sheet, code, reason. Nobody knows their amounts."""
    return found(
        problems,
        code=lambda t: t.code,
        subject=lambda t: subject_of(t.source_file, t.sheet),
        message=lambda t: sentence("文件 ", t.source_file, "：", t.reason, "。"),
        amount_at_risk_cny=None,
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
    # Of the bank's lines BNK_DUPLICATE says it, with the two files that share them.
    repeated = rejections.filter((rejections.code == ROW_DUPLICATE) & (rejections.input_table != "bank"))
    repeated = repeated.anti_join(copies, "source_file")
    apart = _told_apart(
        single, ["source_file", "input_table", "source_row", "code"], ["field", "found", "reason", "amount"]
    )
    priced = _in_cny(apart, mid_rates, until)
    rows = found(
        priced,
        code=lambda t: t.code,
        subject=lambda t: subject_of(t.source_file, t.input_table, t.source_row) + t._apart,
        message=lambda t: sentence(
            "文件 ",
            t.source_file,
            " 第 ",
            t.source_row,
            " 行：",
            _with_found(t),
            "。该行未采用",
            _amount(t),
            "；请在原文件更正后重跑。",
        ),
        amount_at_risk_cny=lambda t: t._cny,
    )
    return rows.union(_found_duplicates(repeated))


def _with_found(rows: ir.Table) -> ir.StringValue:
    """The reason, with what was read where the reason does not say it already."""
    is_said = (rows.found.fill_null("") == "") | rows.reason.contains(rows.found)
    return ibis.cases((is_said, rows.reason), else_=sentence("读到「", rows.found, "」：", rows.reason))


def _told_apart(rows: ir.Table, place: list[str], order: list[str]) -> ir.Table:
    """``rows`` with ``_apart``: nothing for the first of a place, ``|2`` for the second: sheets of a file count rows alike."""
    numbered = rows.mutate(_nth=ibis.row_number().over(ibis.window(group_by=place, order_by=order)))
    return numbered.mutate(_apart=(numbered._nth > 0).ifelse("|" + (numbered._nth + 1).cast("string"), ""))


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
    converted = divide_half_up(wide(amount) * wide(joined._per_100, rate=True), 100)
    return joined.mutate(_cny=ibis.cases((joined.currency == "CNY", amount), else_=converted).cast(MONEY))


def _found_duplicates(repeated: ir.Table) -> ir.Table:
    place = ibis.window(group_by=["source_file", "input_table"], order_by="source_row")
    ranked = repeated.mutate(_rank=ibis.row_number().over(place))
    files = ranked.group_by("source_file", "input_table").agg(
        source_row=ranked.source_row.min(),
        reason=ranked.reason.argmin(ranked.source_row),
        _rows=lambda t: t.count(),
        _named=ranked.source_row.cast("string").group_concat(
            "、", where=ranked._rank < _ROWS_NAMED, order_by=ranked.source_row
        ),
    )
    return found(
        files,
        code=ROW_DUPLICATE,
        subject=lambda t: subject_of(t.source_file, t.input_table),
        message=lambda t: sentence(
            "文件 ",
            t.source_file,
            " 有 ",
            t._rows,
            " 行重复（第 ",
            t._named,
            (t._rows > _ROWS_NAMED).ifelse(" 行等", " 行"),
            "），不再计入。首行：",
            t.reason,
            "。",
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


def found_in_statements(findings: ir.Table) -> ir.Table:
    """``FOUND`` of what reading and combining statements said.

    ``findings``: source_file, code, message, source_row, field, found, amount_at_risk, currency. A finding without a
    row is known by its text: one file may have several gaps. Amounts in another currency than CNY are not priced; an
    account that Excel has spoiled is no amount at risk.
    """
    findings = _told_apart(findings, ["source_file", "code", "source_row", "field"], ["message"])
    place = ibis.cases(
        (findings.source_row.isnull(), findings.message), else_=findings.source_row.cast("string") + findings._apart
    )
    return found(
        findings,
        code=lambda t: t.code,
        subject=subject_of(findings.source_file, place, findings.field),
        message=lambda t: ibis.cases(
            (t.source_file.isnull() | t.message.contains(t.source_file), t.message),
            else_=sentence("文件 ", t.source_file, "：", t.message),
        ),
        amount_at_risk_cny=lambda t: ibis.cases(
            (t.code == "BNK_ACCOUNT_SCI_NOTATION", decimal_literal(0)), (t.currency == "CNY", t.amount_at_risk)
        ),
    )


def unknown_accounts(lines: ir.Table, own_accounts: ir.Table, mid_rates: ir.Table, until: date) -> ir.Table:
    """``FOUND`` (BNK_ACCOUNT_UNKNOWN): accounts of statements that `own_accounts` does not know, one each.

    Their lines are read and stay; their money posts to nobody.
    """
    known = own_accounts.select(_known="account_no").distinct()
    strange = lines.anti_join(known, lines.account_no == known._known).select(
        "account_no", "currency", "amount", "source_file"
    )
    priced = _in_cny(strange, mid_rates, until)
    accounts = priced.group_by("account_no", "currency").agg(
        source_file=priced.source_file.min(),
        _rows=lambda t: t.count(),
        _in=(priced.amount > 0).ifelse(priced.amount, 0).sum().cast(MONEY),
        _out=(priced.amount < 0).ifelse(-priced.amount, 0).sum().cast(MONEY),
        amount_at_risk_cny=priced._cny.sum().cast(MONEY),
    )
    return found(
        accounts,
        code="BNK_ACCOUNT_UNKNOWN",
        subject=lambda t: subject_of(t.account_no, t.currency),
        message=lambda t: sentence(
            "对账单账号 ",
            t.account_no,
            " 不在 own_accounts：",
            t.currency,
            " 共 ",
            t._rows,
            " 笔，收 ",
            t._in,
            "，付 ",
            t._out,
            "，均不入账。",
        ),
        field="account_no",
        found=lambda t: t.account_no,
    )


def booked_in_other_months(lines: ir.Table, first: date, last: date) -> ir.Table:
    """``FOUND`` (BNK_OTHER_MONTH): files with lines booked outside ``first`` to ``last``; the lines are taken."""
    outside = lines.filter((lines.booked_on < ibis.literal(first)) | (lines.booked_on > ibis.literal(last)))
    files = outside.group_by("source_file").agg(
        _rows=lambda t: t.count(),
        _from=outside.booked_on.min(),
        _to=outside.booked_on.max(),
        source_row=outside.source_row.min(),
    )
    return found(
        files,
        code="BNK_OTHER_MONTH",
        subject=lambda t: subject_of(t.source_file),
        message=lambda t: sentence(
            "文件 ",
            t.source_file,
            " 有 ",
            t._rows,
            " 笔流水记账日期在 ",
            t._from,
            " 至 ",
            t._to,
            f"，不在 {first:%Y-%m}；已按本月收到入账。",
        ),
        field="booked_on",
    )
