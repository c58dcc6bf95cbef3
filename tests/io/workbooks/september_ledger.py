"""The ledger of September 2023 by hand, and the balances that follow from it (september.py has the rest)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal


def _day(number: int) -> date:
    return date(2023, 9, number)


def _posting(
    number, principal, day, account, kind, cny, order=None, currency="CNY", fx=None, rate=None, txn=None, **more
):
    return {
        "entry_no": f"2309-{number:03d}", "posting_key": f"K{number:03d}", "principal_id": principal,
        "posted_on": _day(day), "account": account, "kind": kind, "amount_cny": cny, "order_no": order,
        "currency": currency, "amount_fx": fx, "rate": rate, "txn_id": txn, "rule_id": "LEDGER", **more,
    }  # fmt: skip


LEDGER = [
    _posting(1, "P001", 5, "货款", "收款", "612685.50", "EX2309-001", "USD", "86250.00", "7.1036", "t01", rule_id="EXP-RCV-02"),
    _posting(2, "P001", 5, "货款", "代理费", "-3063.43", "EX2309-001", rule_id="EXP-INV-01"),
    _posting(3, "P001", 5, "货款", "其他费用", "-680.00", "EX2309-001", rule_id="EXP-INV-01"),
    _posting(4, "P001", 8, "货款", "收款", "303000.00", "EX2309-002", "EUR", "38000.00", "7.97368421", "t02", rule_id="EXP-RCV-02"),
    _posting(5, "P001", 8, "货款", "代理费", "-3000.00", "EX2309-002", rule_id="EXP-INV-01"),
    _posting(6, "P001", 12, "货款", "收款", "73050.00", "EX2309-003", "JPY", "1500000.00", "0.0487", "t03", rule_id="EXP-RCV-02"),
    _posting(7, "P001", 12, "货款", "代理费", "-730.50", "EX2309-003", rule_id="EXP-INV-01"),
    _posting(8, "P001", 14, "退税", "退税到账", "45000.00", "EX2308-009", txn="t04", rule_id="EXP-REF-04"),
    _posting(9, "P001", 18, "退税", "退税付出", "-45000.00", "EX2308-009", txn="t11", document_no="YJ-1", rule_id="EXP-REF-05"),
    _posting(10, "P001", 20, "货款", "付款", "-590000.00", "EX2309-001", txn="t12", rule_id="EXP-PAY-01", note="P002 的内部备注"),
    _posting(11, "P001", 22, "物流费", "物流费", "-15600.00", "EX2309-001", rule_id="LOG-AR-02", note="抵扣"),
    _posting(12, "P002", 6, "货款", "收款", "1045000.00", "IM2309-001", txn="t05", rule_id="IMP-RCV-01"),
    _posting(13, "P002", 11, "货款", "购汇付款", "-855420.00", "IM2309-001", "USD", "-120000.00", "7.1285", "t13", rule_id="IMP-FXP-07"),
    _posting(14, "P002", 11, "货款", "手续费", "-1005.42", "IM2309-001", txn="t13", rule_id="IMP-FXP-07"),
    _posting(15, "P002", 11, "货款", "代理费", "-8554.20", "IM2309-001", rule_id="C-12"),
    _posting(16, "P002", 15, "税款", "税金", "-187312.67", "IM2309-001", txn="t14", rule_id="IMP-TAX-02"),
    _posting(17, "P002", 19, "货款", "收款", "60000.00", "IM2309-002", txn="t06", rule_id="IMP-RCV-01"),
    _posting(18, "P003", 19, "物流费", "收款", "40000.00", "LG2308-004", txn="t06", rule_id="LOG-RCV-01"),
    _posting(19, "P003", 24, "物流费", "物流费", "-25186.34", "LG2309-001", rule_id="LOG-AR-02"),
    _posting(20, "P003", 26, "预收", "收款", "5000.00", txn="t07", rule_id="C-28"),
]  # fmt: skip
OPENINGS = {("P001", "货款"): "1200.00", ("P003", "物流费"): "-178450.00"}


def _balances() -> tuple[list[dict], list[dict]]:
    openings = {key: Decimal(amount) for key, amount in OPENINGS.items()}
    movement: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in LEDGER:
        movement[row["principal_id"], row["account"]] += Decimal(row["amount_cny"])
    accounts = [
        {"principal_id": who, "account": account, "opening": openings.get((who, account), Decimal(0)), "movement": movement[who, account],
         "closing": openings.get((who, account), Decimal(0)) + movement[who, account]}
        for who, account in sorted({*openings, *movement})
    ]  # fmt: skip
    people: dict[str, dict] = {}
    for row in accounts:
        total = people.setdefault(
            row["principal_id"], {"principal_id": row["principal_id"], "opening": 0, "movement": 0, "closing": 0}
        )
        for name in ("opening", "movement", "closing"):
            total[name] += row[name]
    return list(people.values()), accounts
