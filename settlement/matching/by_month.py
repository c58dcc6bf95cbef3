"""Receipts that name a month: all freight of that month that is still open, to the fen (9月物流费)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.months import MENTIONS, months_named
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, first_by, money_sum, text
from settlement.matching.verdicts import PIECE, Placed, verdicts_on

FREIGHT = "物流费"
_MONTH = ibis.schema({"txn_id": "int64", "fee_month": "string"})


def months_said(inputs: Prepared, credits: ir.Table) -> ir.Table:
    """txn_id, fee_month: the months named by texts that name no order (each its own row)."""
    mentioned = credits.filter(credits.text.re_search(MENTIONS)).select("txn_id", "text", "booked_on")
    rows = [
        {"txn_id": row["txn_id"], "fee_month": month}
        for row in inputs.run(mentioned.order_by("txn_id"))
        for month in months_named(row["text"], row["booked_on"])
    ]
    return inputs.keep("months_said", inputs.load(rows, _MONTH))


def post_months(inputs: Prepared, credits: ir.Table, months: ir.Table, items: ir.Table) -> Placed:
    """Receipts of one known principal whose months' open freight sums to them; the others are no part of the answer."""
    freight = (credits.said == "") | credits.said.contains(FREIGHT)
    known = (credits.party == "own") & credits.principal_id.notnull()
    asked = credits.filter((credits.currency == "CNY") & freight & known)
    named = months.inner_join(asked.select("txn_id", "amount", "booked_on", "party", "principal_id"), "txn_id")
    owed = items.filter((items.purpose == FREIGHT) & (items.open > NIL)).drop("currency")
    met = inputs.keep("month_items", named.inner_join(owed, ["principal_id", "fee_month"]))
    sums = met.group_by("txn_id", "party", "principal_id", "amount", "booked_on").agg(
        total=money_sum(met.open), months=met.fee_month.min()
    )
    whole = sums.filter(sums.total == sums.amount)
    # A second receipt of the same sum has nothing left to pay.
    sole = first_by(whole, ["principal_id", "months"], ["booked_on", "txn_id"])
    facts = sole.mutate(reference=text("month"), fit=text("sum"), unique=text("sole"), note="月份 " + sole.months)
    verdicts = inputs.keep("month_verdicts", verdicts_on(facts, inputs.decision_table))
    posted = verdicts.filter(verdicts.posts == "order").select("txn_id")
    pieces = (
        met.semi_join(posted, "txn_id")
        .mutate(amount=met.open, purpose=text(FREIGHT), currency=text("CNY"))
        .select(PIECE)
    )
    return Placed(pieces=inputs.keep("month_pieces", pieces), verdicts=verdicts)
