"""Every workbook of a settled sample month: another program computes each formula anew, and it is the warehouse's figure."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path

import pytest
from openpyxl import load_workbook

from settlement.io.workbooks.styles import MONEY_FORMAT
from tests.e2e.conftest import rows
from tests.io.workbooks import office

pytestmark = [pytest.mark.office, pytest.mark.slow, pytest.mark.skipif(office.SOFFICE is None, reason=office.WHY)]

MONTH = "2023-09"


@pytest.fixture(scope="module")
def written(sample_home) -> list[Path]:
    return sorted(sample_home.statements(MONTH).glob("*.xlsx"))


@pytest.fixture(scope="module")
def computed(written, tmp_path_factory) -> dict[str, dict[tuple[str, str], object]]:
    """What LibreOffice makes of each workbook without its cached values: file, then sheet and cell."""
    folder = tmp_path_factory.mktemp("computed")
    (folder / "bare").mkdir()
    copies = [office.without_cached_values(path, folder / "bare" / path.name) for path in written]
    made = office.convert(copies, "xlsx", folder / "again", folder / "profile")
    return {path.name: {(name, place): value for name, place, value in _values(path)} for path in made}


def _values(path: Path) -> Iterator[tuple[str, str, object]]:
    for sheet in load_workbook(path, data_only=True, read_only=True):
        for row in sheet.iter_rows():
            yield from ((sheet.title, cell.coordinate, cell.value) for cell in row if cell.value is not None)


def _formulas(path: Path) -> Iterator[tuple[str, str]]:
    for sheet in load_workbook(path, read_only=True):
        for row in sheet.iter_rows():
            yield from ((sheet.title, cell.coordinate) for cell in row if cell.data_type == "f")


def test_every_formula_of_every_workbook_recalculates_to_its_cached_value(written, computed):
    counted = 0
    for path in written:
        cached = {(name, place): value for name, place, value in _values(path)}
        for where in _formulas(path):
            counted += 1
            was, now = cached.get(where), computed[path.name].get(where)
            same = now == was if isinstance(was, str) else now is not None and D(repr(now)) == D(repr(was))
            assert was is not None and same, f"{path.name} {where}: cached {was}, computed {now}"
    assert counted > 1500


def test_computed_anew_the_statements_are_the_warehouse(sample_home, written, computed):
    balances = {row["principal_id"]: row for row in rows(sample_home, "principal_balances", month=MONTH)}
    seen = 0
    for path in (path for path in written if path.name.startswith("对账单-")):
        principal = path.name.split("-")[1]
        names = load_workbook(path).defined_names
        for name in ("opening", "closing"):
            sheet, place = names[f"{name}_balance"].attr_text.replace("$", "").replace("'", "").split("!")
            shown = computed[path.name].get((sheet, place), 0)
            assert D(repr(shown)) == balances[principal][name], (path.name, name)
        seen += 1
    assert seen >= len([row for row in balances.values() if row["opening"] or row["movement"] or row["closing"]])


def test_computed_anew_the_summary_is_the_warehouse(sample_home, computed):
    cells = computed[f"月结汇总-{MONTH}.xlsx"]
    labels = {
        (sheet, value): int(place[1:])
        for (sheet, place), value in cells.items()
        if place[0] == "A" and place[1:].isdigit()
    }
    balances = rows(sample_home, "principal_balances", month=MONTH)
    for label, name in (("期初", "opening"), ("本期发生", "movement"), ("期末", "closing")):
        shown = cells["汇总", f"C{labels['汇总', label]}"]
        assert D(repr(shown)) == sum((row[name] for row in balances), D(0)), label
    assert cells["汇总", f"C{labels['汇总', '差额']}"] == 0, "the vouchers do not balance"
    orders = rows(sample_home, "order_balances", month=MONTH)
    for word, kind in (("出口", "export"), ("进口", "import"), ("物流", "logistics")):
        shown = cells["汇总", f"F{labels['汇总', word]}"]
        assert D(repr(shown)) == sum((row["balance_cny"] for row in orders if row["kind"] == kind), D(0)), word


def test_on_paper_no_figure_is_hidden_and_no_sheet_is_missing(written, tmp_path):
    if not office.PDFTOTEXT:
        pytest.skip(office.WHY)
    shown = [path for path in written if "P00006" in path.name or not path.name.startswith("对账单-")]
    for path, pdf in zip(shown, office.convert(shown, "pdf", tmp_path, tmp_path / "profile"), strict=True):
        text = subprocess.run(
            [office.PDFTOTEXT, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True
        ).stdout
        for sign in ("###", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "Err:"):
            assert sign not in text, f"{path.name}: {sign}"
        squeezed = "".join(text.split())
        for sheet in load_workbook(path, data_only=True):
            if sheet.sheet_state == "hidden":
                continue
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.number_format == MONEY_FORMAT and cell.value is not None:
                        assert f"{D(repr(cell.value)):,.2f}" in squeezed, (
                            f"{path.name} {sheet.title}!{cell.coordinate}: {cell.value}"
                        )
