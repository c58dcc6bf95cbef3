"""Exceptions about a whole home, and rule_coverage counted by hand: one small month at the end of the calendar.

December 2023 without a freight folder; the home's calendar ends with that year. Of each rule below the month holds a few
cases: one kept, one broken, one that nobody recorded.
"""

from __future__ import annotations

import shutil
from datetime import date

import pytest
import yaml

from settlement.io.parameters import SHIPPED, read_yaml
from tests.e2e.conftest import rows, run_month
from tests.e2e.tiny import TinyHome, export_line, export_order, usd_receipt

MONTH = "2023-12"
# order -> (receipt confirmed on, pre-entry collected on); the receipt came and the declaration ended on Thursday 12-07:
# 3 working days later is 12-12, 20 working days later lies beyond the calendar.
ORDERS = {
    "A1": ("2023-12-12", "2023-12-11"),
    "A2": ("2023-12-13", "2023-12-14"),
    "A3": (None, "2023-12-12"),
    "A4": (None, None),
}


def payment(number: str, order: str, **more) -> dict:
    return {
        "request_no": number, "order_no": order, "kind": "货款", "payee_type": "委托方", "payee_name": "宁波海川贸易有限公司",
        "payee_account": "3901000000000000011", "currency": "CNY", "amount": "100.00", "notified_at": "2023-12-08 10:00",
        "submitted_at": "2023-12-08 16:30:00",
    } | more  # fmt: skip


def the_home(root) -> TinyHome:
    home = TinyHome(root)
    home.refer(
        "fx_mid_rates", {"published_on": "2023-12-01", "currency": "USD", "rate_per_100": "718.00", "source": "CFETS"}
    )
    for place, (order, (confirmed, collected)) in enumerate(ORDERS.items()):
        number = f"SO230{order}"
        declared = {
            "declaration_no": f"31012023000000000{place}",
            "declared_on": "2023-12-07",
            "exported_on": "2023-12-07",
        }
        home.add("orders", export_order(number, ordered_on="2023-12-01", **declared), month=MONTH)
        fob = "80000.00" if order == "A2" else "100000.00"  # 704,000 / 80,000 = 8.8: above the band
        home.add("goods", export_line(number, fob_usd=fob), month=MONTH)
        if order != "A4":
            receipt = usd_receipt(f"PAYMENT FOR {number}", booked_on="2023-12-07", bank_ref=f"FX{order}")
            home.add("bank", receipt, month=MONTH)
        for event, day in (("EXP-RCV-03", confirmed), ("EXP-DOC-01", collected)):
            if day:
                home.add("events", {"event": event, "order_no": number, "happened_at": f"{day} 10:00"}, month=MONTH)
    home.add(
        "payments",
        payment("FK1", "SO230A1"),
        payment("FK2", "SO230A1", submitted_at="2023-12-08 16:30:01"),
        payment("FK3", "SO230A1", submitted_at=None),
        payment("FK4", "SO230A1", payee_type="其他法人"),
        month=MONTH,
    )
    papers = {"SO230A1": ("宁波", "宁波"), "SO230A2": ("宁波", "东莞"), "SO230A3": ("宁波", None)}
    for number, (pre_entry, declaration) in papers.items():
        for kind, value in (("预录单", pre_entry), ("报关单", declaration)):
            if value:
                fact = {"order_no": number, "doc_kind": kind, "field": "境内货源地", "value": value}
                home.add("documents", fact, month=MONTH)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    written = the_home(tmp_path_factory.mktemp("december")).write()
    shutil.rmtree(written.inbox(MONTH) / "freight")
    calendar = read_yaml(SHIPPED / "calendar.yaml")
    calendar["years"] = {year: days for year, days in calendar["years"].items() if int(year) <= 2023}
    (written.reference / "calendar.yaml").write_text(yaml.safe_dump(calendar, allow_unicode=True), "utf-8")
    status, said = run_month(written, MONTH)
    assert status == 0, said
    return written


def test_a_missing_folder_blocks_and_names_itself(home):
    found = [row for row in rows(home, "exceptions") if row["code"] == "INPUT_MISSING"]
    assert [(row["severity"], row["state"]) for row in found] == [("block", "new")]
    assert "raw/2023-12/freight/" in found[0]["message"] and "未完整" in found[0]["message"]


def test_a_deadline_beyond_the_calendar_blocks_and_is_never_guessed(home):
    listed = rows(home, "exceptions")
    ended = [row for row in listed if row["code"] == "CALENDAR_NOT_COVERED"]
    # One for the deadlines of the rules, one for the days to deal with exceptions.
    assert [(row["severity"], row["owner"]) for row in ended] == [("block", "核算部")] * 2
    assert all("2023-12-31" in row["message"] for row in ended)
    assert any("4 个订单共 4 项期限" in row["message"] for row in ended), "20 working days after 12-07, of four orders"
    undated = [row["code"] for row in listed if row["due_on"] is None]
    assert undated and all(row["due_on"] is None or row["due_on"] <= date(2026, 12, 31) for row in listed)


# rule -> (checked, failed, not checkable), counted by hand from ORDERS and the rows above.
COVERAGE = {
    "EXP-RCV-03": (2, 1, 1),  # A1 in time, A2 late, A3 not recorded; A4 has no receipt
    "EXP-DOC-01": (
        3 + 2,
        1 + 1,
        1 + 1,
    ),  # deadline: A1 A3 in time, A2 late, A4 not recorded; papers: A1 same, A2 differs, A3 alone
    "EXP-REF-01": (0, 0, 4),
    "EXP-PAY-03": (3, 1, 1),  # FK1 and FK4 in time, FK2 a second late, FK3 not submitted
    "EXP-PAY-01": (4, 1, 0),
    "EXP-PAY-04": (0, 0, 3),  # three submitted, no status recorded
    "EXP-INV-01": (3, 0, 1),
    "EXP-INV-02": (3, 1, 1),
    "CUS-01": (4, 0, 0),
    "CUS-03": (4, 0, 0),
    "FX-05": (3, 0, 0),
    "EXP-RCV-02": (3, 0, 0),
}


@pytest.mark.parametrize("rule", sorted(COVERAGE))
def test_rule_coverage_is_what_a_person_counts(home, rule):
    counted = {
        row["rule_id"]: (row["checked"], row["failed"], row["not_checkable"]) for row in rows(home, "rule_coverage")
    }
    assert counted.get(rule) == COVERAGE[rule]


def test_a_rule_is_counted_once_and_failures_were_checked(home):
    counted = rows(home, "rule_coverage")
    assert len({row["rule_id"] for row in counted}) == len(counted)
    assert all(0 <= row["failed"] <= row["checked"] and row["not_checkable"] >= 0 for row in counted)
