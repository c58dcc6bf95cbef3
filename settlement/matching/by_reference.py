"""Receipts whose text leaves one order: what the order is owed decides the rest.

First come receipts that pay an item, or the order, exactly; what is left fills the items in order of age. The
decision table says for each combination of payer and amount whether it posts.
"""

from __future__ import annotations

from functools import reduce

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import judged
from settlement.matching.filling import ITEM_KEY, filled, left_of
from settlement.matching.prepared import Prepared
from settlement.matching.references import edits, reference_key
from settlement.matching.relations import NIL, beside, money_sum, text, union_of
from settlement.matching.verdicts import PIECE, VERDICT, Placed
from settlement.rules.money import MONEY, RATE, decimal_literal, divide_half_up, multiply

REFUND = "退税款"
# What is asked of a receipt and the order it names; what is judged, and what of it is handed on.
_SINGLE = (
    "txn_id", "order_no", "principal_id", "currency", "amount", "booked_on", "bank_fee", "said", "key", "party", "reference",
)  # fmt: skip
_CLAIM = ("txn_id", "order_no", "principal_id", "currency", "amount", "party", "reference")
_YOUNGEST = 4_000_000  # days since 1970, beyond every date


def exact_claims(single: ir.Table, items: ir.Table, variants: ir.Table) -> ir.Table:
    """Receipts that pay one item to the fen, at most one an item: _CLAIM, purpose and fit (exact, variant).

    Of an order's equal items the oldest; a refund is the bureau's; an item that the words exclude only where it
    is the order's only one. Of two receipts for one item the first by date pays it.
    """
    columns = [*ITEM_KEY, "arisen_on", "place"]
    open_ones = items.filter(items.open > NIL)
    crowded = open_ones.group_by("order_no", "currency").agg(owed=open_ones.count()).filter(lambda t: t.owed > 1)
    whole = open_ones.select(*columns, amount="open", rank=ibis.literal(0))
    untouched = open_ones.filter(open_ones.paid == NIL).select(columns)
    other = untouched.inner_join(variants.select(*ITEM_KEY, "amount"), list(ITEM_KEY)).mutate(rank=ibis.literal(1))
    offers = whole.union(other.select(*columns, "amount", "rank"))
    met = beside(single.inner_join(offers, ["order_no", "currency", "amount"]), crowded, ["order_no", "currency"])
    refund = (met.purpose == REFUND) == (met.party == "bureau")
    named = (met.said == "") | met.said.contains(met.purpose) | met.owed.isnull()
    met = met.filter(refund & named)
    # One receipt rarely meets two items of its order: the smallest of rank, age and place is the one it pays. As one
    # number: 10 places, 9 million days, two ranks; an item without a day is the youngest.
    age = met.arisen_on.epoch_days().cast("int64").fill_null(_YOUNGEST)
    met = met.mutate(order=(met["rank"].cast("int64") * 2 * _YOUNGEST + age) * 10 + met.place.cast("int64"))
    best = met.group_by("txn_id").agg(
        purpose=met.purpose.argmin(met.order),
        rank=met["rank"].argmin(met.order),
        order_no=met.order_no.min(),
        currency=met.currency.min(),
    )
    first = best.group_by(*ITEM_KEY).agg(txn_id=best.txn_id.min(), rank=best["rank"].argmin(best.txn_id))
    chosen = first.select("txn_id", "purpose", fit=ibis.ifelse(first["rank"] == 0, "exact", "variant"))
    return single.select(_CLAIM).inner_join(chosen, "txn_id")


def tolerances(inputs: Prepared) -> ir.Table:
    """How small a shortfall is small, in each currency: currency, small (FX-09, at the mid rates of ``as_of``)."""
    rates = inputs.fx_mid_rates.filter(inputs.fx_mid_rates.published_on <= inputs.as_of)
    latest = rates.group_by("currency").agg(per_100=rates.rate_per_100.argmax(rates.published_on))
    usd = latest.filter(latest.currency == "USD").select(usd_100="per_100")
    both = latest.cross_join(usd)
    small = divide_half_up(both.usd_100.cast(RATE) * decimal_literal(inputs.limits.short_usd), both.per_100.cast(RATE))
    return inputs.keep("tolerances", both.select("currency", small=small))


def _facts(single: ir.Table, items: ir.Table, inputs: Prepared, small: ir.Table) -> ir.Table:
    """``single`` with ``fit``: how the receipt compares with all that its order is owed in its currency."""
    limits = inputs.limits
    sums = items.group_by("order_no", "currency").agg(total=money_sum(items.open), room=money_sum(items.room))
    # The same order and the same amount once more: what it paid is paid, whatever else of the order is open.
    settled = items.filter((items.open == NIL) & (items.paid > NIL))
    settled = settled.select("order_no", "currency", amount="due").distinct().mutate(is_settled=True)
    single = beside(single, settled, ["order_no", "currency", "amount"])
    orders = inputs.orders
    orders = orders.select(
        "order_no", "is_live", order_currency="currency", is_trade=orders.is_export | orders.is_import
    )
    rows = beside(beside(single, sums, ["order_no", "currency"]), orders, "order_no")
    rows = beside(rows, small, "currency")
    short = (rows.total - rows.amount).cast(MONEY)
    shown = (rows.bank_fee == short) & (short <= multiply(rows.amount, limits.charges_share))
    tolerated = (short <= rows.small.fill_null(NIL)) | (short <= multiply(rows.amount, limits.short_share))
    charges = (short > NIL) & (shown.fill_null(False) | (tolerated & (rows.currency != "CNY")))
    foreign = rows.is_trade.fill_null(False) & (rows.currency != rows.order_currency)
    fit = ibis.cases(
        (rows.total.isnull() & ~rows.is_live.fill_null(True), "dropped"),
        (rows.total.isnull() & foreign, "currency"),
        (rows.total.isnull(), "undue"),
        ((rows.room == NIL) | rows.is_settled.fill_null(False), "paid"),
        (rows.total == rows.amount, "exact"),
        (rows.amount > rows.room, "over"),
        (charges, "charges"),
        (rows.amount > rows.total, "estimate"),
        else_="part",
    )
    return rows.mutate(fit=fit).drop("is_live", "order_currency", "small", "total", "room", "is_settled")


def _fill_twice(receipts: ir.Table, items: ir.Table, inputs: Prepared) -> ir.Table:
    """First the receipts whose text names one purpose the order is owed, on that; then the others on what is left.

    The bureau pays refunds and nothing else, and nobody else pays them.
    """
    items = items.mutate(of_bureau=items.purpose == REFUND)
    receipts = receipts.mutate(of_bureau=receipts.party == "bureau")
    one_word = receipts.said.re_search(r"^[^|]+\|$")
    wanted = receipts.filter(one_word).mutate(purpose=sole_purpose(receipts.said))
    key = (*ITEM_KEY, "of_bureau")
    wanted = wanted.semi_join(items.filter(items.room > NIL), list(key))
    first = inputs.keep("filled_by_word", filled(wanted, items, key))
    rest = receipts.anti_join(wanted, "txn_id")
    after = left_of(items, first.inner_join(receipts.select("txn_id", "currency"), "txn_id"))
    return inputs.keep("filled", first.union(filled(rest, after, ("order_no", "currency", "of_bureau"))))


def _second_thoughts(facts: ir.Table, items: ir.Table, inputs: Prepared) -> ir.Table:
    """txn_id of receipts that name one order but meet, to the fen, another order of the same principal whose number
    differs by a character or two: the number may be mistyped, so it proves nothing."""
    loose = facts.filter(facts.fit.isin(["part", "over", "paid", "estimate"]) & (facts.party != "bureau"))
    loose = loose.select("txn_id", "principal_id", "currency", "amount", named="order_no", key="key")
    owed = items.filter(items.open > NIL).select("principal_id", "currency", "order_no", amount="open")
    met = loose.inner_join(owed, ["principal_id", "currency", "amount"])
    near = met.filter((met.order_no != met.named) & (edits(reference_key(met.order_no), met.key) <= 2))
    return near.select("txn_id").distinct()


def _judge_rest(inputs: Prepared, single: ir.Table, left: ir.Table, small: ir.Table) -> ir.Table:
    facts = inputs.keep("single_facts", _facts(single, left, inputs, small))
    doubted = _second_thoughts(facts, left, inputs)
    reference = ibis.ifelse(facts.txn_id.isin(doubted.txn_id), "unclear", facts.reference)
    return inputs.keep(
        "single_judged", judged(facts.mutate(reference=reference, unique=text("-")), inputs.decision_table)
    )


def _undue(posted: ir.Table) -> ir.Table:
    """Nothing is charged yet: the money waits on the order it names, whole."""
    default = ibis.ifelse(posted.is_trade.fill_null(True), "货款", "物流费")
    return posted.filter(posted.fit == "undue").mutate(purpose=sole_purpose(posted.said).fill_null(default))


def _unnoticed(judged_ones: ir.Table, items: ir.Table) -> ir.Table:
    """The bureau's money for an order without a notice: the cash is the refund, whatever was announced (C-38)."""
    noticed = items.filter(items.purpose == REFUND).select("order_no")
    paid = judged_ones.filter((judged_ones.posts == "order") & (judged_ones.party == "bureau"))
    return paid.anti_join(noticed, "order_no").mutate(purpose=text(REFUND))


def post_single(inputs: Prepared, single: ir.Table, items: ir.Table, variants: ir.Table, small: ir.Table) -> Placed:
    """Receipts that name one order (``with_parties``; ``reference`` one, alike or unclear): their pieces and verdicts."""
    keep, single = inputs.keep, single.select(_SINGLE)
    claims = exact_claims(single, items, variants).mutate(unique=text("-"))
    first = keep("exact_judged", judged(claims, inputs.decision_table))
    exact = first.filter(first.posts == "order")
    left = keep("items_after_exact", left_of(items, exact))
    second = _judge_rest(inputs, single.anti_join(first, "txn_id"), left, small)
    unnoticed = keep("single_unnoticed", _unnoticed(second, left))
    going = second.anti_join(unnoticed, "txn_id").filter(lambda t: (t.posts == "order") & (t.fit != "undue"))
    put = _fill_twice(going.mutate(turn=ibis.ifelse(going.party == "own", 0, 1)), left, inputs)
    sums = put.group_by("txn_id").agg(put=money_sum(put.amount))
    short = beside(going, sums, "txn_id")
    short = short.filter(short.put.fill_null(NIL) < short.amount)
    # Others were before it: what it meets now is less than what its order was owed. Where one of them was of the same
    # amount and little is left, it is the same payment twice, and none of it is put on that little.
    first_of = going.group_by("order_no", "currency", "amount").agg(first=going.txn_id.min())
    short = short.inner_join(first_of, ["order_no", "currency", "amount"])
    little = short.put.fill_null(NIL) < multiply(short.amount, inputs.limits.instalment_share)
    twice = short.put.isnull() | ((short.first < short.txn_id) & little)
    again = short.mutate(fit=ibis.ifelse(twice, "paid", "over")).drop("rule", "posts", "confidence", "put", "first")
    third = keep("single_rejudged", judged(again, inputs.decision_table))
    rest = second.anti_join(third, "txn_id")
    verdicts = union_of([table.mutate(note=text(None)).select(VERDICT) for table in (first, rest, third)])
    posted = union_of(
        [table.filter(table.posts == "order").select("txn_id", "principal_id", "currency") for table in (rest, third)]
    )
    filled_ones = put.inner_join(posted, "txn_id")  # what the third judgement refuses falls out here
    undue = _undue(rest.anti_join(unnoticed, "txn_id").filter(lambda t: t.posts == "order"))
    pieces = union_of([table.select(PIECE) for table in (exact, filled_ones, undue, unnoticed)])
    return Placed(pieces=keep("single_pieces", pieces), verdicts=keep("single_verdicts", verdicts))


def said_purposes(flags: dict[str, ir.BooleanValue]) -> ir.StringValue:
    """The purposes a text names, each followed by a bar; empty where it names none."""
    named = [ibis.ifelse(said, f"{purpose}|", "") for purpose, said in flags.items()]
    return reduce(lambda left, right: left + right, named)


def sole_purpose(said: ir.StringValue) -> ir.StringValue:
    """The purpose named where it is the only one (goods money with our fee counts as goods money), else NULL."""
    return ibis.cases(
        (said.re_search(r"^[^|]+\|$"), said.replace("|", "")),
        (said == "货款|代理费|", "货款"),
        else_=ibis.null("string"),
    )
