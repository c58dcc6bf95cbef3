"""What the contract says of the published tables, asked by an analyst with plain DuckDB of the settled sample.

The words, columns and laws are written out here from the contract, not taken from the program's own lists.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from decimal import Decimal

import duckdb
import openpyxl
import pytest

MONTH = "2023-09"
COLUMNS = {
    "bank_transactions": "txn_id account_no bank_ref booked_on value_on currency amount counterparty_name counterparty_account remark source_file source_row",
    "receipt_allocations": "txn_id account_no bank_ref booked_on currency receipt_amount principal_id order_no purpose amount amount_cny settlement_rate rate_source rule confidence evidence candidates",
    "unmatched_receipts": "txn_id account_no bank_ref currency amount reason candidates",
    "payment_allocations": "txn_id request_no order_no principal_id vendor kind amount amount_cny rule evidence",
    "unmatched_payments": "txn_id request_no order_no principal_id vendor kind amount amount_cny rule evidence",
    "export_invoices": "order_no line_no declaration_no received_fx currency settlement_rate gross_cny fees_cny net_cny levy_rate refund_rate invoice_amount ex_vat_amount tax_amount refund_amount fob_usd swap_ratio status",
    "import_invoices": "order_no estimate_cny goods_cny bank_fee duty consumption_tax vat invoice_amount eligible vat_gap status",
    "tax_refunds": "order_no declaration_no expected notified received advanced paid_out kept balance status",
    "freight_charges": "order_no vendor vendor_invoice_no charge_code currency cost vendor_quote payable client_quote receivable receivable_cny settled_cny fee_month due_on status",
    "order_balances": "order_no principal_id kind received_cny charged_cny paid_cny balance_cny displayed_balance next_step",
    "principal_ledger": "entry_no posted_on principal_id order_no account kind currency amount_fx rate amount_cny txn_id document_no adjusts_month note",
    "principal_balances": "principal_id opening movement closing",
    "principal_account_balances": "principal_id account opening movement closing",
    "credit_positions": "principal_id credit_limit exposure available overdue_cny blocked",
    "bl_releases": "order_no due_cny received_cny exposure_before exposure_after released_on allowed reason",
    "exceptions": "exception_id code severity state opened_month source_file source_row txn_id order_no principal_id amount_at_risk_cny message owner due_on",
    "control_totals": "source_file input_table currency rows_read rows_accepted rows_rejected amount_read amount_accepted amount_rejected",
    "rule_coverage": "rule_id checked failed not_checkable",
    "months": "state by at reason",
    "runs": "run_id as_of input_digest code_version started_at finished_at",
}  # fmt: skip
WORDS = [
    (
        "receipt_allocations",
        "purpose",
        "货款 税金 物流费 代理费 退税款 余款 预收 结汇 内部划转 利息 冲正 付款退回 供应商退款 其他",
    ),
    ("receipt_allocations", "rate_source", "水单 结汇 暂估 本币"),
    ("receipt_allocations", "confidence", "certain probable"),
    ("export_invoices", "status", "待报关 待收齐 暂估 可开票 已通知 已收票 差异 不适用 取消"),
    ("order_balances", "kind", "export import logistics"),
    ("principal_ledger", "account", "货款 预收 税款 物流费 退税 垫付退税"),
    ("principal_account_balances", "account", "货款 预收 税款 物流费 退税 垫付退税"),
    ("exceptions", "severity", "block review warn"),
    ("exceptions", "state", "new open resolved approved"),
    ("months", "state", "open incomplete settled stale closed"),
]
# Each finds rows that break a law of the contract, section 4; $month stands for each month in turn.
LAWS = {
    "credits are allocated or open": """
        SELECT b.txn_id FROM mart.bank_transactions b
        LEFT JOIN (SELECT txn_id, sum(amount) AS put FROM mart.receipt_allocations WHERE month <= $month GROUP BY 1) a USING (txn_id)
        LEFT JOIN (SELECT txn_id, sum(amount) AS open FROM mart.unmatched_receipts WHERE month = $month GROUP BY 1) u USING (txn_id)
        WHERE b.month <= $month AND b.amount > 0 AND b.amount <> coalesce(put, 0) + coalesce(open, 0)""",
    "debits are allocated or open": """
        SELECT b.txn_id FROM mart.bank_transactions b
        LEFT JOIN (SELECT txn_id, sum(amount) AS put FROM mart.payment_allocations WHERE month <= $month GROUP BY 1) a USING (txn_id)
        LEFT JOIN (SELECT txn_id, sum(amount) AS open FROM mart.unmatched_payments WHERE month = $month GROUP BY 1) u USING (txn_id)
        WHERE b.month <= $month AND b.amount < 0 AND -b.amount <> coalesce(put, 0) + coalesce(open, 0)""",
    "what is allocated or open is a bank line": """
        SELECT txn_id FROM (SELECT month, txn_id FROM mart.receipt_allocations UNION ALL SELECT month, txn_id FROM mart.unmatched_receipts
                            UNION ALL SELECT month, txn_id FROM mart.payment_allocations UNION ALL SELECT month, txn_id FROM mart.unmatched_payments)
        WHERE month = $month AND txn_id NOT IN (SELECT txn_id FROM mart.bank_transactions WHERE month <= $month)""",
    "opening and movement are closing": """
        SELECT principal_id FROM (SELECT month, principal_id, opening, movement, closing FROM mart.principal_balances UNION ALL
                                  SELECT month, principal_id, opening, movement, closing FROM mart.principal_account_balances)
        WHERE month = $month AND opening + movement IS DISTINCT FROM closing""",
    "closing is the next opening": """
        SELECT * FROM (SELECT principal_id, account, closing FROM mart.principal_account_balances WHERE month < $month) a
        FULL JOIN (SELECT principal_id, account, opening FROM mart.principal_account_balances WHERE month = $month AND month > '2023-09') b
        USING (principal_id, account) WHERE coalesce(closing, 0) <> coalesce(opening, 0)""",
    "the ledger so far is the closing": """
        SELECT * FROM (SELECT principal_id, account, sum(amount_cny) AS posted FROM mart.principal_ledger WHERE month <= $month GROUP BY ALL) a
        FULL JOIN (SELECT principal_id, account, closing FROM mart.principal_account_balances WHERE month = $month) b
        USING (principal_id, account) WHERE coalesce(posted, 0) <> coalesce(closing, 0)""",
    "accounts sum to the principal": """
        SELECT * FROM (SELECT principal_id, sum(opening) o, sum(movement) m, sum(closing) c FROM mart.principal_account_balances
                       WHERE month = $month GROUP BY 1) a FULL JOIN mart.principal_balances b USING (principal_id)
        WHERE b.month = $month AND (o, m, c) IS DISTINCT FROM (opening, movement, closing)""",
    "rows and amounts of a file balance": """
        SELECT * FROM mart.control_totals WHERE month = $month AND (rows_read IS DISTINCT FROM rows_accepted + rows_rejected
            OR amount_read IS DISTINCT FROM amount_accepted + amount_rejected)""",
    "the opening is posted in the first month only": """
        SELECT * FROM mart.principal_ledger WHERE month = $month AND kind LIKE '期初%' AND month <> '2023-09'""",
    "nobody's money has no principal and others' has one": """
        SELECT * FROM mart.receipt_allocations WHERE month = $month AND (purpose IN ('结汇', '内部划转', '利息', '冲正', '付款退回', '供应商退款', '其他')) IS DISTINCT FROM (principal_id IS NULL)""",
    "nobody's money is not in the ledger": """
        SELECT * FROM mart.principal_ledger WHERE month = $month AND txn_id IN (
            SELECT txn_id FROM mart.receipt_allocations GROUP BY 1 HAVING bool_and(purpose IN ('结汇', '内部划转', '利息', '冲正', '付款退回', '供应商退款', '其他')))""",
    "balances are shown with their sign": """
        SELECT * FROM mart.order_balances WHERE month = $month AND (balance_cny IS DISTINCT FROM received_cny - charged_cny - paid_cny
            OR displayed_balance IS DISTINCT FROM CASE kind WHEN 'export' THEN balance_cny ELSE -balance_cny END)""",
    "the bank's CNY of a receipt is shared whole": """
        SELECT txn_id FROM mart.receipt_allocations a JOIN mart.bank_transactions b USING (txn_id)
        WHERE a.month <= $month AND b.cny_amount IS NOT NULL AND rate_source = '水单'
        GROUP BY txn_id, b.amount, b.cny_amount HAVING sum(a.amount) = b.amount AND sum(a.amount_cny) <> b.cny_amount""",
    "CNY is its own value": """
        SELECT * FROM mart.receipt_allocations WHERE month = $month AND currency = 'CNY' AND (amount, '本币') IS DISTINCT FROM (amount_cny, rate_source)""",
    "an invoice is what is left after the fees": """
        SELECT order_no FROM mart.export_invoices WHERE month = $month AND net_cny IS NOT NULL
        GROUP BY 1 HAVING sum(net_cny) <> max(gross_cny) - max(fees_cny) OR bool_or(ex_vat_amount + tax_amount <> invoice_amount)""",
    "no figure before the first receipt, and NULL where there is none": """
        SELECT * FROM mart.export_invoices WHERE month = $month AND coalesce(received_fx, 0) = 0
            AND (invoice_amount, ex_vat_amount, tax_amount, refund_amount, net_cny) IS DISTINCT FROM (NULL, NULL, NULL, NULL, NULL)""",
    "an exception is listed once a month": """
        SELECT exception_id FROM mart.exceptions WHERE month = $month GROUP BY 1 HAVING count(*) > 1""",
    "a rejected row is named by file and row": """
        SELECT * FROM mart.exceptions WHERE month = $month AND code = 'ROW_REJECTED' AND (source_file IS NULL OR source_row IS NULL)""",
    "what is available is the limit less the exposure": """
        SELECT * FROM mart.credit_positions WHERE month = $month AND available IS DISTINCT FROM credit_limit - exposure""",
    "coverage counts": """
        SELECT * FROM mart.rule_coverage WHERE month = $month AND (checked IS NULL OR not_checkable IS NULL OR failed > checked OR failed IS NULL)""",
}  # fmt: skip


@pytest.fixture(scope="module")
def analyst(sample_home):
    con = duckdb.connect(str(sample_home.published), read_only=True)
    yield con
    con.close()


def types(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    listed = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'mart'"
    for table, column, kind in con.execute(listed).fetchall():
        found[table][column] = kind
    return found


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_a_table_has_the_columns_the_contract_names(analyst, table):
    present = types(analyst)[table]
    assert present.get("month") == "VARCHAR"
    assert set(COLUMNS[table].split()) <= set(present)


def test_money_and_rates_are_decimals_and_only_the_run_record_has_a_clock(analyst):
    for table, columns in types(analyst).items():
        for column, kind in columns.items():
            assert kind not in ("DOUBLE", "FLOAT"), (table, column)
            if kind.startswith("DECIMAL"):
                is_rate = column.endswith(("rate", "ratio", "share"))
                expected = "DECIMAL(18,8)" if is_rate else "DECIMAL(18,6)" if column == "quantity" else "DECIMAL(18,2)"
                assert kind == expected, (table, column)
            if table not in ("runs", "months", "decision_outcomes"):
                assert not kind.startswith("TIMESTAMP") and column != "run_id", (table, column)


@pytest.mark.parametrize(("table", "column", "words"), WORDS)
def test_only_the_words_of_the_contract_stand_there(analyst, table, column, words):
    rows = analyst.execute(f"SELECT DISTINCT {column} FROM mart.{table}").fetchall()  # noqa: S608 - names above
    said = {row[0] for row in rows}
    assert said and said <= {*words.split(), *([None] if column == "rate_source" else [])}


@pytest.mark.parametrize("law", sorted(LAWS))
def test_what_is_always_true_of_the_sample(analyst, law):
    assert analyst.execute(LAWS[law], {"month": MONTH}).fetchall() == []


@pytest.mark.parametrize("month", ["2023-09", "2023-10"])
@pytest.mark.parametrize("law", sorted(LAWS))
def test_what_is_always_true_from_month_to_month(shapes_home, law, month):
    con = duckdb.connect(str(shapes_home.published), read_only=True)
    try:
        assert con.execute(LAWS[law], {"month": month}).fetchall() == []
    finally:
        con.close()


def test_candidates_are_a_list_wherever_no_order_is_named(analyst):
    rows = analyst.execute(
        "SELECT order_no, candidates FROM mart.receipt_allocations UNION ALL SELECT NULL, candidates FROM mart.unmatched_receipts"
    ).fetchall()
    proposed = 0
    for order_no, candidates in rows:
        assert (candidates is None) == (order_no is not None)
        for candidate in json.loads(candidates or "[]"):
            assert {"order_no", "principal_id", "score", "why"} <= set(candidate)
            proposed += 1
    assert proposed


def test_every_receipt_of_the_sample_is_where_the_truth_has_it(analyst, sample_home):
    """0 wrong allocations, and every receipt that can be decided is."""
    wanted: dict[tuple, Counter] = defaultdict(Counter)
    undecided = set()
    with open(sample_home.root / "truth" / "receipts.csv", encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["month"] > MONTH:
                continue
            key = (row["account_no"], row["bank_ref"], row["booked_on"], Decimal(row["amount"]))
            wanted[key][row["order_no"] or None] += Decimal(row["piece"])
            if row["decidable"] != "yes":
                undecided.add(key)
    placed: dict[tuple, Counter] = defaultdict(Counter)
    rows = analyst.execute(
        "SELECT b.account_no, coalesce(b.bank_ref, ''), b.booked_on::VARCHAR, b.amount, a.order_no, a.amount"
        " FROM mart.bank_transactions b JOIN mart.receipt_allocations a USING (txn_id) WHERE a.order_no IS NOT NULL AND a.month = $month",
        {"month": MONTH},
    ).fetchall()
    for *key, order_no, amount in rows:
        placed[tuple(key)][order_no] += amount
    wrong = {
        key: pieces
        for key, pieces in placed.items()
        if any(amount > wanted[key][order] for order, amount in pieces.items())
    }
    assert wrong == {}
    decided = {key: pieces for key, pieces in wanted.items() if key not in undecided and set(pieces) != {None}}
    assert decided and all(placed[key] == pieces for key, pieces in decided.items())


def principals(analyst) -> dict[str, str]:
    return dict(analyst.execute("SELECT DISTINCT principal_id, name FROM reference.principals").fetchall())


def test_each_principal_with_activity_or_a_balance_has_a_statement_of_its_own_money(analyst, sample_home):
    active = "SELECT principal_id FROM mart.principal_balances WHERE month = $month AND closing <> 0 UNION SELECT principal_id FROM mart.principal_ledger WHERE month = $month"
    wanted = {row[0] for row in analyst.execute(active, {"month": MONTH}).fetchall()}
    folder = sample_home.root / "statements" / MONTH
    written = {path.name.split("-")[1]: path for path in folder.glob("对账单-*.xlsx")}
    assert wanted and wanted <= set(written)
    assert {path.name for path in written.values()} == {f"对账单-{principal}-{MONTH}.xlsx" for principal in written}
    ready = "SELECT DISTINCT principal_id FROM mart.export_invoices WHERE month = $month AND status = '可开票'"
    to_invoice = {row[0] for row in analyst.execute(ready, {"month": MONTH}).fetchall()}
    everybody = principals(analyst)
    for principal, path in written.items():
        book = openpyxl.load_workbook(path, read_only=True)
        text = "\n".join(
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None
        )
        others = {name for other, name in everybody.items() if other != principal} | (set(everybody) - {principal})
        assert everybody[principal] in text and not [other for other in others if other in text], path.name
        assert principal not in to_invoice or "开票通知" in book.sheetnames, path.name
        book.close()


def test_the_lists_of_the_month_have_the_sheets_the_contract_names(sample_home):
    for name, sheets in (
        ("异常清单", "异常 认领 调整 审批 输入核对"),
        ("月结汇总", "账龄 退税 信用 开票申请 付款清单 放单清单 催缴单 退税申报 凭证"),
    ):
        book = openpyxl.load_workbook(sample_home.root / "statements" / MONTH / f"{name}-{MONTH}.xlsx", read_only=True)
        assert set(sheets.split()) <= set(book.sheetnames)
        book.close()


def test_the_audits_pages_are_there(sample_home):
    assert (sample_home.root / "audit" / "index.html").stat().st_size > 0
