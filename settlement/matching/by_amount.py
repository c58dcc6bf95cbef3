"""Receipts without a reference, of a known payer: the only open item of that amount, or none.

One item must fit and one receipt must want it; anything else is left on account with the items that might be meant.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.by_reference import PIECE, VERDICT, Placed
from settlement.matching.decision_table import judged
from settlement.matching.filling import ITEM_KEY
from settlement.matching.inputs import MatchInputs
from settlement.matching.parties import Parties
from settlement.matching.relations import NIL, beside


def fitting_items(credits: ir.Table, parties: Parties, items: ir.Table, variants: ir.Table) -> ir.Table:
    """Receipt x item wherever the amount is what is open, or a variant of it, with the payer's principal.

    Columns txn_id, principal_id, order_no, purpose, currency, amount.
    """
    open_ones = items.filter(items.open > NIL).select(*ITEM_KEY, "principal_id", "buyer_key", "open")
    offered = variants.select(*ITEM_KEY, offer="amount").distinct()
    offered = open_ones.inner_join(offered, list(ITEM_KEY))
    offered = offered.filter(offered.offer != offered.open)
    names = [*ITEM_KEY, "principal_id", "buyer_key", "offer"]
    offers = open_ones.mutate(offer=open_ones.open).select(names).union(offered.select(names))
    payers = parties.payers.filter(parties.payers.party.isin(["own", "bureau"])).select("txn_id", "party")
    asked = credits.inner_join(payers, "txn_id").select("txn_id", "party", "currency", "amount", "said", "payer_key")
    mine = asked.inner_join(parties.scope.select("txn_id", "principal_id", "is_buyer", "is_weak"), "txn_id")
    mine = mine.filter(~mine.is_weak)
    met = mine.inner_join(offers, [mine.principal_id == offers.principal_id, mine.currency == offers.currency, mine.amount == offers.offer])
    wrong_buyer = met.is_buyer & met.buyer_key.notnull() & ~met.buyer_key.startswith(met.payer_key)
    named = (met.said == "") | met.said.contains(met.purpose)
    met = met.filter((met.purpose != "退税款") & named & ~wrong_buyer.fill_null(False))
    columns = ["txn_id", "party", "principal_id", *ITEM_KEY, "amount"]
    bureau = asked.filter(asked.party == "bureau")
    refunds = bureau.inner_join(offers.filter(offers.purpose == "退税款"), [bureau.currency == offers.currency, bureau.amount == offers.offer])
    return met.select(columns).union(refunds.select(columns)).distinct()


def post_by_amount(inputs: MatchInputs, credits: ir.Table, parties: Parties, met: ir.Table) -> Placed:
    """``credits`` without a reference: verdicts of all of them, pieces of those with the only item that fits.

    ``met``: what ``fitting_items`` found for them.
    """
    wanted = met.group_by(*ITEM_KEY).agg(receipts=met.txn_id.nunique())
    counted = met.inner_join(wanted, list(ITEM_KEY))
    facts = counted.group_by("txn_id").agg(
        items=counted.count(), receipts=counted.receipts.max(), item_order=counted.order_no.min(), item_principal=counted.principal_id.min()
    )
    rows = credits.select("txn_id", "amount").inner_join(parties.payers, "txn_id")
    rows = beside(rows, facts, "txn_id")
    sole = (rows["items"] == 1) & (rows.receipts == 1)
    rows = rows.mutate(
        fit=ibis.ifelse(rows["items"].notnull(), "exact", "none"),
        unique=ibis.ifelse(sole.fill_null(False), "sole", "several"),
        reference=ibis.literal("none"),
        raw=ibis.null("string"),
        order_no=ibis.cases((sole, rows.item_order), else_=ibis.null("string")),
        principal_id=rows.principal_id.fill_null(ibis.cases((sole, rows.item_principal), else_=ibis.null("string"))),
    )
    judged_rows = judged(rows.drop("item_order", "item_principal"))
    # On account needs one principal; a payer of several leaves it open.
    homeless = (judged_rows.posts == "account") & judged_rows.principal_id.isnull()
    judged_rows = judged_rows.mutate(posts=ibis.ifelse(homeless, "open", judged_rows.posts))
    verdicts = inputs.keep("amount_verdicts", judged_rows.select(VERDICT))
    posted = verdicts.filter(verdicts.posts == "order").select("txn_id")
    pieces = met.semi_join(posted, "txn_id").select(PIECE)
    return Placed(pieces=inputs.keep("amount_pieces", pieces), verdicts=verdicts)
