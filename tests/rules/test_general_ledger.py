"""凭证: every entry has two sides of the same amount, and every bank line of the month is there once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.checks.mart_schemas import mart_tables
from settlement.io.engine import connect
from settlement.io.parameters import load_parameters
from settlement.rules.general_ledger import Books, entries, voucher_lines, with_cost_cny

FIRST, AS_OF = date(2023, 9, 1), date(2023, 9, 30)
PARAMETERS = load_parameters()
BLANK = {"text": "", "date": date(2023, 9, 5), "money": Decimal("0.00"), "rate": Decimal(1), "whole": 1, "flag": False}


@pytest.fixture(scope="module")
def con():
    return connect()


def _books(con, **rows: list[dict]) -> Books:
    made = {}
    for name in Books.__dataclass_fields__:
        published = mart_tables()[name]
        full = []
        for row in rows.get(name, []):
            cells = {
                column.name: row.get(column.name, BLANK[column.kind] if column.required else None)
                for column in published.columns
            }
            full.append(
                {
                    key: Decimal(value)
                    if isinstance(value, str) and key in ("amount", "amount_cny", "cost", "ar_rate", "cny_amount")
                    else value
                    for key, value in cells.items()
                }
            )
        made[name] = con.create_table(
            f"{name}_{id(rows)}",
            pa.Table.from_pylist(full, schema=published.schema.to_pyarrow()),
            temp=True,
            overwrite=True,
        )
    return Books(**made)


def _lines(con, books: Books) -> list[dict]:
    return con.to_pyarrow(voucher_lines(entries(books, PARAMETERS, AS_OF, FIRST), PARAMETERS, AS_OF)).to_pylist()


def _posting(kind, cny, account="货款", **more):
    return {
        "entry_no": "E1",
        "kind": kind,
        "account": account,
        "amount_cny": cny,
        "currency": "CNY",
        "principal_id": "P1",
        "posted_on": date(2023, 9, 5),
        **more,
    }


def _sides(lines: list[dict]) -> list[tuple]:
    return [(line["subject_code"], line["debit_cny"], line["credit_cny"]) for line in lines]


@pytest.mark.parametrize(
    ("posting", "debit", "credit"),
    [
        (_posting("收款", "100.00", txn_id="t1"), "1002", "2202.01"),
        (_posting("收款", "-100.00", txn_id="t1"), "2202.01", "1002"),
        (_posting("收款", "100.00", txn_id="t0"), "2241.03", "2202.01"),  # an earlier month's line: claimed only now
        (_posting("付款", "-100.00", txn_id="t0"), "2202.01", "1221.02"),
        (_posting("代理费", "-100.00"), "2202.01", "6001.01"),
        (_posting("物流费", "-100.00", account="物流费"), "1122.01", "6001.02"),
        (_posting("税金", "-100.00", account="税款"), "2241.01", "2241.04"),
        (_posting("汇率差", "100.00"), "6603.03", "2202.01"),
        (_posting("某种新类型", "100.00"), "1901", "2202.01"),
    ],
)
def test_each_kind_of_posting_has_its_account(con, posting, debit, credit):
    lines = _lines(
        con,
        _books(
            con, principal_ledger=[posting], bank_transactions=[{"txn_id": "t1", "amount": "100.00", "currency": "CNY"}]
        ),
    )
    assert _sides(lines) == [(debit, Decimal("100.00"), None), (credit, None, Decimal("100.00"))]


def test_the_opening_is_no_entry(con):
    assert _lines(con, _books(con, principal_ledger=[_posting("期初", "100.00")])) == []


def test_a_late_fact_is_dated_in_the_month(con):
    (line, _) = _lines(con, _books(con, principal_ledger=[_posting("代理费", "-1.00", posted_on=date(2023, 7, 3))]))
    assert line["dated_on"] == FIRST


def test_what_is_nobodys_goes_against_the_bank(con):
    books = _books(
        con,
        receipt_allocations=[
            {"txn_id": "a", "purpose": "利息", "amount": "1.20", "amount_cny": "1.20", "currency": "CNY"}
        ],
        payment_allocations=[
            {"txn_id": "b", "kind": "银行手续费", "amount": "3.00", "amount_cny": "3.00", "currency": "CNY"},
            {
                "txn_id": "c",
                "kind": "货款",
                "principal_id": "P1",
                "amount": "9.00",
                "amount_cny": "9.00",
                "currency": "CNY",
            },  # in the principal's ledger
        ],
        unmatched_receipts=[
            {"txn_id": "d", "amount": "5.00", "currency": "USD", "candidates": "[]"},
            {"txn_id": "old", "amount": "7.00", "currency": "CNY", "candidates": "[]"},
        ],
        bank_transactions=[{"txn_id": "d", "amount": "5.00", "currency": "USD", "cny_amount": "36.00"}],
    )
    assert _sides(_lines(con, books)) == [
        ("1002", Decimal("1.20"), None), ("6603.02", None, Decimal("1.20")),
        ("1002", Decimal("36.00"), None), ("2241.03", None, Decimal("36.00")),
        ("6603.01", Decimal("3.00"), None), ("1002", None, Decimal("3.00")),
    ]  # fmt: skip


def test_freight_cost_at_the_frozen_rate_and_unknown_without_one(con):
    charges = [
        {
            "line_key": "1",
            "vendor": "船公司",
            "currency": "USD",
            "client_currency": "USD",
            "ar_rate": "7.1036",
            "cost": "2900.00",
        },
        {"line_key": "2", "vendor": "船公司", "currency": "CNY", "cost": "-50.00"},
        {
            "line_key": "3",
            "vendor": "船公司",
            "currency": "EUR",
            "client_currency": "CNY",
            "ar_rate": "1",
            "cost": "10.00",
        },
    ]
    books = _books(con, freight_charges=charges)
    costs = con.to_pyarrow(with_cost_cny(books.freight_charges).select("line_key", "cost_cny")).to_pylist()
    assert {row["line_key"]: row["cost_cny"] for row in costs} == {
        "1": Decimal("20600.44"),
        "2": Decimal("-50.00"),
        "3": None,
    }
    lines = _lines(con, books)
    assert ("2202.02", Decimal("50.00"), None) in _sides(lines) and ("6401.01", Decimal("20600.44"), None) in _sides(
        lines
    )
    assert [line["amount_fx"] for line in lines if line["currency"] == "EUR"] == [Decimal("10.00")] * 2


AMOUNTS = st.decimals(min_value=-99999, max_value=99999, places=2).filter(bool)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["收款", "代理费", "物流费", "抵账", "汇率差"]), AMOUNTS, st.integers(1, 28)),
        min_size=1,
        max_size=12,
    )
)
def test_every_voucher_balances(postings):
    con = connect()
    rows = [
        _posting(kind, str(amount), entry_no=f"E{number:03d}", posted_on=date(2023, 9, day))
        for number, (kind, amount, day) in enumerate(postings)
    ]
    lines = _lines(con, _books(con, principal_ledger=rows))
    assert len(lines) == 2 * len(rows)
    for voucher in {line["voucher_no"] for line in lines}:
        mine = [line for line in lines if line["voucher_no"] == voucher]
        assert sum(line["debit_cny"] or 0 for line in mine) == sum(line["credit_cny"] or 0 for line in mine)
        assert len({(line["dated_on"], line["kind"]) for line in mine}) == 1
    assert sum(line["debit_cny"] or 0 for line in lines) == sum(abs(amount) for _, amount, _ in postings)
