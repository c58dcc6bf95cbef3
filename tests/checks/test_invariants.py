"""The invariants of the contract: books that are right keep all of them, and one wrong figure breaks the right one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal

import ibis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from settlement.checks.invariants import INVARIANTS, breaches
from settlement.checks.mart_schemas import mart_tables, validate

from .books import MASTERS, OCTOBER, SEPTEMBER, two_months
from .conftest import Shelf


class Desk:
    """The books of ``two_months`` in memory. Expressions are compiled once a month: only the tables change."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.shelf.put_all(two_months())
        self.shelf.put_masters(MASTERS)
        self.queries = {
            month: {
                name: ibis.to_sql(rows, dialect="duckdb") for name, rows in breaches(self.shelf.lookup, month).items()
            }
            for month in (SEPTEMBER, OCTOBER)
        }

    def broken(self, changed: dict[str, list[dict]], month: str = OCTOBER) -> dict[str, list[dict]]:
        """Ids of the invariants that the books break with these tables in place of theirs, and the breaching rows."""
        for table, rows in changed.items():
            self.shelf.put(table, rows)
        found = {
            name: self.shelf.con.con.sql(str(query)).to_arrow_table().to_pylist()
            for name, query in self.queries[month].items()
        }
        for table in changed:
            self.shelf.put(table, two_months().get(table, []))
        return {name: rows for name, rows in found.items() if rows}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def test_ids_are_unique_and_every_table_read_is_published():
    assert len({invariant.id for invariant in INVARIANTS}) == len(INVARIANTS)
    assert all(table in mart_tables() for invariant in INVARIANTS for table in invariant.reads)


@pytest.mark.parametrize("month", [SEPTEMBER, OCTOBER])
def test_books_that_are_right_break_nothing(desk, month):
    tables = {name: [row for row in rows if row["month"] <= month] for name, rows in two_months().items()}
    assert desk.broken(tables, month) == {}


def test_the_books_of_these_tests_are_of_the_published_shape(desk):
    assert [failure for name in mart_tables() for failure in validate(desk.shelf.con, "book", name)] == []


def test_books_without_a_row_break_nothing(desk):
    assert desk.broken({name: [] for name in mart_tables()}) == {}


# What is changed: table, which row, the wrong cells; and the invariants that must say so.
WRONG: list[tuple[str, Callable[[dict], bool], dict | None, set[str]]] = [
    ("control_totals", lambda r: r["rows_read"] == 3, {"rows_rejected": 0}, {"rows_read_are_accepted_or_rejected"}),
    ("control_totals", lambda r: r["rows_read"] == 3, {"amount_rejected": "12.00"}, {"amounts_read_are_accepted_or_rejected"}),
    ("unmatched_receipts", lambda r: r["month"] == OCTOBER, None, {"every_credit_is_allocated_or_open"}),
    ("unmatched_receipts", lambda r: r["month"] == OCTOBER, {"amount": "87.99"}, {"every_credit_is_allocated_or_open"}),
    ("receipt_allocations", lambda r: r["purpose"] == "结汇", None, {"every_credit_is_allocated_or_open"}),
    ("receipt_allocations", lambda r: r["purpose"] == "结汇", {"currency": "USD"}, {"every_credit_is_allocated_or_open"}),
    ("payment_allocations", lambda r: r["txn_id"] == "t5", None, {"every_debit_is_allocated_or_open"}),
    ("payment_allocations", lambda r: r["txn_id"] == "t5", {"amount": "200.01"}, {"every_debit_is_allocated_or_open"}),
    ("receipt_allocations", lambda r: r["purpose"] == "结汇", {"principal_id": "P1"},
     {"nobodys_money_has_no_principal", "the_ledger_holds_each_receipt_once"}),
    ("principal_balances", lambda r: r["month"] == SEPTEMBER and r["principal_id"] == "P1", {"closing": "6750.01"},
     {"principal_opening_plus_movement_is_closing", "principal_closing_is_carried", "accounts_sum_to_the_principal"}),
    ("principal_account_balances", lambda r: r["month"] == SEPTEMBER and r["account"] == "物流费", {"closing": "-350.01"},
     {"account_opening_plus_movement_is_closing", "account_closing_is_carried", "accounts_sum_to_the_principal"}),
    ("principal_balances", lambda r: r["month"] == OCTOBER and r["principal_id"] == "P2", None,
     {"principal_closing_is_carried", "principal_balance_is_its_ledger", "accounts_sum_to_the_principal"}),
    ("principal_account_balances", lambda r: r["month"] == OCTOBER and r["account"] == "货款", None,
     {"account_closing_is_carried", "account_balance_is_its_ledger", "accounts_sum_to_the_principal"}),
    ("principal_ledger", lambda r: r["kind"] == "代理费", None,
     {"principal_balance_is_its_ledger", "account_balance_is_its_ledger"}),
    ("principal_ledger", lambda r: r["kind"] == "代理费", {"account": "物流费"}, {"account_balance_is_its_ledger"}),
    ("principal_ledger", lambda r: r["txn_id"] == "t5", {"month": SEPTEMBER},
     {"principal_balance_is_its_ledger", "account_balance_is_its_ledger"}),
    ("principal_ledger", lambda r: r.get("account") == "预收" and r["principal_id"] == "P1", {"amount_fx": "99.99"},
     {"the_ledger_holds_each_receipt_once"}),
    ("order_balances", lambda r: r["month"] == OCTOBER and r["kind"] == "export", {"paid_cny": "0.01"},
     {"order_balance_is_received_less_charged_less_paid"}),
    ("order_balances", lambda r: r["month"] == OCTOBER and r["kind"] == "logistics", {"displayed_balance": "-350.00"},
     {"displayed_balance_has_its_sign"}),
    ("order_balances", lambda r: r["month"] == OCTOBER and r["kind"] == "export", {"displayed_balance": "-6380.00"},
     {"displayed_balance_has_its_sign"}),
    ("export_invoices", lambda r: r["month"] == OCTOBER, {"tax_amount": "829.41"}, {"invoice_is_net_plus_tax"}),
    ("export_invoices", lambda r: r["month"] == OCTOBER, {"tax_amount": None}, {"invoice_is_net_plus_tax"}),
    ("freight_charges", lambda r: r["line_key"] == "f2", {"payable": "80.01"}, {"payable_is_within_the_quote"}),
    ("export_invoices", lambda r: r["month"] == OCTOBER, {"order_no": "SO9"}, {"every_order_named_exists"}),
    ("export_invoices", lambda r: r["month"] == OCTOBER, {"order_no": "OLD1"}, set()),
    ("export_invoices", lambda r: r["month"] == OCTOBER, {"principal_id": "P9"}, {"every_principal_named_exists"}),
]  # fmt: skip


@pytest.mark.parametrize("table, which, wrong, expected", WRONG)
def test_one_wrong_figure_breaks_just_what_it_touches(desk, table, which, wrong, expected):
    tables = two_months()
    rows = copy.deepcopy(tables[table])
    hit = [row for row in rows if which({"txn_id": None, "order_no": None, **row})]
    assert len(hit) == 1
    if wrong is None:
        rows.remove(hit[0])
    else:
        hit[0].update(wrong)
    assert set(desk.broken({table: rows})) == expected


def test_a_transaction_of_two_months_is_shown_with_both(desk):
    tables = two_months()
    tables["bank_transactions"].append({**tables["bank_transactions"][1], "month": OCTOBER})
    found = desk.broken(tables)
    assert found["a_transaction_is_published_once"] == [
        {"txn_id": "t2", "rows": 2, "first_month": SEPTEMBER, "last_month": OCTOBER}
    ]


def test_a_breach_shows_what_the_figures_are(desk):
    tables = two_months()
    tables["unmatched_receipts"] = []
    assert desk.broken(tables) == {
        "every_credit_is_allocated_or_open": [
            {"txn_id": "t2", "currency": "CNY", "amount": Decimal("88.00"), "allocated": Decimal("0.00"),
             "unmatched": Decimal("0.00"), "difference": Decimal("88.00")}
        ]
    }  # fmt: skip


def test_pieces_of_a_debit_or_of_no_transaction_are_breaches(desk):
    tables = two_months()
    tables["receipt_allocations"] += [
        {"month": OCTOBER, "txn_id": "t5", "purpose": "其他", "amount": "200.00", "currency": "CNY"},
        {"month": OCTOBER, "txn_id": "t0", "purpose": "其他", "amount": "5.00", "currency": "CNY"},
    ]
    found = desk.broken(tables)
    assert {row["txn_id"] for row in found["every_credit_is_allocated_or_open"]} == {"t0", "t5"}


def test_money_moved_from_on_account_is_a_minus_and_a_plus_row(desk):
    tables = two_months()
    usd = {"month": OCTOBER, "txn_id": "t1", "principal_id": "P1", "currency": "USD", "receipt_amount": "1000.00"}
    tables["receipt_allocations"] += [
        {**usd, "order_no": None, "purpose": "预收", "amount": "-100.00", "amount_cny": "-720.00", "rule": "DECISION"},
        {**usd, "order_no": "SO1", "purpose": "货款", "amount": "100.00", "amount_cny": "720.00", "rule": "DECISION"},
    ]
    assert desk.broken(tables) == {}


def test_an_opening_is_posted_in_the_first_month_only(desk):
    tables = two_months()
    late = {**tables["principal_ledger"][0], "month": OCTOBER, "entry_no": "late"}
    tables["principal_ledger"] = [late, *tables["principal_ledger"][1:]]
    for name in ("principal_balances", "principal_account_balances"):
        tables[name] = [
            {**row, "opening": "0.00", "closing": "0.00"}
            if (row["month"], row["principal_id"]) == (SEPTEMBER, "P2")
            else row
            for row in tables[name]
        ]
    assert {"principal_closing_is_carried", "account_closing_is_carried"} <= set(desk.broken(tables))


def test_a_principal_taken_off_the_master_keeps_its_history(shelf):
    masters = {**MASTERS, ("reference", "principals"): [{"principal_id": "P1"}]}
    shelf.put_all(two_months())
    shelf.put_masters(masters)
    assert breaches(shelf.lookup, OCTOBER)["every_principal_named_exists"].to_pyarrow().num_rows == 0
    assert breaches(shelf.lookup, SEPTEMBER)["every_principal_named_exists"].to_pyarrow().num_rows > 0


def _on_another_principal(rows_of_october: list[dict]) -> dict[str, list[dict]]:
    """SO1 belongs to P1; these rows post money of it to P2 in October."""
    tables = two_months()
    for amount in rows_of_october:
        tables["principal_ledger"].append(
            {"month": OCTOBER, "entry_no": f"x{amount}", "posting_key": "x", "principal_id": "P2", "account": "货款",
             "kind": "更正", "currency": "CNY", "amount_cny": amount, "order_no": "SO1"}
        )  # fmt: skip
    return tables


def test_money_on_an_order_of_another_principal_is_a_breach_unless_taken_back(desk):
    assert "an_order_is_settled_with_its_own_principal" in desk.broken(_on_another_principal(["10.00"]))
    assert "an_order_is_settled_with_its_own_principal" not in desk.broken(_on_another_principal(["10.00", "-10.00"]))


@given(figure=st.decimals("-9999999.99", "9999999.99", places=2).filter(lambda value: value != 0))
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
)
def test_no_difference_of_a_ledger_posting_goes_unseen(desk, figure):
    tables = two_months()
    posting = tables["principal_ledger"][3]
    posting["amount_cny"] = str(Decimal(posting["amount_cny"]) + figure)
    found = desk.broken(tables)
    assert set(found) == {"principal_balance_is_its_ledger", "account_balance_is_its_ledger"}
    row = found["principal_balance_is_its_ledger"][0]
    assert row["posted"] - row["closing"] == figure
