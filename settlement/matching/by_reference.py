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
from settlement.matching.inputs import MatchInputs
from settlement.matching.items import live_orders
from settlement.matching.names import name_key
from settlement.matching.parties import Parties
from settlement.matching.relations import NIL, beside, first_by, money_sum, text, union_of
from settlement.matching.verdicts import PIECE, VERDICT, Placed
from settlement.rules.money import MONEY, RATE, decimal_literal, divide_half_up, multiply


def with_parties(targets: ir.Table, credits: ir.Table, parties: Parties, inputs: MatchInputs) -> ir.Table:
    """``targets`` with the credit's columns and ``party``: what the payer is to the order's principal."""
    rows = targets.inner_join(
        credits.select("txn_id", "currency", "booked_on", "amount", "payer_key", "bank_fee", "said"), "txn_id"
    )
    rows = rows.inner_join(parties.payers.select("txn_id", payer="party"), "txn_id")
    rows = beside(rows, parties.scope.select("txn_id", "principal_id", "is_buyer", "is_weak"), ["txn_id", "principal_id"])
    buyers = inputs.orders.select("order_no", order_buyer=name_key(inputs.orders.counterparty))
    rows = beside(rows, buyers, "order_no")
    stranger = rows.is_buyer & ~rows.order_buyer.startswith(rows.payer_key).fill_null(False)
    party = ibis.cases(
        (rows.payer.isin(["conflict", "bureau", "unknown"]), rows.payer),
        (rows.is_buyer.isnull(), "other"),
        (rows.is_weak, "weak"),
        (stranger, "buyer"),
        else_="own",
    )
    return rows.mutate(party=party).drop("payer", "is_buyer", "is_weak", "order_buyer")


def eligible(rows: ir.Table) -> ir.BooleanValue:
    """Whether the item of a row is one the receipt may mean: refunds are the bureau's, words narrow the rest."""
    bureau = rows.party == "bureau"
    named = (rows.said == "") | rows.said.contains(rows.purpose)
    return ibis.ifelse(bureau, rows.purpose == "退税款", (rows.purpose != "退税款") & named)


def meant(rows: ir.Table) -> ir.Table:
    """``rows`` (receipt x item) without the items the words exclude, unless they exclude all of an order's."""
    here = ibis.window(group_by=["txn_id", "order_no"])
    fits = rows.mutate(fits=eligible(rows))
    fits = fits.mutate(any_fits=fits.fits.max().over(here))
    refund = (fits.purpose == "退税款") == (fits.party == "bureau")
    return fits.filter(fits.fits | (~fits.any_fits & refund)).drop("fits", "any_fits")


def exact_claims(single: ir.Table, items: ir.Table, variants: ir.Table) -> ir.Table:
    """Receipts that pay one item to the fen, at most one an item: txn_id, order_no, purpose, amount, what."""
    open_ones = items.filter(items.open > NIL).drop("principal_id")
    met = meant(single.inner_join(open_ones, ["order_no", "currency"]))
    equal = met.filter(met.open == met.amount).mutate(what=ibis.literal("exact"))
    offers = single.inner_join(variants.rename(offer="amount"), ["order_no", "currency"])
    untouched = open_ones.filter(open_ones.paid == NIL)
    offers = offers.filter(offers.offer == offers.amount).inner_join(untouched, list(ITEM_KEY))
    other = offers.mutate(what=ibis.literal("variant"))
    names = ["txn_id", "order_no", "purpose", "currency", "amount", "what", "arisen_on", "place", "booked_on"]
    either = union_of([equal.select(names), other.select(names)])
    either = first_by(either, ["txn_id"], ["what", "arisen_on", "place", "purpose"])
    return first_by(either, ITEM_KEY, ["booked_on", "txn_id"])


def tolerances(inputs: MatchInputs) -> ir.Table:
    """How small a shortfall is small, in each currency: currency, small (FX-09, at the mid rates of ``as_of``)."""
    rates = inputs.fx_mid_rates.filter(inputs.fx_mid_rates.published_on <= inputs.as_of)
    latest = rates.group_by("currency").agg(per_100=rates.rate_per_100.argmax(rates.published_on))
    usd = latest.filter(latest.currency == "USD").select(usd_100="per_100")
    both = latest.cross_join(usd)
    small = divide_half_up(both.usd_100.cast(RATE) * decimal_literal(inputs.limits.short_usd), both.per_100.cast(RATE))
    return inputs.keep("tolerances", both.select("currency", small=small))


def _facts(single: ir.Table, items: ir.Table, inputs: MatchInputs, small: ir.Table) -> ir.Table:
    """``single`` with ``fit``: how the receipt compares with all that its order is owed in its currency."""
    limits = inputs.limits
    sums = items.group_by("order_no", "currency").agg(total=money_sum(items.open), room=money_sum(items.room))
    orders = live_orders(inputs)
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
        (rows.room == NIL, "paid"),
        (rows.total == rows.amount, "exact"),
        (rows.amount > rows.room, "over"),
        (charges, "charges"),
        (rows.amount > rows.total, "estimate"),
        else_="part",
    )
    return rows.mutate(fit=fit).drop("is_live", "order_currency", "small")


def _fill_twice(receipts: ir.Table, items: ir.Table, inputs: MatchInputs) -> ir.Table:
    """First the receipts whose text names one purpose the order is owed, on that; then the others on what is left."""
    one_word = receipts.said.re_search(r"^[^|]+\|$")
    wanted = receipts.filter(one_word).mutate(purpose=sole_purpose(receipts.said))
    wanted = wanted.semi_join(items.filter(items.room > NIL), list(ITEM_KEY))
    first = inputs.keep("filled_by_word", filled(wanted, items, ITEM_KEY))
    rest = receipts.anti_join(wanted, "txn_id")
    return inputs.keep("filled", first.union(filled(rest, left_of(items, first, receipts))))


def post_single(
    inputs: MatchInputs, single: ir.Table, items: ir.Table, variants: ir.Table, small: ir.Table
) -> Placed:
    """Receipts that name one order (``with_parties``; ``reference`` one or alike): their pieces and verdicts."""
    keep = inputs.keep
    claims = exact_claims(single, items, variants)
    first = judged(
        claims.select("txn_id", "order_no", "purpose", "what").inner_join(single, ["txn_id", "order_no"]).mutate(
            fit=lambda t: t.what, unique=ibis.literal("-")
        )
    )
    first = keep("exact_judged", first)
    exact = first.filter(first.posts == "order").select("txn_id", "order_no", "principal_id", "purpose", "amount")
    left = left_of(items, exact, single)
    left = keep("items_after_exact", left)
    facts = _facts(single.anti_join(first, "txn_id"), left, inputs, small).mutate(unique=ibis.literal("-"))
    second = keep("single_judged", judged(facts))
    going = second.filter((second.posts == "order") & (second.fit != "undue"))
    put = _fill_twice(going.mutate(turn=ibis.ifelse(going.party == "own", 0, 1)), left, inputs)
    sums = put.group_by("txn_id").agg(put=money_sum(put.amount))
    short = beside(going, sums, "txn_id")
    short = short.filter(short.put.fill_null(NIL) < short.amount)
    # Others were before it: what it meets now is less than what its order was owed.
    again = short.mutate(fit=ibis.ifelse(short.put.isnull(), "paid", "over"))
    again = again.drop("rule", "posts", "confidence", "code", "zh", "put")
    third = keep("single_rejudged", judged(again))
    verdicts = union_of(
        [table.mutate(note=text(None)).select(VERDICT) for table in (first, second.anti_join(third, "txn_id"), third)]
    )
    posted = verdicts.filter(verdicts.posts == "order")
    undue = posted.filter(posted.fit == "undue").inner_join(single.select("txn_id", "said", "amount"), "txn_id")
    trade = facts.select("txn_id", "is_trade").filter(lambda t: t.is_trade)
    undue = undue.mutate(is_trade=undue.txn_id.isin(trade.txn_id))
    default = ibis.ifelse(undue.is_trade, "货款", "物流费")
    purpose = sole_purpose(undue.said).fill_null(default)
    unbounded = undue.select("txn_id", "order_no", "principal_id", purpose=purpose, amount="amount")
    filled_ones = put.semi_join(posted, "txn_id").inner_join(posted.select("txn_id", "principal_id"), "txn_id")
    pieces = union_of([table.select(PIECE) for table in (exact, filled_ones, unbounded)])
    return Placed(pieces=keep("single_pieces", pieces), verdicts=keep("single_verdicts", verdicts))


def said_purposes(flags: dict[str, ir.BooleanValue]) -> ir.StringValue:
    """The purposes a text names, each followed by a bar; empty where it names none."""
    named = [ibis.ifelse(said, f"{purpose}|", "") for purpose, said in flags.items()]
    return reduce(lambda left, right: left + right, named)


def sole_purpose(said: ir.StringValue) -> ir.StringValue:
    """The purpose named where it is the only one (goods money with our fee counts as goods money), else NULL."""
    return ibis.cases(
        (said.re_search(r"^[^|]+\|$"), said.replace("|", "")), (said == "货款|代理费|", "货款"), else_=ibis.null("string")
    )
