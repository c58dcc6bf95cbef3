"""Dated parameters: the value on a date, gaps and overlaps refused by name, the same as a join."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal

import ibis
import pytest

from settlement.rules.parameters import ParameterError, ParameterGap, in_force, parameters_of, parse_value, series_of
from settlement.rules.rows import table_of


def levy(*rows: dict, **more) -> dict:
    return {"title": "税率", "keys": ["category"], "fields": {"rate": "rate"}, "rows": list(rows)} | more


def row(first: str, last: str = "", rate: str = "17%", category: str = "standard") -> dict:
    return {"category": category, "from": first, "to": last, "rate": rate, "source": "test"}


def test_value_on_the_first_and_last_day():
    series = series_of("levy", levy(row("2012-01-01", "2018-04-30"), row("2018-05-01", rate="16%")))
    assert series.value_on(date(2018, 4, 30), category="standard") == Decimal("0.17")
    assert series.value_on(date(2018, 5, 1), category="standard") == Decimal("0.16")
    with pytest.raises(ParameterGap, match="no value on 2011-12-31"):
        series.value_on(date(2011, 12, 31), category="standard")
    with pytest.raises(ParameterError, match="no key"):
        series.value_on(date(2018, 5, 1), kind="standard")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([row("2012-01-01", "2018-04-30"), row("2018-05-02")], "gap from 2018-05-01 to 2018-05-01"),
        ([row("2012-01-01", "2018-05-01"), row("2018-05-01")], "overlap from 2018-05-01 to 2018-05-01"),
        ([row("2012-01-01"), row("2018-05-01")], "overlap from 2018-05-01 to open end"),
        ([row("2013-01-01")], "gap from 2012-01-01 to 2012-12-31"),
        ([row("2012-01-01", "2018-04-30")], "gap after 2018-04-30"),
        ([row("2018-04-30", "2012-01-01")], "ends before it begins"),
        ([], "no rows"),
    ],
)
def test_gaps_and_overlaps_are_refused_by_name(rows, problem):
    with pytest.raises(ParameterGap, match=f"levy.*{problem}"):
        series_of("levy", levy(*rows))


def test_every_key_is_held_alone():
    with pytest.raises(ParameterGap, match="category=reduced.*gap after 2017-12-31"):
        series_of("levy", levy(row("2012-01-01"), row("2012-01-01", "2017-12-31", category="reduced")))


def test_a_list_of_windows_may_have_gaps_but_no_overlaps():
    windows = levy(row("2018-05-01", "2018-07-31"), gaps="allowed")
    assert series_of("levy", windows).entries[0].valid_to == date(2018, 7, 31)
    with pytest.raises(ParameterGap, match="overlap"):
        series_of("levy", levy(row("2018-05-01", "2018-07-31"), row("2018-07-31", "2018-08-01"), gaps="allowed"))


def test_problems_of_all_files_are_named_at_once():
    files = {"a.yaml": {"one": levy(row("2013-01-01"))}, "b.yaml": {"two": levy(row("2012-01-01", "2012-12-31"))}}
    with pytest.raises(ParameterGap, match="(?s)a.yaml.*one.*b.yaml.*two"):
        parameters_of(files)


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (levy(row("2012-01-01", rate="seventeen")), "seventeen.*is not a rate"),
        (levy({"category": "a", "from": "2012-01-01", "rate": "1"}), "missing .*source"),
        (levy(row("2012-01-01") | {"rat": "1"}), "unknown .*rat"),
        (levy(row("2012-01-01"), fields={"rate": "float"}), "float"),
        (["not a series"], "no series"),
    ],
)
def test_a_wrong_declaration_is_refused(declared, problem):
    with pytest.raises(ParameterError, match=problem):
        series_of("levy", declared)


def test_a_key_the_file_does_not_name_falls_to_the_star(con):
    declared = levy(row("2012-01-01", rate="5%", category="*"), row("2012-01-01", rate="7%", category="天津"))
    series = series_of("band", declared)
    assert series.value_on(date(2020, 1, 1), category="天津") == Decimal("0.07")
    assert series.value_on(date(2020, 1, 1), category="江苏") == Decimal("0.05")
    assert series.value_on(date(2020, 1, 1)) == Decimal("0.05")
    rows = [
        {"id": 1, "day": "2020-01-01", "place": "天津"},
        {"id": 2, "day": "2020-01-01", "place": "江苏"},
        {"id": 3, "day": "2020-01-01", "place": None},
        {"id": 4, "day": "2011-12-31", "place": "天津"},
        {"id": 5, "day": None, "place": "天津"},
        {"id": 6, "day": "2020-01-01", "place": "天津"},
    ]
    table = table_of(rows, ibis.schema({"id": "int64", "day": "date", "place": "string"}))
    joined = in_force(table, series, on="day", by={"category": "place"}, names={"rate": "band"})
    got = {one["id"]: one["band"] for one in con.to_pyarrow(joined).to_pylist()}
    assert got == {1: Decimal("0.07"), 2: Decimal("0.05"), 3: Decimal("0.05"), 4: None, 5: None, 6: Decimal("0.07")}


def test_join_and_value_agree_on_every_change(con, parameters):
    series = parameters["vat_levy"]
    days = sorted({entry.valid_from for entry in series.entries if entry.valid_from >= date(2012, 1, 1)})
    rows = [
        {"day": day + timedelta(days=shift), "category": category}
        for day in days
        for shift in (0, 1)
        for category in ("standard", "reduced")
    ]
    table = table_of(rows, ibis.schema({"day": "date", "category": "string"}))
    got = con.to_pyarrow(in_force(table, series, on="day", by={"category": "category"})).to_pylist()
    assert len(got) == len(rows)
    assert [one for one in got if one["rate"] != series.value_on(one["day"], category=one["category"])] == []


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("13%", "rate", Decimal("0.13")),
        ("13", "rate", Decimal("0.13")),
        ("0.13", "rate", Decimal("0.13")),
        ("0.5%", "rate", Decimal("0.005")),
        ("16:30", "time", time(16, 30)),
        ("", "money", None),
        ("是", "flag", True),
    ],
)
def test_parse_value(text, kind, value):
    assert parse_value(text, kind) == value


LEVIES = [
    ("2012-01-01", "17", "13"),
    ("2017-06-30", "17", "13"),
    ("2017-07-01", "17", "11"),
    ("2018-04-30", "17", "11"),
    ("2018-05-01", "16", "10"),
    ("2019-03-31", "16", "10"),
    ("2019-04-01", "13", "9"),
    ("2025-12-31", "13", "9"),
    ("2026-01-01", "13", "9"),
]


@pytest.mark.parametrize(("day", "standard", "reduced"), LEVIES)
def test_levy_rates_of_e1(parameters, day, standard, reduced):
    on = date.fromisoformat(day)
    assert parameters.value_on("vat_levy", on, category="standard") == Decimal(standard).scaleb(-2)
    assert parameters.value_on("vat_levy", on, category="reduced") == Decimal(reduced).scaleb(-2)


DEADLINES = {
    "receipt_confirm": 3,
    "balance_topup": 3,
    "preentry": 3,
    "refund_documents": 20,
    "refund_claim": 3,
    "refund_payout": 3,
    "ar_statement": 3,
    "monthly_collection": 10,
    "shipment_status": 2,
    "import_tax": 15,
    "filing_documents": 15,
}


@pytest.mark.parametrize(("what", "length"), DEADLINES.items())
def test_deadlines_of_e3(parameters, what, length):
    assert parameters.value_on("deadline", date(2023, 9, 30), "length", what=what) == length


def test_figures_of_the_rulebook(parameters):
    day = date(2023, 9, 30)
    assert parameters.value_on("swap_ratio", day, "low") == 5 and parameters.value_on("swap_ratio", day, "high") == 8
    assert parameters.value_on("short_payment", day, "usd") == 50
    assert parameters.value_on("short_payment", day, "share") == Decimal("0.002")
    assert parameters.value_on("declared_received", day, "share") == Decimal("0.005")
    assert parameters.value_on("refund_difference", day) == Decimal("0.01")
    assert parameters.value_on("vat_invoice", day, "line_tax") == Decimal("0.06")
    assert parameters.value_on("vat_invoice", day, "invoice_tax") == Decimal("1.27")
    assert parameters.value_on("fx_staleness", day) == 10
    assert parameters.value_on("cutoff", day, what="submission") == time(16, 30)
    assert parameters.value_on("cutoff", day, what="end_of_day") == time(17, 30)
    assert parameters.value_on("cutoff", day, what="followup_first") == time(13, 30)
    assert parameters.value_on("late_fee", day, what="import_tax") == Decimal("0.0005")
    assert parameters.value_on("container_limit", day, "heavy_kg", container_type="20GP") == 22000


def test_every_row_names_its_source(parameters):
    assert [name for name, series in parameters.series.items() for entry in series.entries if not entry.source] == []
