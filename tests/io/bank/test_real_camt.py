"""The camt files of genkgo/camt and Subite-eu/camt-to-coda: the expected entries, or a refusal with its reason."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from settlement.io.bank import combine, read_statement
from tests.io.bank.conftest import REAL

pytestmark = pytest.mark.realdata

WITH_EXPECTED = sorted(path.with_suffix(".xml") for path in (REAL / "camt").glob("*.json"))
# Not booked by the bank yet: an announcement is no money.
PENDING = {"camt052.v4.xml", "camt052.v6.xml", "camt052.v6.Amt-zero.xml"}
# Neither a booking date nor a value date: the day, and so the month, of the money would be a guess.
DATELESS = {"camt052.v2.with-account-name.xml", "camt054.v2.with-account-name.xml"}
# Statements that do not satisfy opening + entries = closing, or have no closing: reported, never repaired.
UNPROVED = {path.name for path in WITH_EXPECTED if path.name.startswith("camt053") or path.name.startswith("camt53")}
MINOR = {"EUR": 2, "SEK": 2, "CHF": 2}


def expected_entries(path) -> list[dict]:
    found = []
    for entry in json.loads(path.with_suffix(".json").read_text("utf-8"))["getEntries"]:
        amount = Decimal(entry["getAmount"]["getAmount"]).scaleb(-MINOR[entry["getAmount"]["getCurrency"]["getCode"]])
        found.append(
            {
                "amount": amount,
                "currency": entry["getAmount"]["getCurrency"]["getCode"],
                "status": entry["getStatus"],
                "booked_on": _day(entry["getBookingDate"]),
                "value_on": _day(entry["getValueDate"]),
            }
        )
    return found


def _day(moment) -> str | None:
    return moment["0"][:10] if isinstance(moment, dict) else None


@pytest.mark.parametrize("path", WITH_EXPECTED, ids=lambda path: path.name)
def test_entries_are_the_expected_ones(real, path):
    expected = expected_entries(path)
    found = read_statement(path)
    if path.name in PENDING | DATELESS:
        reason = "尚未记账" if path.name in PENDING else "没有可读的记账日"
        assert [reason in row["reason"] for row in found.rejected.to_pylist()] == [True] * len(expected)
        assert [row["amount"] for row in found.rejected.to_pylist()] == [entry["amount"] for entry in expected]
        return
    entries = {line["entry_no"]: line for line in found.lines.to_pylist()}.values()
    assert [(line["entry_amount"], line["currency"]) for line in entries] == [
        (entry["amount"], entry["currency"]) for entry in expected
    ]
    for line, entry in zip(entries, expected, strict=True):
        assert entry["status"] == "BOOK"
        assert str(line["booked_on"]) == (entry["booked_on"] or entry["value_on"])
        assert (None if line["value_on"] is None else str(line["value_on"])) == entry["value_on"]
    assert found.rejected.num_rows == 0


@pytest.mark.parametrize("path", WITH_EXPECTED, ids=lambda path: path.name)
def test_statements_that_do_not_add_up_are_reported_and_kept(real, path):
    found = read_statement(path)
    reported = [finding.code for finding in found.findings if finding.code == "BNK_CONTROL_TOTAL"]
    assert bool(reported) == (path.name in UNPROVED)
    if any(proof.holds is False for proof in found.proofs):
        assert found.lines.num_rows and all(found.lines.column("is_marked").to_pylist())


@pytest.mark.parametrize(
    "name, count",
    [
        ("account_statement.xml", 3),
        ("account_statement-2.xml", None),
        ("account_statement-3.xml", None),
        ("BE68793230773034-202411.xml", 268),
        ("BE68793230773034-202412.xml", 264),
    ],
)
def test_monthly_statements_are_proved(real, name, count):
    found = read_statement(real / "camt" / name)
    assert {proof.holds for proof in found.proofs if proof.kind == "opening_closing"} == {True}
    assert found.rejected.num_rows == 0 and not found.findings
    assert count in (None, found.lines.num_rows) and found.lines.num_rows >= 3


def test_a_report_without_entries_is_no_error(real):
    [path] = (real / "camt").glob("camt052_no_entries_*.xml")
    found = read_statement(path)
    assert (found.lines.num_rows, found.rejected.num_rows, found.findings) == (0, 0, [])


def test_a_message_without_statement_is_refused(real):
    found = read_statement(real / "camt/camt053.v2.wrong.xml")
    assert [finding.code for finding in found.findings] == ["FILE_UNREADABLE"]


def test_five_decimals_are_exact_where_two_hold_them(real):
    [statement] = read_statement(real / "camt/camt53.only-Dt-with-DtTm.xml").statements.to_pylist()
    assert statement["opening"] == Decimal("5442.09")


def test_two_months_join_and_a_repeated_month_adds_nothing(real):
    november, december = (read_statement(real / f"camt/BE68793230773034-2024{month}.xml") for month in (11, 12))
    both, again = combine([november, december]), combine([november, december, november])
    assert (both.findings, both.breaks) == ([], [])
    assert both.lines.column("txn_id").equals(again.lines.column("txn_id"))
    assert again.rejected.num_rows == november.lines.num_rows
    assert {finding.code for finding in again.findings} == {"BNK_DUPLICATE"}
