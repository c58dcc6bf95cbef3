"""The figures of ``truth/amounts.csv``, worked out once more from the files alone, with Decimal.

Freight from the quotes, export invoices from the receipts and their advices, import invoices from the
applications and tax bills. Nothing of the sample's own arithmetic is used.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.sample.reading import good, months_of, truth
from tests.sample.test_statements import is_copy, statement

FEN = Decimal("0.01")


def fen(value):
    return value.quantize(FEN, ROUND_HALF_UP)


def share(cell):
    value = Decimal(cell.rstrip("%"))
    return value / 100 if cell.endswith("%") else value


def latest(rows, key):
    return {tuple(row[name] for name in key): row for row in rows}


class Rates:
    def __init__(self, home):
        self.by_currency = defaultdict(list)
        for row in good(home, "fx_mid_rates", months_of(home)[:1]):
            self.by_currency[row["currency"]].append((row["published_on"], Decimal(row["rate_per_100"]) / 100))

    def on(self, currency, day):
        if currency == "CNY":
            return Decimal(1)
        return max(pair for pair in self.by_currency[currency] if pair[0] <= day)[1]


def quote_for(quotes, who, line, order, day):
    """The quote in force: of the order, else of the lane, else in general; then the later one."""
    fitting = [
        quote
        for quote in quotes[who, line["charge_code"]]
        if quote["valid_from"] <= day <= (quote["valid_to"] or "9999")
        and quote["unit_basis"] == line["unit_basis"]
        and quote["order_no"] in ("", order["order_no"])
        and quote["container_type"] in ("", line["container_type"])
        and (quote["pol"], quote["pod"]) in (("", ""), (order["pol"], order["pod"]))
    ]
    return max(
        fitting, key=lambda quote: (quote["order_no"] != "", quote["pol"] != "", quote["valid_from"]), default=None
    )


def boxes(order, of_type=""):
    parts = [part.split("x") for part in order["containers"].split(",") if part]
    return sum(int(count) for count, kind in parts if of_type in ("", kind))


def freight_figures(home):
    """(receivable CNY, payable CNY, payable USD) by order, from all lines of the months."""
    months = months_of(home)
    orders = {row["order_no"]: row for row in good(home, "orders", months)}
    first = {row["order_no"]: row["month"] for row in reversed(good(home, "orders", months))}
    on_bl = Counter(row["bl_no"] for row in orders.values())
    by_bl = {row["bl_no"]: row["order_no"] for row in orders.values() if row["bl_no"] and on_bl[row["bl_no"]] == 1}
    by_box = {box: row["order_no"] for row in orders.values() for box in row["container_nos"].split(",") if box}
    client, vendor = defaultdict(list), defaultdict(list)
    for quote in good(home, "client_quotes", months[:1]):
        client[quote["principal_id"], quote["charge_code"]].append(quote)
    for quote in good(home, "vendor_quotes", months[:1]):
        vendor[quote["vendor"], quote["charge_code"]].append(quote)
    lines = defaultdict(list)
    for line in good(home, "freight", months):
        number = line["order_no"] or by_bl.get(line["bl_no"]) or by_box.get(line["container_no"])
        if not number:
            # A bill of lading of two orders, both known by then: nobody's until finance splits it.
            known = [
                row
                for row in orders.values()
                if row["bl_no"] == line["bl_no"] and first[row["order_no"]] <= line["month"]
            ]
            assert len(known) > 1, line
            continue
        lines[number, line["charge_code"]].append(line)
    rates, figures = Rates(home), defaultdict(lambda: [Decimal(0)] * 3)
    for (number, _), group in lines.items():
        order, first = orders[number], group[0]
        day = first["invoiced_on"]
        sold = quote_for(client, order["principal_id"], first, order, day)
        units = 1 if first["unit_basis"] == "票" else boxes(order)
        costs = [Decimal(line["amount"]) for line in group]
        rate = [
            Decimal(line["ar_rate"])
            if line["ar_rate"]
            else rates.on(line["currency"], line["confirmed_on"] or line["invoiced_on"])
            for line in group
        ]
        if sold:
            receivable = fen(Decimal(sold["amount"]) * units * rate[0])
        else:
            receivable = sum(fen(cost * each) for cost, each in zip(costs, rate, strict=True))
        bought = [quote_for(vendor, line["vendor"], line, order, day) for line in group]
        if all(bought):
            limit = sum(
                Decimal(quote["amount"]) * Decimal(line["quantity"] or 1)
                for quote, line in zip(bought, group, strict=True)
            )
            payable = min(sum(costs), fen(limit))
        else:
            payable = sum((cost for cost, line in zip(costs, group, strict=True) if line["voucher_no"]), Decimal(0))
        found = figures[number]
        figures[number] = [
            found[0] + receivable,
            found[1] + (payable if first["currency"] == "CNY" else 0),
            found[2] + (payable if first["currency"] == "USD" else 0),
        ]
    # An order's own quote is billed even where no carrier sent a line for it.
    for quotes in client.values():
        for quote in quotes:
            if quote["order_no"] and (quote["order_no"], quote["charge_code"]) not in lines:
                figures[quote["order_no"]][0] += Decimal(quote["amount"])
    return figures


def test_freight(home):
    figures, answers = (
        freight_figures(home),
        [row for row in truth(home, "amounts.csv") if row["table"] == "freight_charges"],
    )
    assert len(answers) > 10
    for row in answers:
        for name, figure in zip(
            ("receivable_cny", "payable_cny_lines", "payable_usd_lines"), figures[row["order_no"]], strict=True
        ):
            assert not row[name] or Decimal(row[name]) == figure, (row["order_no"], name)


def advices(home):
    """By serial: (rate per 1 or None, CNY or None) of foreign credits, from the advice or from the conversion."""
    found, later, plain = {}, {}, defaultdict(list)
    for month in months_of(home):
        for path in sorted((home / "raw" / month / "bank").glob("BOC*")):
            if is_copy(path) or "_0019_" in path.name:
                continue
            _, rows, _, _ = statement(path)
            for row in rows:
                ref, remark = row["交易流水号[ Transaction reference number ]"], row["交易附言[ Remark ]"]
                amount = Decimal(row["交易金额[ Trade Amount ]"])
                rate, cny = row["汇率[ Exchange rate ]"], row["折人民币金额[ CNY Amount ]"]
                if remark.startswith("结汇"):
                    later[remark.partition("原流水")[2]] = (Decimal(cny), month)
                    if not remark.partition("原流水")[2]:
                        plain[path.name[:8], -amount].append((Decimal(cny), month))
                elif amount > 0 and ref.startswith("R"):
                    found[ref] = (
                        path.name[:8],
                        amount,
                        month,
                        Decimal(cny) if cny else fen(amount * Decimal(rate) / 100) if rate else None,
                    )
    result = {}
    for ref, (account, amount, month, cny) in found.items():
        if cny is not None:
            result[ref] = (cny, month)
        elif ref in later:
            result[ref] = later[ref]
        elif plain[account, amount]:
            result[ref] = plain[account, amount][0]
    return result


def export_figures(home, month):
    """Invoice figures by order and line at a month's end."""
    months = [name for name in months_of(home) if name <= month]
    orders = latest(good(home, "orders", months), ["order_no"])
    goods = latest(good(home, "goods", months), ["order_no", "line_no"])
    rates = {row["hs_code"]: row for row in good(home, "refund_rates", months[:1]) if not row["valid_to"]}
    converted, gross, received = advices(home), defaultdict(Decimal), defaultdict(Decimal)
    pieces = defaultdict(list)
    for row in truth(home, "receipts.csv"):
        if row["purpose"] == "货款" and row["month"] <= month and row["order_no"] and row["verdict"] == "post":
            pieces[row["bank_ref"]].append(row)
    for ref, rows in pieces.items():
        if ref in converted:
            for row, cny in zip(
                rows, largest_remainder(converted[ref][0], [Decimal(row["piece"]) for row in rows]), strict=True
            ):
                gross[row["order_no"]] += cny
                received[row["order_no"]] += Decimal(row["piece"])
    freight = freight_figures(home)
    lines = defaultdict(list)
    for (number, _), row in sorted(goods.items(), key=lambda item: (item[0][0], int(item[0][1]))):
        lines[number].append(row)
    found = {}
    for number, rows in lines.items():
        order = orders[number,]
        if not gross[number] or not all(row["fob_usd"] for row in rows):
            continue
        agency = (
            Decimal(order["agency_fee"])
            if order["agency_fee"]
            else fen(gross[number] * share(order["agency_fee_rate"] or "0"))
        )
        netted = freight[number][0] if order["freight_treatment"] == "抵扣" else 0
        fees = agency + Decimal(order["other_fee"] or 0) + netted
        nets = largest_remainder(gross[number] - fees, [Decimal(row["fob_usd"]) for row in rows])
        for row, net in zip(rows, nets, strict=True):
            table = rates[row["hs_code"]]
            v, r = share(row["levy_rate"] or table["levy_rate"]), share(row["refund_rate"] or table["refund_rate"])
            invoice = fen(net * (1 + v) / (1 + v - r))
            ex_vat = fen(invoice / (1 + v))
            found[number, row["line_no"]] = [
                received[number],
                gross[number],
                fees,
                net,
                invoice,
                ex_vat,
                invoice - ex_vat,
                fen(ex_vat * r),
            ]
    return found


def largest_remainder(total, weights):
    units, whole = int(total * 100), [int(weight * 100) for weight in weights]
    parts = [units * weight // sum(whole) for weight in whole]
    order = sorted(range(len(parts)), key=lambda place: (-(units * whole[place] % sum(whole)), place))
    for place in order[: units - sum(parts)]:
        parts[place] += 1
    return [Decimal(part) / 100 for part in parts]


EXPORT = (
    "received_fx",
    "gross_cny",
    "fees_cny",
    "net_cny",
    "invoice_amount",
    "ex_vat_amount",
    "tax_amount",
    "refund_amount",
)


@pytest.mark.parametrize("which", ["hard_home", "easy_home"])
def test_export_invoices(request, which):
    home = request.getfixturevalue(which)
    checked = 0
    for month in months_of(home):
        figures = export_figures(home, month)
        for row in truth(home, "amounts.csv"):
            if row["table"] == "export_invoices" and row["month"] == month:
                assert figures[row["order_no"], row["line_no"]] == [Decimal(row[name]) for name in EXPORT], row
                checked += 1
    assert checked > 20


def test_import_invoices(home):
    months = months_of(home)
    goods, fees, taxes = defaultdict(Decimal), defaultdict(Decimal), defaultdict(lambda: [Decimal(0)] * 3)
    for row in good(home, "payments", months):
        if row["kind"] == "购汇付款":
            goods[row["order_no"]] += fen(Decimal(row["amount"]) * Decimal(row["fx_rate"]) / 100)
            fees[row["order_no"]] += Decimal(row["bank_fee"])
    bills = [row for row in good(home, "tax_bills", months) if row["bill_kind"] == "正本"]
    assert len({row["bill_no"] for row in bills}) == len(bills)
    for row in bills:
        taxes[row["order_no"]] = [
            had + Decimal(row[name] or 0)
            for had, name in zip(taxes[row["order_no"]], ("duty", "consumption_tax", "vat"), strict=True)
        ]
    answers = [row for row in truth(home, "amounts.csv") if row["table"] == "import_invoices"]
    assert len(answers) > 3
    for row in answers:
        number = row["order_no"]
        assert goods[number] == Decimal(row["goods_cny"]) and fees[number] == Decimal(row["bank_fee"])
        assert taxes[number] == [Decimal(row[name]) for name in ("duty", "consumption_tax", "vat")]
        assert Decimal(row["invoice_amount"]) == goods[number] + fees[number] + sum(taxes[number])
