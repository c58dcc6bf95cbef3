"""September 2023 of a small agency, by hand: what its workbooks are tried on.

P001 exports (EX…: worked examples W06 and W02b of the rules, a JPY deposit at a provisional rate, a
refund that arrived and was paid out to a person's offshore account). P002 imports (IM…: W10). P003 is
billed for freight (LG…: W12 and an overdue month). One receipt is shared by P002 and P003, one is
nobody's, one lies on account. Figures that are sums here are added up below, so that the books tie.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from .september_ledger import LEDGER, _balances, _day

MONTH, AS_OF = "2023-09", date(2023, 9, 30)
PERSON_ACCOUNT = "6222020200112233445"
SHARED_REMARK = "付IM2309-002货款及LG2309-001运费"


def _line(txn, day, currency, amount, name, remark, **more):
    own = {"USD": "ACC-USD-1", "EUR": "ACC-EUR-1", "JPY": "ACC-JPY-1", "CNY": "00120034005600780"}[currency]
    return {
        "txn_id": txn, "account_no": own, "bank_ref": f"R{txn}", "booked_on": _day(day), "value_on": _day(day), "currency": currency,
        "amount": amount, "counterparty_name": name, "remark": remark, "source_file": "raw/2023-09/bank/icbc.csv", "source_row": int(txn[1:]), **more,
    }  # fmt: skip


BANK = [
    _line("t01", 5, "USD", "86250.00", "NORDIC TRADING AB", "EX2309-001 FULL PAYMENT"),
    _line("t02", 8, "EUR", "38000.00", "MÜLLER GMBH", "EX2309-002"),
    _line("t03", 12, "JPY", "1500000.00", "東京商事株式会社", "DEPOSIT EX2309-003"),
    _line("t04", 14, "CNY", "45000.00", "国家金库宁波市中心支库", "出口退税"),
    _line("t05", 6, "CNY", "1045000.00", "杭州远山机电有限公司", "货款 IM2309-001"),
    _line("t06", 19, "CNY", "100000.00", "上海中间人供应链有限公司", SHARED_REMARK),
    _line("t07", 26, "CNY", "5000.00", "温州三江服饰有限公司", "往来款"),
    _line("t08", 27, "USD", "12000.00", "ACME IMPORT LLC", "INVOICE 4711"),
    _line("t09", 28, "CNY", "3000.00", "王小明", f"还款 账号{PERSON_ACCOUNT}", counterparty_account=PERSON_ACCOUNT),
    _line("t10", 29, "CNY", "15.20", None, "结息"),
    _line("t11", 18, "CNY", "-45000.00", "李四", "退税款", counterparty_account=PERSON_ACCOUNT),
    _line("t12", 20, "CNY", "-590000.00", "宁波海川贸易有限公司", "货款"),
    _line("t13", 11, "USD", "-120000.00", "SEOUL MACHINERY", "T/T IM2309-001"),
    _line("t14", 15, "CNY", "-187312.67", "中国海关", "税单"),
    _line("t15", 25, "CNY", "-88.00", "未知收款方", "转账"),
]


def _piece(
    txn,
    principal,
    order,
    purpose,
    amount,
    cny,
    *,
    day,
    currency="CNY",
    whole=None,
    rate=None,
    source="本币",
    rule="R-ORDER",
    **more,
):
    return {
        "txn_id": txn, "account_no": "00120034005600780", "bank_ref": f"R{txn}", "booked_on": _day(day), "currency": currency,
        "receipt_amount": whole or amount, "principal_id": principal, "order_no": order, "purpose": purpose, "amount": amount,
        "amount_cny": cny, "settlement_rate": rate, "rate_source": source, "rule": rule, "confidence": "certain", "evidence": "附言写明订单号", **more,
    }  # fmt: skip


RECEIPTS = [
    _piece("t01", "P001", "EX2309-001", "货款", "86250.00", "612685.50", day=5, currency="USD", rate="7.1036", source="水单"),
    _piece("t02", "P001", "EX2309-002", "货款", "38000.00", "303000.00", day=8, currency="EUR", rate="7.97368421", source="水单"),
    _piece("t03", "P001", "EX2309-003", "货款", "1500000.00", "73050.00", day=12, currency="JPY", rate="0.0487", source="暂估"),
    _piece("t04", "P001", "EX2308-009", "退税款", "45000.00", "45000.00", day=14),
    _piece("t05", "P002", "IM2309-001", "货款", "1045000.00", "1045000.00", day=6),
    _piece("t06", "P002", "IM2309-002", "货款", "60000.00", "60000.00", day=19, whole="100000.00"),
    _piece("t06", "P003", "LG2308-004", "物流费", "40000.00", "40000.00", day=19, whole="100000.00"),
    _piece("t07", "P003", None, "预收", "5000.00", "5000.00", day=26, rule="R-PAYER", evidence="付款人为委托方本人",
           candidates='[{"order_no": "LG2309-001", "principal_id": "P003", "score": 0.5, "why": "金额不符，同一委托方"}]'),
    _piece("t10", None, None, "利息", "15.20", "15.20", day=29, rule="R-INTEREST"),
]  # fmt: skip
UNMATCHED_RECEIPTS = [
    {"txn_id": "t08", "account_no": "ACC-USD-1", "bank_ref": "Rt08", "booked_on": _day(27), "currency": "USD", "receipt_amount": "12000.00",
     "amount": "12000.00", "counterparty_name": "ACME IMPORT LLC", "reason": "两张订单同样符合",
     "candidates": '[{"order_no": "EX2309-003", "principal_id": "P001", "score": 0.72, "why": "客商名称相近"},'
                   ' {"order_no": "IM2309-002", "principal_id": "P002", "score": 0.41, "why": "金额相近"}]'},
    {"txn_id": "t09", "account_no": "00120034005600780", "bank_ref": "Rt09", "booked_on": _day(28), "currency": "CNY", "receipt_amount": "3000.00",
     "amount": "3000.00", "counterparty_name": "王小明", "reason": f"付款人未登记（{PERSON_ACCOUNT}）", "candidates": "[]"},
]  # fmt: skip


def _paid(txn, request, principal, order, kind, amount, cny, day, currency="CNY", rate=None, vendor=None):
    return {
        "txn_id": txn, "account_no": "00120034005600780", "bank_ref": f"R{txn}", "booked_on": _day(day), "currency": currency,
        "payment_amount": amount, "request_no": request, "order_no": order, "principal_id": principal, "vendor": vendor, "kind": kind,
        "amount": amount, "amount_cny": cny, "settlement_rate": rate, "rule": "P-REQUEST", "evidence": "申请单一致",
    }  # fmt: skip


PAYMENTS = [
    _paid("t11", "QK-003", "P001", "EX2308-009", "退税款", "45000.00", "45000.00", 18),
    _paid("t12", "QK-004", "P001", "EX2309-001", "货款", "590000.00", "590000.00", 20),
    _paid("t13", "QK-001", "P002", "IM2309-001", "购汇付款", "120000.00", "855420.00", 11, "USD", "7.1285"),
    _paid("t14", "QK-002", "P002", "IM2309-001", "税金", "187312.67", "187312.67", 15),
]
UNMATCHED_PAYMENTS = [
    {"txn_id": "t15", "account_no": "00120034005600780", "bank_ref": "Rt15", "booked_on": _day(25), "currency": "CNY", "payment_amount": "88.00",
     "amount": "88.00", "counterparty_name": "未知收款方", "reason": "没有对应的付款申请", "evidence": "没有金额相符的付款申请", "candidates": "[]"},
]  # fmt: skip


def _goods(
    order,
    line,
    name,
    quantity,
    unit,
    currency,
    received,
    rate,
    gross,
    fees,
    net,
    refund,
    amounts,
    fob,
    status,
    declared=None,
    **more,
):
    invoice, ex_vat, tax, back = amounts
    return {
        "order_no": order, "line_no": line, "principal_id": "P001", "declaration_no": f"31012023051{order[-3:]}0001", "goods_name": name,
        "quantity": quantity, "legal_unit": unit, "received_fx": received, "currency": currency, "declared_fx": declared or received,
        "settlement_rate": rate, "gross_cny": gross, "fees_cny": fees, "net_cny": net, "levy_rate": "0.13", "refund_rate": refund,
        "invoice_amount": invoice, "ex_vat_amount": ex_vat, "tax_amount": tax, "refund_amount": back, "fob_usd": fob, "status": status,
        "rate_provisional": status == "暂估", **more,
    }  # fmt: skip


_EUR = ("38000.00", "7.97368421", "303000.00", "3000.00")
EXPORT = [
    _goods("EX2309-001", 1, "不锈钢餐具", "12000", "千克", "USD", "86250.00", "7.1036", "612685.50", "19343.43", "593342.07", "0.13",
           ("670476.54", "593342.07", "77134.47", "77134.47"), "86275.00", "可开票", swap_ratio="6.87733492", net_ratio="6.87733492"),
    _goods("EX2309-002", 1, "棉制T恤", "20000", "件", "EUR", *_EUR, "149996.25", "0.13",
           ("169495.76", "149996.25", "19499.51", "19499.51"), "20000.00", "已通知", swap_ratio="7.4998125"),
    _goods("EX2309-002", 2, "竹制砧板", "5000", "个", "EUR", *_EUR, "112497.19", "0.09",
           ("122232.52", "108170.37", "14062.15", "9735.33"), "15000.00", "已通知", swap_ratio="7.211358"),
    _goods("EX2309-002", 3, "木屑颗粒", "800.5", "千克", "EUR", *_EUR, "37506.56", "0",
           ("37506.56", "33191.65", "4314.91", "0.00"), "5001.00", "已通知", swap_ratio="6.63700260", refund_flag="免税"),
    _goods("EX2309-003", 1, "陶瓷花瓶", "300", "个", "JPY", "1500000.00", "0.0487", "73050.00", "730.50", "72319.50", "0.13",
           ("81721.04", "72319.50", "9401.54", "9401.54"), "10500.00", "暂估", "5000000.00", swap_ratio="6.88757143"),
]  # fmt: skip
IMPORT = [
    {"order_no": "IM2309-001", "principal_id": "P002", "currency": "USD", "amount_fx": "120000.00", "estimate_rate": "7.1036", "estimate_cny": "852432.00",
     "goods_cny": "855420.00", "bank_fee": "1005.42", "duty": "67990.08", "consumption_tax": "0.00", "vat": "119322.59", "late_fee": "0.00",
     "invoice_amount": "1043738.09", "ex_vat_amount": "923662.03", "tax_amount": "120076.06", "neutral_amount": "1044589.52", "vat_gap": "753.47",
     "eligible": True, "status": "可开票"},
    {"order_no": "IM2309-002", "principal_id": "P002", "currency": "USD", "amount_fx": "9000.00", "estimate_rate": "7.1785", "estimate_cny": "64606.50",
     "eligible": False, "status": "待付汇", "status_reason": "尚未付汇"},
]  # fmt: skip
REFUNDS = [
    {"order_no": "EX2308-009", "declaration_no": "310120230519990009", "principal_id": "P001", "exported_on": date(2023, 8, 2), "expected": "45000.00",
     "notified": "45000.00", "received": "45000.00", "advanced": "0.00", "paid_out": "45000.00", "kept": "0.00", "balance": "0.00",
     "file_by": date(2024, 4, 30), "status": "已付清"},
    {"order_no": "EX2309-001", "declaration_no": "310120230510010001", "principal_id": "P001", "exported_on": _day(3), "expected": "77134.47",
     "received": "0.00", "advanced": "0.00", "paid_out": "0.00", "kept": "0.00", "balance": "0.00", "file_by": date(2024, 4, 30), "status": "待开票"},
    {"order_no": "EX2309-002", "declaration_no": "310120230510020001", "principal_id": "P001", "exported_on": _day(4), "expected": "29234.84",
     "received": "0.00", "advanced": "0.00", "paid_out": "0.00", "kept": "0.00", "balance": "0.00", "file_by": date(2024, 4, 30), "status": "待申报"},
]  # fmt: skip


def _charge(
    code,
    name,
    cost,
    quote,
    receivable,
    cny,
    *,
    currency="CNY",
    rate="1",
    vendor_quote=None,
    status="正常",
    order="LG2309-001",
    voucher=None,
):
    return {
        "line_key": f"{order}/{code}", "order_no": order, "principal_id": "P003", "vendor": "东海船务", "vendor_invoice_no": "DH-77", "bl_no": "DHNB2309001",
        "charge_code": code, "charge_name": name, "currency": currency, "unit_basis": "柜", "quantity": "1", "cost": cost, "vendor_quote": vendor_quote,
        "payable": "0.00" if status == "待凭证" else vendor_quote or cost, "client_currency": currency, "client_quote": quote, "receivable": receivable,
        "ar_rate": rate, "receivable_cny": cny, "settled_cny": "0.00", "voucher_no": voucher, "is_pass_through": vendor_quote is None,
        "fee_month": "2023-09", "due_on": date(2023, 10, 10), "invoiced_on": _day(23), "confirmed_on": _day(24), "status": status,
        "source_file": "raw/2023-09/freight/dh.xlsx", "source_row": 4,
    }  # fmt: skip


FREIGHT = [
    _charge(
        "O/F",
        "海运费",
        "2900.00",
        "3150.00",
        "3150.00",
        "22376.34",
        currency="USD",
        rate="7.1036",
        vendor_quote="2900.00",
    ),
    _charge("THC", "码头操作费", "1225.00", "1350.00", "1350.00", "1350.00", vendor_quote="1225.00"),
    _charge("DOC", "文件费", "450.00", "450.00", "450.00", "450.00", vendor_quote="450.00"),
    _charge("SEAL", "封条费", "55.00", "50.00", "50.00", "50.00", vendor_quote="50.00", status="超报价"),
    _charge("VGM", "称重费", "80.00", "100.00", "100.00", "100.00", vendor_quote="80.00"),
    _charge("INSP", "查验费", "860.00", None, "860.00", "860.00", status="待凭证"),
]
RECEIVABLES = [
    *({"line_key": row["line_key"], "order_no": row["order_no"], "principal_id": "P003", "charge_code": row["charge_code"], "receivable_cny": row["receivable_cny"],
       "settled_cny": "0.00", "open_cny": row["receivable_cny"], "fee_month": "2023-09", "due_on": date(2023, 10, 10), "days_overdue": 0, "age_bucket": "未到期"}
      for row in FREIGHT),
    {"line_key": "LG2308-004/O/F", "order_no": "LG2308-004", "principal_id": "P003", "charge_code": "O/F", "receivable_cny": "178450.00", "settled_cny": "40000.00",
     "open_cny": "138450.00", "fee_month": "2023-07", "due_on": date(2023, 8, 10), "days_overdue": 51, "age_bucket": "31-60天"},
]  # fmt: skip


def _order(order, principal, kind, received, charged, paid, step):
    balance = Decimal(received) - Decimal(charged) - Decimal(paid)
    return {
        "order_no": order, "principal_id": principal, "kind": kind, "received_cny": received, "charged_cny": charged, "paid_cny": paid,
        "balance_cny": balance, "displayed_balance": balance if kind == "export" else -balance, "next_step": step,
    }  # fmt: skip


ORDER_BALANCES = [
    _order("EX2309-001", "P001", "export", "612685.50", "3743.43", "590000.00", "客服：确认余款退还方式"),
    _order("EX2309-001", "P001", "logistics", "0.00", "15600.00", "0.00", "已在出口货款中抵扣"),
    _order("EX2309-002", "P001", "export", "303000.00", "3000.00", "0.00", "等待客户发票"),
    _order("EX2309-003", "P001", "export", "73050.00", "730.50", "0.00", "等待结汇"),
    _order("IM2309-001", "P002", "import", "1045000.00", "8554.20", "1043738.09", "客户 2023-10-09 前补付 7,292.29 元"),
    _order("IM2309-002", "P002", "import", "60000.00", "0.00", "0.00", "等待付汇申请"),
    _order("LG2308-004", "P003", "logistics", "40000.00", "178450.00", "0.00", "催收"),
    _order("LG2309-001", "P003", "logistics", "0.00", "25186.34", "0.00", "2023-10-10 前收款"),
]


def _exception(number, code, severity, owner, amount, message, due=9, **more):
    return {
        "exception_id": f"E{number:04d}", "code": code, "severity": severity, "state": "open", "opened_month": MONTH, "amount_at_risk_cny": amount,
        "message": message, "what_to_do": "按规则处理并登记", "owner": owner, "due_on": date(2023, 10, due), "rule_id": "LOG-AP-01", **more,
    }  # fmt: skip


EXCEPTIONS = [
    _exception(1, "RCV_UNIDENTIFIED", "review", "核算部", "86142.00", "USD 12,000.00 无法认领", txn_id="t08"),
    _exception(2, "RCV_UNIDENTIFIED", "review", "核算部", "3000.00", f"CNY 3,000.00 付款人未登记 账号{PERSON_ACCOUNT}", txn_id="t09"),
    _exception(3, "AP_OVER_QUOTE", "review", "物流资源部", "5.00", "SEAL 成本 55.00 超报价 50.00", order_no="LG2309-001", principal_id="P003"),
    _exception(4, "AP_NO_VOUCHER", "block", "物流资源部", "860.00", "查验费无代收代付凭证", order_no="LG2309-001", principal_id="P003"),
    _exception(5, "CR_MONTH_OVERDUE", "review", "风控", "138450.00", "P003 7月物流费逾期 51 天", principal_id="P003", due=8),
    _exception(6, "RATE_PROVISIONAL", "review", "核算部", "73050.00", "JPY 1,500,000 未结汇", order_no="EX2309-003", principal_id="P001", due=12),
    _exception(7, "PAY_UNMATCHED", "review", "核算部", "88.00", "付款 88.00 无申请", txn_id="t15"),
    _exception(8, "ROW_REJECTED", "warn", "客服部", "0.00", "货物第 9 行数量不是数字", source_file="raw/2023-09/orders/o.xlsx", source_row=9, field="数量", found="=1+1"),
    _exception(9, "RCV_MATCHED", "warn", "核算部", "10.00", "已解决", state="resolved"),
]  # fmt: skip


def tables() -> dict[str, list[dict]]:
    """Rows of every published table that has some, this month's."""
    balances, accounts = _balances()
    return {
        "bank_transactions": BANK,
        "receipt_allocations": RECEIPTS,
        "unmatched_receipts": UNMATCHED_RECEIPTS,
        "payment_allocations": PAYMENTS,
        "unmatched_payments": UNMATCHED_PAYMENTS,
        "export_invoices": EXPORT,
        "import_invoices": IMPORT,
        "tax_refunds": REFUNDS,
        "freight_charges": FREIGHT,
        "freight_receivables": RECEIVABLES,
        "order_balances": ORDER_BALANCES,
        "principal_ledger": LEDGER,
        "principal_balances": balances,
        "principal_account_balances": accounts,
        "credit_positions": [
            {"principal_id": "P001", "credit_limit": None, "exposure": "0.00", "overdue_cny": "0.00", "blocked": False},
            {"principal_id": "P003", "credit_limit": "200000.00", "exposure": "163636.34", "available": "36363.66", "overdue_cny": "138450.00",
             "blocked": True, "reason": "上月物流费逾期"},
        ],
        "bl_releases": [
            {"order_no": "LG2309-001", "principal_id": "P003", "bl_no": "DHNB2309001", "settlement_mode": "月结", "due_cny": "25186.34", "received_cny": "0.00",
             "exposure_before": "138450.00", "exposure_after": "163636.34", "credit_limit": "200000.00", "allowed": False, "reason": "逾期未清，交风控"},
        ],
        "exceptions": EXCEPTIONS,
        "control_totals": [
            {"source_file": "raw/2023-09/bank/icbc.csv", "input_table": "bank", "currency": "CNY", "rows_read": 11, "rows_accepted": 10, "rows_rejected": 1,
             "amount_read": "2075431.07", "amount_accepted": "2075416.07", "amount_rejected": "15.00"},
            {"source_file": "raw/2023-09/orders/o.xlsx", "input_table": "goods", "currency": "USD", "rows_read": 9, "rows_accepted": 8, "rows_rejected": 1,
             "amount_read": "95250.00", "amount_accepted": "95250.00", "amount_rejected": "0.00"},
        ],
        "rejected_rows": [
            {"source_file": "raw/2023-09/orders/o.xlsx", "input_table": "goods", "source_row": 9, "field": "数量", "found": "=1+1", "reason": "不是数字", "code": "ROW_REJECTED"},
        ],
        "rule_coverage": [{"rule_id": "LOG-AP-01", "checked": 6, "failed": 1, "not_checkable": 0}],
        "scoreboard": [
            {"measure": "自动入账", "rule": "R-ORDER", "receipts": 7, "amount_cny": "2138735.50", "share": "0.7"},
            {"measure": "自动入账", "rule": "合计", "receipts": 8, "amount_cny": "2143735.50", "share": "0.8"},
            {"measure": "未认领", "rule": "合计", "receipts": 2, "amount_cny": "89142.00", "share": "0.2"},
        ],
        "decision_outcomes": [
            {"decision_key": "D1", "sheet": "认领", "source_file": "raw/2023-09/decisions/a.xlsx", "source_row": 6, "decided_by": "张会计",
             "decided_at": datetime.fromisoformat("2023-09-28 09:30:00"), "reason": "客户电话确认", "subject": "t05", "amount": "1045000.00", "outcome": "已执行",
             "detail": "IM2309-001 货款 1,045,000.00"},
        ],
        "changes": [
            {"table_name": "receipt_allocations", "row_key": "t05", "change": "changed", "column_name": "order_no", "before": None, "after": "IM2309-001", "why": "认领决定"},
        ],
    }  # fmt: skip


def masters() -> dict[tuple[str, str], list[dict]]:
    """Inputs: masters, and the facts that sheets show beside the published rows."""
    return {
        ("reference", "own_company"): [
            {"name": "宁波通达外贸综合服务有限公司", "name_en": "Ningbo Tongda Trade Services Co., Ltd.", "uscc": "91330000MA0TE5T087", "bank": "中国工商银行宁波分行",
             "account": "00120034005600780", "address": "宁波市北仑区港城路1号", "phone": "0574-88880000", "tax_authority": "国家税务总局宁波市北仑区税务局"}],
        ("reference", "principals"): [
            {"principal_id": "P001", "name": "宁波海川贸易有限公司", "name_en": "Ningbo Haichuan Trading Co., Ltd.", "uscc": "91330200MA2AAAAA1X", "bank_name": "中国银行宁波市分行",
             "bank_account": "350600001234567890", "phone": "0574-66660001", "address": "宁波市海曙区中山路8号", "settlement_mode": "票结", "statement_issuer": None},
            {"principal_id": "P002", "name": "杭州远山机电有限公司", "name_en": "Hangzhou Yuanshan Machinery Co., Ltd.", "uscc": "91330100MA2BBBBB2Y", "bank_name": "招商银行杭州分行",
             "bank_account": "571900000012345", "phone": "0571-55550002", "address": "杭州市滨江区江南大道100号", "settlement_mode": "票结", "statement_issuer": None},
            {"principal_id": "P003", "name": "温州三江服饰有限公司", "name_en": None, "uscc": "91330300MA2CCCCC3Z", "bank_name": "中国建设银行温州分行",
             "bank_account": "33001627035000000001", "phone": "0577-44440003", "address": "温州市鹿城区车站大道5号", "settlement_mode": "月结", "statement_issuer": None}],
        ("reference", "payers"): [
            {"principal_id": "P002", "payer_name": "王小明", "payer_account": PERSON_ACCOUNT, "relation": "代付", "is_person": True},
            {"principal_id": "P003", "payer_name": "温州三江服饰有限公司", "payer_account": "33001627035000000001", "relation": "本人", "is_person": False}],
        ("reference", "payout_documents"): [
            {"document_no": "YJ-1", "kind": "佣金协议", "principal_id": "P001", "order_no": None, "payee_name": "李四", "payee_account": "6225880199887766", "is_person": True}],
        ("reference", "own_accounts"): [
            {"account_no": "00120034005600780", "currency": "CNY", "bank": "中国工商银行宁波分行", "name": "基本户"},
            {"account_no": "ACC-USD-1", "currency": "USD", "bank": "中国银行", "name": "美元户"}],
        ("facts", "orders"): [
            {"order_no": order, "principal_id": principal, "services": services, "contract_no": f"HT-{order}", "pol": "宁波", "pod": "HAMBURG"}
            for order, principal, services in (
                ("EX2309-001", "P001", "出口贸易代理、出口国际物流"), ("EX2309-002", "P001", "出口贸易代理"), ("EX2309-003", "P001", "出口贸易代理"),
                ("EX2308-009", "P001", "出口贸易代理"), ("IM2309-001", "P002", "进口贸易代理、进口清关"), ("IM2309-002", "P002", "进口贸易代理"),
                ("LG2308-004", "P003", "出口国际物流"), ("LG2309-001", "P003", "出口国际物流"))],
        ("facts", "goods"): [
            {"order_no": row["order_no"], "line_no": row["line_no"], "hs_code": "7323930000", "item_no": str(row["line_no"]), "goods_name": row["goods_name"]} for row in EXPORT],
        ("facts", "payments"): [
            _request("QK-001", "IM2309-001", "购汇付款", "境外客商", "SEOUL MACHINERY", "KR-110-223-445566", "USD", "120000.00", paid=_day(11), fee="1005.42"),
            _request("QK-002", "IM2309-001", "税金", "海关", "中国海关", "1000234", "CNY", "187312.67", paid=_day(15)),
            _request("QK-003", "EX2308-009", "退税款", "个人离岸账户", "李四", "6225880199887766", "CNY", "45000.00", paid=_day(18), document="YJ-1"),
            _request("QK-004", "EX2309-001", "货款", "委托方", "宁波海川贸易有限公司", "350600001234567890", "CNY", "590000.00", paid=_day(20)),
            _request("QK-005", "EX2309-002", "货款", "个人离岸账户", "李四", "6225880199887766", "CNY", "20000.00", document="YJ-1"),
            _request("QK-006", "LG2309-001", "物流成本", "供应商", "东海船务", "9558850012345678", "CNY", "2665.00")],
    }  # fmt: skip


def _request(number, order, kind, payee_type, payee, account, currency, amount, *, paid=None, document=None, fee=None):
    return {
        "request_no": number, "order_no": order, "vendor_invoice_no": None, "kind": kind, "payee_type": payee_type, "payee_name": payee,
        "payee_account": account, "currency": currency, "amount": Decimal(amount), "pay_on": None, "notified_at": None, "submitted_at": None,
        "document_no": document, "bank_fee": Decimal(fee) if fee else None, "paid_on": paid,
    }  # fmt: skip
