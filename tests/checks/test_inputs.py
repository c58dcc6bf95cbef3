"""Input tables keep their layouts' rules, or the check says which row does not."""

from __future__ import annotations

import ibis
import pytest

from settlement.checks.inputs import input_schemas, totals_agree, validate_input, validate_inputs
from settlement.io.engine import connect
from settlement.io.ingest import ingest_month, ingest_reference
from tests.io.conftest import Desk, no_past


@pytest.fixture
def con(tmp_path):
    desk = Desk(tmp_path)
    desk.put(
        "raw/2023-09/freight/g.csv",
        "供应商,供应商账单号,订单号,费用代码,币种,金额",
        "中远,F2,E1,THC,CNY,x",
        "中远,F3,E1,THC,CNY,8.00",
    )
    con = connect()
    ingest_reference(con, desk.home)
    ingest_month(con, desk.home, "2023-09", no_past)
    return con


def schema_of(name: str):
    return next(schema for schema in input_schemas() if schema.name == name)


def test_what_ingest_leaves_keeps_every_rule(con):
    assert validate_inputs(con) == []


@pytest.mark.parametrize(
    ("table", "change", "check", "column"),
    [
        ("orders", {"principal_id": None}, "required", "principal_id"),
        ("orders", {"order_status": "乱"}, "values", "order_status"),
        ("orders", {"agency_fee_rate": "1.5"}, "rate", "agency_fee_rate"),
        ("orders", {"currency": "美元"}, "format", "currency"),
        ("orders", {"contract_no": " X"}, "text", "contract_no"),
        ("freight", {"order_no": None}, "any_of", "order_no"),
        ("bank", {"amount": "7.00"}, "sides", "amount"),
    ],
)
def test_a_row_that_breaks_a_rule_is_shown(con, table, change, check, column):
    rows = con.table(table, database="stage")
    changed = {name: ibis.literal(value, "string").cast(rows[name].type()) for name, value in change.items()}
    con.create_table(table, rows.mutate(**changed), database="stage", overwrite=True)
    failures = validate_input(con, schema_of(table))
    assert [(failure.check, failure.column) for failure in failures] == [(check, column)]
    assert failures[0].rows and failures[0].sample[0]["source_file"]


def test_a_key_twice_a_missing_column_and_a_missing_table_are_failures(con):
    rows = con.table("orders", database="stage")
    con.create_table(
        "orders", rows.union(rows.mutate(source_row=rows.source_row + 1)), database="stage", overwrite=True
    )
    assert [(failure.check, failure.message) for failure in validate_input(con, schema_of("orders"))] == [
        ("unique", "order_no is not unique")
    ]
    con.create_table("orders", rows.drop("order_no"), database="stage", overwrite=True)
    assert validate_input(con, schema_of("orders"))[0].check == "shape"
    con.drop_table("goods", database="stage")
    assert validate_input(con, schema_of("goods"))[0].check == "missing table"


def test_totals_that_do_not_count_the_rows_are_a_failure(con):
    assert totals_agree(con) == []
    freight = con.table("freight", database="stage")
    con.create_table("freight", freight.filter(freight.vendor_invoice_no != "F3"), database="stage", overwrite=True)
    [failure] = totals_agree(con)
    assert failure.check == "accepted" and "freight" in failure.message
    rejected = con.table("rejected_rows", database="stage")
    con.create_table("rejected_rows", rejected.union(rejected), database="stage", overwrite=True)
    assert {failure.check for failure in totals_agree(con)} == {"accepted", "rejected"}
