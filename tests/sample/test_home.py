"""The files of a sample: the same bytes each time, and every row legal by the layouts."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from settlement.sample import write_home
from settlement.sample.market import as_day, working_days
from tests.sample.reading import good, layouts, months_of, rejected, rows_of

MONTHLY = [name for name, layout in layouts().items() if layout.get("folder") not in (None, "decisions")]
REFERENCE = [name for name, layout in layouts().items() if layout.get("reference")]
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
MONEY = re.compile(r"-?\d+(\.\d{1,2})?")


def files_of(home):
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_home(tmp_path / name, month="2023-05", months=2, orders=60, seed=seed, mess="hard")
    first, second, other = (files_of(tmp_path / name) for name in "abc")
    assert first == second
    assert first["truth/receipts.csv"] != other["truth/receipts.csv"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders": 49},
        {"orders": 1_000_001},
        {"mess": "worst"},
        {"month": "2024-05"},
        {"month": "2023-12", "months": 2},
        {"months": 0},
        {"month": "2023-13"},
    ],
)
def test_refuses_what_it_cannot_write(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"\d|worst"):
        write_home(tmp_path, **{"month": "2023-09", **wrong})


def test_has_the_folders_of_each_month(home):
    for month in months_of(home):
        present = {path.name for path in (home / "raw" / month).iterdir()}
        assert {"orders", "bank", "freight", "payments", "customs", "vat", "documents", "events"} <= present


@pytest.mark.parametrize("table", [*MONTHLY, *REFERENCE])
def test_rows_are_legal_by_their_layout(home, table):
    layout = layouts()[table]
    months = [months_of(home)[0]] if layout.get("reference") else months_of(home)
    rows = good(home, table, months)
    if table != "vat_shares":
        assert rows, f"no rows of {table}"
    for row in rows:
        for name, spec in layout["fields"].items():
            check_cell(table, name, spec, row[name])
        if layout.get("any_of"):
            assert any(row[name] for name in layout["any_of"]), (table, row)
    if layout.get("key"):
        keys = [tuple(row[name] for name in [*layout["key"], "month"]) for row in rows]
        assert len(keys) == len(set(keys))


def check_cell(table, name, spec, cell):
    where = (table, name, cell)
    if not cell:
        assert not spec.get("required"), where
        return
    assert cell == cell.strip(), where
    if "values" in spec:
        assert cell in spec["values"], where
    kind = spec["kind"]
    if kind == "money":
        assert MONEY.fullmatch(cell), where
    elif kind == "date":
        assert date.fromisoformat(cell).isoformat() == cell, where
    elif kind == "time":
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", cell), where
    elif kind == "flag":
        assert cell in "是否", where
    elif kind == "whole":
        assert cell.isdigit(), where
    elif kind in ("quantity", "quote", "rate"):
        assert Decimal(cell.rstrip("%")) >= 0, where


def test_codes_are_well_formed(home):
    months = months_of(home)
    orders = {row["order_no"]: row for row in good(home, "orders", months)}
    for row in good(home, "goods", months):
        assert re.fullmatch(r"\d{10}", row["hs_code"])
        assert row["order_no"] in orders
    outbound = {no: any(word in row["services"] for word in ("出口",)) for no, row in orders.items()}
    for row in [*good(home, "orders", months), *good(home, "goods", months)]:
        if row["declaration_no"]:
            number = row["declaration_no"]
            assert re.fullmatch(r"\d{18}", number)
            assert number[8] == ("0" if outbound[row["order_no"]] else "1")
            year = row["declared_on"][:4] or orders[row["order_no"]]["declared_on"][:4]
            assert number[4:8] == year
    for row in orders.values():
        assert not row["containers"] or re.fullmatch(r"\d+x(20GP|40GP|40HQ)(,\d+x(20GP|40GP|40HQ))?", row["containers"])
        numbers = [part for part in row["container_nos"].split(",") if part]
        boxes = sum(int(part.split("x")[0]) for part in row["containers"].split(",") if part)
        assert len(numbers) in (0, boxes)
        assert all(container_check(number) for number in numbers)


def container_check(number):
    values = [value for value in range(10, 39) if value % 11]
    total = sum(
        (values["ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(c)] if c.isalpha() else int(c)) * 2**i
        for i, c in enumerate(number[:10])
    )
    return re.fullmatch(r"[A-Z]{3}U\d{7}", number) and total % 11 % 10 == int(number[10])


def test_usccs_have_their_check_digit(home):
    codes = [row["uscc"] for name in ("principals", "own_company") for row in good(home, name, months_of(home)[:1])]
    assert len(set(codes)) == len(codes)
    for code in codes:
        total = sum(USCC.index(letter) * pow(3, place, 31) for place, letter in enumerate(code[:17]))
        assert len(code) == 18 and USCC[(31 - total % 31) % 31] == code[17], code


def test_what_refers_to_a_principal_or_an_order_finds_it(home):
    months = months_of(home)
    principals = {row["principal_id"] for row in good(home, "principals", months[:1])}
    known = set()
    for month in months:
        known |= {row["order_no"] for row in good(home, "orders", [month])}
        for table in ("goods", "freight", "payments", "tax_bills", "refund_notices", "vat_invoices", "events"):
            named = {row["order_no"] for row in good(home, table, [month]) if row["order_no"]}
            assert named <= known, (table, month, sorted(named - known)[:3])
    assert {row["principal_id"] for row in good(home, "orders", months)} <= principals
    for table in ("payers", "credit_limits", "client_quotes", "payout_documents", "opening_balances", "opening_items"):
        assert {row["principal_id"] for row in good(home, table, months[:1])} <= principals


def test_goods_sum_to_their_order(home):
    for month in months_of(home):
        total = {}
        for row in good(home, "goods", [month]):
            total[row["order_no"]] = total.get(row["order_no"], 0) + Decimal(row["amount_fx"])
        for row in good(home, "orders", [month]):
            assert Decimal(row["amount_fx"]) == total.get(row["order_no"], 0), row["order_no"]


def test_openings_are_the_sum_of_their_items(home):
    month = months_of(home)[0]
    total = {}
    for row in good(home, "opening_items", [month]):
        total[row["principal_id"]] = total.get(row["principal_id"], 0) + Decimal(row["amount_cny"])
    assert total == {
        row["principal_id"]: Decimal(row["balance_cny"]) for row in good(home, "opening_balances", [month])
    }


def test_bad_and_double_rows_are_there_and_named(home):
    by_place = {
        (row.file, table, row.number): row.cells
        for month in months_of(home)
        for table in ("orders", "freight", "payments")
        for row in rows_of(home, table, month)
    }
    named = {place for place in rejected(home) if "/bank/" not in place[0]}
    assert named <= set(by_place)
    assert any(by_place[place].get("amount") == "12,3x" for place in named)
    accepted = [(place[0], *cells.items()) for place, cells in by_place.items() if place not in named]
    assert len(accepted) == len(set(accepted))


def test_money_moves_on_working_days(home):
    work = set(working_days().tolist())
    for row in good(home, "payments", months_of(home)):
        if row["paid_on"]:
            assert as_day(date.fromisoformat(row["paid_on"])) in work
