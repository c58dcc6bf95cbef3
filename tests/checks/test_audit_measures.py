"""What the audit measures: whole numbers, exact, and a fault of each kind is seen where it belongs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from settlement.checks import audit_measures as measures
from settlement.checks.audit_measures import AuditLimits, audit_limits
from settlement.io.parameters import load_parameters

from .books import OCTOBER, SEPTEMBER, two_months

LIMITS = AuditLimits(
    months_least=3,
    months_most=12,
    low_times=Decimal("0.25"),
    high_times=Decimal("4"),
    days_outside_month=31,
    rate_from_mid=Decimal("0.05"),
    bank_line_most=Decimal("1000000000.00"),
    vat_rate_most=Decimal("0.17"),
)

RECEIVABLE = {
    "month": OCTOBER, "line_key": "nowhere", "principal_id": "P2", "charge_code": "O/F", "receivable_cny": "100.00",
    "settled_cny": "0.00", "open_cny": "100.00", "age_bucket": "0-30天",
}  # fmt: skip


def measured(shelf, measure, *more, month=OCTOBER) -> list[dict]:
    def tables(name: str):
        schema, _, table = name.rpartition(".")
        rows = shelf.con.table(table, database=("books", schema or "mart"))
        return rows.filter(rows.month <= month) if "month" in rows.columns else rows

    return measure(tables, month, *more).to_pyarrow().to_pylist()


def unequal(rows: list[dict]) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row["measure"], row["subject"]): (row["left"], row["right"]) for row in rows if row["left"] != row["right"]
    }


def outside(rows: list[dict]) -> dict[tuple[str, str], int]:
    return {(row["table_name"], row["column_name"]): row["outside"] for row in rows if row["outside"]}


def test_the_limits_are_dated_parameters():
    assert audit_limits(load_parameters(), date(2023, 9, 30)) == LIMITS


@pytest.mark.parametrize("month", [SEPTEMBER, OCTOBER])
def test_books_that_are_right_balance_and_refer_to_what_exists(shelf, month):
    shelf.publish(two_months())
    totals = measured(shelf, measures.control_totals, month=month)
    assert len(totals) >= 9
    assert unequal(totals) == {}
    references = measured(shelf, measures.references, month=month)
    assert len(references) == len(measures.REFERENCES)
    assert all(row["dangling"] == 0 for row in references)
    assert outside(measured(shelf, measures.value_ranges, LIMITS, month=month)) == {}


def test_amounts_are_fen_and_exact(shelf):
    tables = two_months()
    tables["bank_transactions"][1]["amount"] = "90071992547409.93"  # in fen beyond what a double counts by one
    shelf.publish(tables)
    found = unequal(measured(shelf, measures.control_totals, month=SEPTEMBER))
    assert found["credits = allocated + open", "CNY"] == (9007199254740993 + 720000, 8800 + 720000)


def test_a_lost_bank_line_is_seen_in_rows_and_amount(shelf):
    tables = two_months()
    tables["bank_transactions"] = [row for row in tables["bank_transactions"] if row["txn_id"] != "t5"]
    shelf.publish(tables)
    found = unequal(measured(shelf, measures.control_totals))
    assert found["bank rows accepted = published", "CNY"] == (1, 0)
    assert found["bank amount accepted = published", "CNY"] == (-20000, 0)
    references = measured(shelf, measures.references)
    assert {(row["table_name"], row["dangling"]) for row in references if row["dangling"]} == {
        ("payment_allocations", 1),
        ("principal_ledger", 1),
    }


@pytest.mark.parametrize(("order", "dangling"), [("OLD1", 0), ("SO1", 1)])
def test_a_receivable_without_a_line_is_one_of_the_opening_or_is_seen(shelf, order, dangling):
    tables = two_months()
    tables["freight_receivables"] = [{**RECEIVABLE, "order_no": order}]
    shelf.publish(tables)
    references = measured(shelf, measures.references)
    assert [row["dangling"] for row in references if row["table_name"] == "freight_receivables"] == [dangling]


def test_a_rejected_row_that_is_not_listed_is_seen(shelf):
    tables = {**two_months(), "rejected_rows": []}
    shelf.publish(tables)
    found = unequal(measured(shelf, measures.control_totals, month=SEPTEMBER))
    assert found == {("rows rejected = rows listed", "bank"): (1, 0)}


def test_balances_that_are_not_carried_are_seen(shelf):
    tables = two_months()
    tables["principal_balances"][0]["closing"] = "6750.02"
    shelf.publish(tables)
    found = unequal(measured(shelf, measures.control_totals))
    assert found == {("closing before = opening", "all principals"): (725002, 725000)}


@pytest.mark.parametrize(
    "table, which, wrong, column",
    [
        ("bank_transactions", 4, {"booked_on": date(2023, 8, 30)}, "booked_on"),
        ("bank_transactions", 4, {"amount": "1000000000.01"}, "amount"),
        ("bank_transactions", 4, {"currency": "人民币"}, "currency"),
        ("bank_transactions", 4, {"currency": "JPY", "amount": "100.50"}, "amount of JPY"),
        ("receipt_allocations", 2, {"month": OCTOBER, "amount_cny": "7200.01"}, "amount_cny"),
        ("receipt_allocations", 0, {"month": OCTOBER, "settlement_rate": "7.5400"}, "settlement_rate"),
        ("receipt_allocations", 0, {"month": OCTOBER, "settlement_rate": "6.8000"}, "settlement_rate"),
        ("export_invoices", 1, {"levy_rate": "0.18", "refund_rate": "0.13"}, "levy_rate"),
        ("export_invoices", 1, {"levy_rate": "0.13", "refund_rate": "0.1301"}, "refund_rate"),
        ("export_invoices", 1, {"refund_amount": "829.42"}, "refund_amount"),
        ("freight_charges", 1, {"payable": "90.01"}, "payable"),
    ],
)
def test_a_value_that_is_not_plausible_is_counted(shelf, table, which, wrong, column):
    tables = two_months()
    tables[table][which].update(wrong)
    shelf.publish(tables)
    assert outside(measured(shelf, measures.value_ranges, LIMITS)) == {(table, column): 1}


def test_a_rate_within_the_band_of_the_mid_rate_is_plausible(shelf):
    """On 2023-10-24 a bank settled at 7.2965 while the parity was 7.1786."""
    tables = two_months()
    tables["receipt_allocations"][0].update(month=OCTOBER, settlement_rate="7.2965")
    shelf.publish(tables)
    assert outside(measured(shelf, measures.value_ranges, LIMITS)) == {}


def months_with_lines(counts: dict[str, int]) -> dict[str, list[dict]]:
    return {
        "bank_transactions": [
            {"month": month, "txn_id": f"{month}-{i}"} for month, count in counts.items() for i in range(count)
        ]
    }


def drift_of(shelf, counts: dict[str, int]) -> dict:
    shelf.publish(months_with_lines(counts))
    rows = measured(shelf, measures.drift, LIMITS)
    return next(row for row in rows if row["measure"] == "rows of bank_transactions")


def test_drift_is_not_judged_before_three_earlier_months(shelf):
    row = drift_of(shelf, {"2023-08": 10, "2023-09": 12, OCTOBER: 500})
    assert (row["figure"], row["months"], row["floor"], row["ceiling"]) == (500, 2, None, None)


def test_drift_is_a_quarter_of_the_lowest_to_four_times_the_highest(shelf):
    row = drift_of(shelf, {"2023-07": 9, "2023-08": 10, "2023-09": 12, OCTOBER: 11})
    assert (row["lowest"], row["highest"], row["floor"], row["ceiling"]) == (9, 12, 2, 48)


def test_a_month_without_any_row_is_a_figure_of_nothing(shelf):
    row = drift_of(shelf, {"2023-07": 9, "2023-08": 10, "2023-09": 12})
    assert (row["figure"], row["floor"]) == (0, 2)


def test_only_the_latest_twelve_months_count(shelf):
    counts = (
        {"2022-09": 1000} | {f"2022-{month}": 10 for month in (10, 11, 12)} | {f"2023-0{m}": 10 for m in range(1, 10)}
    )
    row = drift_of(shelf, {**counts, OCTOBER: 10})
    assert (row["months"], row["highest"], row["ceiling"]) == (12, 10, 40)
