"""Tiny homes for whole-month tests: rows as dicts by field name, written as the CSV files finance would drop.

``TinyHome`` starts with one principal, two own accounts and September's mid rates; a test adds what it is about.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from settlement.io.home import Home
from tests.rules.books.tables import layouts

CNY_ACCOUNT, USD_ACCOUNT = "33001616783050001234", "33001616783050005678"
_BANK_HEADERS = {
    "account_no": "本方账号", "currency": "币种", "booked_on": "交易日期", "value_on": "起息日", "debit_out": "借方发生额",
    "credit_in": "贷方发生额", "balance": "余额", "counterparty_name": "对方户名", "counterparty_account": "对方账号",
    "summary": "摘要", "purpose": "用途", "remark": "附言", "bank_ref": "流水号", "fx_rate": "汇率",
    "cny_amount": "折人民币金额", "bank_fee": "银行手续费",
}  # fmt: skip

PRINCIPAL = {"principal_id": "P001", "name": "宁波海川贸易有限公司", "name_en": "NINGBO HAICHUAN TRADING CO LTD",
             "bank_name": "工行宁波分行", "bank_account": "3901000000000000011", "settlement_mode": "票结"}  # fmt: skip
COMPANY = {"name": "浙江汇通外贸综合服务有限公司", "uscc": "91330000MA0TE5T087"}
ACCOUNTS = [
    {"account_no": CNY_ACCOUNT, "currency": "CNY", "bank": "工商银行", "name": COMPANY["name"]},
    {"account_no": USD_ACCOUNT, "currency": "USD", "bank": "中国银行", "name": COMPANY["name"]},
]


def export_order(number="SO0001", **more):
    """A 自营 export order of USD 100,000, declared in August (W01's figures)."""
    return {
        "order_no": number, "services": "出口贸易代理", "principal_id": "P001", "contract_no": f"HT-{number}",
        "counterparty": "ACME TRADING INC", "ordered_on": "2023-08-01", "currency": "USD", "amount_fx": "100000.00",
        "trade_term": "FOB", "agency_fee": "3100.00", "other_fee": "12900.00", "declaration_no": "310120230000000017",
        "declared_on": "2023-08-21", "exported_on": "2023-08-21",
    } | more  # fmt: skip


def export_line(number="SO0001", **more):
    return {
        "order_no": number, "line_no": "1", "hs_code": "8501109990", "goods_name": "微型电机", "quantity": "1000",
        "legal_unit": "台", "amount_fx": "100000.00", "fob_usd": "100000.00", "levy_rate": "13%", "refund_rate": "13%",
    } | more  # fmt: skip


def usd_receipt(remark="PAYMENT FOR SO0001", amount="100000.00", **more):
    """An advised USD credit at 7.2 from the order's buyer."""
    cny = f"{float(amount) * 7.2:.2f}"  # a test's own input text, not money the program computes
    return {
        "account_no": USD_ACCOUNT, "currency": "USD", "booked_on": "2023-09-05", "credit_in": amount,
        "counterparty_name": "ACME TRADING INC", "remark": remark, "bank_ref": "FX0001", "fx_rate": "720.00", "cny_amount": cny,
    } | more  # fmt: skip


def cny_line(amount, remark="", **more):
    """A line of the CNY account; a negative amount goes out."""
    side = {"debit_out": amount.lstrip("-")} if amount.startswith("-") else {"credit_in": amount}
    return {"account_no": CNY_ACCOUNT, "currency": "CNY", "booked_on": "2023-09-06", "remark": remark,
            "counterparty_name": PRINCIPAL["name"], "counterparty_account": PRINCIPAL["bank_account"],
            "bank_ref": f"C{amount}{remark}"} | side | more  # fmt: skip


@dataclass
class TinyHome:
    """Files to be: ``months[month][table]`` and ``reference[table]`` are lists of rows (dicts by field)."""

    root: Path
    months: dict[str, dict[str, list[dict]]] = field(default_factory=dict)
    reference: dict[str, list[dict]] = field(
        default_factory=lambda: {
            "principals": [PRINCIPAL],
            "own_company": [COMPANY],
            "own_accounts": list(ACCOUNTS),
            "payers": [{"principal_id": "P001", "payer_name": "ACME TRADING INC", "relation": "境外客商"}],
            "fx_mid_rates": [
                {"published_on": f"2023-{month:02d}-01", "currency": currency, "rate_per_100": rate, "source": "CFETS"}
                for month in (8, 9, 10, 11)
                for currency, rate in (("USD", "718.00"), ("EUR", "770.00"))
            ],
        }
    )

    def add(self, table: str, *rows: dict, month: str = "2023-09") -> TinyHome:
        self.months.setdefault(month, {}).setdefault(table, []).extend(rows)
        return self

    def refer(self, table: str, *rows: dict) -> TinyHome:
        self.reference.setdefault(table, []).extend(rows)
        return self

    def write(self) -> Home:
        """Write every file anew; mandatory folders that got no rows get a file with a header and none."""
        for table, rows in self.reference.items():
            _write(self.root / "raw" / "reference" / f"{table}.csv", _headers(table), rows)
        for month, tables in self.months.items():
            filled = {"orders": [], "goods": [], "freight": [], "bank": []} | tables
            for table, rows in filled.items():
                folder = "bank" if table == "bank" else layouts()[table]["folder"]
                headers = _BANK_HEADERS if table == "bank" else _headers(table)
                _write(self.root / "raw" / month / folder / f"{table}.csv", headers, rows)
        return Home(self.root)


def _headers(table: str) -> dict[str, str]:
    return {name: spec["header"] for name, spec in layouts()[table]["fields"].items()}


def _write(path: Path, headers: dict[str, str], rows: list[dict]) -> None:
    unknown = {key for row in rows for key in row} - set(headers)
    assert not unknown, f"{path.name}: no such fields {sorted(unknown)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(headers.values())
        for row in rows:
            writer.writerow([_cell(row.get(name)) for name in headers])


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return value.isoformat() if isinstance(value, date) else str(value)
