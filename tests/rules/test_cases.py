"""The worked examples (tests/cases/*.yaml), each step once with Decimals and once on columns.

A step is ``[symbol, what it is, "module.function(arguments)", result]``; an argument is a symbol
of the case, a number, or a quoted text.
"""

from __future__ import annotations

import importlib
import re
from decimal import Decimal
from pathlib import Path

import ibis
import pytest
import yaml

from settlement.rules import money

CASES = Path(__file__).resolve().parent.parent / "cases"
FORMULA = re.compile(r"^(\w+)\.(\w+)\((.*)\)$")


def _cases() -> list[dict]:
    files = ("export", "import", "logistics", "documents")
    # Scalars stay text, as an accountant wrote them: no float on the way.
    return [case for name in files for case in yaml.load((CASES / f"{name}.yaml").read_text("utf-8"), yaml.BaseLoader)]


def _value(written: str) -> Decimal | bool | str:
    if written in ("true", "false"):
        return written == "true"
    if re.fullmatch(r"-?[0-9.]+%?", written):
        return Decimal(written.rstrip("%")).scaleb(-2) if written.endswith("%") else Decimal(written)
    return written


def _column(value: Decimal | bool | str) -> ibis.Value:
    if isinstance(value, Decimal):
        kind = "decimal(18, 2)" if -value.as_tuple().exponent <= 2 and abs(value) >= 1 else "decimal(18, 8)"
        return ibis.literal(value, kind)
    return ibis.literal(value)


def _call(formula: str, known: dict, as_column: bool):
    module, function, written = FORMULA.match(formula).groups()
    arguments = []
    for argument in (part.strip() for part in re.findall(r"'[^']*'|[^,]+", written)):
        if not argument:
            continue
        if argument in known:
            arguments.append(known[argument])
        elif argument.startswith("'"):
            text = argument.strip("'")
            arguments.append(ibis.literal(text) if as_column else text)
        else:
            arguments.append(Decimal(argument))
    return getattr(importlib.import_module(f"settlement.rules.{module}"), function)(*arguments)


def _check(case: str, label: str, got, expected: str):
    wanted = _value(expected)
    if isinstance(wanted, Decimal) and not isinstance(got, str):
        shown = money.round_half_up(got, 4) if re.fullmatch(r"\d+\.\d{4}", expected) else got
        assert shown == wanted, f"{case}: {label} is {got}, not {expected}"
    elif isinstance(wanted, bool):
        assert bool(got) is wanted, f"{case}: {label} is {got}, not {expected}"
    else:
        assert got == expected, f"{case}: {label} is {got!r}, not {expected!r}"


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["case"])
def test_case_holds_for_decimals(case):
    known = {symbol: _value(written) for symbol, written in (case["given"] or {}).items()}
    for symbol, label, formula, expected in case["steps"]:
        known[symbol] = _call(formula, known, as_column=False)
        _check(case["case"], label, known[symbol], expected)


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["case"])
def test_case_holds_for_columns(case, con):
    # Columns are numbered: the engine takes R and r for one name.
    names: dict[str, str] = {}
    given = {}
    for symbol, written in (case["given"] or {}).items():
        names[symbol] = f"c{len(names)}"
        given[names[symbol]] = _column(_value(written))
    table = con.create_table("given", ibis.memtable({"one": [1]}).mutate(**given), temp=True, overwrite=True)
    for symbol, _, formula, _ in case["steps"]:
        known = {name: table[column] for name, column in names.items()}
        names[symbol] = f"c{len(names)}"
        table = table.mutate(**{names[symbol]: _call(formula, known, as_column=True)})
    row = con.to_pyarrow(table).to_pylist()[0]
    for symbol, label, _, expected in case["steps"]:
        _check(case["case"], label, row[names[symbol]], expected)


def test_several_refund_rates_share_the_net_by_declared_fob(con):
    """W02b: N 300,000.00 over FOB 20,000 / 15,000 / 5,001, largest remainder; the parts sum to it."""
    parts = [Decimal("149996.25"), Decimal("112497.19"), Decimal("37506.56")]
    weights = [Decimal("20000"), Decimal("15000"), Decimal("5001")]
    assert money.apportion(Decimal("300000.00"), weights) == parts
    lines = ibis.memtable({"order_no": ["A"] * 3, "line_no": [1, 2, 3], "fob": ["20000", "15000", "5001"]})
    lines = lines.mutate(fob=lines.fob.cast("decimal(18, 2)"), net=ibis.literal(Decimal("300000.00"), "decimal(18, 2)"))
    shared = money.apportion_column(lines, by=["order_no"], total="net", weight="fob", order=["line_no"], name="part")
    rows = con.to_pyarrow(shared.order_by("line_no")).to_pylist()
    assert [row["part"] for row in rows] == parts
    # Totals of the case: I, R, and the gap I − (N + R).
    invoices = [Decimal("169495.76"), Decimal("122232.52"), Decimal("37506.56")]
    refunds = [Decimal("19499.51"), Decimal("9735.33"), Decimal("0.00")]
    assert sum(invoices) == Decimal("329234.84") and sum(refunds) == Decimal("29234.84")
    assert sum(invoices) - (Decimal("300000.00") + sum(refunds)) == 0


def test_rounding_the_receipt_first_decides_the_fen():
    """C-03: the bank credits fen; an unrounded S would give 918,468.31 (W05c)."""
    from settlement.rules import vat

    unrounded = Decimal("120480.00") * Decimal("6.8642") - Decimal("14195.00")
    exact = money.divide_half_up(unrounded * Decimal("1.13"), Decimal("1.00"))
    assert exact == Decimal("918468.31")
    assert vat.invoice_amount(Decimal("812803.82"), Decimal("0.13"), Decimal("0.13")) == Decimal("918468.32")
