"""The monthly tables of the business: orders, goods, freight, payments, customs, VAT; headers from the layouts.

A month's order export holds the orders that are new and those of which a fact is new; each fact appears in
the month it became known.
"""

from __future__ import annotations

import numpy as np

from settlement.sample import market, payouts, quotes, texts
from settlement.sample.arithmetic import half_up
from settlement.sample.bank_lines import batch_numbers, own_name
from settlement.sample.cargo import EXEMPT, NO_REFUND, goods_text, line_declarations
from settlement.sample.catalog import catalog
from settlement.sample.exports import RESULTS
from settlement.sample.files import Sheet
from settlement.sample.firms import usccs
from settlement.sample.freight import BY_CONTAINER, BY_ORDER
from settlement.sample.headers import sheet_of
from settlement.sample.orders import EXPORT, IMPORT, SHIP_IN, declaration_numbers, services
from settlement.sample.payouts import ABROAD, CARRIER
from settlement.sample.shipments import boxes_text, containers_text, ports
from settlement.sample.story import Story
from settlement.sample.texts import NONE, blank, choose, day, decimal, money, number, pick, take, yes_no


def _when(days: np.ndarray, until: int) -> np.ndarray:
    return np.where((days == NONE) | (days > until), NONE, days)


def exported_orders(story: Story, month: int) -> np.ndarray:
    """Orders in a month's export: first seen then, or with a fact that is new."""
    orders, months = story.orders, story.world.months
    seen = orders.first_month <= month
    declared = orders.is_trade | orders.has_declaration_service
    events = [
        np.where(declared, orders.declared_on, NONE),
        np.where(declared, orders.exported_on, NONE),
        np.where(orders.has_freight, orders.sailed_on, NONE),
        story.released_on,
        np.where(orders.tax_original, story.imports.tax_issued_on, NONE),
        orders.dropped_on,
    ]
    fresh = orders.first_month == month
    for days in events:
        fresh |= (days >= months.first[month]) & (days <= months.last[month])
    return np.flatnonzero(seen & fresh)


def orders_sheet(story: Story, month: int, rows: np.ndarray) -> Sheet:
    """订单."""
    o, a, s, firms = story.orders, story.amounts, story.shipments, story.firms
    until = int(story.world.months.last[month])
    trade, export, inbound = o.is_trade[rows], o.kind[rows] == EXPORT, o.kind[rows] == IMPORT
    split = np.zeros(o.count, bool)
    split[story.lines.order[story.lines.own_declaration]] = True
    declared_on = np.where(o.is_trade | o.has_declaration_service, _when(o.declared_on, until), NONE)[rows]
    declared_on = np.where(split[rows], NONE, declared_on)
    sailed = np.where(o.has_freight, _when(o.sailed_on, until), NONE)[rows]
    shipped = o.has_freight[rows] & ((sailed != NONE) | (o.kind[rows] == SHIP_IN))
    pol, pod = ports(o, s)
    dropped = _when(o.dropped_on, until)[rows] != NONE
    status = np.where(o.has_freight[rows] & (rows % 41 != 3), np.where(dropped, 2, sailed != NONE), -1)
    columns = {
        "order_no": take(o.order_no, rows),
        "services": take(services(o), rows),
        "principal_id": take(firms.principal_id, o.principal[rows]),
        "order_status": pick(["正常", "取消"], (dropped & trade).astype(np.int64)),
        "export_mode": pick(["自营", "代理", "代办退税"], np.where(export, o.mode[rows], -1)),
        "contract_no": blank(take(o.contract_no, rows), ~trade),
        "pi_no": blank(take(o.pi_no, rows), ~trade),
        "counterparty": blank(take(firms.buyer_name, o.buyer[rows]), ~trade),
        "ordered_on": day(o.ordered_on[rows]),
        "currency": pick(market.CURRENCIES, o.currency[rows]),
        "amount_fx": money(a.amount[rows]),
        "trade_term": pick(["FOB", "CIF", "CFR"], np.where(trade, o.trade_term[rows], -1)),
        "freight_fx": money(np.where(a.freight_fx[rows] > 0, a.freight_fx[rows], NONE)),
        "insurance_fx": money(np.where(a.insurance_fx[rows] > 0, a.insurance_fx[rows], NONE)),
        "agency_fee": money(a.agency_fee[rows]),
        "agency_fee_rate": blank(texts.join(decimal(a.agency_rate[rows], 2), "%"), a.agency_rate[rows] == NONE),
        "other_fee": money(a.other_fee[rows]),
        "freight_treatment": pick(["另收", "抵扣"], np.where(o.has_freight[rows], o.netted[rows], -1)),
        "settlement_mode": pick(["票结", "月结"], np.where(rows % 3 == 0, o.monthly[rows], -1)),
        "declaration_no": blank(
            declaration_numbers(story.world, rows * 2, o.declared_on[rows], o.outbound[rows]), declared_on == NONE
        ),
        "declared_on": day(declared_on),
        "exported_on": day(
            np.where((declared_on == NONE) | ~o.outbound[rows], NONE, _when(o.exported_on, until)[rows])
        ),
        "declared_fx": money(np.where(_when(o.declared_on, until)[rows] == NONE, NONE, a.declared[rows])),
        "bl_no": blank(take(s.bl_no, rows), ~shipped),
        "container_nos": blank(take(containers_text(s), rows), ~shipped),
        "containers": take(boxes_text(s), rows),
        "gross_weight_kg": number(s.weight[rows]),
        "pol": take(pol, rows),
        "pod": take(pod, rows),
        "sailed_on": day(sailed),
        "shipment_status": pick(["未出运", "出运", "退载"], status),
        "bl_released_on": day(_when(story.released_on, until)[rows]),
        "tax_entrusted": blank(yes_no(o.tax_entrusted[rows]), ~inbound),
        "tax_bill_original": blank(
            yes_no(o.tax_original[rows] & (_when(story.imports.tax_issued_on, until)[rows] != NONE)), ~inbound
        ),
        "invoice_wanted": blank(yes_no(o.invoice_wanted[rows]), ~inbound),
    }
    return sheet_of("orders", columns)


def goods_sheet(story: Story, month: int, orders: np.ndarray) -> Sheet:
    """货物, the lines of the exported orders."""
    lines, until = story.lines, int(story.world.months.last[month])
    chosen = np.zeros(story.orders.count, bool)
    chosen[orders] = True
    rows = np.flatnonzero(chosen[lines.order])
    order = lines.order[rows]
    declared = _when(story.orders.declared_on, until)[order]
    known = (declared != NONE) & (story.orders.kind[order] == EXPORT)
    own = lines.own_declaration[rows] & known
    given = lines.rate_given[rows] & (story.orders.kind[order] == EXPORT)
    flag = np.where(given, lines.flag[rows], 0)
    columns = {
        "order_no": take(story.orders.order_no, order),
        "line_no": number(lines.line_no[rows]),
        "hs_code": take(goods_text(story.orders, lines, 0, 0), rows),
        "goods_name": take(goods_text(story.orders, lines, 1, 1), rows),
        "quantity": number(lines.quantity[rows]),
        "legal_unit": take(goods_text(story.orders, lines, 2, 2), rows),
        "amount_fx": money(lines.amount[rows]),
        "fob_usd": money(np.where(known, lines.fob_usd[rows], NONE)),
        "declaration_no": blank(line_declarations(story.world, story.orders, lines.declaration[rows]), ~own),
        "item_no": blank(number(lines.item_no[rows], 2), declared == NONE),
        "declared_on": day(np.where(own, declared, NONE)),
        "exported_on": day(np.where(own, _when(story.orders.exported_on, until)[order], NONE)),
        "levy_rate": blank(texts.join(number(lines.levy[rows]), "%"), ~given),
        "refund_rate": blank(texts.join(number(lines.refund[rows]), "%"), ~given),
        "refund_flag": pick(["", "免税", "不退税"], np.select([flag == EXEMPT, flag == NO_REFUND], [1, 2], 0)),
    }
    return sheet_of("goods", columns)


def freight_sheet(story: Story, month: int) -> Sheet:
    """The carriers' invoice lines of a month."""
    f, o = story.freight, story.orders
    rows = np.flatnonzero(story.world.months.of(f.invoiced_on) == month)
    rows = rows[np.lexsort((f.charge[rows], f.order[rows], f.vendor[rows]))]
    order, by = f.order[rows], f.named_by[rows]
    place = np.maximum(f.box_place[rows], 0)
    container = take(story.shipments.container[0], order)
    for position in (1, 2):
        container = choose(place == position, take(story.shipments.container[position], order), container)
    charges = quotes.charge_rows()
    columns = {
        "vendor": pick(quotes.vendor_names(), f.vendor[rows]),
        "vendor_invoice_no": payouts.vendor_invoice_numbers(order, f.vendor[rows]),
        "order_no": blank(take(o.order_no, order), by != BY_ORDER),
        "bl_no": blank(take(story.shipments.bl_no, order), by == BY_CONTAINER),
        "container_no": blank(container, ~((by == BY_CONTAINER) | (f.box_place[rows] >= 0))),
        "container_type": pick(catalog()["container_types"], f.box[rows]),
        "charge_code": pick([row[0] for row in charges], f.charge[rows]),
        "charge_name": pick([row[1] for row in charges], f.charge[rows]),
        "currency": pick(market.CURRENCIES, f.currency[rows]),
        "amount": money(f.cost[rows]),
        "unit_basis": pick(["票", "柜", "RT"], f.basis[rows]),
        "quantity": decimal(f.quantity[rows], 1, trim=True),
        "invoiced_on": day(f.invoiced_on[rows]),
        "confirmed_on": day(f.confirmed_on[rows]),
        "voucher_no": blank(texts.join("FP", number(f.order[rows] * 16 + f.charge[rows], 10)), ~f.has_voucher[rows]),
        "ar_rate": decimal(f.ar_rate[rows], 6, trim=True),
    }
    return sheet_of("freight", columns)


def payments_sheet(story: Story, month: int) -> Sheet:
    """请款: applications with the bank's advice."""
    p, o = story.payments, story.orders
    rows = np.flatnonzero(story.world.months.of(p.paid_on) == month)
    late = p.late[rows]
    notified = np.where(rows % 4 == 0, market.add_working(p.paid_on[rows], -1), p.paid_on[rows])
    minutes = np.where(rows % 4 == 0, 995 + rows % 40, 550 + rows % 420)
    submitted = np.where(late, 1_000, np.minimum(np.where(rows % 4 == 0, 600, minutes + 15), 989))
    abroad = p.kind[rows] == ABROAD
    carrier = p.kind[rows] == CARRIER
    order = p.order[rows]
    columns = {
        "request_no": take(story.requests, rows),
        "order_no": take(o.order_no, order),
        "vendor_invoice_no": blank(
            payouts.vendor_invoice_numbers(p.shipment[rows], np.maximum(p.vendor[rows], 0)), ~carrier
        ),
        "kind": pick(payouts.KINDS, p.kind[rows]),
        "payee_type": pick(payouts.PAYEES, p.payee[rows]),
        "payee_name": take(story.payees[0], rows),
        "payee_account": take(story.payees[1], rows),
        "currency": pick(market.CURRENCIES, p.currency[rows]),
        "amount": money(p.amount[rows]),
        "method": pick(["预付", "后付"], np.where(abroad, o.postpaid[order], -1)),
        "pay_on": day(np.where(rows % 3 == 0, p.paid_on[rows], NONE)),
        "notified_at": texts.moment(notified, minutes),
        "submitted_at": texts.moment(p.paid_on[rows], submitted),
        "document_no": take(payouts.document_numbers(p), rows),
        "fx_rate": decimal(p.rate[rows], 4, trim=True),
        "bank_fee": money(p.bank_fee[rows]),
        "paid_on": day(np.where(rows % 17 == 11, NONE, p.paid_on[rows])),
    }
    return sheet_of("payments", columns)


def tax_bills_sheet(story: Story, month: int) -> Sheet:
    """Customs tax bills: the simulated one before, the original after; duty and VAT sometimes on bills of their own."""
    i, o, of = story.imports, story.orders, story.world.months.of
    simulated = np.flatnonzero((i.simulated_on != NONE) & (of(i.simulated_on) == month))
    # A bill comes to the desk paid: its row never needs a second version.
    original = np.flatnonzero((i.tax_issued_on != NONE) & (of(np.maximum(i.tax_paid_on, i.tax_issued_on)) == month))
    two = (original % 3 == 0) & (i.duty + i.consumption_tax > 0)[original]
    apart, together = original[two], original[~two]
    blocks = [(simulated, 0, True, True), (together, 1, True, True), (apart, 1, True, False), (apart, 1, False, True)]
    rows = np.concatenate([block[0] for block in blocks])
    kind, duty, vat = (
        np.concatenate([np.full(len(block[0]), block[place]) for block in blocks]) for place in (1, 2, 3)
    )
    declaration = declaration_numbers(story.world, rows * 2, o.declared_on[rows], o.outbound[rows])
    letter = pick(
        ["M01", "A01", "L02"],
        np.where(kind == 0, 0, np.where(duty & (i.duty[rows] + i.consumption_tax[rows] > 0), 1, 2)),
    )
    wrong = rows % 97 == 5  # the simulated bill names us, not the principal (IMP-TAX-01)
    principal = o.principal[rows]
    columns = {
        "order_no": take(o.order_no, rows),
        "bill_no": texts.join(declaration, "-", letter),
        "bill_kind": pick(["模拟", "正本"], kind),
        "consignee": choose(wrong & (kind == 0), own_name(), take(story.firms.name, principal)),
        "taxpayer": texts.repeat(own_name(), len(rows)),
        "customs_value": money(i.customs_value[rows]),
        "duty": money(np.where(duty, i.duty[rows], 0)),
        "consumption_tax": money(np.where(duty, i.consumption_tax[rows], 0)),
        "vat": money(np.where(vat, i.vat[rows], 0)),
        "issued_on": day(np.where(kind == 0, i.simulated_on[rows], i.tax_issued_on[rows])),
        "paid_on": day(np.where(kind == 1, i.tax_paid_on[rows], NONE)),
    }
    return sheet_of("tax_bills", columns)


def refund_notices_sheet(story: Story, month: int) -> Sheet:
    """退税通知, one a declaration and batch."""
    r = story.refunds
    rows = np.flatnonzero(story.world.months.of(r.notified_on) == month)
    columns = {
        "declaration_no": line_declarations(story.world, story.orders, r.declaration[rows]),
        "order_no": blank(take(story.orders.order_no, r.order[rows]), rows % 3 == 1),
        "batch_no": batch_numbers(r.batch[rows], r),
        "result": pick(RESULTS, r.result[rows]),
        "amount": money(r.amount[rows]),
        "notified_on": day(r.notified_on[rows]),
    }
    return sheet_of("refund_notices", columns)


def vat_sheet(story: Story, month: int) -> Sheet:
    """The tax bureau's list: suppliers' invoices for exports, our own goods invoices for imports."""
    months, lines, e = story.world.months, story.lines, story.exports
    issued = e.invoiced_on[lines.order]
    rows = np.flatnonzero((issued != NONE) & (months.of(issued) == month))
    order, figures = lines.order[rows], e.figures
    off = rows % 61 == 17  # a supplier who invoices another amount than was asked (VATINV_MISMATCH)
    ex_vat = figures.ex_vat[rows] + np.where(off, 10_000, 0)
    tax = figures.tax[rows] + np.where(off, half_up(10_000 * lines.levy[rows], 100), 0)
    bought = _vat_rows(story, rows, order, ex_vat, tax, lines.levy[rows])
    sold_on = sold_days(story)
    sold = np.flatnonzero((sold_on != NONE) & (months.of(sold_on) == month))
    return sheet_of("vat_invoices", quotes.stacked([bought, _sold(story, sold, sold_on)]))


def _vat_rows(
    story: Story, rows: np.ndarray, order: np.ndarray, ex_vat: np.ndarray, tax: np.ndarray, levy: np.ndarray
) -> dict:
    lines, o, firms = story.lines, story.orders, story.firms
    own, named = catalog()["own_company"], rows % 10 < 7
    return {
        "einvoice_no": texts.join("23332", number(100_000_000_000_000 + rows * 7, 15)),
        "seller_uscc": take(firms.uscc, o.principal[order]),
        "seller_name": take(firms.name, o.principal[order]),
        "buyer_uscc": texts.repeat(own_uscc(), len(rows)),
        "buyer_name": texts.repeat(own["name"], len(rows)),
        "issued_on": day(story.exports.invoiced_on[order]),
        "goods_name": take(goods_text(o, lines, 1, 1), rows),
        "unit": take(goods_text(o, lines, 2, 2), rows),
        "quantity": number(lines.quantity[rows]),
        "unit_price": decimal(half_up(ex_vat * 1_000_000, lines.quantity[rows]), 8),
        "ex_vat_amount": money(ex_vat),
        "tax_rate_text": texts.join(number(levy), "%"),
        "tax_amount": money(tax),
        "total_amount": money(ex_vat + tax),
        "invoice_type": texts.repeat("数电票（增值税专用发票）", len(rows)),
        "invoice_status": texts.repeat("正常", len(rows)),
        "is_positive": texts.repeat("是", len(rows)),
        "note": take(o.order_no, order),
        "order_no": blank(take(o.order_no, order), ~named),
        "line_no": blank(number(lines.line_no[rows]), ~named),
    }


def sold_days(story: Story) -> np.ndarray:
    """When our goods invoice (货款增票) of an import was issued; NONE = not."""
    i = story.imports
    wanted = story.orders.invoice_wanted & (i.tax_paid_on != NONE) & (i.paid_on != NONE)
    return np.where(wanted, market.roll(np.maximum(np.maximum(i.tax_paid_on, i.paid_on), i.balance_on) + 3), NONE)


def _sold(story: Story, rows: np.ndarray, days: np.ndarray) -> dict:
    i, o, firms, own = story.imports, story.orders, story.firms, catalog()["own_company"]
    first = np.zeros(o.count, np.int64)
    first[story.lines.order[::-1]] = np.arange(len(story.lines.order))[::-1]
    line = first[rows]
    levy = story.lines.levy[line] if len(rows) else rows
    total = (i.goods_cny + i.bank_fee + i.taxes)[rows]
    ex_vat = half_up(total * 100, 100 + levy)
    return {
        "einvoice_no": texts.join("23332", number(700_000_000_000_000 + rows * 7, 15)),
        "seller_uscc": texts.repeat(own_uscc(), len(rows)),
        "seller_name": texts.repeat(own["name"], len(rows)),
        "buyer_uscc": take(firms.uscc, o.principal[rows]),
        "buyer_name": take(firms.name, o.principal[rows]),
        "issued_on": day(days[rows]),
        "goods_name": take(goods_text(o, story.lines, 1, 1), line),
        "unit": take(goods_text(o, story.lines, 2, 2), line),
        "quantity": number(story.lines.quantity[line]),
        "unit_price": decimal(half_up(ex_vat * 1_000_000, np.maximum(story.lines.quantity[line], 1)), 8),
        "ex_vat_amount": money(ex_vat),
        "tax_rate_text": texts.join(number(levy), "%"),
        "tax_amount": money(total - ex_vat),
        "total_amount": money(total),
        "invoice_type": texts.repeat("数电票（增值税专用发票）", len(rows)),
        "invoice_status": texts.repeat("正常", len(rows)),
        "is_positive": texts.repeat("是", len(rows)),
        "note": take(o.order_no, rows),
        "order_no": take(o.order_no, rows),
    }


def own_uscc() -> str:
    """Our own USCC."""
    return usccs(np.zeros(1, np.int64), np.zeros(1, np.int64))[0].as_py()
