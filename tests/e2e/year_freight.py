"""The freight stories of the quarter: releases against a limit, opening items, quotes (``test_year_quarter``)."""

from __future__ import annotations

from tests.e2e.year_rows import Quarter


def credit_limits(q: Quarter) -> None:
    """C-20: releases in order of date and number against a limit of 200,000.00; C-21 the month after."""
    q.principal("P09", settlement_mode="月结", monthly_agreement="是", credit_limit="50000.00")
    q.home.refer(
        "credit_limits",
        {"principal_id": "P09", "limit_cny": "200000.00", "agreement_no": "YJ09", "valid_from": "2023-01-01"},
    )
    for order, owed, released in (
        ("L0901", "150000.00", "2023-09-10"),
        ("L0903", "40000.00", "2023-09-12"),
        ("L0902", "25186.34", "2023-09-12"),
        ("L0904", "20000.00", "2023-09-25"),
    ):
        q.shipment(order, "P09", bl_released_on=released)
        q.freight(order, "THC", owed)
    q.credit("P09", "CNY", "50000.00", "L0901 物流费", on="2023-09-20")
    # On account money frees nothing.
    q.credit("P09", "CNY", "7777.00", "往来款", on="2023-09-21")
    q.shipment("L0905", "P09", month="2023-10", bl_released_on="2023-10-20", sailed_on="2023-10-12")
    q.freight("L0905", "THC", "1000.00", month="2023-10", on="2023-10-18")


def opening_items(q: Quarter) -> None:
    """Opening items of every age, one paid in October by reference, one set off against money on account."""
    q.principal("P10", settlement_mode="月结", monthly_agreement="是", credit_limit="200000.00")
    for number, (amount, arisen) in enumerate(
        (
            ("-1000.00", "2023-08-15"),
            ("-2000.00", "2023-07-15"),
            ("-3000.00", "2023-06-15"),
            ("-4000.00", "2023-05-15"),
        ),
        1,
    ):
        q.home.refer("opening_items", {"principal_id": "P10", "month": "2023-09", "order_no": f"OLD0{number}", "account": "物流费",
                                       "currency": "CNY", "amount_cny": amount, "arisen_on": arisen, "ref_no": f"WL1000{number}"})  # fmt: skip
    q.home.refer(
        "opening_items",
        {
            "principal_id": "P10",
            "month": "2023-09",
            "account": "预收",
            "currency": "CNY",
            "amount_cny": "43209.60",
            "arisen_on": "2023-08-20",
        },
    )
    q.home.refer("opening_balances", {"principal_id": "P10", "month": "2023-09", "balance_cny": "33209.60"})
    q.credit("P10", "CNY", "2000.00", "WL10002 物流费", on="2023-10-12")
    q.decide(
        "2023-10",
        kind="抵账",
        principal_id="P10",
        from_account="预收",
        to_order="OLD03",
        to_account="物流费",
        amount="3000.00",
    )


def quotes(q: Quarter) -> None:
    """W12's freight, and a quote by box that the carrier bills in three lines."""
    q.principal("P13", settlement_mode="月结", monthly_agreement="是", credit_limit="200000.00")
    q.shipment("L1301", "P13", containers="1x40HQ", pol="宁波", pod="汉堡", bl_released_on="2023-09-05")
    vendor = "上海海越国际货运有限公司"
    for code, currency, quoted, sold in (
        ("O/F", "USD", "2900.00", "3150.00"),
        ("THC", "CNY", "1225.00", "1350.00"),
        ("DOC", "CNY", "450.00", "450.00"),
        ("SEAL", "CNY", "50.00", "50.00"),
        ("VGM", "CNY", "80.00", "100.00"),
    ):
        lane = {
            "charge_code": code,
            "currency": currency,
            "unit_basis": "票",
            "pol": "宁波",
            "pod": "汉堡",
            "valid_from": "2023-01-01",
        }
        q.home.refer("vendor_quotes", lane | {"vendor": vendor, "amount": quoted})
        q.home.refer("client_quotes", lane | {"principal_id": "P13", "amount": sold})
        cost = "55.00" if code == "SEAL" else quoted
        q.freight(
            "L1301", code, cost, currency=currency, voucher_no=None, ar_rate="7.1036" if currency == "USD" else None
        )
    q.freight("L1301", "INSP", "860.00", voucher_no=None)
    q.shipment(
        "L1302",
        "P13",
        containers="2x40HQ,1x20GP",
        container_nos="HLXU1000001,HLXU1000002,HLXU1000003",
        pol="上海",
        pod="洛杉矶",
    )
    by_box = {
        "charge_code": "THC",
        "currency": "CNY",
        "unit_basis": "柜",
        "order_no": "L1302",
        "valid_from": "2023-01-01",
    }
    q.home.refer("client_quotes", by_box | {"principal_id": "P13", "container_type": "40HQ", "amount": "1350.00"},
                 by_box | {"principal_id": "P13", "container_type": "20GP", "amount": "900.00"},
                 {"principal_id": "P13", "charge_code": "TLX", "currency": "CNY", "unit_basis": "票", "order_no": "L1302", "amount": "300.00", "valid_from": "2023-01-01"})  # fmt: skip
    for box in ("HLXU1000001", "HLXU1000002", "HLXU1000003"):
        q.freight("L1302", "THC", "1000.00", unit_basis="柜", container_no=box)
    q.freight("L1302", "STO", "-120.00", on="2023-09-11")
    # No rate on the line: the mid rate of the day of confirmation, 7.1036.
    q.freight("L1302", "LSS", "100.00", currency="USD")
