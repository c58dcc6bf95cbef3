"""Each freight exception is raised, with its figures; a twin that differs in one fact raises nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import ibis
import pytest

from settlement.rules.books import freight_exceptions, freight_orders, freight_rate_findings
from settlement.rules.rows import table_of
from tests.rules.books.test_freight_charges import CLIENT, ORDER, SPLIT, TIE, VENDOR, Month, line, price_worlds

BASIS = ibis.schema({"charge_code": "string", "unit_basis": "string", "valid_from": "date", "valid_to": "date"})
MONTH = Month()
THC = VENDOR | {"charge_code": "THC"}
QUOTE = [THC | {"amount": "100"}]
TO_CLIENT = [CLIENT | {"charge_code": "THC", "amount": "100"}]

# name -> code it raises -> the twin that does not.
RAISED: dict[str, str] = {}


def world(code, name, lines, twin, **tables):
    """Two worlds: one that raises ``code``, one (``~ twin``) with one fact changed."""
    changed = {
        key: value for key, value in twin.items() if key in ("vendor", "client", "orders", "adjustments", "documents")
    }
    facts = {key: value for key, value in twin.items() if key not in changed}
    other = [lines[0] | facts, *lines[1:]] if "last" not in facts else [*lines[:-1], lines[-1] | facts["last"]]
    MONTH.add(name, lines, **tables)
    MONTH.add(f"{name}: twin", other, **(tables | changed))
    RAISED[name] = code


V = {"voucher_no": "V1"}
world("AP_OVER_QUOTE", "over quote", [line(amount="100.01")], {"amount": "100.00"}, vendor=QUOTE)
world("AP_NO_VOUCHER", "no voucher", [line(amount="860")], V)
world("FRT_DUPLICATE", "twice with a voucher", [line(amount="860", **V), line(amount="860", **V)], {"voucher_no": None})
world("FRT_DUPLICATE", "same line twice", [line(amount="100", **V), line(amount="100", **V)], {"charge_code": "DOC"})
world(
    "FRT_DUPLICATE",
    "another invoice",
    [line(amount="100", **V), line(amount="100", vendor_invoice_no="INV2", **V)],
    {"last": {"amount": "99"}},
)
world("FRT_NO_ORDER", "unknown order", [line(amount="100", order_no="SO9", **V)], {"order_no": "SO1"})
TWO = [ORDER, ORDER | {"order_no": "SO2"}]
world(
    "FRT_NO_ORDER", "two orders", [line(amount="100", order_no=None, bl_no="BL1", **V)], {"orders": [ORDER]}, orders=TWO
)
world(
    "FRT_RATE_DIFF",
    "below quote",
    [line(amount="60"), line(amount="39.99", vendor_invoice_no="INV2")],
    {"amount": "60.01"},
    vendor=QUOTE,
)
world(
    "FRT_RATE_DIFF",
    "other currency",
    [line(amount="100", currency="USD", ar_rate="7.1")],
    {"currency": "CNY"},
    vendor=QUOTE,
)
BOXES = [THC | {"amount": "50", "unit_basis": "柜"}]
PAIR = [ORDER | {"containers": "2x40HQ"}]
world("FRT_BASIS", "by box, quoted by bill", [line(amount="100", unit_basis="柜")], {"unit_basis": "票"}, vendor=QUOTE)
world(
    "FRT_BASIS", "usually by bill", [line(amount="100", unit_basis="柜", charge_code="DOC", **V)], {"unit_basis": "票"}
)
world(
    "FRT_BASIS",
    "documents by bill",
    [line(amount="100", unit_basis="柜", charge_code="DOC", **V)],
    {"unit_basis": "RT"},
)
world(
    "FRT_BASIS",
    "three boxes of two",
    [line(amount="100", unit_basis="柜", quantity="3")],
    {"quantity": "2"},
    vendor=BOXES,
    orders=PAIR,
)
TYPED = [CLIENT | {"charge_code": "THC", "amount": "100", "unit_basis": "柜", "container_type": "40HQ"}]
world(
    "FRT_BASIS",
    "a type not quoted",
    [line(amount="100", **V)],
    {"orders": PAIR},
    client=TYPED,
    orders=[ORDER | {"containers": "1x40HQ,1x20GP"}],
)
BY_TON = [CLIENT | {"charge_code": "THC", "amount": "100", "unit_basis": "RT"}]
world(
    "FRT_BASIS",
    "tons not billed",
    [line(amount="100", unit_basis="票", charge_code="XYZ", **V)],
    {"unit_basis": "RT"},
    client=[BY_TON[0] | {"charge_code": "XYZ"}],
)
world(
    "FRT_BASIS",
    "boxes by the bill",
    [line(amount="100", **V)],
    {"orders": [ORDER]},
    client=[TYPED[0] | {"container_type": None}],
    orders=[ORDER | {"containers": None, "container_nos": None}],
)
world(
    "FRT_BASIS",
    "all in",
    [line(amount="100", charge_code="ALL-IN", charge_name="海运包干", **V)],
    {"charge_name": "海运包干(含O/F,THC,DOC)"},
)
world(
    "FRT_BASIS", "all in, by document", [line(amount="100", charge_code="ALL IN", **V)],
    {"documents": [{"order_no": "SO1", "doc_kind": "ALL IN明细", "field": "包含", "value": "O/F,THC"}]},
)  # fmt: skip
world(
    "QUOTE_AMBIGUOUS",
    "carrier tie",
    [line(amount="100")],
    {"vendor": [VENDOR | TIE[0]]},
    vendor=[VENDOR | each for each in TIE],
)
world(
    "QUOTE_AMBIGUOUS",
    "client tie",
    [line(amount="100", **V)],
    {"client": [CLIENT | TIE[0]]},
    client=[CLIENT | each for each in TIE],
)
USD = {"amount": "100", "currency": "USD", **V}
world("FX_RATE_MISSING", "no rate", [line(**USD | {"currency": "EUR"})], {"ar_rate": "7.8"})
world("FX_UNIT_SUSPECT", "per 100", [line(**USD, ar_rate="710.36")], {"ar_rate": "7.1036"})
world("FX_RATE_STALE", "old rate", [line(**USD, confirmed_on="2023-09-30")], {"confirmed_on": "2023-09-29"})
OPEN = [line(amount="100.00", order_no=None, bl_no="BL1", **V)]
world(
    "DECISION_OVER",
    "split too much",
    OPEN,
    {"adjustments": [SPLIT | {"to_order": "SO1", "amount": "100"}]},
    orders=TWO,
    adjustments=[SPLIT | {"to_order": "SO1", "amount": "101"}],
)
world(
    "DECISION_ORPHAN",
    "split of nothing",
    OPEN,
    {"adjustments": [SPLIT | {"to_order": "SO1", "amount": "100"}]},
    orders=TWO,
    adjustments=[SPLIT | {"to_order": "SO1", "amount": "100", "ref_no": "INV8"}],
)
world(
    "DECISION_ORPHAN",
    "split to nobody",
    OPEN,
    {"adjustments": [SPLIT | {"to_order": "SO1", "amount": "100"}]},
    orders=TWO,
    adjustments=[SPLIT | {"to_order": "SO8", "amount": "100"}],
)
MONTH.add("clean", [line(amount="100", unit_basis="票")], QUOTE, TO_CLIENT)


@pytest.fixture(scope="module")
def found(facts, rows_of, working_days, keep):
    tables, assigned, priced = price_worlds(MONTH, facts, working_days, keep)
    usual = table_of([{"charge_code": "DOC", "unit_basis": "票", "valid_from": "2012-01-01"}], BASIS)
    splits = freight_orders.split_decisions(tables["adjustments"], tables["orders"])
    rows = [
        freight_exceptions.over_quote(priced),
        freight_exceptions.without_voucher(priced),
        freight_exceptions.billed_twice(priced),
        freight_exceptions.without_order(priced),
        freight_exceptions.rate_differs(priced),
        freight_exceptions.wrong_basis(priced, usual),
        freight_exceptions.all_in_without_breakdown(priced, tables["documents"]),
        freight_rate_findings.ambiguous_quotes(priced),
        freight_rate_findings.rates_found(priced, stale_days=10),
        freight_exceptions.splits_found(assigned, splits),
    ]
    by_world = {name: [] for name in MONTH.worlds}
    for row in (row for table in rows for row in rows_of(table)):
        named = [name for name in MONTH.worlds if f"{name}~" in (row["order_no"] or "") + (row["message"] or "")]
        by_world[max(named, key=len)].append(row)
    return by_world


@pytest.mark.parametrize("name", RAISED)
def test_raised_and_not_by_its_twin(found, name):
    code = RAISED[name]
    rows = [row for row in found[name] if row["code"] == code]
    assert len(rows) == 1, found[name]
    assert rows[0]["message"].endswith("。") and "未知" not in rows[0]["message"], rows[0]["message"]
    assert [row for row in found[f"{name}: twin"] if row["code"] == code] == []


def test_a_clean_line_raises_nothing(found):
    assert found["clean"] == []
    # A line without the fault of a pair has no other fault either, but for those the pair is built on.
    assert {row["code"] for name in RAISED for row in found[f"{name}: twin"]} <= {
        "FRT_NO_ORDER",
        "FRT_RATE_DIFF",
        "FX_RATE_MISSING",
    }


def test_figures_and_places(found):
    (over,) = found["over quote"]
    assert (over["amount_at_risk_cny"], over["arisen_on"], over["source_row"]) == (D("0.01"), date(2023, 9, 18), 2)
    assert over["source_file"].endswith("freight.csv") and over["principal_id"].endswith("P1")
    (less,) = found["below quote"]
    assert less["amount_at_risk_cny"] == D("0.01") and "低于报价 0.01" in less["message"]
    (twice,) = found["another invoice"]
    assert twice["amount_at_risk_cny"] == D("100.00") and "INV1" in twice["message"]
    (loose,) = found["two orders"]
    assert "SO1、two orders~SO2" in loose["message"] and loose["order_no"] is None
    (tie,) = found["client tie"]
    assert "CNY|票|100.00 / CNY|票|101.00" in tie["message"]
