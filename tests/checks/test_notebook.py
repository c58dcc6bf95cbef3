"""The analysts' notebook runs against a published warehouse and gives its figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.checks.mart_schemas import mart_tables
from settlement.io.engine import connect

from .books import OCTOBER, two_months
from .conftest import arrow_rows

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "month-end-queries.ipynb"


def published_home(home: Path) -> None:
    """A home with nothing but a published warehouse."""
    (home / "warehouse").mkdir(parents=True)
    con = connect(home / "warehouse" / "settlement.duckdb")
    con.create_database("mart")
    tables = two_months()
    tables["months"] = [{"month": month, "state": "settled"} for month in ("2023-09", OCTOBER)]
    for name, table in mart_tables().items():
        con.create_table(name, arrow_rows(table, tables.get(name, [])), database="mart")
    con.disconnect()


def printed(notebook) -> str:
    """Everything the cells print."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text", "") for output in outputs)


@pytest.mark.slow
def test_the_notebook_answers_from_a_published_warehouse(tmp_path, monkeypatch):
    import nbformat
    from nbconvert.preprocessors import ExecutePreprocessor

    published_home(tmp_path)
    monkeypatch.setenv("SETTLEMENT_HOME", str(tmp_path))
    monkeypatch.delenv("SETTLEMENT_MONTH", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    ExecutePreprocessor(timeout=120, kernel_name="python3").preprocess(
        notebook, {"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    said = printed(notebook)
    assert f"月份 {OCTOBER}" in said
    for figure in ("6750.00", "7050.00", "88.00", "7209.40", "DECISION_ORPHAN"):
        assert figure in said, figure
    assert not [line for line in said.splitlines() if "DOUBLE" in line.upper()], (
        "a figure was computed in floating point"
    )


def test_the_notebook_in_the_repository_is_executed_and_names_no_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    import json

    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    assert "/home/" not in text
    assert "/tmp/" not in text
    assert not any(output.get("output_type") == "error" for cell in cells for output in cell["outputs"])
