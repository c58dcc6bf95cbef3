"""Receipts without a reference, of a known payer: the only open item of that amount, or none.

One order must fit and one receipt must want it; anything else waits with the items that might be meant. A number in the
text that we do not know speaks against the fit, unless it is the fitting order's own with one character wrong.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.filling import ITEM_KEY
from settlement.matching.parties import Parties
from settlement.matching.prepared import Prepared
from settlement.matching.quoting import not_told_otherwise
from settlement.matching.references import edits, reference_key
from settlement.matching.relations import NIL, beside, first_by, text, union_of
from settlement.matching.verdicts import PIECE, Placed, verdicts_on
from settlement.rules.money import MONEY, multiply

OFFER = ("principal_id", *ITEM_KEY, "buyer_key", "arisen_on", "fee_month", "place", "offer", "open")


def offers_of(items: ir.Table, variants: ir.Table, balances: ir.Table) -> ir.Table:
    """Every amount that would pay an open item whole (OFFER). ``balances``: what import orders lack (余款)."""
    open_ones = items.filter((items.open > NIL) & (items.purpose != "退税款"))
    whole = open_ones.mutate(offer=open_ones.open)
    untouched = open_ones.filter(open_ones.paid == NIL)
    other = untouched.inner_join(variants.select(*ITEM_KEY, offer="amount").distinct(), list(ITEM_KEY))
    other = other.filter(other.offer != other.open)
    rest = balances.mutate(
        offer=balances.amount,
        open=balances.amount,
        buyer_key=text(None),
        fee_month=text(None),
        place=ibis.literal(0).cast(open_ones.place.type()),
    )
    return union_of([table.select(OFFER) for table in (whole, other, rest)])


def asking(credits: ir.Table, parties: Parties) -> ir.Table:
    """Credits of payers known for a principal, one row for each such principal: txn_id, principal_id, is_buyer, ..."""
    columns = ("txn_id", "currency", "amount", "booked_on", "said", "payer_key", "bank_fee")
    own = credits.filter(credits.party == "own").select(columns)
    scope = parties.scope.filter(~parties.scope.is_weak)
    return own.inner_join(scope.select("txn_id", "principal_id", "is_buyer"), "txn_id")


def may_mean(met: ir.Table, months: ir.Table) -> ir.Table:
    """Of receipt x item those that neither words, nor months, nor another foreign buyer exclude."""
    rest = (met.purpose == "余款") & (met.said == "")
    named = (
        rest | (met.said == "") | met.said.contains(met.purpose) | ((met.purpose == "余款") & met.said.contains("货款"))
    )
    stranger = met.is_buyer & met.buyer_key.notnull() & ~met.buyer_key.startswith(met.payer_key)
    rows = met.filter(named & ~stranger.fill_null(False))
    said = months.select("txn_id", said_month="fee_month")
    dated = rows.semi_join(said, "txn_id").filter(lambda t: t.fee_month.notnull())
    wrong = dated.anti_join(said, [("txn_id", "txn_id"), ("fee_month", "said_month")])
    return rows.anti_join(wrong, ["txn_id", "order_no", "purpose"])


def fitting_items(inputs: Prepared, asked: ir.Table, offers: ir.Table, months: ir.Table) -> ir.Table:
    """Receipt x item wherever the amount, or the amount and the charges shown, is one the item may be paid with.

    Of many equal items of one principal and buyer only a few are met: more than one is too many anyhow.
    Columns of OFFER and txn_id, amount, booked_on, fit (exact, or charges where only the charges shown make it so).
    """
    group = ["principal_id", "currency", "offer", "purpose", "buyer_key", "fee_month"]
    wanted = asked.select("principal_id", "currency", offer="amount")
    charged = asked.filter(
        (asked.bank_fee > NIL) & (asked.bank_fee <= multiply(asked.amount, inputs.limits.charges_share))
    )
    charged = charged.mutate(gross=(charged.amount + charged.bank_fee).cast(MONEY))
    wanted = wanted.union(charged.select("principal_id", "currency", offer="gross")).distinct()
    near = offers.semi_join(wanted, ["principal_id", "currency", "offer"])
    few = ibis.window(group_by=group, order_by=[near.arisen_on, near.order_no])
    ranked = near.mutate(nth=ibis.row_number().over(few))
    shown = ranked.filter(ranked.nth <= inputs.limits.candidates_shown).drop("nth")
    exact = asked.inner_join(shown, ["principal_id", "currency", ("amount", "offer")]).mutate(fit=text("exact"))
    gross = charged.inner_join(shown, ["principal_id", "currency", ("gross", "offer")]).drop("gross")
    gross = gross.anti_join(exact, "txn_id").mutate(fit=text("charges"))
    met = may_mean(exact, months).union(may_mean(gross, months))
    return inputs.keep("amount_fits", met.select("txn_id", "amount", "booked_on", *OFFER, "fit").distinct())


def _choices(met: ir.Table, lead_days: int) -> ir.Table:
    """Per receipt the item meant, and how many orders fit, how many receipts want them: met + orders, receipts, is_late."""
    wanted = met.group_by(*ITEM_KEY).agg(receipts=met.txn_id.nunique())
    counted = met.inner_join(wanted, list(ITEM_KEY))
    sums = counted.group_by("txn_id").agg(orders=counted.order_no.nunique(), receipts=counted.receipts.max())
    late = met.arisen_on > met.booked_on + ibis.interval(days=lead_days)
    best = first_by(met.mutate(is_late=late.fill_null(False)), ["txn_id"], ["is_late", "order_no", "place", "purpose"])
    return best.inner_join(sums, "txn_id")


def _numbers(inputs: Prepared, met: ir.Table, credits: ir.Table, dead: ir.Table, tokens: ir.Table) -> ir.Table:
    """What the digits of a text say of the orders that fit: txn_id, typo (an order whose number differs from an unknown
    one by a character), tail (the only order whose number ends in digits that stand alone in the text)."""
    named = met.select("txn_id", "order_no", "amount").distinct()
    near = named.inner_join(dead.select("txn_id", dead_key="key"), "txn_id")
    near = near.filter(edits(reference_key(near.order_no), near.dead_key) <= 1)
    typos = near.group_by("txn_id").agg(typo=near.order_no.min(), typos=near.order_no.nunique())
    digits = tokens.filter(
        tokens.key.re_search("^[0-9]+$") & (tokens.key.length() >= inputs.limits.reference_shortest_tail)
    )
    digits = digits.semi_join(met, "txn_id")
    digits = not_told_otherwise(digits, credits.select("txn_id", plain="text"))
    ending = named.inner_join(digits.select("txn_id", digits="key"), "txn_id")
    whole = ending.amount.cast("string").re_replace(r"\.[0-9]*$", "")
    ending = ending.filter(reference_key(ending.order_no).endswith(ending.digits) & (ending.digits != whole))
    tails = ending.group_by("txn_id").agg(tail=ending.order_no.min(), tails=ending.order_no.nunique())
    rows = met.select("txn_id").distinct()
    rows = beside(beside(rows, typos.filter(typos.typos == 1), "txn_id"), tails.filter(tails.tails == 1), "txn_id")
    return rows.select("txn_id", "typo", "tail")


def post_by_amount(inputs: Prepared, met: ir.Table, credits: ir.Table, dead: ir.Table, tokens: ir.Table) -> Placed:
    """Receipts that ``fitting_items`` met: verdicts of all of them, pieces of those with the only order that fits."""
    choices = _choices(met, inputs.limits.lead_days)
    rows = inputs.keep("amount_choices", beside(choices, _numbers(inputs, met, credits, dead, tokens), "txn_id"))
    rows = beside(rows, dead.select("txn_id").distinct().mutate(is_dead=True), "txn_id")
    by_tail = (rows.orders > 1) & rows.tail.notnull() & (rows.receipts == 1)
    reference = ibis.cases(
        (rows.typo.notnull() & (rows.typo == rows.order_no), "typo"),
        (rows.is_dead.notnull(), "dead"),
        (by_tail, "tail"),
        else_="none",
    )
    sole = ((rows.orders == 1) & (rows.receipts == 1) & ~rows.is_late) | by_tail
    rows = rows.mutate(reference=reference, is_sole=sole, item_principal=rows.principal_id).drop("principal_id")
    rows = rows.inner_join(credits.select("txn_id", "principal_id"), "txn_id")
    facts = rows.select(
        "txn_id",
        "reference",
        "fit",
        party=text("own"),
        unique=ibis.ifelse(rows.is_sole, "sole", "several"),
        order_no=ibis.cases((rows.reference == "tail", rows.tail), (rows.is_sole, rows.order_no), else_=text(None)),
        principal_id=rows.principal_id.fill_null(ibis.cases((rows.is_sole, rows.item_principal), else_=text(None))),
    )
    verdicts = inputs.keep("amount_verdicts", verdicts_on(facts, inputs.decision_table))
    posted = verdicts.filter(verdicts.posts == "order").select("txn_id", "order_no")
    chosen = met.inner_join(posted, ["txn_id", "order_no"])
    pieces = first_by(chosen, ["txn_id"], ["place", "purpose"]).select(PIECE)
    return Placed(pieces=inputs.keep("amount_pieces", pieces), verdicts=verdicts)
