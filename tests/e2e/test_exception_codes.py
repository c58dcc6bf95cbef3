"""Every code of Part D: the facts that raise it, and a twin, differing in one fact, that does not.

All cases lie in one home, settled once through the real job on 2023-09-28, then October: see ``case_pack``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from settlement.io.parameters import load_catalogue
from tests.e2e.case_pack import LATER, MONTH, RAISES, TWIN, Case, Side, cases, differences, not_shown, settled_cases
from tests.rules.test_exceptions import part_d

AS_OF = date(2023, 9, 28)
NAMED = ("order_no", "principal_id")
# Codes about a whole home: test_exception_homes.py.
OF_HOMES = {"INPUT_MISSING", "CALENDAR_NOT_COVERED"}


@pytest.fixture(scope="session")
def listed(tmp_path_factory) -> dict[str, list[dict]]:
    """month -> rows of the exceptions table."""
    return settled_cases(tmp_path_factory.mktemp("codes"), AS_OF)


def test_every_code_of_part_d_has_a_case_or_a_reason():
    shown = {case.code for case in cases()} | OF_HOMES
    assert set(part_d()) - shown == set(not_shown())
    assert {case.code for case in cases()} <= set(load_catalogue().codes)
    assert all(len(reason) > 20 for reason in not_shown().values())


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_twin_differs_in_one_fact(case: Case):
    assert differences(case) == case.expect.get("differs_in", 1)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_facts_raise_the_code(case: Case, listed):
    rows = raised(case, RAISES, listed)
    assert rows, f"{case.why}: only {others(case, RAISES, listed)}"
    matching = [row for row in rows if not wrong(case, row)]
    assert matching, "\n".join(f"{wrong(case, row)}: {row}" for row in rows)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_twin_does_not(case: Case, listed):
    assert raised(case, TWIN, listed) == []


def raised(case: Case, which: str, listed) -> list[dict]:
    side = Side(case, which)
    return [row for row in listed[case.month] if row["code"] == case.code and side.about(row)]


def others(case: Case, which: str, listed) -> list[str]:
    side = Side(case, which)
    return sorted({row["code"] for row in listed[case.month] if side.about(row)})


def wrong(case: Case, row: dict) -> list[str]:
    """What of a row is not as the case says."""
    expect, entry = case.expect, load_catalogue()[case.code]
    side = Side(case, RAISES)
    severity = expect.get("severity", entry.severity)
    wanted = {"severity": severity, "owner": entry.owner, "opened_month": case.month, "state": "new"}
    if "at_risk" in expect:
        wanted["amount_at_risk_cny"] = Decimal(expect["at_risk"])
    elif "no_money" in expect:
        wanted["amount_at_risk_cny"] = Decimal("0.00")
    elif "unknown_money" in expect:
        wanted["amount_at_risk_cny"] = None
    if "due_on" in expect:
        wanted["due_on"] = expect["due_on"]
    faults = [f"{name} {row[name]} is not {value}" for name, value in wanted.items() if row[name] != value]
    faults += [f"no {name}" for name in expect.get("names", NAMED) if row[name] is None]
    faults += [
        f"message without {text}" for text in map(side.filled, expect.get("says", ())) if text not in row["message"]
    ]
    if not expect.get("no_figures") and not any(character.isdigit() for character in row["message"]):
        faults.append("message without a figure")
    if row["due_on"] is None or not any("\u4e00" <= character <= "\u9fff" for character in row["message"]):
        faults.append("no due day or no Chinese")
    return faults


def test_the_months_are_those_of_the_cases(listed):
    assert set(listed) == {MONTH, LATER}
    assert all(len({row["exception_id"] for row in rows}) == len(rows) for rows in listed.values())


# --- the life of an exception over two months --------------------------------------------------------------------


def of_case(listed, month: str, code: str, which: str = RAISES, place: int = 0) -> dict:
    """The row of the first (or ``place``-th) case of a code."""
    case = [case for case in cases() if case.code == code][place]
    side = Side(case, which)
    found = [row for row in listed[month] if row["code"] == code and side.about(row)]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("code", "state"),
    [("CNT_HEAVY_20", "approved"), ("CNT_OVERWEIGHT", "open"), ("BKG_MISMATCH", "open"), ("BL_MISMATCH", "open")],
)
def test_an_approval_counts_while_it_is_valid_and_the_latest_decision_wins(listed, code, state):
    before, after = (of_case(listed, month, code) for month in (MONTH, LATER))
    assert (before["state"], after["state"]) == ("new", state)
    kept = ("exception_id", "opened_month", "due_on", "message", "owner", "severity")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["opened_month"] == MONTH


def test_what_is_put_right_is_resolved_once(listed):
    # October's order export says 出运.
    before, after = (of_case(listed, month, "VSL_STATUS_INVALID", place=1) for month in (MONTH, LATER))
    assert (before["state"], after["state"]) == ("new", "resolved")
    assert after["exception_id"] == before["exception_id"]


def test_a_deadline_due_today_is_a_warning_and_a_review_once_it_is_past(listed):
    before, after = (of_case(listed, month, "DL_REFUND_PAY_LATE", place=1) for month in (MONTH, LATER))
    assert (before["severity"], before["state"]) == ("warn", "new")
    assert (after["severity"], after["state"], after["due_on"]) == ("review", "open", before["due_on"])
    assert "2023-09-28" in after["message"]


def test_no_exception_changes_its_identity_or_its_month(listed):
    before = {row["exception_id"]: row for row in listed[MONTH]}
    for row in listed[LATER]:
        if row["exception_id"] in before:
            assert row["opened_month"] == MONTH and row["state"] != "new"
            assert (row["code"], row["due_on"]) == (
                before[row["exception_id"]]["code"],
                before[row["exception_id"]]["due_on"],
            )
        else:
            assert row["opened_month"] == LATER and row["state"] in ("new", "approved")
    assert set(before) <= {row["exception_id"] for row in listed[LATER]}, "every one is there again: open or resolved"


def test_homes_codes_are_not_raised_where_nothing_is_missing(listed):
    assert OF_HOMES.isdisjoint({row["code"] for rows in listed.values() for row in rows})
