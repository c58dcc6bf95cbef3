"""One pair of months through its whole life: incomplete, settled, closed, adjusted from later, reopened, settled in order again."""

from __future__ import annotations

import shutil
from decimal import Decimal as D

import pytest

from settlement.cli import main
from settlement.io.home import Home
from settlement.io.month_states import close
from tests.e2e.conftest import rows, run_month
from tests.e2e.tiny import TinyHome, cny_line, export_line, export_order, usd_receipt

pytestmark = [pytest.mark.slow]

SEP, OCT = "2023-09", "2023-10"
OPENING = {
    "principal_id": "P001",
    "month": SEP,
    "account": "预收",
    "currency": "CNY",
    "amount_cny": "5000.00",
    "arisen_on": "2023-08-20",
}


@pytest.fixture(scope="module")
def life(tmp_path_factory) -> dict:
    """What each step said and left behind, in order; the tests below only look."""
    made = (
        TinyHome(tmp_path_factory.mktemp("months"))
        .add("orders", export_order())
        .add("goods", export_line())
        .add("bank", usd_receipt())
    )
    made.refer("opening_items", OPENING).refer(
        "opening_balances", {"principal_id": "P001", "month": SEP, "balance_cny": "5000.00"}
    )
    home = made.write()
    seen: dict = {"home": home}

    def command(*words: str) -> int:
        return main([*words, "--home", str(home.root)])

    def states() -> dict[str, tuple]:
        return {row["month"]: (row["state"], row["by"], row["reason"]) for row in rows(home, "months")}

    home.inbox(OCT).mkdir()
    seen["out of order"] = run_month(home, OCT)
    home.inbox(OCT).rmdir()
    shutil.rmtree(home.inbox(SEP) / "freight")
    seen["incomplete"] = run_month(home, SEP)[0], states(), close(home, SEP, "李会计"), states()
    made.write()
    seen["settled"] = run_month(home, SEP)[0], states(), _ledger(home, SEP), rows(home, "principal_balances", month=SEP)
    seen["closed"] = command("close", "--month", SEP, "--by", "李会计"), states(), run_month(home, SEP)
    made.add("orders", export_order(agency_fee="3000.00"), month=OCT).add("goods", export_line(), month=OCT)
    made.add(
        "bank", cny_line("1.00", "利息", counterparty_name=None, summary="结息", booked_on="2023-10-20"), month=OCT
    )
    made.write()
    seen["adjusted"] = run_month(home, OCT)[0], _ledger(home, OCT), _ledger(home, SEP)
    seen["reopened"] = (
        command("reopen", "--month", SEP, "--by", "王主管", "--reason", " "),
        command("reopen", "--month", SEP, "--by", "王主管", "--reason", "代理费录错"),
        states(),
    )
    made.months[SEP]["orders"][0]["agency_fee"] = "3000.00"
    made.write()
    seen["again"] = run_month(home, SEP)[0], states(), rows(home, "changes", month=SEP), _ledger(home, OCT)
    seen["in order"] = command("run", "--no-workbooks"), states(), _ledger(home, OCT), rows(home, "changes", month=OCT)
    seen["closed again"] = command("close", "--month", SEP, "--by", "李会计"), states()
    return seen


def _ledger(home: Home, month: str) -> list[tuple]:
    return [
        (row["kind"], row["amount_cny"], row["adjusts_month"])
        for row in rows(home, "principal_ledger", "kind", "amount_cny", "adjusts_month", month=month)
    ]


def test_a_month_waits_for_the_one_before(life):
    status, said = life["out of order"]
    assert status == 1 and f"{SEP} is not settled yet" in said[0]


def test_a_month_without_a_mandatory_folder_is_settled_but_cannot_be_closed(life):
    status, states, refusal, still = life["incomplete"]
    assert status == 0 and states[SEP][0] == "incomplete" and "freight" in states[SEP][2]
    assert "incomplete" in refusal and still == states


def test_the_opening_of_the_first_month_is_no_movement(life):
    status, states, ledger, balances = life["settled"]
    assert status == 0 and states[SEP] == ("settled", "settle_month", None)
    assert ("期初", D("5000.00"), None) in ledger
    (balance,) = balances
    # 720,000.00 less 3,100.00 and 12,900.00.
    assert (balance["opening"], balance["movement"], balance["closing"]) == (
        D("5000.00"),
        D("704000.00"),
        D("709000.00"),
    )


def test_a_closed_month_is_frozen(life):
    status, states, (refused, said) = life["closed"]
    assert status == 0 and states[SEP] == ("closed", "李会计", "关账")
    assert refused == 1 and "settlement reopen" in said[0]


def test_a_late_fact_about_the_closed_month_adjusts_it_from_the_open_one(life):
    status, october, september = life["adjusted"]
    assert status == 0 and october == [("代理费", D("100.00"), SEP)]
    assert september == life["settled"][2]


def test_a_reopening_needs_a_reason_and_says_who(life):
    without, done, states = life["reopened"]
    assert (without, done) == (1, 0)
    assert states[SEP] == ("settled", "王主管", "反关账：代理费录错") and states[OCT][0] == "settled"


def test_the_earlier_month_run_again_tells_what_changed_and_why_and_makes_the_later_one_stale(life):
    status, states, changes, october = life["again"]
    assert status == 0
    assert states[SEP] == ("settled", "settle_month", "反关账：代理费录错（王主管）")
    assert states[OCT] == ("stale", "settle_month", f"{SEP} 已重新结算")
    told = {(row["table_name"], row["column_name"]): row for row in changes}
    fee = told["export_invoices", "fees_cny"]
    assert (fee["before"], fee["after"]) == ("16000.00", "15900.00")
    assert (told["principal_balances", "closing"]["before"], told["principal_balances", "closing"]["after"]) == (
        "709000.00",
        "709100.00",
    )
    for row in (fee, told["principal_balances", "closing"]):
        assert "orders.csv 第 2 行" in row["why"] and "代理费 3100.00 → 3000.00" in row["why"], row
    # Nobody touched October's rows.
    assert october == life["adjusted"][1]


def test_the_stale_month_is_settled_in_its_turn_and_its_adjustment_is_gone(life):
    status, states, october, changes = life["in order"]
    assert status == 0 and {state for state, _, _ in states.values()} == {"settled"}
    assert october == []
    removed = [row for row in changes if row["table_name"] == "principal_ledger" and row["change"] == "removed"]
    assert len(removed) == 1 and f"{SEP} 已重新结算" in removed[0]["why"]


def test_the_month_closed_again_still_tells_of_its_reopening(life):
    status, states = life["closed again"]
    assert status == 0 and states[SEP] == ("closed", "李会计", "关账；此前反关账：代理费录错（王主管）")
