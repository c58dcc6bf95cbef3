"""Releases and credit: LOG-BLR-01, LOG-BLR-02, LOG-CR-*, C-20, C-21, C-22, W12."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal as D
from random import Random

import ibis
import pytest

from settlement.rules.books import bl_releases, credit_exposure, credit_positions, freight_settlement, freight_write_off
from settlement.rules.rows import table_of
from tests.rules.books.test_freight_settlement import ALLOCATION, BANDS, CHARGE, charge, receipt
from tests.rules.books.worlds import Worlds, column

MONTH, MONTH_END = "2023-09", date(2023, 9, 30)
ORDER = {
    "order_no": "SO1", "principal_id": "P1", "services": "出口国际物流", "ordered_on": "2023-09-01", "currency": "CNY",
    "amount_fx": "0", "bl_no": "BL1", "settlement_mode": "月结", "bl_released_on": "2023-09-20", "containers": "1x40HQ",
}  # fmt: skip
PRINCIPAL = {
    "principal_id": "P1",
    "name": "客户",
    "settlement_mode": "月结",
    "monthly_agreement": "true",
    "credit_limit": "200000",
}
QUOTE = {
    "principal_id": "P1", "charge_code": "THC", "currency": "CNY", "amount": "900", "unit_basis": "柜", "valid_from": "2023-01-01",
}  # fmt: skip
WORLDS = Worlds()


def order(number, **fields):
    return ORDER | {"order_no": f"SO{number}", "bl_no": f"BL{number}"} | fields


def due(number, amount, **fields):
    return charge(f"{number}", amount, order_no=f"SO{number}", **fields)


def world(
    name,
    *,
    orders=(ORDER,),
    charges=(),
    receipts=(),
    principals=(PRINCIPAL,),
    limits=(),
    quotes=(),
    approved=(),
    opening=(),
):
    WORLDS.add(
        name, orders=orders, charges=charges, receipts=receipts, principals=principals, limits=limits, quotes=quotes, approved=approved, opening=opening,
    )  # fmt: skip


def identity(code, subject):
    return hashlib.sha256(f"{code}|{subject}".encode()).hexdigest()[:16]


class Releases:
    """Everything of bl_releases and credit_positions, computed once for all worlds."""

    def __init__(self, worlds, facts, rows_of, keep, working_days, month=MONTH, month_end=MONTH_END):
        end, orders = ibis.literal(month_end), facts("orders", *worlds.rows("orders"))
        orders = keep("t_orders", orders.mutate(is_export=orders.services.contains("出口")))
        charges = keep("t_charges", table_of(worlds.rows("charges"), CHARGE))
        receipts = table_of(worlds.rows("receipts"), ALLOCATION)
        approved = table_of(
            [
                {
                    "exception_id": identity(
                        code, "|".join(f"{name}~{part}" if part[0] in "SP" else part for part in subject.split("|"))
                    )
                }
                for name, tables in worlds.worlds.items()
                for code, subject in tables["approved"]
            ],
            ibis.schema({"exception_id": "string"}),
        )
        principals = facts("principals", *worlds.rows("principals"))
        limits, quotes = facts("credit_limits", *worlds.rows("limits")), facts("client_quotes", *worlds.rows("quotes"))
        treated = freight_write_off.treatments(charges, orders, facts("events"))
        opening = freight_write_off.opening_freight(
            facts("opening_items", *worlds.rows("opening")), working_days, collection_day=10
        )
        items = keep("t_items", freight_write_off.freight_items(charges, treated).union(opening))
        settling = keep("t_settling", freight_write_off.freight_money(receipts, facts("adjustments")))
        written = keep("t_written", freight_write_off.write_offs(items, settling))
        receivables = keep(
            "t_receivables", freight_settlement.freight_receivables(items, written, as_of=month_end, bands=BANDS)
        )
        shipped = keep("t_shipped", credit_exposure.shipments(orders, charges, end))
        rates = facts("fx_mid_rates", {"published_on": "2023-09-01", "currency": "USD", "rate_per_100": "710.36"})
        expected = keep("t_expected", credit_exposure.expected_charges(shipped, charges, orders, quotes, rates))
        exposure = keep("t_exposure", credit_exposure.exposure_events(shipped, charges, items, written, expected))
        overdue = keep("t_late", credit_exposure.overdue_events(orders, principals, items, written, approved))
        tests = keep(
            "t_tests",
            bl_releases.release_tests(
                shipped,
                charges,
                items,
                settling,
                written,
                expected,
                exposure,
                overdue,
                principals,
                limits,
                approved,
                end,
            ),
        )
        months = freight_settlement.month_overdue(receivables, orders, principals, as_of=month_end)
        positions = credit_positions.credit_positions(
            principals, limits, exposure, overdue, months, month_end=end, as_of=end
        )
        found = ibis.union(
            bl_releases.releases_found(tests, receivables, month=month),
            bl_releases.exposure_unknown_found(shipped, expected),
        )
        by_order = sorted(rows_of(bl_releases.bl_releases(tests)), key=lambda row: row["order_no"])
        self.releases = worlds.sorted_out(by_order)
        self.positions = worlds.sorted_out(rows_of(positions), by=["principal_id"])
        self.found = worlds.sorted_out(rows_of(found))

    def codes(self, name):
        return sorted(row["code"] for row in self.found[name])


@pytest.fixture(scope="module")
def evaluate(facts, rows_of, keep, working_days):
    return lambda worlds, **arguments: Releases(worlds, facts, rows_of, keep, working_days, **arguments)


@pytest.fixture(scope="module")
def tested(evaluate):
    return evaluate(WORLDS)


W12 = [order(1, bl_released_on="2023-09-10"), order(2)]
W12_CHARGES = [due(1, "178450.00"), due(2, "25186.34")]
world("w12", orders=W12, charges=W12_CHARGES)
world("w12 collected", orders=W12, charges=W12_CHARGES, receipts=[receipt("50000.00", booked_on="2023-09-15")])
world(
    "w12 on account",
    orders=W12,
    charges=W12_CHARGES,
    receipts=[receipt("50000.00", booked_on="2023-09-15", order_no=None)],
)
world("w12 collected too late", orders=W12, charges=W12_CHARGES, receipts=[receipt("50000.00", booked_on="2023-09-21")])
world("w12 approved", orders=W12, charges=W12_CHARGES, approved=[("CR_LIMIT_EXCEEDED", "SO2")])


def test_w12_the_credit_limit(tested):
    first, second = tested.releases["w12"]
    assert (first["exposure_before"], first["exposure_after"], first["allowed"]) == (D("0.00"), D("178450.00"), True)
    assert (second["exposure_before"], second["exposure_after"], second["allowed"]) == (
        D("178450.00"),
        D("203636.34"),
        False,
    )
    (row,) = tested.found["w12"]
    assert (row["code"], row["amount_at_risk_cny"]) == ("CR_LIMIT_EXCEEDED", D("3636.34")) and "3636.34" in row[
        "message"
    ]
    _, second = tested.releases["w12 collected"]
    assert (second["exposure_before"], second["exposure_after"], second["allowed"]) == (
        D("128450.00"),
        D("153636.34"),
        True,
    )
    (position,) = tested.positions["w12 collected"]
    assert (position["exposure"], position["available"], position["blocked"]) == (D("153636.34"), D("46363.66"), False)
    assert tested.codes("w12 collected") == []
    # Money on account, or written off only after the release, does not free it; a 特批 allows it and stays on record.
    assert tested.codes("w12 on account") == tested.codes("w12 collected too late") == ["CR_LIMIT_EXCEEDED"]
    assert column(tested.releases["w12 approved"], "allowed") == [True, True]
    assert (
        tested.codes("w12 approved") == ["CR_LIMIT_EXCEEDED"] and "特批" in tested.releases["w12 approved"][1]["reason"]
    )


world("at the limit", charges=[due(1, "200000.00")])
world("a fen over", charges=[due(1, "200000.01")])
world("lower order number first", orders=[order(2), order(1)], charges=[due(1, "150000"), due(2, "60000")])
PER_SHIPMENT = [ORDER | {"settlement_mode": "票结"}]
world(
    "paid in full", orders=PER_SHIPMENT, charges=[due(1, "100")], receipts=[receipt("100.00", booked_on="2023-09-20")]
)
world("a fen short", orders=PER_SHIPMENT, charges=[due(1, "100")], receipts=[receipt("99.99", booked_on="2023-09-20")])
world("a day late", orders=PER_SHIPMENT, charges=[due(1, "100")], receipts=[receipt("100.00", booked_on="2023-09-21")])
world("not released", orders=[ORDER | {"settlement_mode": "票结", "bl_released_on": None}], charges=[due(1, "100")])
world(
    "receivable unknown",
    orders=PER_SHIPMENT,
    charges=[due(1, None, status="报价冲突")],
    receipts=[receipt("100.00", booked_on="2023-09-01")],
)
NO_AGREEMENT = [PRINCIPAL | {"monthly_agreement": "false"}]
world("no agreement", charges=[due(1, "100")], principals=NO_AGREEMENT)
world(
    "no agreement, paid",
    charges=[due(1, "100")],
    receipts=[receipt("100.00", booked_on="2023-09-20")],
    principals=NO_AGREEMENT,
)


def test_limits_are_inclusive_and_full_means_full(tested):
    assert column(tested.releases["at the limit"], "allowed") == [True]
    assert tested.codes("a fen over") == ["CR_LIMIT_EXCEEDED"]
    assert column(tested.releases["lower order number first"], "order_no", "exposure_after", "allowed") == [
        ("SO1", D("150000.00"), True), ("SO2", D("210000.00"), False),
    ]  # fmt: skip
    assert tested.codes("paid in full") == tested.codes("not released") == []
    assert tested.codes("a fen short") == tested.codes("a day late") == ["BL_RELEASE_UNPAID"]
    assert tested.found["a fen short"][0]["amount_at_risk_cny"] == D("0.01")
    assert column(tested.releases["not released"], "released_on", "allowed", "due_cny") == [(None, False, D("100.00"))]
    assert column(tested.releases["receivable unknown"], "due_cny", "allowed") == [(None, False)]
    assert tested.codes("no agreement") == ["CR_NO_AGREEMENT"] and tested.codes("no agreement, paid") == []


LIMIT = {"principal_id": "P1", "limit_cny": "50", "valid_from": "2023-01-01"}
world("credit_limits win", charges=[due(1, "100")], limits=[LIMIT])
world(
    "raised in time", charges=[due(1, "100")], limits=[LIMIT, LIMIT | {"limit_cny": "100", "valid_from": "2023-09-20"}]
)
world(
    "raised too late", charges=[due(1, "100")], limits=[LIMIT, LIMIT | {"limit_cny": "100", "valid_from": "2023-09-21"}]
)
world("lapsed", charges=[due(1, "100")], limits=[LIMIT | {"limit_cny": "999", "valid_to": "2023-09-19"}])
world(
    "agreement of the limit", charges=[due(1, "10")], limits=[LIMIT | {"agreement_no": "YJ1"}], principals=NO_AGREEMENT
)


def test_the_limit_of_the_day(tested):
    assert column(tested.releases["credit_limits win"], "credit_limit", "allowed") == [(D("50.00"), False)]
    assert column(tested.releases["raised in time"], "credit_limit", "allowed") == [(D("100.00"), True)]
    assert column(tested.releases["raised too late"], "credit_limit", "allowed") == [(D("50.00"), False)]
    assert column(tested.releases["lapsed"], "credit_limit", "allowed") == [(None, False)]
    assert column(tested.releases["agreement of the limit"], "allowed") == [True]


LATE = [order(1, bl_released_on="2023-07-15"), order(2)]
LATE_CHARGES = [due(1, "500.00", month="2023-07", fee_month="2023-07", due_on="2023-08-10"), due(2, "10.00")]
world("overdue", orders=LATE, charges=LATE_CHARGES)
world("collected before", orders=LATE, charges=LATE_CHARGES, receipts=[receipt("500.00", booked_on="2023-09-20")])
world("due that day", orders=LATE, charges=[LATE_CHARGES[0] | {"due_on": "2023-09-20"}, LATE_CHARGES[1]])
world("release approved", orders=LATE, charges=LATE_CHARGES, approved=[("CR_MONTH_OVERDUE", "SO2")])
world("month approved", orders=LATE, charges=LATE_CHARGES, approved=[("CR_MONTH_OVERDUE", "P1|2023-07|2023-08-10")])


def test_an_overdue_month_blocks_new_releases(tested):
    assert tested.codes("overdue") == ["CR_MONTH_OVERDUE"] and tested.found["overdue"][0]["amount_at_risk_cny"] == D(
        "500.00"
    )
    assert tested.codes("collected before") == tested.codes("due that day") == []
    assert column(tested.releases["release approved"], "allowed") == [True, True]
    assert tested.codes("release approved") == ["CR_MONTH_OVERDUE"]
    assert column(tested.releases["month approved"], "allowed") == [True, True] and tested.codes("month approved") == []
    (position,) = tested.positions["overdue"]
    assert (position["overdue_cny"], position["blocked"]) == (D("500.00"), True)
    (position,) = tested.positions["month approved"]
    assert (position["overdue_cny"], position["blocked"]) == (D("500.00"), False)


USD_QUOTE = QUOTE | {"charge_code": "O/F", "currency": "USD", "amount": "3150"}
world("at quotes", quotes=[QUOTE, USD_QUOTE])
world("no quote")
world("no quote, then another", orders=[order(1, bl_released_on="2023-09-10"), order(2)], charges=[due(2, "10.00")])
world("no freight of ours", orders=[ORDER | {"services": "出口报关"}])
world("quotes in tons", quotes=[QUOTE | {"unit_basis": "RT"}])
world("lines next month", charges=[due(1, "1000.00", month="2023-10")], quotes=[QUOTE])


def test_orders_without_lines_count_at_quotes(tested, evaluate):
    assert column(tested.releases["at quotes"], "due_cny", "exposure_after", "allowed") == [
        (D("23276.34"), D("23276.34"), True)
    ]
    assert tested.codes("no quote") == tested.codes("quotes in tons") == ["CR_EXPOSURE_UNKNOWN"]
    assert column(tested.positions["no quote"], "exposure", "available", "blocked") == [(None, None, True)]
    # A later release cannot be judged while the exposure is unknown.
    assert column(tested.releases["no quote, then another"], "exposure_after", "allowed") == [
        (None, False),
        (None, False),
    ]
    assert tested.codes("no freight of ours") == [] and column(
        tested.releases["no freight of ours"], "due_cny", "allowed"
    ) == [(D("0.00"), True)]
    october = evaluate(WORLDS, month="2023-10", month_end=date(2023, 10, 31))
    (row,) = october.releases["lines next month"]
    assert (row["due_cny"], row["exposure_after"]) == (D("900.00"), D("900.00"))
    assert column(october.positions["lines next month"], "exposure") == [D("1000.00")]


WAITING = [order(number, bl_released_on=None) for number in (1, 2, 3)]
world("pending", orders=WAITING, charges=[due(1, "250000"), due(2, "150000"), due(3, "60000")])
world(
    "pending, paid",
    orders=WAITING[:2],
    charges=[due(1, "150000"), due(2, "60000")],
    receipts=[receipt("150000.00", booked_on="2023-09-20")],
)


def test_pending_releases_fit_the_limit_together(tested):
    assert column(tested.releases["pending"], "exposure_after", "allowed") == [
        (D("250000.00"), False), (D("150000.00"), True), (D("210000.00"), False),
    ]  # fmt: skip
    assert column(tested.releases["pending, paid"], "exposure_after", "allowed") == [
        (D("0.00"), True),
        (D("60000.00"), True),
    ]
    assert tested.positions["pending"][0]["exposure"] == D("0.00")


OPENING = {
    "principal_id": "P1",
    "month": "2023-09",
    "order_no": "SO9",
    "account": "物流费",
    "currency": "CNY",
    "amount_cny": "-500.00",
    "arisen_on": "2023-07-12",
    "ref_no": "WL1",
}
world("opening", charges=[due(1, "10.00")], opening=[OPENING])
world(
    "opening collected",
    charges=[due(1, "10.00")],
    opening=[OPENING],
    receipts=[receipt("500.00", order_no="SO9", booked_on="2023-09-20")],
)
world("opening, not freight", charges=[due(1, "10.00")], opening=[OPENING | {"account": "货款"}])


def test_what_is_older_than_the_books(tested, evaluate):
    # July's fees were due on 08-10: overdue at the release of 09-20.
    assert column(tested.releases["opening"], "exposure_before", "allowed") == [(D("500.00"), False)]
    assert tested.codes("opening") == ["CR_MONTH_OVERDUE"]
    assert column(tested.positions["opening"], "exposure", "overdue_cny", "blocked") == [
        (D("510.00"), D("500.00"), True)
    ]
    assert column(tested.releases["opening collected"], "exposure_before", "allowed") == [(D("0.00"), True)]
    assert column(tested.positions["opening, not freight"], "exposure", "overdue_cny") == [(D("10.00"), D("0.00"))]
    # A release of July in books that begin in September is tested on the lines of September.
    worlds = Worlds()
    worlds.add(
        "older",
        orders=[order(1, bl_released_on="2023-07-15")],
        charges=[due(1, "1000.00")],
        principals=[PRINCIPAL],
        approved=(),
    )
    (older,) = evaluate(worlds).releases["older"]
    assert (older["due_cny"], older["exposure_after"], older["allowed"]) == (D("1000.00"), D("1000.00"), True)


NETTED = {"services": "出口贸易代理、出口国际物流", "freight_treatment": "抵扣"}
world("netted", orders=[ORDER | NETTED], charges=[due(1, "100")])
world(
    "netted, covered",
    orders=[ORDER | NETTED],
    charges=[due(1, "100")],
    receipts=[receipt("5000.00", booked_on="2023-09-19", purpose="货款")],
)


def test_netted_freight_counts_until_goods_money_covers_it(tested):
    assert tested.positions["netted"][0]["exposure"] == D("100.00")
    assert tested.positions["netted, covered"][0]["exposure"] == D("0.00")
    assert column(tested.releases["netted, covered"], "received_cny", "exposure_after", "allowed") == [
        (D("100.00"), D("0.00"), True)
    ]


def test_running_exposure_agrees_with_a_walk_through_the_days(evaluate):
    """40 clients with random releases, bills and receipts: exposure before and after each release, and at the end."""
    random, worlds = Random(11), Worlds()
    for number in range(40):
        orders, charges, receipts = [], [], []
        for place in range(1, random.randint(2, 7)):
            orders.append(order(place, bl_released_on=f"2023-09-{random.randint(1, 9):02d}"))
            charges.append(due(place, str(D(random.randint(1, 90000)) / 100)))
            for each in range(random.randint(0, 2)):
                receipts.append(
                    receipt(
                        str(D(random.randint(1, 60000)) / 100),
                        f"T{each}",
                        order_no=f"SO{place}",
                        booked_on=f"2023-09-{random.randint(1, 14):02d}",
                    )
                )
        worlds.add(
            f"{number}",
            orders=orders,
            charges=charges,
            receipts=receipts,
            principals=[PRINCIPAL],
            limits=(),
            quotes=(),
            approved=(),
        )
    result = evaluate(worlds)
    for name, tables in worlds.worlds.items():
        amounts = {row["order_no"]: D(row["receivable_cny"]) for row in tables["charges"]}
        released = sorted((row["bl_released_on"], row["order_no"]) for row in tables["orders"])

        def left(number, day, tables=tables, amounts=amounts):
            came = sum(
                D(row["amount_cny"])
                for row in tables["receipts"]
                if row["order_no"] == number and row["booked_on"] <= day
            )
            return max(amounts[number] - came, D(0))

        rows = {row["order_no"]: row for row in result.releases[name]}
        for place, (day, number) in enumerate(released):
            before = sum(left(other, day) for _, other in released[:place])
            assert rows[number]["exposure_before"] == before, (name, number)
            assert rows[number]["exposure_after"] == before + left(number, day)
        assert result.positions[name][0]["exposure"] == sum(left(number, "2023-09-30") for number in amounts)
