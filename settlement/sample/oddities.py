"""Odd rows of real life that change no figure of the truth: a fee billed twice, storage for two orders at once.

Also the small desk table. What a clerk must find in them stands in ``truth/oddities.csv``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from settlement.sample import bank_lines as b
from settlement.sample import market, payouts, quotes, texts
from settlement.sample.files import Sheet
from settlement.sample.headers import sheet_of
from settlement.sample.story import Story
from settlement.sample.texts import NONE, day, money, pick, repeat, take


def billed_twice(story: Story) -> np.ndarray:
    """Freight lines (rows) that the carrier bills again under another invoice: document fees with a client quote."""
    f, dice = story.freight, story.world.dice("billed twice")
    plain = (f.charge == quotes.codes().index("DOC")) & (f.client_quote != NONE) & (f.vendor_quote != NONE)
    return np.flatnonzero(plain & (dice.random(len(f.order)) < story.world.mess(0.01, 0.03)))


def odd_freight(story: Story, month: int) -> dict[str, pa.Array]:
    """Further rows of a month's freight: the second bills, and storage that names only a bill of lading of two orders."""
    f, o, s, months = story.freight, story.orders, story.shipments, story.world.months
    again = billed_twice(story)
    again = again[months.of(f.invoiced_on[again] + 6) == month]
    second = {
        "vendor": pick(quotes.vendor_names(), f.vendor[again]),
        "vendor_invoice_no": texts.join(payouts.vendor_invoice_numbers(f.order[again], f.vendor[again]), "R"),
        "order_no": take(o.order_no, f.order[again]),
        "bl_no": take(s.bl_no, f.order[again]),
        "charge_code": repeat("DOC", len(again)),
        "charge_name": repeat("文件费", len(again)),
        "currency": repeat("CNY", len(again)),
        "amount": money(f.cost[again]),
        "unit_basis": repeat("票", len(again)),
        "quantity": repeat("1", len(again)),
        "invoiced_on": day(f.invoiced_on[again] + 6),
    }
    both = np.flatnonzero(s.second_on_bl)
    # Both orders must stand in an export by then, or the line would fit only one.
    known = months.first[np.maximum(o.first_month[both], o.first_month[both - 1])]
    billed = market.roll(np.maximum(np.maximum(o.sailed_on[both], o.sailed_on[both - 1]) + 9, known))
    both, billed = both[months.of(billed) == month], billed[months.of(billed) == month]
    storage = {
        "vendor": repeat(quotes.vendor_names()[0], len(both)),
        "vendor_invoice_no": texts.join("CC", texts.number(both, 8)),
        "bl_no": take(s.bl_no, both),
        "charge_code": repeat("STO", len(both)),
        "charge_name": repeat("仓储费", len(both)),
        "currency": repeat("CNY", len(both)),
        "amount": money(20_000 + both % 50 * 1_000),
        "unit_basis": repeat("票", len(both)),
        "quantity": repeat("1", len(both)),
        "invoiced_on": day(billed),
    }
    return quotes.stacked([second, storage])


def freight_with_odd_lines(sheet: Sheet, story: Story, month: int) -> Sheet:
    """A month's freight sheet with its odd lines at the end."""
    odd = sheet_of("freight", odd_freight(story, month)).columns
    return replace(
        sheet, columns={name: pa.concat_arrays([column, odd[name]]) for name, column in sheet.columns.items()}
    )


def oddities_sheet(story: Story) -> Sheet:
    """oddities.csv: order, code of the exception that somebody should see, what was done."""
    twice, shared = billed_twice(story), np.flatnonzero(story.shipments.second_on_bl)
    lines = story.book.lines
    paid = lines.row[lines.what == b.PAID_TWICE]
    parts = [
        (story.freight.order[twice], "FRT_DUPLICATE", "the document fee once more under another invoice number"),
        (shared, "FRT_NO_ORDER", "storage that names a bill of lading of two orders"),
        (story.receipts.order[paid], "RCV_DUPLICATE", "the freight was paid twice"),
    ]
    return Sheet(
        quotes.stacked(
            [
                {
                    "order_no": take(story.orders.order_no, rows),
                    "code": repeat(code, len(rows)),
                    "what": repeat(what, len(rows)),
                }
                for rows, code, what in parts
            ]
        )
    )


def desk_sheet(story: Story, month: int) -> Sheet:
    """A dozen desk matters a month: COD money, fines, compensation, cash."""
    dice = story.world.dice(f"desk {month}")
    kinds = ["代收货款", "运单错漏", "小件未装袋", "补偿", "现金付款", "录单不及时"]
    rows = np.arange(12)
    kind = rows % len(kinds)
    amount = np.select(
        [kind == 0, kind == 3, kind == 4],
        [dice.integers(200, 3_000, 12) * 100, dice.integers(3, 45, 12) * 100, dice.integers(6, 16, 12) * 100_000],
        NONE,
    )
    happened = market.roll_back(story.world.months.first[month] + dice.integers(3, 26, 12))
    late = rows % 5 == 0
    return sheet_of(
        "desk",
        {
            "type": pick(kinds, kind),
            "ref_no": texts.join("YD", texts.number(month * 100 + rows, 8)),
            "amount": money(amount),
            "happened_at": texts.moment(happened, 600 + rows * 11),
            "done_at": texts.moment(np.where(kind == 0, happened + 1 + late, NONE), 540 + rows * 11),
            "approved_by": pick([None, "店长孙芳"], ((kind >= 3) & (rows % 2 == 0)).astype(np.int64)),
        },
    )
