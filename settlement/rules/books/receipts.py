"""Receipts (收款): what each credit is worth in CNY, and what each of its pieces is.

The bank's own CNY amount or rate is the settlement (FX-05); the mid rate is an estimate until a
conversion (结汇) fixes it (C-45). What does not belong here: to whom the money goes (matching).
"""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money

ADVISED, CONVERTED, ESTIMATED, LOCAL = "水单", "结汇", "暂估", "本币"


def mid_rates_on(days: ir.Table, mid_rates: ir.Table) -> ir.Table:
    """The mid rate (中间价) of each currency and day: the latest published on or before it (FX-06).

    ``days``: currency, rate_day. ``mid_rates``: published_on, currency, rate_per_100.
    Returns currency, rate_day, mid_rate (CNY per 1, DECIMAL(18,8)), published_on. Days before the
    first publication are absent.
    """
    wanted = days.select("currency", "rate_day").distinct()
    rates = mid_rates.select(
        rate_currency=mid_rates.currency,
        published_on=mid_rates.published_on,
        mid_rate=money.divide_half_up(mid_rates.rate_per_100, Decimal(100), 8),
    )
    joined = wanted.join(rates, [wanted.currency == rates.rate_currency, rates.published_on <= wanted.rate_day])
    newest = ibis.window(group_by=["currency", "rate_day"], order_by=joined.published_on.desc())
    ranked = joined.mutate(_rank=ibis.row_number().over(newest))
    return ranked.filter(ranked._rank == 0).select("currency", "rate_day", "mid_rate", "published_on")


def receipt_values(credits: ir.Table, converted: ir.Table, mid_rates: ir.Table) -> ir.Table:
    """What each credit is worth: txn_id, value_cny, settlement_rate (CNY per 1), rate_source, is_provisional.

    ``credits``: txn_id, currency, booked_on, amount, fx_rate (CNY per 1), cny_amount. ``converted``:
    receipt_txn_id, amount_fx, amount_cny (the matcher's 结汇). In this order
    (contract, Foreign currency): the bank's CNY amount; round(fx x rate); a conversion; the mid rate
    of booked_on as an estimate. value_cny is NULL where nothing is known (FX_RATE_MISSING).
    """
    days = credits.filter(credits.currency != "CNY").select("currency", rate_day=credits.booked_on)
    mids = mid_rates_on(days, mid_rates)
    fixed = converted.group_by("receipt_txn_id").agg(
        _fixed_cny=converted.amount_cny.sum().cast(money.MONEY), _fixed_fx=converted.amount_fx.sum().cast(money.MONEY)
    )
    joined = credits.left_join(fixed, credits.txn_id == fixed.receipt_txn_id)
    joined = joined.left_join(
        mids, [joined.currency == mids.currency, joined.booked_on == mids.rate_day], rname="mid_{name}"
    )
    own_rate = ibis.coalesce(joined.fx_rate, money.divide_half_up(joined.cny_amount, joined.amount, 8))
    is_local = joined.currency == "CNY"
    advised = joined.cny_amount.notnull() | joined.fx_rate.notnull()
    # A receipt sold in parts is fixed once all of it is sold.
    is_converted = joined.receipt_txn_id.notnull() & (joined._fixed_fx == joined.amount)
    one = money.decimal_literal(1, 8)
    return joined.select(
        "txn_id",
        value_cny=ibis.cases(
            (is_local, joined.amount.cast(money.MONEY)),
            (joined.cny_amount.notnull(), joined.cny_amount.cast(money.MONEY)),
            (joined.fx_rate.notnull(), money.multiply(joined.amount, joined.fx_rate)),
            (is_converted, joined._fixed_cny.cast(money.MONEY)),
            else_=money.multiply(joined.amount, joined.mid_rate),
        ).cast(money.MONEY),
        settlement_rate=ibis.cases(
            (is_local, one),
            (advised, own_rate.cast(money.RATE)),
            (is_converted, money.divide_half_up(joined._fixed_cny, joined._fixed_fx, 8)),
            else_=joined.mid_rate.cast(money.RATE),
        ).cast(money.RATE),
        rate_source=ibis.cases((is_local, LOCAL), (advised, ADVISED), (is_converted, CONVERTED), else_=ESTIMATED),
        is_provisional=~(is_local | advised | is_converted),
    )


PIECE_KEY = ["txn_id", "principal_id", "order_no", "purpose"]


def standing_pieces(flows: ir.Table, values: ir.Table, credits: ir.Table) -> ir.Table:
    """What stands of each receipt now: the pieces (all flows up to now summed), each with its share of the CNY.

    ``flows``: txn_id, principal_id, order_no, purpose, amount (currency) of all months. ``values`` as
    ``receipt_values``. ``credits``: txn_id, amount, booked_on, currency. What is not allocated takes part
    in the sharing and is left out of the result. Largest remainder, ties to the lower order number (C-06).
    Returns PIECE_KEY, amount, amount_cny, currency, booked_on, settlement_rate, rate_source, is_provisional.
    """
    pieces = flows.group_by(PIECE_KEY).agg(amount=flows.amount.sum().cast(money.MONEY))
    pieces = pieces.filter(pieces.amount != 0)
    placed = pieces.group_by("txn_id").agg(_placed=pieces.amount.sum().cast(money.MONEY))
    rest = credits.select("txn_id", _whole=credits.amount).join(placed, "txn_id")
    rest = rest.mutate(amount=(rest._whole - rest._placed).cast(money.MONEY)).filter(lambda t: t.amount > 0)
    remainder = rest.select(
        "txn_id",
        principal_id=ibis.null("string"),
        order_no=ibis.null("string"),
        purpose=ibis.literal("未认领"),
        amount=rest.amount,
    )
    together = pieces.union(remainder)
    known = together.join(values, "txn_id")
    known = known.join(credits.select("txn_id", "currency", "booked_on"), "txn_id")
    # A NULL order (on account, or open) comes last among equal remainders.
    known = known.mutate(_rank_order=ibis.coalesce(known.order_no, "\U0010ffff"), _rank_purpose=known.purpose)
    shared = money.apportion_column(
        known,
        by=["txn_id"],
        total="value_cny",
        weight="amount",
        order=["_rank_order", "_rank_purpose"],
        name="amount_cny",
    )
    return shared.filter(shared.purpose != "未认领").drop("_rank_order", "_rank_purpose", "value_cny")


def valued_flows(new_flows: ir.Table, values: ir.Table, standing: ir.Table, published: ir.Table) -> ir.Table:
    """This month's allocation rows with their CNY: what the piece is worth now less what earlier months gave it.

    ``new_flows``: the matcher's rows of this month (PIECE_KEY, amount, rule, confidence, evidence, candidates).
    ``values`` as ``receipt_values``, ``standing`` as ``standing_pieces`` over all flows, ``published``: earlier
    months' ``receipt_allocations``. A piece taken back entirely is taken back at just the CNY it was given.
    Returns one row a piece: new_flows' columns and amount_cny, settlement_rate, rate_source.
    """
    one_a_piece = new_flows.group_by(PIECE_KEY).agg(
        amount=new_flows.amount.sum().cast(money.MONEY),
        rule=new_flows.rule.min(),
        confidence=new_flows.confidence.max(),  # "probable" sorts after "certain": the weaker wins
        evidence=new_flows.evidence.group_concat(sep="；", order_by=new_flows.rule),
        candidates=new_flows.candidates.min(),
    )
    rows = one_a_piece.filter(one_a_piece.amount != 0)
    given = published.group_by(PIECE_KEY).agg(_given=published.amount_cny.sum().cast(money.MONEY))
    now = standing.select(*PIECE_KEY, _now=standing.amount_cny)
    joined = rows.left_join(now, [rows[k].identical_to(now[k]) for k in PIECE_KEY], rname="now_{name}")
    joined = joined.left_join(given, [joined[k].identical_to(given[k]) for k in PIECE_KEY], rname="given_{name}")
    joined = joined.left_join(values.select("txn_id", "settlement_rate", "rate_source"), "txn_id", rname="value_{name}")
    nil = money.decimal_literal(0)
    unknown = joined._now.isnull() & joined._given.isnull()
    worth = (ibis.coalesce(joined._now, nil) - ibis.coalesce(joined._given, nil)).cast(money.MONEY)
    return joined.select(
        *rows.columns,
        "settlement_rate",
        "rate_source",
        amount_cny=ibis.cases((unknown, ibis.null(money.MONEY)), else_=worth),
    )
