"""Write-off, ageing, dunning and what is late: LOG-RCV-01, LOG-CR-01, LOG-CR-02, LOG-AR-01, S2-DUN-01, C-42."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from random import Random

import ibis
import pytest

from settlement.rules.books import freight_settlement, freight_write_off
from settlement.rules.rows import table_of
from tests.rules.books.worlds import Worlds, column

CHARGE = ibis.schema(
    {
        "month": "string", "line_key": "string", "order_no": "string", "principal_id": "string", "vendor": "string",
        "charge_code": "string", "receivable_cny": "decimal(18, 2)", "fee_month": "string", "due_on": "date",
        "confirmed_on": "date", "invoiced_on": "date", "status": "string",
    }
)  # fmt: skip
ALLOCATION = ibis.schema(
    {
        "txn_id": "string", "order_no": "string", "principal_id": "string", "purpose": "string",
        "amount_cny": "decimal(18, 2)", "booked_on": "date",
    }
)  # fmt: skip
BANDS = [
    {"band": "90以上", "first_day": 91, "last_day": None},
    {"band": "0-30", "first_day": 0, "last_day": 30},
    {"band": "31-60", "first_day": 31, "last_day": 60},
    {"band": "61-90", "first_day": 61, "last_day": 90},
]
ORDER = {
    "order_no": "SO1", "principal_id": "P1", "services": "出口国际物流", "ordered_on": "2023-09-01", "currency": "CNY",
    "amount_fx": "0", "bl_no": "BL1", "settlement_mode": "月结",
}  # fmt: skip
AS_OF = date(2023, 10, 31)


def charge(key, amount, code="THC", **fields):
    return {
        "month": "2023-09", "line_key": key, "order_no": "SO1", "principal_id": "P1", "vendor": "V", "charge_code": code,
        "receivable_cny": amount, "fee_month": "2023-09", "due_on": "2023-10-10", "confirmed_on": "2023-09-18",
        "status": "正常",
    } | fields  # fmt: skip


def receipt(amount, txn="T1", **fields):
    return {
        "txn_id": txn, "order_no": "SO1", "principal_id": "P1", "purpose": "物流费", "amount_cny": amount, "booked_on": "2023-10-09",
    } | fields  # fmt: skip


WORLDS = Worlds()


def world(name, charges, receipts=(), *, orders=(ORDER,), events=(), adjustments=()):
    WORLDS.add(name, charges=charges, receipts=receipts, orders=orders, events=events, adjustments=adjustments)


class Settled:
    """Everything of freight_settlement, computed once for all worlds."""

    def __init__(self, worlds, facts, rows_of, keep, working_days):
        orders = facts("orders", *worlds.rows("orders"))
        orders = orders.mutate(is_export=orders.services.contains("出口"))
        charges = keep("t_charges", table_of(worlds.rows("charges"), CHARGE))
        receipts = keep("t_receipts", table_of(worlds.rows("receipts"), ALLOCATION))
        events = facts("events", *worlds.rows("events"))
        treated = keep("t_treated", freight_write_off.treatments(charges, orders, events))
        items = keep("t_items", freight_write_off.freight_items(charges, treated))
        adjustments = facts("adjustments", *worlds.rows("adjustments"))
        settling = keep("t_settling", freight_write_off.freight_money(receipts, adjustments))
        written = keep("t_written", freight_write_off.write_offs(items, settling))
        receivables = keep(
            "t_receivables", freight_settlement.freight_receivables(items, written, as_of=AS_OF, bands=BANDS)
        )
        positions = receivables.group_by("principal_id").agg(exposure=receivables.open_cny.sum())
        overdue = keep(
            "t_overdue", freight_settlement.month_overdue(receivables, orders, facts("principals"), as_of=AS_OF)
        )
        late, self.coverage = freight_settlement.statements_late(charges, events, working_days, days=3)
        found = ibis.union(
            freight_settlement.month_overdue_found(overdue),
            freight_settlement.not_written_off(receivables, settling, charges),
            freight_settlement.credit_not_released(receipts, positions),
            late,
        )
        self.written = self._of(worlds, rows_of(written), "line_key", "booked_on", "txn_id")
        self.receivables = self._of(worlds, rows_of(receivables), "line_key")
        self.by_shipment = self._of(
            worlds, rows_of(freight_settlement.dunning_by_shipment(receivables, orders, as_of=AS_OF)), "line_key"
        )
        self.by_client = worlds.sorted_out(
            rows_of(freight_settlement.dunning_by_client(receivables, as_of=AS_OF)), by=["principal_id"]
        )
        self.found = worlds.sorted_out(rows_of(found), by=["subject"])
        self.treated = worlds.sorted_out(rows_of(treated), by=["line_key"])
        self.coverage = rows_of(self.coverage)

    def _of(self, worlds, rows, *order):
        return worlds.sorted_out(sorted(rows, key=lambda row: [str(row[name]) for name in order]))

    def codes(self, name):
        return sorted(row["code"] for row in self.found[name])


@pytest.fixture(scope="module")
def settle(facts, rows_of, keep, working_days):
    return lambda worlds: Settled(worlds, facts, rows_of, keep, working_days)


@pytest.fixture(scope="module")
def settled(settle):
    return settle(WORLDS)


ITEMS = [charge("b", "100", "THC"), charge("a", "50", "DOC"), charge("c", "30", "AMS", fee_month="2023-08")]
world("in part", ITEMS, [receipt("60.00")])
world("in two", ITEMS, [receipt("60.00", booked_on="2023-10-08"), receipt("120.00", "T2")])
world("too much", ITEMS, [receipt("200.00")])
world("nothing came", ITEMS)
world("credit note", [*ITEMS, charge("d", "-40", "THC")], [receipt("100.00")])
world("more credit than bills", [charge("a", "30"), charge("d", "-40")], [])
world("taken back", ITEMS, [receipt("180.00"), receipt("-100.00", booked_on="2023-10-20")])
world("on account", ITEMS, [receipt("60.00", order_no=None)])
world("goods money", ITEMS, [receipt("1000.00", purpose="货款")])
SET_OFF = {"principal_id": "P1", "currency": "CNY", "decided_at": "2023-10-12 09:00:00", "document_no": "JZ1"}
world(
    "set off",
    ITEMS,
    adjustments=[
        SET_OFF | {"kind": "抵账", "from_account": "预收", "to_account": "物流费", "to_order": "SO1", "amount": "70"}
    ],
)
world(
    "written down",
    ITEMS,
    adjustments=[SET_OFF | {"kind": "核销", "from_account": "物流费", "from_order": "SO1", "amount": "70"}],
)


def test_items_are_written_off_in_the_stated_order(settled):
    # Oldest month (c), then charge code: DOC (a) before THC (b).
    assert column(settled.written["in part"], "line_key", "amount_cny") == [("a", D("30.00")), ("c", D("30.00"))]
    assert column(settled.receivables["in part"], "line_key", "settled_cny", "open_cny") == [
        ("a", D("30.00"), D("20.00")), ("b", D("0.00"), D("100.00")), ("c", D("30.00"), D("0.00")),
    ]  # fmt: skip
    assert column(settled.written["in two"], "line_key", "txn_id", "amount_cny") == [
        ("a", "T1", D("30.00")), ("a", "T2", D("20.00")), ("b", "T2", D("100.00")), ("c", "T1", D("30.00")),
    ]  # fmt: skip
    assert sum(column(settled.receivables["too much"], "settled_cny")) == D("180.00")
    assert settled.written["nothing came"] == settled.written["on account"] == settled.written["goods money"] == []


def test_credit_notes_decisions_and_money_taken_back(settled):
    items = {row["line_key"]: row for row in settled.receivables["credit note"]}
    assert items["d"]["settled_cny"] == D("-40.00") and items["d"]["open_cny"] == D("0.00")
    assert sum(row["settled_cny"] for row in items.values()) == D("100.00")
    assert items["b"]["open_cny"] == D("40.00")
    over = {row["line_key"]: row["open_cny"] for row in settled.receivables["more credit than bills"]}
    assert over == {"a": D("0.00"), "d": D("-10.00")}
    assert sum(column(settled.receivables["taken back"], "settled_cny")) == D("80.00")
    assert sum(column(settled.receivables["set off"], "settled_cny")) == D("70.00")
    assert sum(column(settled.receivables["written down"], "settled_cny")) == D("70.00")


NETTED = [ORDER | {"services": "出口贸易代理、出口国际物流", "freight_treatment": "抵扣"}]
NOTICE = [{"event": "开票通知", "happened_at": "2023-09-18 10:00:00", "order_no": "SO1"}]
world("netted", ITEMS, [receipt("90.00", purpose="货款")], orders=NETTED)
world(
    "frozen",
    [*ITEMS, charge("e", "10", confirmed_on="2023-09-19"), charge("f", "10", month="2023-10")],
    orders=NETTED,
    events=NOTICE,
)


def test_netted_freight_is_covered_by_goods_money_and_freezes_with_the_notice(settled):
    assert sum(column(settled.receivables["netted"], "settled_cny")) == D("90.00")
    assert {row["line_key"]: row["treatment"] for row in settled.treated["frozen"]} == {
        "a": "抵扣", "b": "抵扣", "c": "抵扣", "e": "另收", "f": "另收",
    }  # fmt: skip


DAYS = {
    0: "2023-10-31",
    30: "2023-10-01",
    31: "2023-09-30",
    60: "2023-09-01",
    61: "2023-08-31",
    90: "2023-08-02",
    91: "2023-08-01",
    -1: "2023-11-01",
}
world(
    "ages",
    [charge(f"{days}", "1.00", due_on=due) for days, due in DAYS.items()] + [charge("none", "1.00", due_on=None)],
)


def test_age_bands_are_inclusive(settled):
    assert {row["line_key"]: (row["days_overdue"], row["age_bucket"]) for row in settled.receivables["ages"]} == {
        "0": (0, "0-30天"), "30": (30, "0-30天"), "31": (31, "31-60天"), "60": (60, "31-60天"), "61": (61, "61-90天"),
        "90": (90, "61-90天"), "91": (91, "90天以上"), "-1": (-1, "未到期"), "none": (None, "未到期"),
    }  # fmt: skip


world("dunned", [charge("late", "100", due_on="2023-10-10"), charge("soon", "20", due_on="2023-11-10")])
world("not dunned", [charge("today", "100", due_on="2023-10-31")])


def test_dunning_lists_every_unsettled_item_of_an_overdue_shipment(settled):
    assert column(settled.by_shipment["dunned"], "line_key", "overdue_cny", "unsettled_cny", "bl_no") == [
        ("late", D("100.00"), D("120.00"), "BL1"), ("soon", D("100.00"), D("120.00"), "BL1"),
    ]  # fmt: skip
    assert column(settled.by_client["dunned"], "age_bucket", "open_cny", "items", "overdue_cny") == [
        ("0-30天", D("100.00"), 1, D("100.00")), ("未到期", D("20.00"), 1, D("100.00")),
    ]  # fmt: skip
    assert settled.by_shipment["not dunned"] == settled.by_client["not dunned"] == []


world("month overdue", [charge("a", "86300")], [receipt("50000.00", booked_on="2023-09-08")])
world("month collected", [charge("a", "86300")], [receipt("86300.00")])
world("month not due", [charge("a", "86300", due_on="2023-10-31")])
world("per shipment", [charge("a", "86300")], orders=[ORDER | {"settlement_mode": "票结"}])


def test_a_month_not_collected_by_the_tenth(settled):
    (row,) = [row for row in settled.found["month overdue"] if row["code"] == "CR_MONTH_OVERDUE"]
    assert row["amount_at_risk_cny"] == D("36300.00") and row["arisen_on"] == date(2023, 10, 10)
    assert "86300.00" in row["message"] and "36300.00" in row["message"]
    for twin in ("month collected", "month not due", "per shipment"):
        assert "CR_MONTH_OVERDUE" not in settled.codes(twin)


world("short receipt", ITEMS, [receipt("179.99")])
world("full receipt", ITEMS, [receipt("180.00")])
world("left over", ITEMS, [receipt("180.01")])
world("billed after the receipt", [*ITEMS, charge("e", "10", confirmed_on="2023-10-10")], [receipt("180.00")])
world("held on account", ITEMS, [receipt("60.00", order_no=None), receipt("100.00", "T2")])
world("nothing on account", ITEMS, [receipt("60.00", order_no=None, purpose="预收"), receipt("100.00", "T2")])


def test_money_that_is_not_written_off(settled):
    assert "AR_NOT_WRITTEN_OFF" in settled.codes("short receipt")
    assert "AR_NOT_WRITTEN_OFF" in settled.codes("left over")
    assert "AR_NOT_WRITTEN_OFF" not in settled.codes("full receipt")
    assert "AR_NOT_WRITTEN_OFF" not in settled.codes("billed after the receipt")
    (row,) = [row for row in settled.found["left over"] if row["code"] == "AR_NOT_WRITTEN_OFF"]
    assert row["amount_at_risk_cny"] == D("0.01")
    assert "CR_NOT_RELEASED" in settled.codes("held on account")
    assert "CR_NOT_RELEASED" not in settled.codes("nothing on account")


def told(moment):
    return [{"event": "LOG-AR-01", "happened_at": moment, "order_no": "SO1"}]


# Confirmed on Monday 09-18: the third working day is Thursday 09-21.
world("statement late", [charge("a", "10")], events=told("2023-09-22 09:00:00"))
world("statement in time", [charge("a", "10")], events=told("2023-09-21 23:59:59"))
world("statement too early", [charge("a", "10")], events=told("2023-09-15 09:00:00"))


def test_the_statement_follows_within_three_working_days(settled):
    (row,) = [row for row in settled.found["statement late"] if row["code"] == "DL_AR_STATEMENT_LATE"]
    assert row["arisen_on"] == date(2023, 9, 21) and "2023-09-22" in row["message"]
    assert "DL_AR_STATEMENT_LATE" not in settled.codes("statement in time") + settled.codes("statement too early")
    (coverage,) = settled.coverage
    assert (coverage["checked"], coverage["failed"]) == (2, 1) and coverage["not_checkable"] > 20


def test_no_fen_is_lost_or_settled_twice(settle):
    """200 random orders: written off never exceeds what came nor what is owed; items and money agree."""
    random, worlds = Random(7), Worlds()
    for number in range(200):
        charges = [
            charge(
                f"{place}",
                str(D(random.randint(-3000, 9000) or 1) / 100),
                random.choice("ABC"),
                fee_month=random.choice(["2023-08", "2023-09"]),
            )
            for place in range(random.randint(1, 6))
        ]
        receipts = [
            receipt(
                str(D(random.randint(-2000, 15000) or 1) / 100),
                f"T{place}",
                booked_on=str(date(2023, 10, random.randint(1, 28))),
            )
            for place in range(random.randint(0, 4))
        ]
        worlds.add(f"{number}", charges=charges, receipts=receipts, orders=[ORDER])
    result = settle(worlds)
    for name, tables in worlds.worlds.items():
        owed = [D(row["receivable_cny"]) for row in tables["charges"]]
        bills, credit = sum(a for a in owed if a > 0), -sum(a for a in owed if a < 0)
        came = sum((D(row["amount_cny"]) for row in tables["receipts"]), D(0))
        used = min(credit, bills)
        rows = result.receivables[name]
        assert sum(row["settled_cny"] for row in rows if row["receivable_cny"] > 0) == max(
            min(bills, came + used), D(0)
        ), name
        for row in rows:
            assert row["settled_cny"] + row["open_cny"] == row["receivable_cny"]
            assert 0 <= row["settled_cny"] / row["receivable_cny"] <= 1
        assert sum(row["settled_cny"] for row in rows) == sum(row["amount_cny"] for row in result.written[name])


def test_age_words_are_the_books_words():
    assert [word for word, _, _ in freight_settlement.age_words(BANDS)] == ["0-30天", "31-60天", "61-90天", "90天以上"]
