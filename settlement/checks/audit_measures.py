"""What the audit measures on the published tables: small tables of whole numbers and text, made in the database.

Four tables: control totals (two figures that must be equal), references (rows that name what is not
there), value ranges (rows outside of what is plausible), drift (a month's figures beside earlier months').
Money is in fen, so that nothing becomes a double on its way to the page. What does not belong here: what is
expected of the figures (``audit.py``), how the pages look (``data_docs.py``).

``tables(name)`` gives all published rows up to the month of ``name``, or of ``input.orders``,
``reference.principals``, ``reference.fx_mid_rates``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.checks.breaches import TOTAL, Tables
from settlement.month import first_day, last_day

FEN = 100
# table, column, table that must know it, column there ("": the same name)
REFERENCES: tuple[tuple[str, str, str], ...] = (
    ("receipt_allocations", "txn_id", "bank_transactions"),
    ("unmatched_receipts", "txn_id", "bank_transactions"),
    ("payment_allocations", "txn_id", "bank_transactions"),
    ("unmatched_payments", "txn_id", "bank_transactions"),
    ("principal_ledger", "txn_id", "bank_transactions"),
    ("principal_ledger", "principal_id", "principal_balances"),
    ("principal_account_balances", "principal_id", "principal_balances"),
    ("freight_receivables", "line_key", "freight_charges"),
    ("receipt_allocations", "principal_id", "reference.principals"),
    ("order_balances", "principal_id", "reference.principals"),
    ("export_invoices", "order_no", "input.orders"),
    ("import_invoices", "order_no", "input.orders"),
    ("tax_refunds", "order_no", "input.orders"),
    ("bl_releases", "order_no", "input.orders"),
)
# What was owed before the books began has no line in them: its order is one of the opening's.
OPENINGS = {"freight_receivables": "reference.opening_items"}


@dataclass(frozen=True)
class AuditLimits:
    """Series ``audit_drift`` and ``audit_ranges`` of ``parameters/audit.yaml`` on a day."""

    months_least: int  # earlier months there must be before drift is judged
    months_most: int  # the latest of them that count
    low_times: Decimal  # of the lowest earlier month
    high_times: Decimal  # of the highest
    days_outside_month: int  # a bank line may be booked so many days outside the month of its folder
    rate_from_mid: Decimal  # fraction by which a settlement rate may leave the mid rates of its month
    bank_line_most: Decimal  # amount of one bank line, in its currency
    vat_rate_most: Decimal


class ValueOn(Protocol):
    """What a set of dated parameters can say (``settlement.rules.parameters.Parameters``)."""

    def value_on(self, name: str, day: date, field: str | None = None) -> object: ...


def audit_limits(parameters: ValueOn, day: date) -> AuditLimits:
    """The limits in force on ``day``. Raises what ``value_on`` raises where a series is missing."""
    drift = ("months_least", "months_most", "low_times", "high_times")
    ranges = ("days_outside_month", "rate_from_mid", "bank_line_most", "vat_rate_most")
    return AuditLimits(
        **{name: parameters.value_on("audit_drift", day, name) for name in drift},
        **{name: parameters.value_on("audit_ranges", day, name) for name in ranges},
    )


def _fen(amount: ir.DecimalColumn) -> ir.IntegerScalar:
    return (amount.sum().fill_null(0).cast(TOTAL) * FEN).cast(dt.int64)


def _whole(value: ir.NumericValue) -> ir.IntegerValue:
    return value.fill_null(0).cast(dt.int64)


# --- control totals -----------------------------------------------------------------------------------------


def control_totals(tables: Tables, month: str) -> ir.Table:
    """measure, subject, left, right: figures that must be equal, counts or fen."""
    return ibis.union(
        _input_totals(tables, month),
        _bank_totals(tables, month),
        _rejections(tables, month),
        _money_totals(tables, month, "credits = allocated + open", 1, "receipt_allocations", "unmatched_receipts"),
        _money_totals(tables, month, "debits = allocated + open", -1, "payment_allocations", "unmatched_payments"),
        _balance_totals(tables, month),
    )


def _pair(rows: ir.Table, measure: str, subject: ir.StringColumn | str, left: ir.Value, right: ir.Value) -> ir.Table:
    return rows.select(
        measure=ibis.literal(measure),
        subject=ibis.literal(subject) if isinstance(subject, str) else subject,
        left=_whole(left),
        right=_whole(right),
    )


def _input_totals(tables: Tables, month: str) -> ir.Table:
    totals = tables("control_totals")
    totals = totals.filter(totals.month == month)
    summed = totals.group_by("input_table", "currency").aggregate(
        rows_read=totals.rows_read.sum(),
        rows_kept=(totals.rows_accepted + totals.rows_rejected).sum(),
        amount_read=_fen(totals.amount_read),
        amount_accepted=_fen(totals.amount_accepted),
        amount_rejected=_fen(totals.amount_rejected),
    )
    subject = summed.input_table + " " + summed.currency
    return _pair(summed, "rows read = accepted + rejected", subject, summed.rows_read, summed.rows_kept).union(
        _pair(
            summed,
            "amount read = accepted + rejected",
            subject,
            summed.amount_read,
            summed.amount_accepted + summed.amount_rejected,
        )
    )


def _bank_totals(tables: Tables, month: str) -> ir.Table:
    totals, lines = tables("control_totals"), tables("bank_transactions")
    totals = totals.filter((totals.month == month) & (totals.input_table == "bank"))
    lines = lines.filter(lines.month == month)
    nil = ibis.literal(0, dt.int64)
    accepted = totals.group_by("currency").aggregate(rows=totals.rows_accepted.sum(), fen=_fen(totals.amount_accepted))
    published = lines.group_by("currency").aggregate(rows=lines.count(), fen=_fen(lines.amount))
    both = accepted.select("currency", rows="rows", fen="fen", lines=nil, lines_fen=nil).union(
        published.select("currency", rows=nil, fen=nil, lines="rows", lines_fen="fen")
    )
    summed = both.group_by("currency").aggregate(
        rows=both.rows.sum(), fen=both.fen.sum(), lines=both.lines.sum(), lines_fen=both.lines_fen.sum()
    )
    return _pair(summed, "bank rows accepted = published", summed.currency, summed.rows, summed.lines).union(
        _pair(summed, "bank amount accepted = published", summed.currency, summed.fen, summed.lines_fen)
    )


def _rejections(tables: Tables, month: str) -> ir.Table:
    totals, listed = tables("control_totals"), tables("rejected_rows")
    totals, listed = totals.filter(totals.month == month), listed.filter(listed.month == month)
    # A row may be rejected for several fields; a file that cannot be read is listed without a row of its own.
    of_rows = listed.filter(listed.source_row > 0).select("source_file", "input_table", "source_row").distinct()
    nil = ibis.literal(0, dt.int64)
    counted = totals.select("input_table", counted=totals.rows_rejected, listed=nil)
    both = counted.union(of_rows.select("input_table", counted=nil, listed=ibis.literal(1, dt.int64)))
    summed = both.group_by("input_table").aggregate(counted=both.counted.sum(), listed=both.listed.sum())
    return _pair(summed, "rows rejected = rows listed", summed.input_table, summed.counted, summed.listed)


def _money_totals(tables: Tables, month: str, measure: str, sign: int, allocations: str, unmatched: str) -> ir.Table:
    lines, placed, left = tables("bank_transactions"), tables(allocations), tables(unmatched)
    lines, left = lines.filter(lines.amount * sign > 0), left.filter(left.month == month)
    nil = ibis.literal(0).cast(TOTAL)
    parts = ibis.union(
        lines.select("currency", whole=(lines.amount * sign).cast(TOTAL), part=nil),
        placed.select("currency", whole=nil, part=placed.amount.cast(TOTAL)),
        left.select("currency", whole=nil, part=left.amount.cast(TOTAL)),
    )
    summed = parts.group_by("currency").aggregate(whole=_fen(parts.whole), part=_fen(parts.part))
    return _pair(summed, measure, summed.currency, summed.whole, summed.part)


def _balance_totals(tables: Tables, month: str) -> ir.Table:
    ledger, balances, accounts = (
        tables(name) for name in ("principal_ledger", "principal_balances", "principal_account_balances")
    )
    now, before = balances.filter(balances.month == month), balances.filter(balances.month < month)
    last = before.filter(before.month == before.month.max())
    started = ledger.filter((ledger.kind == "期初") & (ledger.month == month) & (ledger.month == ledger.month.min()))
    of_accounts = accounts.filter(accounts.month == month)
    sums = [
        ("posted", ledger.aggregate(fen=_fen(ledger.amount_cny))),
        ("closing", now.aggregate(fen=_fen(now.closing))),
        ("accounts", of_accounts.aggregate(fen=_fen(of_accounts.closing))),
        ("opening", now.aggregate(fen=_fen(now.opening))),
        ("closing_before", last.aggregate(fen=_fen(last.closing))),
        ("opened", started.aggregate(fen=_fen(started.amount_cny))),
    ]
    figures = ibis.union(*[rows.mutate(figure=ibis.literal(name)) for name, rows in sums])
    wide = figures.aggregate(**{name: figures.fen.sum(where=figures.figure == name) for name, _ in sums})
    every = "all principals"
    return ibis.union(
        _pair(wide, "Σ ledger = closing", every, wide.posted, wide.closing),
        _pair(wide, "Σ accounts = principals", every, wide.accounts, wide.closing),
        _pair(wide, "closing before = opening", every, wide.closing_before + wide.opened, wide.opening),
    )


# --- references ---------------------------------------------------------------------------------------------


def references(tables: Tables, month: str, known: Sequence[tuple[str, str, str]] = REFERENCES) -> ir.Table:
    """table_name, column_name, refers_to, rows, dangling: rows of the month that name what is not there."""
    found = []
    for table, column, target in known:
        rows = tables(table)
        rows = rows.filter((rows.month == month) & rows[column].notnull())
        keys = tables(target).select(column).distinct()
        unknown = rows.anti_join(keys, column)
        if table in OPENINGS:
            unknown = unknown.anti_join(tables(OPENINGS[table]).select("order_no").distinct(), "order_no")
        dangling = unknown.aggregate(dangling=lambda t: t.count())
        found.append(
            rows.aggregate(rows=rows.count())
            .cross_join(dangling)
            .select(
                table_name=ibis.literal(table),
                column_name=ibis.literal(column),
                refers_to=ibis.literal(target),
                rows=lambda t: t.rows,
                dangling=lambda t: t.dangling,
            )
        )
    return ibis.union(*found)


# --- value ranges -------------------------------------------------------------------------------------------


def value_ranges(tables: Tables, month: str, limits: AuditLimits) -> ir.Table:
    """table_name, column_name, allowed, rows, outside: the month's values that are not plausible."""
    lines, pieces = _of(tables, "bank_transactions", month), _of(tables, "receipt_allocations", month)
    freight, invoices = _of(tables, "freight_charges", month), _of(tables, "export_invoices", month)
    score, totals = _of(tables, "scoreboard", month), _of(tables, "control_totals", month)
    around = timedelta(days=limits.days_outside_month)
    earliest, latest = first_day(month) - around, last_day(month) + around
    most = ibis.literal(limits.bank_line_most, dt.Decimal(18, 2))
    highest = ibis.literal(limits.vat_rate_most, dt.Decimal(18, 8))
    nil, one = ibis.literal(0), ibis.literal(1)
    return ibis.union(
        _range(lines, "bank_transactions", "booked_on", f"{earliest} … {latest}", ~lines.booked_on.between(earliest, latest)),
        _range(lines, "bank_transactions", "amount", f"up to {limits.bank_line_most:,}", lines.amount.abs() > most),
        _range(lines, "bank_transactions", "currency", "three letters", ~lines.currency.re_search("^[A-Z]{3}$")),
        _range(lines, "bank_transactions", "amount of JPY", "whole yen", (lines.currency == "JPY") & (lines.amount.round(0) != lines.amount)),
        _off_mid(tables, pieces, month, limits),
        _range(pieces, "receipt_allocations", "amount_cny", "CNY of a CNY receipt = its amount",
               (pieces.currency == "CNY") & (pieces.amount_cny != pieces.amount)),
        _range(invoices, "export_invoices", "levy_rate", f"0 … {limits.vat_rate_most:.0%}", ~invoices.levy_rate.between(nil, highest)),
        _range(invoices, "export_invoices", "refund_rate", "0 … levy_rate", ~invoices.refund_rate.between(nil, invoices.levy_rate)),
        _range(invoices, "export_invoices", "refund_amount", "up to tax_amount + 0.01",
               invoices.refund_amount > invoices.tax_amount + ibis.literal(Decimal("0.01"), dt.Decimal(18, 2))),
        _range(freight, "freight_charges", "payable", "up to cost", (freight.cost > 0) & (freight.payable > freight.cost)),
        _range(score, "scoreboard", "share", "0 … 1", ~score.share.between(nil, one)),
        _range(totals, "control_totals", "rows_accepted", "up to rows_read", totals.rows_accepted > totals.rows_read),
    )  # fmt: skip


def _of(tables: Tables, name: str, month: str) -> ir.Table:
    rows = tables(name)
    return rows.filter(rows.month == month)


def _range(rows: ir.Table, table: str, column: str, allowed: str, is_outside: ir.BooleanColumn) -> ir.Table:
    return rows.aggregate(rows=rows.count(), outside=is_outside.fill_null(False).sum()).select(
        table_name=ibis.literal(table),
        column_name=ibis.literal(column),
        allowed=ibis.literal(allowed),
        rows=lambda t: t.rows,
        outside=lambda t: _whole(t.outside),
    )


def _off_mid(tables: Tables, pieces: ir.Table, month: str, limits: AuditLimits) -> ir.Table:
    """Settlement rates held against the mid rates published in the month before and in the receipt's month."""
    rates = tables("reference.fx_mid_rates")
    since = first_day(month) - timedelta(days=limits.days_outside_month)
    recent = rates.filter(rates.published_on.between(since, last_day(month)))
    bounds = recent.group_by("currency").aggregate(lowest=recent.rate_per_100.min(), highest=recent.rate_per_100.max())
    priced = pieces.filter(pieces.settlement_rate.notnull() & (pieces.currency != "CNY"))
    joined = priced.join(bounds, "currency")
    # Per 100 units and in ten-thousandths, so that decimals meet whole numbers only.
    share = int(limits.rate_from_mid * 10_000)
    applied = joined.settlement_rate * 1_000_000
    is_off = (applied < joined.lowest * (10_000 - share)) | (applied > joined.highest * (10_000 + share))
    allowed = f"mid rates of the month ± {limits.rate_from_mid:.0%}"
    return _range(joined, "receipt_allocations", "settlement_rate", allowed, is_off)


# --- drift --------------------------------------------------------------------------------------------------


def drift(tables: Tables, month: str, limits: AuditLimits) -> ir.Table:
    """measure, figure, months, lowest, highest, floor, ceiling: a month's figures beside those of earlier months.

    Counts or fen. ``floor`` and ``ceiling`` are NULL while fewer than ``months_least`` earlier months are known.
    """
    figures = ibis.union(*_monthly_figures(tables))
    now, before = figures.filter(figures.month == month), figures.filter(figures.month < month)
    newest = ibis.window(group_by="measure", order_by=before.month.desc())
    recent = before.mutate(_rank=ibis.row_number().over(newest)).filter(lambda t: t._rank < limits.months_most)
    known = recent.group_by("measure").aggregate(
        months=recent.count(), lowest=recent.figure.min(), highest=recent.figure.max()
    )
    # The measure is listed even if this month has nothing of it: that is what a lost file looks like.
    names = figures.select("measure").distinct()
    joined = names.left_join(now, "measure").drop("measure_right").left_join(known, "measure").drop("measure_right")
    enough = _whole(joined.months) >= limits.months_least
    # In hundredths, so that the bounds stay whole numbers.
    low, high = int(limits.low_times * 100), int(limits.high_times * 100)
    nothing = ibis.null(dt.int64)
    return joined.select(
        "measure",
        figure=_whole(joined.figure),
        months=_whole(joined.months),
        lowest=joined.lowest.cast(dt.int64),
        highest=joined.highest.cast(dt.int64),
        floor=enough.ifelse((joined.lowest * low // 100).cast(dt.int64), nothing),
        ceiling=enough.ifelse(((joined.highest * high + 99) // 100).cast(dt.int64), nothing),
    )


def _monthly_figures(tables: Tables) -> list[ir.Table]:
    """month, measure, figure: what a month has of everything, never negative."""
    found = []
    for table in ("bank_transactions", "receipt_allocations", "payment_allocations", "unmatched_receipts",
                  "unmatched_payments", "freight_charges", "export_invoices", "import_invoices", "exceptions",
                  "rejected_rows", "principal_ledger"):  # fmt: skip
        rows = tables(table)
        found.append(_by_month(rows, f"rows of {table}", rows.count()))
    credits = tables("receipt_allocations")
    credits = credits.filter(credits.principal_id.notnull())
    freight, invoices = tables("freight_charges"), tables("export_invoices")
    found.append(_by_month(credits, "receipts of principals, CNY fen", ibis.greatest(_fen(credits.amount_cny), 0)))
    found.append(_by_month(freight, "freight receivable, CNY fen", ibis.greatest(_fen(freight.receivable_cny), 0)))
    found.append(_by_month(invoices, "export invoices, CNY fen", ibis.greatest(_fen(invoices.invoice_amount), 0)))
    return found


def _by_month(rows: ir.Table, measure: str, figure: ir.IntegerScalar) -> ir.Table:
    counted = rows.group_by("month").aggregate(figure=figure.cast(dt.int64))
    return counted.select("month", measure=ibis.literal(measure), figure="figure")
