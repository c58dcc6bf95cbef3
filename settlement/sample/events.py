"""When somebody acted (events): most in time, some late; much is not recorded, as in life.

An event carries the rule id it answers; the notice to invoice is called 开票通知 (C-42).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from settlement.sample import market, texts
from settlement.sample.bank_lines import receipt_refs
from settlement.sample.files import Sheet
from settlement.sample.headers import sheet_of
from settlement.sample.legs import GOODS
from settlement.sample.orders import EXPORT, IMPORT
from settlement.sample.payouts import ABROAD, CARRIER, REFUND_OUT
from settlement.sample.quotes import stacked
from settlement.sample.story import Story
from settlement.sample.tables import sold_days
from settlement.sample.texts import NONE, blank, money, repeat, take

_EVENING, _NOON, _AFTERNOON = 1_020, 800, 980  # minutes after midnight: 17:00, 13:20, 16:20


def events_sheet(story: Story, month: int) -> Sheet:
    """The deeds of a month."""
    parts = [*_export(story), *_import(story), *_logistics(story), *_payouts(story)]
    return sheet_of("events", stacked([_in_month(story, month, part) for part in parts]))


def _late(rows: np.ndarray, every: int, place: int, usual: np.ndarray | int, late: int) -> np.ndarray:
    """Working days it took: now and then too many."""
    return np.where(rows % every == place, late, usual)


def _deed(rule: str, days: np.ndarray, orders: np.ndarray, **more) -> dict:
    return {"rule": rule, "days": days, "orders": orders, "minutes": _EVENING, **more}


def _in_month(story: Story, month: int, deed: dict) -> dict[str, pa.Array]:
    kept = np.flatnonzero(story.world.months.of(deed["days"]) == month)
    orders = deed["orders"][kept]
    made = {
        "event": repeat(deed["rule"], len(kept)),
        "happened_at": texts.moment(deed["days"][kept], np.full(len(kept), deed["minutes"])),
        "order_no": take(story.orders.order_no, orders),
        "principal_id": take(story.firms.principal_id, np.where(orders < 0, -1, story.orders.principal[orders])),
        "actor": texts.pick(["李静", "周航", "沈蕾"], np.maximum(orders, 0) % 3),
    }
    columns = {name: value for name, value in deed.items() if name not in ("rule", "days", "orders", "minutes")}
    return made | {name: take(column, kept) for name, column in columns.items()}


def _export(story: Story) -> list[dict]:
    o, r, e, count = story.orders, story.receipts, story.exports, story.orders.count
    goods = np.flatnonzero((r.what == GOODS) & (np.arange(len(r.first)) % 3 != 1))
    told = market.add_working(r.booked_on[goods], _late(goods, 29, 4, 1 + goods % 3, 5))
    export = np.flatnonzero((o.kind == EXPORT) & (o.dropped_on == NONE) & (np.arange(count) % 4 != 3))
    invoiced = np.flatnonzero(e.invoiced_on != NONE)
    noticed = invoiced[invoiced % 5 < 3]
    refunded, first = np.unique(story.refunds.order, return_index=True)
    claimed = market.add_working(story.refunds.cash_on[first], _late(refunded, 17, 2, 2, 6))
    return [
        _deed(
            "EXP-RCV-03",
            told,
            r.order[goods],
            ref_no=take(receipt_refs(r), goods),
            amount=money(r.amount[goods]),
            currency=texts.pick(market.CURRENCIES, r.currency[goods]),
        ),
        _deed("EXP-DOC-01", market.add_working(o.declared_on[export], _late(export, 31, 6, 2, 6)), export),
        _deed("EXP-REF-01", market.add_working(o.declared_on[export], _late(export, 37, 6, 12, 24)), export),
        _deed(
            "开票通知", market.roll(np.maximum(e.complete_on, o.declared_on)[noticed] + 1), noticed, minutes=_AFTERNOON
        ),
        _deed(
            "EXP-REF-02",
            market.add_working(e.invoiced_on[invoiced], 2),
            invoiced,
            choice=repeat("已签收", len(invoiced)),
        ),
        _deed("EXP-REF-04", claimed, refunded),
    ]


def _import(story: Story) -> list[dict]:
    o, i = story.orders, story.imports
    owing = np.flatnonzero((i.balance != NONE) & (i.balance < 0))
    sold_on = sold_days(story)
    sold = np.flatnonzero(sold_on != NONE)
    courier = texts.join("SF2", texts.number(500_000_000_000 + sold, 12))
    cleared = np.flatnonzero((o.kind == IMPORT) & o.tax_entrusted & (np.arange(o.count) % 3 == 0))
    return [
        _deed("IMP-BAL-02", market.add_working(i.balance_on[owing], -1), owing, amount=money(-i.balance[owing])),
        _deed("IMP-INV-03", market.roll_back(sold_on[sold]), sold),
        _deed("IMP-INV-05", market.add_working(sold_on[sold], 2), sold, courier_no=blank(courier, sold % 13 == 5)),
        _deed(
            "IMC-TAX-01",
            market.add_working(i.tax_issued_on[cleared], 3),
            cleared,
            choice=texts.pick(["交会计部", "寄委托方"], (~o.invoice_wanted[cleared]).astype(np.int64)),
        ),
    ]


def _logistics(story: Story) -> list[dict]:
    o, c = story.orders, story.charges
    billed = np.flatnonzero((c.billed_on != NONE) & (np.arange(o.count) % 5 != 0))
    stated = market.add_working(np.minimum(c.billed_on[billed], story.world.end), _late(billed, 23, 9, 2, 5))
    released = np.flatnonzero(story.released_on != NONE)
    courier = texts.join("SF1", texts.number(400_000_000_000 + released, 12))
    return [
        _deed("LOG-AR-01", stated, billed, amount=money(c.receivable_cny[billed])),
        _deed("LOG-BLR-03", story.released_on[released], released, courier_no=blank(courier, released % 19 == 7)),
    ]


def _payouts(story: Story) -> list[dict]:
    p = story.payments
    abroad = np.flatnonzero((p.kind == ABROAD) & (np.arange(p.count) % 3 != 2))
    out = np.flatnonzero((p.kind != ABROAD) & (p.kind != CARRIER) & (np.arange(p.count) % 4 != 1))
    refunds = np.flatnonzero(p.kind == REFUND_OUT)
    second = abroad[abroad % 11 != 3]
    return [
        _deed(
            "IMP-FXP-06",
            market.add_working(p.paid_on[abroad], 1),
            p.order[abroad],
            ref_no=take(story.requests, abroad),
            minutes=_NOON,
        ),
        _deed(
            "IMP-FXP-06",
            market.add_working(p.paid_on[second], 1),
            p.order[second],
            ref_no=take(story.requests, second),
            minutes=_AFTERNOON,
        ),
        _deed("EXP-PAY-04", p.paid_on[out], p.order[out], ref_no=take(story.requests, out)),
        _deed(
            "EXP-REF-05",
            market.add_working(p.paid_on[refunds], -1),
            p.order[refunds],
            ref_no=take(story.requests, refunds),
        ),
    ]
