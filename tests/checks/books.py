"""Two months of one small desk's books that are right in every respect: what the checks are tried on.

P1 exports SO1: USD 1,000.00 comes in at 7.20 in September; agency fee 100.00; freight 350.00 is billed.
P2 opens with 500.00 that we owe it; 200.00 of it is paid out in October. A receipt of 88.00 is nobody's yet.
"""

from __future__ import annotations

from datetime import date

SEPTEMBER, OCTOBER = "2023-09", "2023-10"


def _line(month, txn_id, amount, currency="CNY", **more):
    return {"month": month, "txn_id": txn_id, "amount": amount, "currency": currency, **more}


def _posting(number, month, principal, account, kind, cny, **more):
    return {
        "month": month,
        "entry_no": f"{month}-{number}",
        "posting_key": f"K{number}",
        "principal_id": principal,
        "account": account,
        "kind": kind,
        "currency": "CNY",
        "amount_cny": cny,
        **more,
    }


def _balance(month, principal, opening, movement, closing, account=None):
    row = {"month": month, "principal_id": principal, "opening": opening, "movement": movement, "closing": closing}
    return row if account is None else {**row, "account": account}


def _file(month, currency, read, accepted, rejected, amount_read, amount_accepted, amount_rejected):
    return {
        "month": month, "source_file": f"raw/{month}/bank/a.csv", "input_table": "bank", "currency": currency,
        "rows_read": read, "rows_accepted": accepted, "rows_rejected": rejected,
        "amount_read": amount_read, "amount_accepted": amount_accepted, "amount_rejected": amount_rejected,
    }  # fmt: skip


def two_months() -> dict[str, list[dict]]:
    """Every published table that holds rows, for September and October."""
    usd = {"currency": "USD", "receipt_amount": "1000.00"}
    return {
        "bank_transactions": [
            _line(SEPTEMBER, "t1", "1000.00", "USD"),
            _line(SEPTEMBER, "t2", "88.00"),
            _line(SEPTEMBER, "t3", "7200.00"),
            _line(SEPTEMBER, "t4", "-1000.00", "USD"),
            _line(OCTOBER, "t5", "-200.00"),
        ],
        "receipt_allocations": [
            {"month": SEPTEMBER, "txn_id": "t1", "order_no": "SO1", "principal_id": "P1", "purpose": "货款",
             "amount": "900.00", "amount_cny": "6480.00", "rate_source": "水单", **usd},
            {"month": SEPTEMBER, "txn_id": "t1", "order_no": None, "principal_id": "P1", "purpose": "预收",
             "amount": "100.00", "amount_cny": "720.00", "rate_source": "水单", **usd},
            {"month": SEPTEMBER, "txn_id": "t3", "purpose": "结汇", "amount": "7200.00", "amount_cny": "7200.00",
             "receipt_amount": "7200.00", "currency": "CNY"},
        ],
        "unmatched_receipts": [
            {"month": month, "txn_id": "t2", "currency": "CNY", "receipt_amount": "88.00", "amount": "88.00"}
            for month in (SEPTEMBER, OCTOBER)
        ],
        "payment_allocations": [
            {"month": SEPTEMBER, "txn_id": "t4", "kind": "结汇", "currency": "USD", "payment_amount": "1000.00",
             "amount": "1000.00"},
            {"month": OCTOBER, "txn_id": "t5", "kind": "余款退还", "currency": "CNY", "payment_amount": "200.00",
             "amount": "200.00", "amount_cny": "200.00", "principal_id": "P2", "request_no": "R1"},
        ],
        "principal_ledger": [
            _posting(1, SEPTEMBER, "P2", "预收", "期初", "500.00"),
            _posting(2, SEPTEMBER, "P1", "货款", "收款", "6480.00", txn_id="t1", order_no="SO1", amount_fx="900.00"),
            _posting(3, SEPTEMBER, "P1", "预收", "收款", "720.00", txn_id="t1", amount_fx="100.00"),
            _posting(4, SEPTEMBER, "P1", "货款", "代理费", "-100.00", order_no="SO1"),
            _posting(5, SEPTEMBER, "P1", "物流费", "物流费", "-350.00", order_no="SO1"),
            _posting(6, OCTOBER, "P2", "预收", "付款", "-200.00", txn_id="t5", amount_fx="-200.00"),
        ],
        "principal_balances": [
            _balance(SEPTEMBER, "P1", "0.00", "6750.00", "6750.00"),
            _balance(SEPTEMBER, "P2", "500.00", "0.00", "500.00"),
            _balance(OCTOBER, "P1", "6750.00", "0.00", "6750.00"),
            _balance(OCTOBER, "P2", "500.00", "-200.00", "300.00"),
        ],
        "principal_account_balances": [
            _balance(SEPTEMBER, "P1", "0.00", "6380.00", "6380.00", "货款"),
            _balance(SEPTEMBER, "P1", "0.00", "720.00", "720.00", "预收"),
            _balance(SEPTEMBER, "P1", "0.00", "-350.00", "-350.00", "物流费"),
            _balance(SEPTEMBER, "P2", "500.00", "0.00", "500.00", "预收"),
            _balance(OCTOBER, "P1", "6380.00", "0.00", "6380.00", "货款"),
            _balance(OCTOBER, "P1", "720.00", "0.00", "720.00", "预收"),
            _balance(OCTOBER, "P1", "-350.00", "0.00", "-350.00", "物流费"),
            _balance(OCTOBER, "P2", "500.00", "-200.00", "300.00", "预收"),
        ],
        "order_balances": [
            {"month": month, "order_no": "SO1", "principal_id": "P1", "kind": kind, "received_cny": received,
             "charged_cny": charged, "paid_cny": "0.00", "balance_cny": balance, "displayed_balance": shown}
            for month in (SEPTEMBER, OCTOBER)
            for kind, received, charged, balance, shown in (
                ("export", "6480.00", "100.00", "6380.00", "6380.00"),
                ("logistics", "0.00", "350.00", "-350.00", "350.00"),
            )
        ],
        "export_invoices": [
            {"month": month, "order_no": "SO1", "line_no": 1, "principal_id": "P1", "currency": "USD",
             "status": "可开票", "invoice_amount": "7209.40", "ex_vat_amount": "6380.00", "tax_amount": "829.40",
             "swap_ratio": "6.38000000"}
            for month in (SEPTEMBER, OCTOBER)
        ],
        "freight_charges": [
            {"month": SEPTEMBER, "line_key": "f1", "order_no": "SO1", "principal_id": "P1", "vendor": "船公司",
             "charge_code": "THC", "currency": "CNY", "cost": "310.00", "vendor_quote": "300.00",
             "payable": "300.00", "receivable_cny": "350.00", "status": "超报价"},
            # A later line lacks room of its own: the quote of both together holds.
            {"month": OCTOBER, "line_key": "f2", "order_no": "SO1", "principal_id": "P1", "vendor": "船公司",
             "charge_code": "THC", "currency": "CNY", "cost": "90.00", "vendor_quote": "80.00", "payable": "80.00",
             "status": "超报价"},
        ],
        "exceptions": [
            {"month": OCTOBER, "exception_id": "e1", "code": "DECISION_ORPHAN", "order_no": "NO-SUCH-ORDER"},
        ],
        "control_totals": [
            _file(SEPTEMBER, "CNY", 3, 2, 1, "7300.01", "7288.00", "12.01"),
            _file(SEPTEMBER, "USD", 2, 2, 0, "0.00", "0.00", "0.00"),
            _file(OCTOBER, "CNY", 1, 1, 0, "-200.00", "-200.00", "0.00"),
        ],
        "rejected_rows": [
            # One row, wrong in two fields.
            {"month": SEPTEMBER, "source_file": "raw/2023-09/bank/a.csv", "input_table": "bank", "source_row": 7,
             "field": field}
            for field in ("amount", "booked_on")
        ],
    }  # fmt: skip


MASTERS = {
    ("facts", "orders"): [{"order_no": "SO1", "principal_id": "P1"}],
    ("reference", "principals"): [{"principal_id": "P1"}, {"principal_id": "P2"}],
    ("reference", "opening_items"): [{"order_no": "OLD1", "principal_id": "P2"}],
}
MONTH_ENDS = {SEPTEMBER: date(2023, 9, 30), OCTOBER: date(2023, 10, 31)}
