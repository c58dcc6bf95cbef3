"""Payables and receivables of freight: LOG-AP-*, LOG-AR-*, C-19, C-23, C-24, W12."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from random import Random

import ibis
import pytest

from settlement.rules.books.freight_charges import assign_orders, price
from settlement.rules.rows import table_of
from tests.rules.books.worlds import Worlds, column

ORDER = {
    "order_no": "SO1", "principal_id": "P1", "services": "出口国际物流", "ordered_on": "2023-09-01", "currency": "CNY",
    "amount_fx": "0", "bl_no": "BL1", "containers": "1x40HQ", "container_nos": "TGHU1234567", "pol": "NINGBO",
    "pod": "HAMBURG", "sailed_on": "2023-09-12",
}  # fmt: skip
LINE = {
    "vendor": "COSCO", "vendor_invoice_no": "INV1", "order_no": "SO1", "charge_code": "THC", "currency": "CNY",
    "invoiced_on": "2023-09-15", "confirmed_on": "2023-09-18",
}  # fmt: skip
VENDOR = {"vendor": "COSCO", "currency": "CNY", "unit_basis": "票", "valid_from": "2023-01-01"}
CLIENT = {"principal_id": "P1", "currency": "CNY", "unit_basis": "票", "valid_from": "2023-01-01"}


class Month(Worlds):
    """Small shipments, each a world of its own, priced in one run."""

    def add(self, name, lines=(), vendor=(), client=(), orders=(ORDER,), adjustments=(), **more):
        tables = {"freight": lines, "vendor_quotes": vendor, "client_quotes": client, "adjustments": adjustments}
        super().add(name, orders=orders, **tables, **more)


MONTH = Month()


def price_worlds(month, facts, working_days, keep, approved=()):
    """The tables of all worlds, the assigned lines and the priced ones."""
    names = ("freight", "orders", "adjustments", "vendor_quotes", "client_quotes", "documents", "events")
    tables = {name: facts(name, *month.rows(name)) for name in names}
    assigned = assign_orders(tables["freight"], tables["orders"], tables["adjustments"], keep=keep)
    priced = price(
        assigned,
        orders=tables["orders"],
        vendor_quotes=tables["vendor_quotes"],
        client_quotes=tables["client_quotes"],
        fx_mid_rates=facts("fx_mid_rates", *RATES),
        adjustments=tables["adjustments"],
        approved=table_of([{"exception_id": each} for each in approved], ibis.schema({"exception_id": "string"})),
        working_days=working_days,
        month="2023-12",
        keep=keep,
    )
    return tables, assigned, priced


@pytest.fixture(scope="module")
def run_of(facts, rows_of, working_days, keep):
    """Price a month: rows of each world, in the order of processing, own services last."""

    def run(month, approved=()):
        _, _, table = price_worlds(month, facts, working_days, keep, approved)
        rows = sorted(rows_of(table), key=lambda row: (row["seq"] is None, row["seq"] or 0, row["charge_code"]))
        for row in rows:
            row["given_order_no"] = row["given_order_no"] and row["given_order_no"].split("~")[-1]
        return month.sorted_out(rows, by=("order_no", "vendor"))

    return run


RATES = [
    {"published_on": "2023-09-15", "currency": "USD", "rate_per_100": "717.86"},
    {"published_on": "2023-09-18", "currency": "USD", "rate_per_100": "710.36"},
    {"published_on": "2023-09-19", "currency": "USD", "rate_per_100": "720.00"},
]


@pytest.fixture(scope="module")
def priced(run_of):
    """Every scenario of this module, priced in one run."""
    return run_of(MONTH)


def line(**fields):
    return LINE | fields


def identity(code, subject):
    return hashlib.sha256(f"{code}|{subject}".encode()).hexdigest()[:16]


D = Decimal
MONTH.add(
    "w12",
    lines=[
        line(charge_code="O/F", amount="2900", currency="USD", ar_rate="7.1036"),
        line(charge_code="THC", amount="1225"),
        line(charge_code="DOC", amount="450"),
        line(charge_code="SEAL", amount="55"),
        line(charge_code="VGM", amount="80"),
        line(charge_code="查验费", amount="860"),
    ],
    vendor=[
        VENDOR
        | {"charge_code": "O/F", "amount": "2900", "currency": "USD", "unit_basis": "柜", "container_type": "40HQ"},
        VENDOR | {"charge_code": "THC", "amount": "1225", "unit_basis": "柜"},
        VENDOR | {"charge_code": "DOC", "amount": "450"},
        VENDOR | {"charge_code": "SEAL", "amount": "50", "unit_basis": "柜"},
        VENDOR | {"charge_code": "VGM", "amount": "80", "unit_basis": "柜"},
    ],
    client=[
        CLIENT | {"charge_code": "O/F", "amount": "3150", "currency": "USD", "unit_basis": "柜"},
        CLIENT | {"charge_code": "THC", "amount": "1350", "unit_basis": "柜"},
        CLIENT | {"charge_code": "DOC", "amount": "450"},
        CLIENT | {"charge_code": "SEAL", "amount": "50", "unit_basis": "柜"},
        CLIENT | {"charge_code": "VGM", "amount": "100", "unit_basis": "柜"},
    ],
)


def test_w12_the_shipment_of_the_rulebook(priced):
    by_code = {row["charge_code"]: row for row in priced["w12"]}
    rows = by_code.values()
    assert by_code["O/F"]["receivable_cny"] == D("22376.34")
    assert by_code["O/F"]["cost_cny"] == D("20600.44")
    assert sum(row["receivable_cny"] for row in rows) == D("25186.34")
    assert sum(row["cost_cny"] for row in rows) == D("23270.44")
    payable_cny = sum(row["payable"] * (D("7.1036") if row["currency"] == "USD" else 1) for row in rows)
    assert payable_cny == D("22405.44")
    assert payable_cny + 860 == D("23265.44")
    assert {code: row["status"] for code, row in by_code.items()} == {
        "O/F": "正常", "THC": "正常", "DOC": "正常", "SEAL": "超报价", "VGM": "正常", "查验费": "待凭证",
    }  # fmt: skip
    assert by_code["SEAL"]["payable"] == D("50.00") and by_code["SEAL"]["receivable"] == D("50.00")
    assert by_code["查验费"]["payable"] == D("0.00") and by_code["查验费"]["receivable"] == D("860.00")
    assert {row["fee_month"] for row in rows} == {"2023-09"} and {row["due_on"] for row in rows} == {date(2023, 10, 10)}


MONTH.add(
    "cumulative",
    lines=[
        line(amount="600"),
        line(amount="601", vendor_invoice_no="INV2"),
        line(amount="-201", vendor_invoice_no="INV3"),
    ],
    vendor=[VENDOR | {"charge_code": "THC", "amount": "1000"}],
)


def test_the_quote_caps_all_lines_of_a_charge_together(priced):
    rows = priced["cumulative"]
    assert column(rows, "payable", "status") == [(D("600.00"), "正常"), (D("400.00"), "超报价"), (D("0.00"), "正常")]
    # Not quoted to the client: the receivable is the cost, over the quote or not (LOG-AR-03, C-23).
    assert column(rows, "receivable") == [D("600.00"), D("601.00"), D("-201.00")]


TWO_BOXES = [ORDER | {"containers": "2x40HQ"}]
BOX_QUOTE = [VENDOR | {"charge_code": "THC", "amount": "500", "unit_basis": "柜"}]
MONTH.add("three of two", [line(amount="1500", quantity="3", unit_basis="柜")], BOX_QUOTE, orders=TWO_BOXES)
MONTH.add("two of two", [line(amount="1000", quantity="2", unit_basis="柜")], BOX_QUOTE, orders=TWO_BOXES)
MONTH.add("one of two", [line(amount="600", unit_basis="柜")], BOX_QUOTE, orders=TWO_BOXES)
MONTH.add(
    "unknown boxes",
    [line(amount="1500", quantity="3", unit_basis="柜")],
    BOX_QUOTE,
    orders=[ORDER | {"containers": None, "container_nos": None}],
)
MONTH.add(
    "documents by box",
    [line(amount="900", quantity="2", unit_basis="柜")],
    [VENDOR | {"charge_code": "THC", "amount": "450"}],
    orders=TWO_BOXES,
)


def test_a_carrier_cannot_raise_the_cap_with_its_quantity(priced):
    wanted = {
        "three of two": (D("1000.00"), D("1000.00"), "超报价"),
        "two of two": (D("1000.00"), D("1000.00"), "正常"),
        "one of two": (D("500.00"), D("500.00"), "超报价"),
        "unknown boxes": (D("1500.00"), D("1500.00"), "正常"),
        "documents by box": (D("450.00"), D("450.00"), "超报价"),
    }
    assert {name: column(priced[name], "vendor_quote", "payable", "status") for name in wanted} == {
        name: [figures] for name, figures in wanted.items()
    }


BY_TYPE = [
    VENDOR | {"charge_code": "THC", "amount": "900", "unit_basis": "柜", "container_type": "40HQ"},
    VENDOR | {"charge_code": "THC", "amount": "600", "unit_basis": "柜", "container_type": "20GP"},
]
MIXED = [ORDER | {"containers": "1x40HQ,2x20GP"}]
TYPED = {"unit_basis": "柜", "voucher_no": "V"}
MONTH.add(
    "typed",
    [
        line(amount="1300", container_type="20GP", quantity="2", **TYPED),
        line(amount="900", container_type="40HQ", **TYPED),
    ],
    BY_TYPE,
    orders=MIXED,
)
MONTH.add("all types in one", [line(amount="2200", quantity="3", **TYPED)], BY_TYPE, orders=MIXED)
MONTH.add(
    "other currency",
    [line(amount="80", currency="USD", ar_rate="7")],
    [VENDOR | {"charge_code": "THC", "amount": "600"}],
)


def test_carrier_quotes_by_box_type(priced):
    rows = sorted(priced["typed"], key=lambda row: row["container_type"])
    assert column(rows, "vendor_quote") == [D("1200.00"), D("900.00")]
    assert sum(column(rows, "payable")) == D("2100.00")
    assert column(priced["all types in one"], "vendor_quote", "payable") == [(D("2100.00"), D("2100.00"))]
    assert column(priced["other currency"], "vendor_quote", "payable", "status") == [(None, None, "报价冲突")]


MONTH.add("vouched", [line(amount="860", voucher_no="V1"), line(amount="-60", vendor_invoice_no="INV2")])
MONTH.add("unvouched", [line(amount="860"), line(amount="-60", vendor_invoice_no="INV2")])


def test_a_voucher_frees_a_pass_through_and_credits_take_back_only_what_was_payable(priced):
    assert column(priced["vouched"], "payable", "status") == [(D("860.00"), "正常"), (D("-60.00"), "正常")]
    assert column(priced["unvouched"], "payable", "status") == [(D("0.00"), "待凭证"), (D("0.00"), "正常")]
    assert column(priced["unvouched"], "receivable") == [D("860.00"), D("-60.00")]


BARE = line(amount="860")
MONTH.add("voucher came", [BARE, BARE | {"voucher_no": "V9", "month": "2023-10"}])
MONTH.add(
    "voucher came twice", [BARE, *[BARE | {"voucher_no": "V9", "month": month} for month in ("2023-10", "2023-11")]]
)
MONTH.add(
    "voucher of a quoted line",
    [BARE, BARE | {"voucher_no": "V9", "month": "2023-10"}],
    [VENDOR | {"charge_code": "THC", "amount": "900"}],
)


def test_a_line_that_comes_again_with_its_voucher_is_completed_not_billed_twice(priced):
    first = ("2023-09", D("860.00"), D("0.00"), D("860.00"), "正常")
    figures = ("month", "cost", "payable", "receivable", "status")
    assert column(priced["voucher came"], *figures) == [first, ("2023-10", D("0.00"), D("860.00"), D("0.00"), "正常")]
    assert column(priced["voucher came twice"], "payable", "status") == [
        (D("0.00"), "正常"),
        (D("860.00"), "正常"),
        (D("0.00"), "重复"),
    ]
    assert column(priced["voucher of a quoted line"], "payable", "cost") == [
        (D("860.00"), D("860.00")),
        (D("0.00"), D("0.00")),
    ]


PRECEDENCE = {
    "order over lane": (
        [{"amount": "100"}, {"amount": "110", "pol": "NINGBO"}, {"amount": "120", "order_no": "SO1"}],
        "120.00",
    ),
    "old lane over new general": (
        [{"amount": "100"}, {"amount": "110", "pol": "NINGBO", "valid_from": "2022-01-01"}],
        "110.00",
    ),
    "another lane": ([{"amount": "100"}, {"amount": "110", "pol": "SHANGHAI"}], "100.00"),
    "newer on its first day": ([{"amount": "100"}, {"amount": "90", "valid_from": "2023-09-15"}], "90.00"),
    "newer a day late": ([{"amount": "100"}, {"amount": "90", "valid_from": "2023-09-16"}], "100.00"),
    "expired": ([{"amount": "100", "valid_to": "2023-09-14"}, {"amount": "90", "valid_from": "2022-01-01"}], "90.00"),
    "the same twice": ([{"amount": "100"}, {"amount": "100"}], "100.00"),
}
for name, (quotes, _) in PRECEDENCE.items():
    MONTH.add(name, [line(amount="80")], client=[CLIENT | {"charge_code": "THC"} | quote for quote in quotes])


@pytest.mark.parametrize("name", PRECEDENCE)
def test_quote_precedence(priced, name):
    assert column(priced[name], "client_quote", "receivable") == [(D(PRECEDENCE[name][1]),) * 2]


TIE = [{"charge_code": "THC", "amount": "100"}, {"charge_code": "THC", "amount": "101"}]
MONTH.add(
    "client tie",
    [line(amount="80", voucher_no="V1"), line(amount="81", vendor_invoice_no="INV2", voucher_no="V1")],
    client=[CLIENT | each for each in TIE],
)
MONTH.add("vendor tie", [line(amount="80")], [VENDOR | each for each in TIE])


def test_a_tie_uses_no_quote_and_computes_nothing(priced):
    first, further = priced["client tie"]
    assert column([first], "client_quote", "receivable", "receivable_cny", "status") == [(None, None, None, "报价冲突")]
    assert (first["payable"], further["receivable"]) == (D("80.00"), D("0.00"))
    (row,) = priced["vendor tie"]
    assert column([row], "vendor_quote", "payable", "receivable", "status") == [(None, None, D("80.00"), "报价冲突")]


CLIENT_BY_TYPE = [
    CLIENT | {key: value for key, value in quote.items() if key not in ("vendor", "currency")} for quote in BY_TYPE
]
MONTH.add(
    "client by type",
    [line(amount="500", container_type="20GP"), line(amount="700", container_type="40HQ", vendor_invoice_no="INV2")],
    client=CLIENT_BY_TYPE,
    orders=MIXED,
)
MONTH.add(
    "client any type",
    [line(amount="9")],
    client=[CLIENT | {"charge_code": "THC", "amount": "10.55", "unit_basis": "柜"}],
    orders=MIXED,
)
MONTH.add("partly covered", [line(amount="9")], client=CLIENT_BY_TYPE[:1], orders=MIXED)
MONTH.add(
    "tons", [line(amount="120", currency="USD", unit_basis="RT", quantity="3.257", ar_rate="7.2")],
    client=[CLIENT | {"charge_code": "THC", "amount": "55", "currency": "USD", "unit_basis": "RT"}],
    orders=[ORDER | {"containers": None, "container_nos": None}],
)  # fmt: skip
LOOSE = [ORDER | {"containers": None, "container_nos": None}]
PER_BOX = {"charge_code": "THC", "amount": "900", "unit_basis": "柜"}
MONTH.add(
    "loose cargo",
    [line(amount="120", unit_basis="RT", quantity="3", voucher_no="V")],
    [VENDOR | PER_BOX],
    [CLIENT | PER_BOX],
    orders=LOOSE,
)
MONTH.add(
    "no longer loose",
    [line(amount="120", unit_basis="柜", quantity="3")],
    [VENDOR | PER_BOX],
    [CLIENT | PER_BOX],
    orders=LOOSE,
)
MONTH.add(
    "yen",
    [line(amount="3000", currency="JPY", unit_basis="RT", quantity="2.3456")],
    client=[CLIENT | {"charge_code": "THC", "amount": "1000", "currency": "JPY", "unit_basis": "RT"}],
)


def test_the_order_s_quantity_by_box_type_and_once_per_charge(priced):
    assert column(priced["client by type"], "receivable", "client_quote") == [
        (D("2100.00"), D("2100.00")),
        (D("0.00"), None),
    ]
    assert column(priced["client any type"], "client_quote") == [D("31.65")]
    assert column(priced["partly covered"], "client_quote", "missing_types") == [(D("900.00"), "20GP")]
    assert column(priced["tons"], "client_quote", "receivable_cny") == [(D("179.14"), D("1289.81"))]
    # No price a box holds for cargo by the ton: at cost, and payable against its voucher.
    figures = ("client_quote", "receivable", "vendor_quote", "payable", "is_pass_through")
    assert column(priced["loose cargo"], *figures) == [(None, D("120.00"), None, D("120.00"), True)]
    assert column(priced["no longer loose"], *figures) == [
        (D("2700.00"), D("2700.00"), D("2700.00"), D("120.00"), False)
    ]
    assert column(priced["yen"], "client_quote", "receivable_cny", "status") == [(D("2346.00"), None, "缺汇率")]


OWN = [CLIENT | {"charge_code": "报关费", "amount": "300", "order_no": "SO1"}]
KEPT = [{"kind": "保留", "to_order": "SO1", "currency": "CNY", "amount": "0", "decided_at": "2023-09-30"}]
MONTH.add("own", client=OWN)
MONTH.add("own with carrier", [line(charge_code="报关费", amount="200", voucher_no="V")], client=OWN)
MONTH.add("own before carrier", [line(charge_code="报关费", amount="200", month="2023-10")], client=OWN)
MONTH.add("own cancelled", client=OWN, orders=[ORDER | {"order_status": "取消"}])
MONTH.add("own withdrawn", client=OWN, orders=[ORDER | {"shipment_status": "退载"}])
MONTH.add("own kept", client=OWN, orders=[ORDER | {"order_status": "取消"}], adjustments=KEPT)
MONTH.add("own quoted later", client=[OWN[0] | {"valid_from": "2023-10-09"}])
MONTH.add("own not yet", client=[OWN[0] | {"valid_from": "2024-01-01"}])
MONTH.add(
    "own of unknown boxes",
    client=[OWN[0] | {"unit_basis": "柜"}],
    orders=[ORDER | {"containers": "two", "container_nos": None}],
)
MONTH.add("lane only", client=[CLIENT | {"charge_code": "THC", "amount": "1", "pol": "NINGBO"}])


def test_own_service_is_billed_without_a_carrier_and_only_once(priced):
    (own,) = priced["own"]
    assert column([own], "vendor", "receivable_cny", "cost", "payable", "month") == [
        (None, D("300.00"), D("0.00"), D("0.00"), "2023-09")
    ]
    assert column([own], "status", "fee_month", "invoiced_on", "is_pass_through") == [
        ("正常", "2023-09", date(2023, 9, 1), False)
    ]
    # A carrier's line of the same month carries the quote; one of a later month finds it billed.
    assert column(priced["own with carrier"], "vendor", "receivable") == [("COSCO", D("300.00"))]
    assert column(priced["own before carrier"], "month", "vendor", "receivable") == [
        ("2023-10", "COSCO", D("0.00")), ("2023-09", None, D("300.00")),
    ]  # fmt: skip
    assert priced["own cancelled"] == priced["own withdrawn"] == priced["own not yet"] == priced["lane only"] == []
    assert column(priced["own kept"], "receivable") == [D("300.00")]
    assert column(priced["own quoted later"], "month", "invoiced_on") == [("2023-10", date(2023, 10, 9))]
    assert column(priced["own of unknown boxes"], "receivable", "status") == [(None, "报价冲突")]


USD = {"amount": "100", "currency": "USD"}
MONTH.add("mid rate", [line(**USD)])
MONTH.add("mid rate by invoice", [line(**USD, confirmed_on=None)])
MONTH.add("line rate", [line(**USD, ar_rate="7.2000")])
MONTH.add("rate per 100", [line(**USD, ar_rate="710.36")])
MONTH.add("no rate", [line(amount="100", currency="EUR")])
MONTH.add(
    "no rate, nothing billed",
    [line(amount="100", currency="EUR")],
    client=[CLIENT | {"charge_code": "THC", "amount": "0"}],
)


def test_rates_of_receivables(priced):
    figures = ("ar_rate", "rate_source", "receivable_cny")
    assert column(priced["mid rate"], *figures) == [(D("7.10360000"), "中间价", D("710.36"))]
    assert column(priced["mid rate by invoice"], *figures) == [(D("7.17860000"), "中间价", D("717.86"))]
    assert column(priced["line rate"], *figures) == [(D("7.20000000"), "应收汇率", D("720.00"))]
    assert column(priced["rate per 100"], *figures, "status") == [(None, "单位存疑", None, "缺汇率")]
    assert column(priced["no rate"], "receivable", "receivable_cny", "status") == [(D("100.00"), None, "缺汇率")]
    assert column(priced["no rate, nothing billed"], "receivable_cny", "payable") == [(D("0.00"), D("0.00"))]


MONTH.add("late bill", [line(amount="1", month="2023-11", confirmed_on="2023-11-03")])
MONTH.add("not sailed", [line(amount="1", confirmed_on="2023-10-18")], orders=[ORDER | {"sailed_on": None}])
MONTH.add("no dates", [line(amount="1", confirmed_on=None, invoiced_on=None)], orders=[ORDER | {"sailed_on": None}])


def test_fee_month_and_due_date(priced):
    # 2023-12-10 is a Sunday: the 11th.
    assert column(priced["late bill"], "fee_month", "due_on") == [("2023-09", date(2023, 12, 11))]
    assert column(priced["not sailed"], "fee_month", "due_on") == [("2023-10", date(2023, 11, 10))]
    assert column(priced["no dates"], "fee_month", "due_on") == [("2023-09", date(2023, 10, 10))]


TWO = [ORDER, ORDER | {"order_no": "SO2", "container_nos": "OOLU7654321"}]
REFERENCE = {"order_no": None, "amount": "100", "voucher_no": "V"}
MONTH.add(
    "by box",
    [line(**REFERENCE, container_no="OOLU7654321BY")],
    orders=[TWO[0], TWO[1] | {"container_nos": "OOLU7654321BY"}],
)
MONTH.add(
    "by bill and box",
    [line(**REFERENCE, bl_no="BL1", container_no="TGHUBOTH")],
    orders=[TWO[0] | {"container_nos": "TGHUBOTH"}, TWO[1]],
)
MONTH.add("shared bill", [line(**REFERENCE, bl_no="BL1")], orders=TWO)
MONTH.add(
    "contradiction",
    [line(**REFERENCE, bl_no="BL1", container_no="TGHUCONTRA")],
    orders=[TWO[0], TWO[1] | {"bl_no": "BL2", "container_nos": "TGHUCONTRA"}],
)
MONTH.add("unknown order", [line(order_no="SO9", bl_no="BL1", amount="100")])


def test_a_line_finds_its_order_by_bill_or_box_or_stays_open(priced):
    assert column(priced["by box"], "order_no", "order_source", "principal_id") == [("SO2", "柜号", "P1")]
    assert column(priced["by bill and box"], "order_no", "order_source") == [("SO1", "提单号")]
    (shared,) = priced["shared bill"]
    assert column([shared], "order_no", "candidates", "status") == [
        (None, "shared bill~SO1、shared bill~SO2", "无订单")
    ]
    assert column([shared], "cost", "payable", "receivable", "receivable_cny") == [(D("100.00"), None, None, None)]
    assert column(priced["contradiction"], "order_no", "status") == [(None, "无订单")]
    assert column(priced["unknown order"], "order_no", "given_order_no", "status") == [(None, "SO9", "无订单")]


THREE = [ORDER, ORDER | {"order_no": "SO2"}, ORDER | {"order_no": "SO3"}]
SPLIT = {"kind": "分摊", "ref_no": "INV1", "currency": "CNY", "decided_at": "2023-09-28"}
PARTS = [
    SPLIT | {"to_order": order, "amount": amount}
    for order, amount in (("SO1", "33.33"), ("SO2", "33.33"), ("SO3", "33.34"))
]
SHARED = [line(order_no=None, bl_no="BL1", amount="100.00")]
MONTH.add("split", SHARED, [VENDOR | {"charge_code": "THC", "amount": "90"}], orders=THREE, adjustments=PARTS)
MONTH.add("split though billed twice", SHARED * 2, orders=THREE, adjustments=PARTS)
MONTH.add("split in part", SHARED, orders=THREE, adjustments=PARTS[:2])
MONTH.add("split to nobody", SHARED, orders=THREE[:2], adjustments=PARTS)
MONTH.add(
    "split anew",
    SHARED,
    orders=THREE,
    adjustments=[*PARTS, SPLIT | {"to_order": "SO1", "amount": "100.00", "decided_at": "2023-09-29"}],
)
MONTH.add(
    "split two lines",
    [*SHARED, SHARED[0] | {"charge_code": "DOC", "amount": "50.01"}],
    orders=THREE,
    adjustments=[
        SPLIT | {"to_order": order, "amount": amount} for order, amount in (("SO1", "75.00"), ("SO2", "75.01"))
    ],
)


def test_finance_splits_a_line_to_the_fen(priced):
    rows = priced["split"]
    assert column(rows, "order_no", "cost") == [("SO1", D("33.33")), ("SO2", D("33.33")), ("SO3", D("33.34"))]
    assert column(rows, "vendor_quote") == [D("30.00"), D("29.99"), D("30.01")]
    assert len({row["line_key"] for row in rows}) == 3 and len({row["parent_key"] for row in rows}) == 1
    assert column(priced["split though billed twice"], "status") == ["待凭证", "待凭证", "待凭证", "无订单"]
    # A decision that does not add up to the line, or names no order, moves nothing; a later one replaces it.
    assert column(priced["split in part"], "status", "cost") == [("无订单", D("100.00"))]
    assert column(priced["split to nobody"], "status", "cost") == [("无订单", D("100.00"))]
    assert column(priced["split anew"], "order_no", "cost") == [("SO1", D("100.00"))]
    both = priced["split two lines"]
    assert sorted(column(both, "charge_code", "order_no", "cost")) == [
        ("DOC", "SO1", D("25.00")), ("DOC", "SO2", D("25.01")), ("THC", "SO1", D("50.00")), ("THC", "SO2", D("50.00")),
    ]  # fmt: skip


BILLED = line(amount="100", voucher_no="V", bl_no="BL1")
MONTH.add("same line", [line(amount="100", voucher_no="V"), line(amount="100", voucher_no="V")])
SECOND = {
    "other invoice": ({"vendor_invoice_no": "INV2"}, "重复"),
    "other invoice, B/L by its order": ({"vendor_invoice_no": "INV2", "bl_no": None}, "重复"),
    "other vendor": ({"vendor_invoice_no": "INV2", "vendor": "MSK"}, "重复"),
    "one box named": ({"vendor_invoice_no": "INV2", "container_no": "B"}, "重复"),
    "a fen more": ({"vendor_invoice_no": "INV2", "amount": "100.01"}, "正常"),
    "other charge": ({"vendor_invoice_no": "INV2", "charge_code": "DOC"}, "正常"),
    "other bill": ({"vendor_invoice_no": "INV2", "bl_no": "BL2"}, "正常"),
    "other money": ({"vendor_invoice_no": "INV2", "currency": "USD", "ar_rate": "7"}, "正常"),
}
for name, (second, _) in SECOND.items():
    MONTH.add(f"twice: {name}", [BILLED, BILLED | second])
MONTH.add("two boxes", [BILLED | {"container_no": "A"}, BILLED | {"container_no": "B", "vendor_invoice_no": "INV2"}])
AGAIN = [BILLED, BILLED | {"amount": "-100", "vendor_invoice_no": "INV2"}, BILLED | {"vendor_invoice_no": "INV3"}]
MONTH.add("billed again after a credit", AGAIN)
MONTH.add("and once more", [*AGAIN, BILLED | {"vendor_invoice_no": "INV4"}])
MONTH.add("credited twice", [*AGAIN[:2], AGAIN[1]])


@pytest.mark.parametrize("name", SECOND)
def test_a_second_invoice_for_the_same_bill(priced, name):
    assert column(priced[f"twice: {name}"], "status")[-1] == SECOND[name][1]


def test_duplicates_are_worth_nothing_and_credits_make_room(priced):
    first, second = priced["same line"]
    assert (first["status"], second["status"]) == ("正常", "重复")
    assert column([second], "cost", "payable", "receivable", "receivable_cny") == [
        (D("100.00"), D("0.00"), D("0.00"), D("0.00"))
    ]
    assert second["line_key"] == first["line_key"] + "-2"
    assert column(priced["two boxes"], "status") == ["正常", "正常"]
    assert column(priced["billed again after a credit"], "status") == ["正常", "正常", "正常"]
    assert column(priced["and once more"], "status") == ["正常", "正常", "正常", "重复"]
    assert column(priced["credited twice"], "status") == ["正常", "正常", "重复"]


def test_approvals_of_finance_free_an_excess_and_a_duplicate(run_of, priced):
    over, twice = priced["cumulative"][1], priced["same line"][1]
    approved = [identity("AP_OVER_QUOTE", over["line_key"]), identity("FRT_DUPLICATE", twice["line_key"])]
    again = run_of(MONTH, approved)
    assert column(again["cumulative"], "payable", "status") == [
        (D("600.00"), "正常"),
        (D("601.00"), "正常"),
        (D("0.00"), "正常"),
    ]
    assert column(again["same line"], "receivable", "is_repeated") == [(D("100.00"), False), (D("100.00"), True)]
    changed = {name for name in priced if again[name] != priced[name]}
    assert changed == {"cumulative", "same line"}


def test_figures_agree_with_a_plain_recomputation_whatever_the_order_of_rows(run_of):
    """300 random shipments: payable up to the quote, the receivable once per order and charge code."""
    random, month, expected = Random(20230930), Month(), {}
    for number in range(300):
        amounts = [Decimal(random.randint(-30000, 90000)) / 100 for _ in range(random.randint(1, 7))]
        quote = random.choice([None, Decimal(random.randint(1, 120000)) / 100])
        price_of = random.choice([None, Decimal(random.randint(0, 90000)) / 100])
        lines = [
            line(amount=str(amount), vendor_invoice_no=f"INV{place}", voucher_no=random.choice([None, "V"]))
            for place, amount in enumerate(amounts)
        ]
        name = f"{number}"
        expected[name] = _plain(lines, quote, price_of)
        month.add(
            name,
            random.sample(lines, len(lines)),
            [VENDOR | {"charge_code": "THC", "amount": str(quote)}] if quote is not None else [],
            [CLIENT | {"charge_code": "THC", "amount": str(price_of)}] if price_of is not None else [],
        )
    found = run_of(month)
    assert {name: column(rows, "payable", "receivable") for name, rows in found.items()} == expected


def _plain(lines, quote, price_of):
    cost = payable = vouched = credited = D(0)
    seen_bill, figures = False, []
    for each in lines:
        amount = D(each["amount"])
        is_bill = amount >= 0
        cap = quote if quote is not None and (seen_bill or is_bill) else D(0)
        if quote is not None:
            cost += amount
            new = min(cost, cap)
        else:
            vouched += amount if each["voucher_no"] else 0
            credited += amount if amount < 0 and not each["voucher_no"] else 0
            new = max(vouched + credited, min(vouched, D(0)))
        receivable = amount if price_of is None else price_of if is_bill and not seen_bill else D(0)
        figures.append((new - payable, receivable))
        seen_bill, payable = seen_bill or is_bill, new
        assert quote is None or payable <= quote
    return figures
