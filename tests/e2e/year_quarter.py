"""A quarter (2023-09 to 2023-11) as an acceptance tester writes it from the contract: one principal a story.

Only the files are here; what must come of them is worked out by hand in ``test_year_quarter``.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.e2e.tiny import COMPANY, TinyHome
from tests.e2e.year_freight import credit_limits, opening_items, quotes
from tests.e2e.year_rows import CNY, EUR, FOLLOWS, JPY, KEEPS, Quarter

MONTHS = ("2023-09", "2023-10", "2023-11")


def quarter(root: Path) -> TinyHome:
    """The home with all stories, not yet written."""
    q = Quarter(root)
    for story in (
        _several_rates,
        _modes,
        _netted,
        _currencies,
        _refund,
        _kept,
        _imports,
        credit_limits,
        opening_items,
        _dropped,
        _late,
        quotes,
        _full,
        _levies,
        _wrong,
        _paid,
    ):
        story(q)
    return q.home


def _several_rates(q: Quarter) -> None:
    """W02b: three refund rates in one order, N 300,000.00 over FOB 20,000 / 15,000 / 5,001."""
    q.principal("P01")
    q.export("X0101", "P01", "40001.00", agency_fee="2000.00", other_fee="500.00")
    q.goods("X0101", "20000.00", line="1", levy_rate="13%", refund_rate="13%")
    q.goods("X0101", "15000.00", line="2", levy_rate="13%", refund_rate="9%", hs_code=KEEPS)
    q.goods("X0101", "5001.00", line="3", levy_rate="13%", refund_rate="0", refund_flag="免税")
    q.credit("P01", "USD", "40001.00", "PAYMENT X0101", cny_amount="302500.00")


def _modes(q: Quarter) -> None:
    """代理 and 代办退税: money and fees as ever, no invoice amount and no refund of ours."""
    q.principal("P02")
    for order, mode in (("X0201", "代理"), ("X0202", "代办退税")):
        q.export(order, "P02", "10000.00", export_mode=mode, agency_fee="100.00")
        q.goods(order, "10000.00")
        q.credit("P02", "USD", "10000.00", order, cny_amount="71000.00")


def _netted(q: Quarter) -> None:
    """抵扣: freight known at the invoice notice is netted, later freight is billed (C-42)."""
    q.principal("P03")
    q.export(
        "X0301",
        "P03",
        "50000.00",
        agency_fee="1000.00",
        freight_treatment="抵扣",
        services="出口贸易代理、出口国际物流",
    )
    q.goods("X0301", "50000.00")
    q.credit("P03", "USD", "50000.00", "X0301", cny_amount="355000.00")
    q.freight("X0301", "O/F", "3150.00", currency="USD", ar_rate="7.1036")
    q.home.add("events", {"event": "开票通知", "happened_at": "2023-09-25 10:00:00", "order_no": "X0301"})
    q.freight("X0301", "DOC", "450.00", month="2023-10", on="2023-10-12")


def _currencies(q: Quarter) -> None:
    """JPY and EUR un-converted: an estimate in September, the conversion's difference in October."""
    q.principal("P04")
    q.export("X0401", "P04", "5000000", currency="JPY", agency_fee="500.00")
    q.goods("X0401", "5000000", fob_usd="34000.00")
    q.credit("P04", "JPY", "5000000", "X0401")
    q.debit(
        "JPY", "5000000", "结汇", "2023-10-10", payee=COMPANY["name"], account=CNY, summary="结汇", bank_ref="JH0001"
    )
    q.credit(
        "P04",
        "CNY",
        "243150.00",
        "结汇",
        on="2023-10-10",
        counterparty_name=COMPANY["name"],
        counterparty_account=JPY,
        summary="结汇",
        bank_ref="JH0001",
    )
    q.principal("P05")
    for order, amount in (("X0501", "50000.00"), ("X0502", "30000.00")):
        q.export(order, "P05", amount, currency="EUR")
        q.goods(order, amount, fob_usd=str(Decimal(amount) * Decimal("1.1")))
    q.credit("P05", "EUR", "80000.00", "INV X0501 X0502")
    q.debit(
        "EUR", "80000.00", "结汇", "2023-10-11", payee=COMPANY["name"], account=CNY, summary="结汇", bank_ref="JH0002"
    )
    q.credit(
        "P05",
        "CNY",
        "649583.37",
        "结汇",
        on="2023-10-11",
        counterparty_name=COMPANY["name"],
        counterparty_account=EUR,
        summary="结汇",
        bank_ref="JH0002",
    )


def _refund(q: Quarter) -> None:
    """The life of a refund: advanced, put off, granted, received, paid out, part of it claimed back."""
    q.principal("P06")
    q.export(
        "X0601", "P06", "100000.00", agency_fee="3100.00", other_fee="12900.00", declaration_no="310120230600000601"
    )
    q.goods("X0601", "100000.00")
    q.credit("P06", "USD", "100000.00", "X0601", cny_amount="620000.00")
    q.home.refer("payout_documents", {"document_no": "DF0601", "kind": "付款委托书", "principal_id": "P06", "order_no": "X0601",
                                      "payee_name": q.name("P06"), "sealed": "是", "valid_from": "2023-01-01"})  # fmt: skip
    own = ("委托方", q.name("P06"), "39010000000000006")
    q.request("Q0601", "X0601", "垫付退税", *own, "CNY", "30000.00", document_no="DF0601")
    q.debit("CNY", "30000.00", "Q0601 垫付退税", "2023-09-12", own[1], own[2])
    notice = {"declaration_no": "310120230600000601", "batch_no": "TS0601"}
    q.home.add("refund_notices", notice | {"result": "暂缓", "amount": "0", "notified_on": "2023-09-14"})
    # 604,000.00 at 13 %: E 604,000.00, R 78,520.00.
    q.home.add("refund_notices", notice | {"result": "核准", "amount": "78520.00", "notified_on": "2023-09-26"})
    q.credit(
        "P06",
        "CNY",
        "78520.00",
        "出口退税 TS0601",
        on="2023-10-12",
        counterparty_name="国家金库宁波市海曙区支库",
        counterparty_account="1",
        summary="退税",
    )
    q.request("Q0602", "X0601", "退税款", *own, "CNY", "40000.00", month="2023-10")
    q.debit("CNY", "40000.00", "Q0602 退税款", "2023-10-17", own[1], own[2])
    q.home.add(
        "refund_notices",
        notice | {"result": "追缴", "amount": "-1520.00", "notified_on": "2023-11-14"},
        month="2023-11",
    )


def _kept(q: Quarter) -> None:
    """A refund that the principal leaves with us, by decision."""
    q.principal("P19")
    q.export("X1901", "P19", "10000.00", declaration_no="310120230600001901")
    q.goods("X1901", "10000.00")
    q.credit("P19", "USD", "10000.00", "X1901", cny_amount="62000.00")
    q.home.add(
        "refund_notices",
        {
            "declaration_no": "310120230600001901",
            "batch_no": "TS1901",
            "result": "核准",
            "amount": "8060.00",
            "notified_on": "2023-09-20",
        },
    )
    bureau = {"counterparty_name": "国家金库宁波市海曙区支库", "counterparty_account": "1", "summary": "退税"}
    q.credit("P19", "CNY", "8060.00", "出口退税 TS1901", on="2023-09-25", **bureau)
    q.decide("2023-10", kind="保留", principal_id="P19", from_order="X1901", from_account="退税", amount="8060.00")


def _imports(q: Quarter) -> None:
    """W10 and W11; W10 with consumption tax, whose slip gets its rate a month late."""
    for who, order in (("P07", "M0701"), ("P08", "M0801")):
        q.principal(who)
        q.home.add("orders", {
            "order_no": order, "services": "进口贸易代理", "principal_id": who, "counterparty": f"SELLER {who} GMBH", "ordered_on": "2023-09-01",
            "currency": "USD", "amount_fx": "120000.00", "trade_term": "CIF", "agency_fee": "8554.20", "tax_entrusted": "是",
            "tax_bill_original": "是", "invoice_wanted": "是", "declaration_no": f"31012023100000{order[1:]}", "declared_on": "2023-09-10",
        })  # fmt: skip
        q.goods(order, "120000.00", fob_usd=None, levy_rate="13%")
        slip = {"fx_rate": "712.85", "bank_fee": "1005.42", "paid_on": "2023-09-08"}
        q.request(f"Q{order[1:]}", order, "购汇付款", "境外客商", f"SELLER {who} GMBH", f"DE{who}", "USD", "120000.00",
                  method="预付", **(slip if who == "P07" else {}))  # fmt: skip
        if who == "P08":
            q.request(f"Q{order[1:]}", order, "购汇付款", "境外客商", f"SELLER {who} GMBH", f"DE{who}", "USD", "120000.00",
                      month="2023-10", method="预付", **slip)  # fmt: skip
        q.debit("USD", "120000.00", f"Q{order[1:]}", "2023-09-08", f"SELLER {who} GMBH", f"DE{who}")
    q.credit("P07", "CNY", "1060000.00", "M0701 货款")
    q.credit("P08", "CNY", "1240000.00", "M0801 货款")

    def bill(order, number, kind, **money):
        q.home.add("tax_bills", {"order_no": order, "bill_no": number, "bill_kind": kind, "consignee": q.name(f"P{order[1:3]}"),
                                 "issued_on": "2023-09-11", "paid_on": "2023-09-13" if kind == "正本" else None} | money)  # fmt: skip

    bill("M0701", "A07", "模拟", duty="67990.08", vat="119322.59")
    bill("M0701", "D07", "正本", duty="67990.08")
    bill("M0701", "V07", "正本", vat="119322.59")
    bill("M0801", "S08", "正本", duty="67990.08", consumption_tax="161976.37", vat="140379.52")


def _dropped(q: Quarter) -> None:
    """C-43: cancelled, withdrawn, and cancelled with part of the fee kept."""
    q.principal("P11")
    for order in ("X1101", "X1102", "X1103"):
        q.export(order, "P11", "10000.00", agency_fee="1000.00", other_fee="200.00")
        q.goods(order, "10000.00")
        q.credit("P11", "USD", "10000.00", order, cny_amount="72000.00")
    q.export("X1101", "P11", "10000.00", month="2023-10", agency_fee="1000.00", other_fee="200.00", order_status="取消")
    q.export(
        "X1102", "P11", "10000.00", month="2023-10", agency_fee="1000.00", other_fee="200.00", shipment_status="退载"
    )
    q.export("X1103", "P11", "10000.00", month="2023-10", agency_fee="1000.00", other_fee="200.00", order_status="取消")
    for order in ("X1101", "X1102", "X1103"):
        q.goods(order, "10000.00", month="2023-10")
    q.decide("2023-10", kind="保留", principal_id="P11", from_order="X1103", from_account="货款", amount="600.00")


def _late(q: Quarter) -> None:
    """Facts of September that come in October: a fee, a bank line, a freight line."""
    q.principal("P12")
    q.export("X1201", "P12", "10000.00", agency_fee="1000.00")
    q.goods("X1201", "10000.00")
    q.credit("P12", "USD", "10000.00", "X1201", cny_amount="72000.00")
    q.export("X1201", "P12", "10000.00", month="2023-10", agency_fee="1100.00")
    q.goods("X1201", "10000.00", month="2023-10")
    q.credit("P12", "CNY", "333.33", "X1201 货款尾款", on="2023-09-28", month="2023-10")
    q.freight("X1201", "DOC", "450.00", month="2023-10", on="2023-09-27")


def _full(q: Quarter) -> None:
    """C-41: a deposit, a shortfall within C-04's 0.5 % and one beyond it, completed in October; 收齐 by a person."""
    q.principal("P14")
    for order, came in (("X1401", "30000.00"), ("X1402", "99500.00"), ("X1403", "99499.99"), ("X1404", "99000.00")):
        q.export(order, "P14", "100000.00", agency_fee="1000.00")
        q.goods(order, "100000.00")
        q.credit("P14", "USD", came, order, fx_rate="710.00")
    q.credit("P14", "USD", "70000.00", "X1401", on="2023-10-16", fx_rate="715.00")
    # In CNY, USD 50 are 355.18: 350.00 short is near enough.
    q.export("X1405", "P14", "10000.00", currency="CNY", agency_fee="1000.00")
    q.goods("X1405", "10000.00", fob_usd="1400.00")
    q.credit("P14", "CNY", "9650.00", "X1405 货款")
    q.home.add("events", {"event": "收齐", "happened_at": "2023-10-17 10:00:00", "order_no": "X1404"}, month="2023-10")


# order: exported on, levy rate printed on the invoice, goods
LEVIES = {
    "X1501": ("2018-07-20", "17%", FOLLOWS), "X1502": ("2018-07-20", "16%", FOLLOWS), "X1503": ("2018-08-02", "17%", FOLLOWS),
    "X1504": ("2019-06-30", "16%", FOLLOWS), "X1505": ("2019-06-30", "13%", FOLLOWS), "X1506": ("2019-07-02", "16%", FOLLOWS),
    "X1507": ("2019-06-30", "16%", KEEPS), "X1508": ("2019-06-30", "3%", FOLLOWS), "X1509": ("2019-03-15", "13%", FOLLOWS),
}  # fmt: skip


def _levies(q: Quarter) -> None:
    """E2: what the transitions of 2018 and 2019 leave of the refund rate; W05's receipts and fees."""
    q.principal("P15")
    for order, (exported, levy, code) in LEVIES.items():
        q.export(
            order,
            "P15",
            "120480.00",
            agency_fee="4135.00",
            other_fee="10060.00",
            declared_on=exported,
            exported_on=exported,
        )
        q.goods(order, "120480.00", levy_rate=levy, hs_code=code)
        q.credit("P15", "USD", "120480.00", order, fx_rate="686.42")


def _wrong(q: Quarter) -> None:
    """What gives no figure: N ≤ 0, a refund rate above the levy rate, no fee stated, no FOB in an order of two lines."""
    q.principal("P16")
    cases = {
        "X1601": {"agency_fee": "80000.00"},
        "X1602": {"agency_fee": "0"},
        "X1603": {"agency_fee": None},
        "X1604": {"agency_fee": "0"},
    }
    for order, fees in cases.items():
        q.export(order, "P16", "10000.00", **fees)
        q.credit("P16", "USD", "10000.00", order, cny_amount="72000.00")
    q.goods("X1601", "10000.00")
    q.goods("X1602", "10000.00", levy_rate="13%", refund_rate="16%")
    q.goods("X1603", "10000.00")
    q.goods("X1604", "6000.00")
    q.goods("X1604", "4000.00", line="2", fob_usd=None)


def _paid(q: Quarter) -> None:
    """W11's export: received 620,000.00, fees 16,000.00, paid 590,000.00; the 16:30 rule over the October holiday."""
    q.principal("P17")
    own = ("委托方", q.name("P17"), "39010000000000017")
    q.export("X1701", "P17", "100000.00", agency_fee="3100.00", other_fee="12900.00")
    q.goods("X1701", "100000.00")
    q.credit("P17", "USD", "100000.00", "X1701", cny_amount="620000.00")
    q.request(
        "Q1701",
        "X1701",
        "货款",
        *own,
        "CNY",
        "500000.00",
        notified_at="2023-09-28 16:30:00",
        submitted_at="2023-09-28 16:30:00",
    )
    q.request(
        "Q1702",
        "X1701",
        "货款",
        *own,
        "CNY",
        "60000.00",
        notified_at="2023-09-28 16:30:01",
        submitted_at="2023-10-07 16:30:00",
    )
    q.request(
        "Q1703",
        "X1701",
        "货款",
        *own,
        "CNY",
        "30000.00",
        notified_at="2023-09-28 16:30:01",
        submitted_at="2023-10-07 16:30:01",
    )
    q.debit("CNY", "500000.00", "Q1701", "2023-09-28", own[1], own[2])
    q.debit("CNY", "60000.00", "Q1702", "2023-10-08", own[1], own[2])
    q.debit("CNY", "30000.00", "Q1703", "2023-10-08", own[1], own[2])
    # A payment that came back a month later.
    q.principal("P18")
    q.export("X1801", "P18", "10000.00")
    q.goods("X1801", "10000.00")
    q.credit("P18", "USD", "10000.00", "X1801", cny_amount="71000.00")
    payee = ("委托方", q.name("P18"), "39010000000000018")
    q.request("Q1801", "X1801", "货款", *payee, "CNY", "8000.00")
    q.debit("CNY", "8000.00", "Q1801", "2023-09-20", payee[1], payee[2])
    q.credit("P18", "CNY", "8000.00", "退汇 Q1801 账号户名不符", on="2023-10-09", summary="付款退回")
