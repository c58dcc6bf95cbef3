"""Export VAT: the identities before and after rounding, the transitions, the edges of the ratio."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.rules import money, vat
from settlement.rules.rows import table_of

FEN = Decimal("0.01")
LEVIES = [Decimal(rate).scaleb(-2) for rate in (17, 16, 13, 11, 10, 9, 6, 3, 1)]
PAIRS = [
    (levy, refund)
    for levy in LEVIES
    for refund in (Decimal(rate).scaleb(-2) for rate in (17, 16, 15, 14, 13, 11, 10, 9, 6, 5, 3, 0))
    if refund <= levy
]
nets = st.decimals(Decimal("0.01"), Decimal("99999999.99"), places=2)
pairs = st.sampled_from(PAIRS)


@given(net=nets, pair=pairs)
def test_identities_hold_exactly_before_rounding(net, pair):
    """VAT-REF-03, in fractions: what the rounded functions are the roundings of."""
    levy, refund = (Fraction(rate) for rate in pair)
    exact_net = Fraction(net)
    invoice = exact_net * (1 + levy) / (1 + levy - refund)
    ex_vat, back = exact_net / (1 + levy - refund), refund * exact_net / (1 + levy - refund)
    assert invoice / (1 + levy) == ex_vat and exact_net + back == invoice and invoice - ex_vat == levy * ex_vat
    rounded = vat.invoice_amount(net, *pair)
    assert abs(Fraction(rounded) - invoice) <= Fraction(1, 200)
    assert abs(Fraction(vat.ex_vat_amount(rounded, pair[0])) - Fraction(rounded) / (1 + levy)) <= Fraction(1, 200)


@given(net=nets, levy=st.sampled_from(LEVIES))
def test_equal_rates_and_no_refund(net, levy):
    """VAT-REF-03: r = v ⇒ E = N and I = N(1+v); r = 0 ⇒ I = N."""
    invoice = vat.invoice_amount(net, levy, levy)
    assert invoice == money.round_half_up(net * (1 + levy))
    assert abs(vat.ex_vat_amount(invoice, levy) - net) <= FEN
    assert vat.invoice_amount(net, levy, Decimal(0)) == net


@given(net=nets, pair=pairs)
def test_a_line_comes_out_even_to_a_fen(net, pair):
    """VAT-REF-04: |I − (N + R)| ≤ 0.01 and |T − round(E·v)| ≤ 0.01 for a one-line invoice."""
    levy, refund_rate = pair
    invoice = vat.invoice_amount(net, levy, refund_rate)
    ex_vat = vat.ex_vat_amount(invoice, levy)
    refund = vat.refund_amount(ex_vat, refund_rate)
    assert abs(invoice - (net + refund)) <= FEN
    assert abs(vat.tax_amount(invoice, ex_vat) - money.multiply(ex_vat, levy)) <= FEN
    assert vat.rounding_bound(1, levy, refund_rate) == FEN


@given(net=nets, pair=pairs, weights=st.lists(st.integers(1, 100_000), min_size=2, max_size=12))
def test_many_lines_come_out_even_within_the_bound(net, pair, weights):
    """VAT-REF-04 for k lines, and C-06: the shares of N sum to N whatever the weights."""
    levy, refund_rate = pair
    invoice = vat.invoice_amount(net, levy, refund_rate)
    shares = money.apportion(invoice, [Decimal(weight) for weight in weights])
    assert sum(shares) == invoice
    refunds = [vat.refund_amount(vat.ex_vat_amount(share, levy), refund_rate) for share in shares]
    assert abs(invoice - (net + sum(refunds))) <= vat.rounding_bound(len(weights), levy, refund_rate)


@given(pair=pairs, first=nets, more=nets)
def test_more_net_is_never_a_smaller_invoice(pair, first, more):
    assert vat.invoice_amount(first, *pair) <= vat.invoice_amount(first + more, *pair)


def test_a_thousand_draws_are_the_same_on_columns(con):
    """One relation of pseudo-random draws over every pair of rates: columns give the figures Decimals give."""
    rows = []
    for number in range(1200):
        levy, refund_rate = PAIRS[number % len(PAIRS)]
        net = Decimal((number * 7_919_317 + number**3 * 104_729) % 9_999_999_999 + 1).scaleb(-2)
        rows.append({"id": number, "net": net, "levy": levy, "refund": refund_rate})
    kinds = {"id": "int64", "net": "decimal(18, 2)", "levy": "decimal(18, 8)", "refund": "decimal(18, 8)"}
    table = table_of(rows, ibis.schema(kinds))
    table = table.mutate(invoice=vat.invoice_amount(table.net, table.levy, table.refund))
    table = table.mutate(ex_vat=vat.ex_vat_amount(table.invoice, table.levy))
    table = table.mutate(
        back=vat.refund_amount(table.ex_vat, table.refund), tax=vat.tax_amount(table.invoice, table.ex_vat)
    )
    got = con.to_pyarrow(table).to_pylist()
    assert len(got) == len(rows)
    for row in got:
        invoice = vat.invoice_amount(row["net"], row["levy"], row["refund"])
        ex_vat = vat.ex_vat_amount(invoice, row["levy"])
        assert (row["invoice"], row["ex_vat"]) == (invoice, ex_vat)
        assert (row["back"], row["tax"]) == (vat.refund_amount(ex_vat, row["refund"]), vat.tax_amount(invoice, ex_vat))


def test_a_column_without_an_input_is_null(con):
    row = table_of(
        [{"net": "100.00", "levy": "0.13"}],
        ibis.schema({"net": "decimal(18,2)", "levy": "decimal(18,8)", "r": "decimal(18,8)"}),
    )
    row = row.mutate(i=vat.invoice_amount(row.net, row.levy, row.r), c=vat.swap_ratio_class(row.net, row.r, 5, 8))
    assert con.to_pyarrow(row.select("i", "c")).to_pylist() == [{"i": None, "c": None}]


# Goods whose refund rate equalled the levy rate (17, 16, 13 …), and goods with a rate of their own (15 → 16 → 13; 9).
RATES = [
    {"hs_code": "FULL", "refund_rate": "0.17", "valid_from": "2012-01-01", "valid_to": "2018-04-30"},
    {"hs_code": "FULL", "refund_rate": "0.16", "valid_from": "2018-05-01", "valid_to": "2019-03-31"},
    {"hs_code": "FULL", "refund_rate": "0.13", "valid_from": "2019-04-01", "valid_to": None},
    {"hs_code": "FOOD", "refund_rate": "0.11", "valid_from": "2012-01-01", "valid_to": "2018-04-30"},
    {"hs_code": "FOOD", "refund_rate": "0.10", "valid_from": "2018-05-01", "valid_to": "2019-03-31"},
    {"hs_code": "FOOD", "refund_rate": "0.09", "valid_from": "2019-04-01", "valid_to": None},
    {"hs_code": "OWN", "refund_rate": "0.09", "valid_from": "2012-01-01", "valid_to": None},
]
# Exported on, code, levy rate on the invoice → refund rate used (E2, VAT-REF-05).
TRANSITIONS = [
    ("2018-04-20", "FULL", "0.17", "0.17"),
    ("2018-05-01", "FULL", "0.17", "0.17"),
    ("2018-07-31", "FULL", "0.17", "0.17"),
    ("2018-08-01", "FULL", "0.17", "0.16"),
    ("2018-07-31", "FULL", "0.16", "0.16"),
    ("2018-08-01", "FULL", "0.16", "0.16"),
    ("2018-07-31", "FOOD", "0.11", "0.11"),
    ("2018-07-31", "FOOD", "0.10", "0.10"),
    ("2018-08-01", "FOOD", "0.11", "0.10"),
    ("2019-03-31", "FULL", "0.16", "0.16"),
    ("2019-04-01", "FULL", "0.16", "0.16"),
    ("2019-06-30", "FULL", "0.16", "0.16"),
    ("2019-06-30", "FULL", "0.13", "0.13"),
    ("2019-07-01", "FULL", "0.16", "0.13"),
    ("2019-06-30", "FOOD", "0.10", "0.10"),
    ("2019-06-30", "FOOD", "0.09", "0.09"),
    ("2019-07-01", "FOOD", "0.10", "0.09"),
    ("2019-06-30", "OWN", "0.16", "0.09"),
    ("2019-03-20", "FULL", "0.13", "0.13"),
    ("2023-09-01", "FULL", "0.03", "0.03"),
    ("2023-09-01", "FULL", "0.01", "0.01"),
]


def table_rate(code: str, day: date) -> Decimal:
    for row in RATES:
        last = row["valid_to"]
        if (
            row["hs_code"] == code
            and row["valid_from"] <= day.isoformat()
            and (last is None or day.isoformat() <= last)
        ):
            return Decimal(row["refund_rate"])
    raise AssertionError((code, day))


@pytest.mark.parametrize(("exported", "code", "levy", "expected"), TRANSITIONS)
def test_refund_rate_by_export_date_and_invoice(parameters, exported, code, levy, expected):
    day, levy = date.fromisoformat(exported), Decimal(levy)
    window = vat.transition_of(levy, day, parameters.rows("refund_transition"))
    before = table_rate(code, date.fromordinal(window["changed_on"].toordinal() - 1)) if window else Decimal(0)
    rate = vat.effective_refund_rate(table_rate(code, day), levy, before, window is not None)
    assert rate == Decimal(expected)


def test_refund_rate_by_export_date_and_invoice_on_columns(con, parameters):
    rates = table_of(
        RATES,
        ibis.schema({"hs_code": "string", "refund_rate": "decimal(18, 8)", "valid_from": "date", "valid_to": "date"}),
    )
    rows = [
        {"id": n, "hs_code": code, "exported_on": day, "levy_rate": levy, "expected": rate,
         "table_rate": table_rate(code, date.fromisoformat(day))}
        for n, (day, code, levy, rate) in enumerate(TRANSITIONS)
    ]  # fmt: skip
    rate = "decimal(18, 8)"
    kinds = {
        "id": "int64",
        "hs_code": "string",
        "exported_on": "date",
        "levy_rate": rate,
        "expected": rate,
        "table_rate": rate,
    }
    lines = vat.with_transition(table_of(rows, ibis.schema(kinds)), rates, parameters.table("refund_transition"))
    lines = lines.mutate(
        got=vat.effective_refund_rate(
            lines.table_rate, lines.levy_rate, lines.rate_before_change, lines.is_in_transition
        )
    )
    got = con.to_pyarrow(lines).to_pylist()
    assert len(got) == len(rows)
    assert [row for row in got if row["got"] != row["expected"]] == []


def test_a_neutral_taxed_export_leaves_nothing(con):
    """W08: with the break-even amount the VAT due is the tax on the fees, and the margin is nil."""
    received, fees, levy = Decimal("355180.00"), Decimal("8000.00"), Decimal("0.13")
    amount = vat.neutral_taxed_amount(received, fees, levy)
    due = vat.output_vat(received, levy) - vat.tax_amount(amount, vat.ex_vat_amount(amount, levy))
    assert due == Decimal("1040.00")
    assert received - fees - amount - due == 0
