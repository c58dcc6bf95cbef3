"""Control totals (输入核对): what was read of each file, table and currency, and what became of it.

Always true: rows_read = rows_accepted + rows_rejected, and so the amounts. An unreadable amount counts
0.00, an unreadable file is a row of zeros, a duplicate is a rejected row (the contract, section 4).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules.money import MONEY

# One counted row of a file.
TOTALS = ibis.schema({"source_file": "string", "input_table": "string", "currency": "string", "amount": MONEY})
_OWN_CURRENCY = "CNY"


def control_totals(accepted: ir.Table, rejected: ir.Table, seen: ir.Table, month: str) -> ir.Table:
    """``mart.control_totals`` of a month.

    ``accepted`` and ``rejected``: a row each, with source_file, input_table, currency, amount (row's currency).
    ``seen``: source_file, input_table of every file that was looked at; those without a row become zeros.
    """
    nil = ibis.literal("0.00").cast(MONEY)
    taken = accepted.select(*TOTALS).mutate(_taken=1)
    refused = rejected.select(*TOTALS).mutate(_taken=0)
    rows = taken.union(refused)
    counted = rows.group_by("source_file", "input_table", "currency").agg(
        rows_read=lambda t: t.count(),
        rows_accepted=rows._taken.sum().cast("int64"),
        rows_rejected=(1 - rows._taken).sum().cast("int64"),
        amount_accepted=(rows._taken == 1).ifelse(rows.amount, nil).sum().cast(MONEY),
        amount_rejected=(rows._taken == 0).ifelse(rows.amount, nil).sum().cast(MONEY),
    )
    counted = counted.mutate(amount_read=(counted.amount_accepted + counted.amount_rejected).cast(MONEY))
    silent = seen.distinct().anti_join(counted, ["source_file", "input_table"])
    zeros = silent.mutate(
        currency=ibis.literal(_OWN_CURRENCY),
        **{name: ibis.literal(0).cast("int64") for name in ("rows_read", "rows_accepted", "rows_rejected")},
        **dict.fromkeys(("amount_read", "amount_accepted", "amount_rejected"), nil),
    )
    columns = (
        "source_file", "input_table", "currency", "rows_read", "rows_accepted", "rows_rejected",
        "amount_read", "amount_accepted", "amount_rejected",
    )  # fmt: skip
    whole = counted.select(*columns).union(zeros.select(*columns)).mutate(month=ibis.literal(month))
    return whole.select("month", *columns).order_by("source_file", "input_table", "currency")
