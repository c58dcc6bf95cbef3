"""What lies before the books: openings by principal, and old shipments whose freight is still owed.

The old shipments stand in the first month's export; their freight is an opening item, and some of it is paid
in that month by a transfer that names the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from settlement.sample import bank_lines as b
from settlement.sample import market, texts
from settlement.sample.bank_lines import part, serials
from settlement.sample.files import Sheet
from settlement.sample.firms import Firms
from settlement.sample.headers import sheet_of
from settlement.sample.quotes import stacked
from settlement.sample.texts import NONE, day, money, repeat, take
from settlement.sample.world import World


@dataclass(frozen=True)
class Openings:
    """One row a principal; fen."""

    ahead: np.ndarray  # 预收 at the start
    owed: np.ndarray  # freight of its old shipment, 0 = none
    paid_on: np.ndarray  # NONE = not in these months


def openings_of(world: World) -> Openings:
    """About every fifth principal has money with us, every seventh owes freight."""
    dice, count = world.dice("openings"), world.principals
    ahead = np.where(dice.random(count) < 0.2, dice.integers(1, 60, count) * 123_456, 0)
    owed = np.where(dice.random(count) < 0.15, 150_000 + dice.integers(1, 40_000, count) * 83, 0)
    paid_on = market.roll(np.full(count, world.start) + dice.integers(2, 22, count))
    return Openings(ahead, owed, np.where((owed > 0) & (dice.random(count) < 0.6), paid_on, NONE))


def old_order_numbers(principals: np.ndarray) -> pa.Array:
    """Order numbers of the year before."""
    return texts.join("SO22", texts.number(principals + 7_001, 7))


def old_orders_sheet(world: World, firms: Firms, openings: Openings) -> Sheet:
    """The old shipments as rows of the first export."""
    rows = np.flatnonzero(openings.owed)
    return sheet_of(
        "orders",
        {
            "order_no": old_order_numbers(rows),
            "services": repeat("出口国际物流", len(rows)),
            "principal_id": take(firms.principal_id, rows),
            "order_status": repeat("正常", len(rows)),
            "ordered_on": day(np.full(len(rows), world.start - 70)),
            "currency": repeat("CNY", len(rows)),
            "amount_fx": repeat("0.00", len(rows)),
            "bl_no": texts.join("HQSL", texts.number(200_000_000 + rows * 19, 9)),
            "pol": repeat("宁波", len(rows)),
            "pod": repeat("汉堡", len(rows)),
            "sailed_on": day(np.full(len(rows), world.start - 45)),
            "shipment_status": repeat("出运", len(rows)),
        },
    )


def old_freight_lines(firms: Firms, openings: Openings) -> list[dict]:
    """Bank lines that pay an old shipment's freight."""
    rows = np.flatnonzero(openings.paid_on != NONE)
    paid = openings.paid_on[rows]
    return [
        part(
            b.OLD_FREIGHT,
            b.CMB,
            paid,
            openings.owed[rows],
            row=rows,
            name=take(firms.name, rows),
            account_text=take(firms.account, rows),
            summary="网银转账",
            purpose="运费",
            remark=texts.join("物流费", old_order_numbers(rows)),
            ref=serials("O", paid, rows),
        )
    ]


def opening_sheets(world: World, firms: Firms, openings: Openings) -> dict[str, Sheet]:
    """``opening_balances`` and the items they consist of."""
    month = world.months.names[0]
    some = np.flatnonzero((openings.ahead > 0) | (openings.owed > 0))
    ahead, owed = np.flatnonzero(openings.ahead), np.flatnonzero(openings.owed)
    items = [
        (ahead, "预收", openings.ahead, pa.nulls(len(ahead), pa.string()), "YS"),
        (owed, "物流费", -openings.owed, old_order_numbers(owed), "WL"),
    ]
    tables = [
        {
            "principal_id": take(firms.principal_id, rows),
            "month": repeat(month, len(rows)),
            "order_no": orders,
            "account": repeat(account, len(rows)),
            "currency": repeat("CNY", len(rows)),
            "amount_cny": money(amount[rows]),
            "arisen_on": day(np.full(len(rows), world.start - 20)),
            "ref_no": texts.join(letters, texts.number(rows, 5)),
        }
        for rows, account, amount, orders, letters in items
    ]
    return {
        "opening_balances": sheet_of(
            "opening_balances",
            {
                "principal_id": take(firms.principal_id, some),
                "month": repeat(month, len(some)),
                "balance_cny": money((openings.ahead - openings.owed)[some]),
            },
        ),
        "opening_items": sheet_of("opening_items", stacked(tables)),
    }
