"""Receipts whose text names several orders, or one number that stands for several."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.by_reference import PIECE, VERDICT, Placed, meant
from settlement.matching.decision_table import judged
from settlement.matching.filling import ITEM_KEY
from settlement.matching.inputs import MatchInputs
from settlement.matching.relations import NIL, beside, money_sum, union_of


def _one_party(rows: ir.Table) -> ir.Table:
    """One row a receipt: its worst party (one order of another principal spoils all), principal where it is one."""
    return rows.group_by("txn_id").agg(
        party=ibis.cases(
            ((rows.party == "conflict").max(), "conflict"),
            ((rows.party == "other").max(), "other"),
            ((rows.party == "unknown").max(), "unknown"),
            ((rows.party == "weak").max(), "weak"),
            ((rows.party == "buyer").max(), "buyer"),
            ((rows.party == "bureau").max(), "bureau"),
            else_="own",
        ),
        principal_id=ibis.ifelse(rows.principal_id.nunique() == 1, rows.principal_id.min(), ibis.null("string")),
        order_no=rows.order_no.min(),
        raw=rows.raw.min(),
        amount=rows.amount.max(),
        reference=ibis.ifelse(rows.shared.max(), "choice", "several"),
    )


def post_several(inputs: MatchInputs, several: ir.Table, items: ir.Table) -> Placed:
    """Receipts with more than one target (``with_parties``): the sum of all that is open, or the one that fits."""
    receipts = inputs.keep("several_receipts", _one_party(several))
    open_ones = items.filter(items.open > NIL).drop("principal_id")
    met = inputs.keep("several_items", meant(several.inner_join(open_ones, ["order_no", "currency"])))
    sums = met.group_by("txn_id").agg(
        total=money_sum(met.open), equal=(met.open == met.amount).sum(), sole=met.order_no.min(where=met.open == met.amount)
    )
    facts = beside(receipts, sums, "txn_id")
    one = (facts.reference == "choice") & (facts.equal == 1)
    fit = ibis.cases((one, "exact"), (facts.total == facts.amount, "sum"), else_="none")
    facts = facts.mutate(fit=fit, unique=ibis.ifelse(fit == "none", "several", "sole"))
    verdicts = inputs.keep("several_judged", judged(facts))
    posted = verdicts.filter(verdicts.posts == "order").select("txn_id", "fit", "sole")
    rows = met.inner_join(posted, "txn_id")
    rows = rows.filter((rows.fit == "sum") | (rows.open == rows.amount))
    # Two receipts that name the same item both wait: neither is more right than the other.
    wanted = rows.group_by(*ITEM_KEY).agg(receipts=rows.txn_id.nunique())
    fought = rows.inner_join(wanted.filter(wanted.receipts > 1), list(ITEM_KEY)).select("txn_id").distinct()
    pieces = rows.anti_join(fought, "txn_id").mutate(amount=rows.open)
    again = verdicts.semi_join(fought, "txn_id").drop("rule", "posts", "confidence", "code", "zh")
    again = judged(again.mutate(fit=ibis.literal("none"), unique=ibis.literal("several")))
    verdicts = union_of([verdicts.anti_join(fought, "txn_id").select(VERDICT), again.select(VERDICT)])
    return Placed(
        pieces=inputs.keep("several_pieces", pieces.select(PIECE)), verdicts=inputs.keep("several_verdicts", verdicts)
    )
