"""Rows of a quarter's files (2023-09 to 2023-11): what each story of ``year_quarter`` is written with."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.tiny import COMPANY, TinyHome

CNY, USD, EUR, JPY = "3300000000000000001", "3300000000000000002", "3300000000000000003", "3300000000000000004"
_ACCOUNT = {"CNY": CNY, "USD": USD, "EUR": EUR, "JPY": JPY}
# Two goods: one whose refund rate followed the levy rate (17, 16, 13), one that had 13 % all along.
FOLLOWS, KEEPS = "8501109990", "6302101000"


class Quarter:
    """Writes the stories into a ``TinyHome``; each method is one row of a file."""

    def __init__(self, root: Path) -> None:
        self.home = TinyHome(root)
        self.home.reference = {
            "own_company": [COMPANY],
            "own_accounts": [
                {"account_no": number, "currency": currency, "bank": "中国银行", "name": COMPANY["name"]}
                for currency, number in _ACCOUNT.items()
            ],
            "principals": [], "payers": [],
            "fx_mid_rates": [
                {"published_on": day, "currency": currency, "rate_per_100": rate, "source": "CFETS"}
                for day in ("2023-08-01", "2023-09-01", "2023-10-09", "2023-11-01")
                for currency, rate in (("USD", "710.36"), ("EUR", "770.00"), ("JPY", "4.8500"))
            ],
            "refund_rates": [
                {"hs_code": FOLLOWS, "refund_rate": rate, "levy_rate": rate, "valid_from": since, "valid_to": until}
                for rate, since, until in (
                    ("17%", "2012-01-01", "2018-04-30"), ("16%", "2018-05-01", "2019-03-31"), ("13%", "2019-04-01", None),
                )
            ] + [{"hs_code": KEEPS, "refund_rate": "13%", "valid_from": "2012-01-01"}],
        }  # fmt: skip
        self._refs = 0

    # --- rows ------------------------------------------------------------------------------------
    def principal(self, number: str, **more) -> None:
        name = f"宁波第{number[1:]}贸易有限公司"
        self.home.refer("principals", {
            "principal_id": number, "name": name, "bank_name": "工行", "bank_account": f"390100000000000{number[1:]}",
            "settlement_mode": "票结", "uscc": None,
        } | more)  # fmt: skip
        self.home.refer("payers", {"principal_id": number, "payer_name": self.buyer(number), "relation": "境外客商"})

    @staticmethod
    def name(number: str) -> str:
        return f"宁波第{number[1:]}贸易有限公司"

    @staticmethod
    def buyer(number: str) -> str:
        return f"BUYER {number} OVERSEAS INC"

    def export(self, order: str, who: str, amount: str, month="2023-09", **more) -> None:
        serial = f"{sum(map(ord, order)) % 1000:03d}{int(order[-2:]) if order[-2:].isdigit() else 7:02d}"
        self.home.add("orders", {
            "order_no": order, "services": "出口贸易代理", "principal_id": who, "counterparty": self.buyer(who), "ordered_on": "2023-08-01",
            "currency": "USD", "amount_fx": amount, "trade_term": "FOB", "agency_fee": "0", "declaration_no": f"3101202300{serial:0>8}",
            "declared_on": "2023-08-21", "exported_on": "2023-08-21",
        } | more, month=month)  # fmt: skip

    def goods(self, order: str, amount: str, month="2023-09", line="1", **more) -> None:
        self.home.add("goods", {
            "order_no": order, "line_no": line, "hs_code": FOLLOWS, "goods_name": "微型电机", "quantity": "1000", "legal_unit": "台",
            "amount_fx": amount, "fob_usd": amount,
        } | more, month=month)  # fmt: skip

    def credit(self, who: str, currency: str, amount: str, text: str, on="2023-09-05", month=None, **more) -> None:
        foreign = currency != "CNY"
        self._refs += 1
        payer = (
            {"counterparty_name": self.buyer(who)}
            if foreign
            else {"counterparty_name": self.name(who), "counterparty_account": f"390100000000000{who[1:]}"}
        )
        self.home.add("bank", {
            "account_no": _ACCOUNT[currency], "currency": currency, "booked_on": on, "credit_in": amount, "remark": text,
            "bank_ref": f"R{self._refs:05d}",
        } | payer | more, month=month or on[:7])  # fmt: skip

    def debit(self, currency: str, amount: str, text: str, on: str, payee=None, account=None, **more) -> None:
        self._refs += 1
        self.home.add("bank", {
            "account_no": _ACCOUNT[currency], "currency": currency, "booked_on": on, "debit_out": amount, "remark": text,
            "counterparty_name": payee, "counterparty_account": account, "bank_ref": f"D{self._refs:05d}",
        } | more, month=on[:7])  # fmt: skip

    def request(
        self,
        number: str,
        order: str,
        kind: str,
        payee_type: str,
        payee: str,
        account: str,
        currency: str,
        amount: str,
        month="2023-09",
        **more,
    ) -> None:
        self.home.add("payments", {
            "request_no": number, "order_no": order, "kind": kind, "payee_type": payee_type, "payee_name": payee, "payee_account": account,
            "currency": currency, "amount": amount,
        } | more, month=month)  # fmt: skip

    def freight(
        self, order: str, code: str, amount: str, currency="CNY", month="2023-09", on="2023-09-08", **more
    ) -> None:
        self._refs += 1
        self.home.add("freight", {
            "vendor": "上海海越国际货运有限公司", "vendor_invoice_no": f"V{self._refs:05d}", "order_no": order, "charge_code": code,
            "currency": currency, "amount": amount, "unit_basis": "票", "quantity": "1", "invoiced_on": on, "confirmed_on": on,
            "voucher_no": f"PZ{self._refs:05d}",
        } | more, month=month)  # fmt: skip

    def shipment(self, order: str, who: str, month="2023-09", **more) -> None:
        self.home.add("orders", {
            "order_no": order, "services": "出口国际物流", "principal_id": who, "ordered_on": "2023-08-20", "currency": "CNY", "amount_fx": "0",
            "bl_no": f"BL{order}", "sailed_on": "2023-09-02", "shipment_status": "出运",
        } | more, month=month)  # fmt: skip

    def decide(self, month: str, **more) -> None:
        self.home.add("adjustments", {
            "currency": "CNY", "decided_by": "王主管", "decided_at": f"{month}-20 10:00:00", "reason": "客户书面同意",
        } | more, month=month)  # fmt: skip
