"""Published tables against their schemas: what is right passes, every kind of fault is found and shown."""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt
import pytest

from settlement.checks.mart_schemas import Failure, mart_table, mart_tables, pandera_schema, row_rules, validate

CONTRACT_COLUMNS = {
    "bank_transactions": "txn_id account_no bank_ref booked_on value_on currency amount counterparty_name "
    "counterparty_account remark source_file source_row",
    "receipt_allocations": "txn_id account_no bank_ref booked_on currency receipt_amount principal_id order_no purpose "
    "amount amount_cny settlement_rate rate_source rule confidence evidence candidates",
    "unmatched_receipts": "txn_id account_no bank_ref currency amount reason candidates",
    "payment_allocations": "txn_id request_no order_no principal_id vendor kind amount amount_cny rule evidence",
    "unmatched_payments": "txn_id account_no bank_ref currency amount reason candidates request_no order_no principal_id vendor kind amount_cny rule evidence",
    "export_invoices": "order_no line_no declaration_no received_fx currency settlement_rate gross_cny fees_cny net_cny "
    "levy_rate refund_rate invoice_amount ex_vat_amount tax_amount refund_amount fob_usd swap_ratio status",
    "import_invoices": "order_no estimate_cny goods_cny bank_fee duty consumption_tax vat invoice_amount eligible "
    "vat_gap status",
    "tax_refunds": "order_no declaration_no expected notified received advanced paid_out kept balance status",
    "freight_charges": "order_no vendor vendor_invoice_no charge_code currency cost vendor_quote payable client_quote "
    "receivable receivable_cny settled_cny fee_month due_on status",
    "order_balances": "order_no principal_id kind received_cny charged_cny paid_cny balance_cny displayed_balance "
    "next_step",
    "principal_ledger": "entry_no posted_on principal_id order_no account kind currency amount_fx rate amount_cny txn_id "
    "document_no adjusts_month note",
    "principal_balances": "principal_id opening movement closing",
    "principal_account_balances": "principal_id account opening movement closing",
    "credit_positions": "principal_id credit_limit exposure available overdue_cny blocked",
    "bl_releases": "order_no due_cny received_cny exposure_before exposure_after released_on allowed reason",
    "exceptions": "exception_id code severity state opened_month source_file source_row txn_id order_no principal_id "
    "amount_at_risk_cny message owner due_on",
    "control_totals": "source_file input_table currency rows_read rows_accepted rows_rejected amount_read "
    "amount_accepted amount_rejected",
    "rule_coverage": "rule_id checked failed not_checkable",
    "months": "state by at reason",
    "runs": "run_id as_of input_digest code_version started_at finished_at",
}


@pytest.mark.parametrize("table", CONTRACT_COLUMNS)
def test_every_column_the_contract_names_is_published_with_month_first(table):
    schema = mart_table(table)
    assert schema.names[0] == "month"
    assert set(CONTRACT_COLUMNS[table].split()) <= set(schema.names)


def test_money_is_decimal_18_2_and_rates_are_decimal_18_8():
    schema = mart_table("receipt_allocations")
    assert schema["amount_cny"] == dt.Decimal(18, 2)
    assert schema["settlement_rate"] == dt.Decimal(18, 8)
    assert not [name for name in mart_tables() if any(kind.is_floating() for kind in mart_table(name).values())]


@pytest.mark.parametrize("table", list(mart_tables()))
def test_a_valid_row_and_an_empty_table_pass(shelf, table):
    shelf.put(table, [{}])
    assert validate(shelf.con, "book", table) == []
    shelf.put(table, [])
    assert validate(shelf.con, "book", table) == []


@pytest.mark.parametrize("table", list(mart_tables()))
def test_every_rule_of_every_table_can_fail(shelf, table):
    """Each row rule has a cell that breaks it, and the failure names the column and the rows."""
    wrong = {"required": None, "values": "×", "format": "2023-13", "minimum": -1}
    rules = row_rules(mart_tables()[table])
    shelf.put(table, [{}, *({rule.column: wrong[rule.check]} for rule in rules)])
    found = [(f.check, f.column, f.rows) for f in validate(shelf.con, "book", table) if f.check != "unique"]
    assert found == [(rule.check, rule.column, 1) for rule in rules]


def test_an_empty_text_is_no_text(shelf):
    shelf.put("unmatched_receipts", [{"reason": ""}])
    (failure,) = validate(shelf.con, "book", "unmatched_receipts")
    assert (failure.check, failure.column, failure.rows) == ("required", "reason", 1)


def test_a_key_twice_is_shown_and_null_counts_as_equal(shelf):
    twice = {"txn_id": "t1", "order_no": None, "purpose": "预收", "principal_id": "P1", "rule": "R"}
    shelf.put("receipt_allocations", [twice, twice, {"txn_id": "t2"}])
    (failure,) = validate(shelf.con, "book", "receipt_allocations")
    assert (failure.check, failure.rows) == ("unique", 1)
    assert failure.sample[0]["txn_id"] == "t1"
    assert failure.sample[0]["order_no"] is None
    assert failure.sample[0]["rows"] == "2"


def test_the_same_key_in_two_months_is_no_repetition(shelf):
    shelf.put(
        "principal_balances", [{"month": "2023-09", "principal_id": "P1"}, {"month": "2023-10", "principal_id": "P1"}]
    )
    assert validate(shelf.con, "book", "principal_balances") == []


def test_failing_rows_come_with_their_key_ten_at_most_in_order(shelf):
    shelf.put("exceptions", [{"exception_id": f"e{i:02d}", "severity": "fatal"} for i in reversed(range(25))])
    (failure,) = validate(shelf.con, "book", "exceptions")
    assert failure.rows == 25
    assert [row["exception_id"] for row in failure.sample] == [f"e{i:02d}" for i in range(10)]
    assert failure.sample[0] == {"month": "2023-09", "exception_id": "e00", "severity": "fatal"}


def test_a_missing_column_a_foreign_column_and_a_wrong_type_are_found(shelf):
    good = shelf.put("principal_balances", [{}])
    for wrong, column in (
        (good.drop("closing"), "closing"),
        (good.mutate(extra=ibis.literal(1)), "extra"),
        (good.mutate(closing=good.closing.cast("float64")), "closing"),
        (good.mutate(closing=good.closing.cast(dt.Decimal(18, 4))), "closing"),
    ):
        shelf.con.create_table("wrong", wrong, database="book", overwrite=True)
        shelf.con.create_table(
            "principal_balances", shelf.con.table("wrong", database="book"), database="book", overwrite=True
        )
        failures = validate(shelf.con, "book", "principal_balances")
        assert [failure.check for failure in failures] == ["shape"]
        assert column in failures[0].message
        good = shelf.put("principal_balances", [{}])


def test_a_table_that_is_not_there_fails(shelf):
    assert validate(shelf.con, "book", "runs") == [Failure("runs", "missing table", None, "there is no table runs")]


def test_the_environment_cannot_switch_validation_off(shelf):
    import pandera.config

    shelf.put("exceptions", [{"severity": "fatal"}])
    with pandera.config.config_context(validation_enabled=False):
        assert [failure.check for failure in validate(shelf.con, "book", "exceptions")] == ["values"]


def test_columns_that_may_not_be_null_in_the_database_are_the_same_types(shelf):
    shelf.con.raw_sql(
        'CREATE TABLE book.months (month VARCHAR NOT NULL, state VARCHAR NOT NULL, "by" VARCHAR, "at" TIMESTAMP, reason VARCHAR)'
    )
    assert validate(shelf.con, "book", "months") == []


def test_pandera_holds_the_schema_itself():
    schema = pandera_schema("principal_balances")
    assert list(schema.columns) == ["month", "principal_id", "opening", "movement", "closing"]
    assert [check.name for check in schema.checks] == ["rows", "unique"]
