"""Quotes (报价): which one is in force for a charge.

Precedence (contract, section 3): a quote of the order beats one of the lane beats a general one; then the
later valid_from; on the invoice's date. Two different quotes that are still equal: none is used (QUOTE_AMBIGUOUS).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules.money import MONEY
from settlement.rules.registry import rule

OF_ORDER, OF_LANE, GENERAL = 2, 1, 0

# What a lookup is for. Absent ports and box types are empty text, so that they join.
LANE_KEY = ("party", "charge_code", "container_type", "is_loose", "pol", "pod", "quoted_on")
FIGURES = ("level", "ties", "unit", "unit_basis", "currency", "options")
ORDER_KEY = ("party", "charge_code", "container_type", "is_loose", "order_no", "quoted_on")


def as_asked(value: ir.StringValue) -> ir.StringValue:
    """A port or box type as quotes are compared: upper case, absent = empty."""
    return ibis.coalesce(value.upper(), "")


def _normal(quotes: ir.Table, party: str) -> ir.Table:
    """Quotes in one form; equal rows of a master are one quote, not a tie."""
    return quotes.select(
        q_party=quotes[party],
        q_code=quotes.charge_code,
        q_currency=quotes.currency,
        q_unit=quotes.amount.cast(MONEY),
        q_basis=quotes.unit_basis,
        q_type=as_asked(quotes.container_type),
        q_pol=as_asked(quotes.pol),
        q_pod=as_asked(quotes.pod),
        q_order=quotes.order_no,
        q_from=quotes.valid_from,
        q_to=quotes.valid_to,
    ).distinct()


def _best(candidates: ir.Table, key: tuple[str, ...]) -> ir.Table:
    """One row a key: the quote of the highest level and latest valid_from, and how many different ones tie."""
    group = ibis.window(group_by=list(key))
    rank = candidates.level * 1_000_000 + candidates.q_from.epoch_seconds() // 86_400
    ranked = candidates.mutate(_rank=rank)
    ranked = ranked.mutate(_top=ranked._rank.max().over(group)).filter(lambda t: t._rank == t._top)
    said = ranked.q_currency + "|" + ranked.q_basis + "|" + ranked.q_unit.cast("string")
    best = (
        ranked.mutate(_said=said)
        .group_by(*key)
        .agg(
            level=ranked.level.max(),
            ties=said.nunique(),
            unit=ranked.q_unit.min(),
            unit_basis=ranked.q_basis.min(),
            currency=ranked.q_currency.min(),
            options=said.group_concat(sep=" / ", order_by=said.asc()),
        )
    )
    sole = best.ties == 1
    return best.mutate(
        unit=sole.ifelse(best.unit, ibis.null(MONEY)),
        unit_basis=sole.ifelse(best.unit_basis, ibis.null("string")),
        currency=sole.ifelse(best.currency, ibis.null("string")),
    )


def _in_force(asked: ir.Table, quotes: ir.Table) -> list[ir.BooleanValue]:
    return [
        asked.party == quotes.q_party,
        asked.charge_code == quotes.q_code,
        quotes.q_from <= asked.quoted_on,
        quotes.q_to.isnull() | (asked.quoted_on <= quotes.q_to),
        (quotes.q_type == "") | (quotes.q_type == asked.container_type),
        ~asked.is_loose | (quotes.q_basis != "柜"),
    ]


@rule("LOG-AP-01", "LOG-AR-02", inputs=("vendor_quotes", "client_quotes"), codes=("QUOTE_AMBIGUOUS",))
def quotes_in_force(asked: ir.Table, quotes: ir.Table, *, party: str) -> ir.Table:
    """``asked`` with the quote in force for each row (NULLs where there is none).

    ``asked``: party (vendor or principal_id), charge_code, order_no, container_type, pol, pod (empty text where
    absent, see ``as_asked``), quoted_on. ``quotes``: a master as in the contract; ``party`` its column.
    A quote that names a box type holds for that type only, and no price a box holds for loose cargo (``is_loose``:
    billed by RT, no box in the order). Adds level (2 order, 1 lane, 0 general),
    ties (> 1: ambiguous, then unit, unit_basis and currency are NULL), unit, unit_basis, currency,
    options (the tied ones, for people).
    Formula: highest level, then latest valid_from. Units: the quote's currency per 票, 柜 or RT.
    Rounding: none. Errors: none. Source: the contract, section 3.
    """
    said = _normal(quotes, party)
    of_orders = said.filter(said.q_order.notnull())
    other = said.filter(said.q_order.isnull())
    lanes = asked.select(*LANE_KEY).distinct()
    on_lane = lanes.join(
        other,
        [
            *_in_force(lanes, other),
            (other.q_pol == "") | (other.q_pol == lanes.pol),
            (other.q_pod == "") | (other.q_pod == lanes.pod),
        ],
    )
    has_lane = (on_lane.q_pol != "") | (on_lane.q_pod != "")
    on_lane = _best(on_lane.mutate(level=has_lane.ifelse(OF_LANE, GENERAL).cast("int64")), LANE_KEY)
    # Few orders have quotes of their own.
    wanted = asked.semi_join(of_orders, asked.order_no == of_orders.q_order).select(*ORDER_KEY).distinct()
    on_order = wanted.join(of_orders, [wanted.order_no == of_orders.q_order, *_in_force(wanted, of_orders)])
    on_order = _best(on_order.mutate(level=ibis.literal(OF_ORDER, "int64")), ORDER_KEY)
    joined = asked.left_join(on_lane, list(LANE_KEY), rname="lane_{name}")
    joined = joined.left_join(on_order, list(ORDER_KEY), rname="order_{name}")
    of_order = joined.order_level.notnull()
    chosen = {name: of_order.ifelse(joined[f"order_{name}"], joined[name]) for name in FIGURES}
    return joined.select(*asked.columns, **chosen)
