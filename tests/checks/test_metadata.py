"""What the UI shows of a table: exact totals, ten rows, its SQL; harmless as Markdown."""

from __future__ import annotations

from settlement.checks.metadata import control_totals, markdown_table, table_metadata

from .conftest import MONTH


def test_control_totals_are_exact_by_currency(shelf):
    rows = shelf.put(
        "bank_transactions",
        [
            {"txn_id": "a", "currency": "USD", "amount": "9007199254740993.01"},  # no double can hold it
            {"txn_id": "b", "currency": "USD", "amount": "-0.02"},
            {"txn_id": "c", "currency": "CNY", "amount": "5.00", "bank_fee": "1.10"},
        ],
    )
    totals = control_totals(rows)
    assert [row["currency"] for row in totals] == ["CNY", "USD"]
    assert [row["amount"] for row in totals] == ["5.00", "9007199254740992.99"]
    assert [row["bank_fee"] for row in totals] == ["1.10", "0.00"]
    assert "fx_rate" not in totals[0]


def test_a_table_without_currency_has_one_row_of_totals_and_without_money_none(shelf):
    assert control_totals(
        shelf.put("principal_balances", [{"closing": "3.00"}, {"principal_id": "2", "closing": "4.50"}])
    ) == [{"currency": "—", "opening": "0.00", "movement": "0.00", "closing": "7.50"}]
    assert control_totals(shelf.put("rule_coverage", [{}])) == []


def test_metadata_counts_rows_previews_ten_by_key_and_shows_the_sql(shelf):
    rows = shelf.put("principal_balances", [{"principal_id": f"P{i:02d}"} for i in reversed(range(25))])
    shown = table_metadata(shelf.con, "book", "principal_balances", expression=rows.filter(rows.closing == 0))
    assert shown["dagster/row_count"].value == 25
    preview = shown["preview"].value.splitlines()
    assert preview[0] == "| month | principal_id | opening | movement | closing |"
    assert [line.split(" | ")[1] for line in preview[2:]] == [f"P{i:02d}" for i in range(10)]
    assert '"principal_balances"' in shown["sql"].value
    columns = {column.name: column for column in shown["dagster/column_schema"].value.columns}
    assert columns["closing"].description == "期末：+ we owe"
    assert columns["closing"].type == "decimal(18, 2)"


def test_an_empty_table_has_totals_of_nothing_and_no_preview(shelf):
    shelf.put("principal_balances", [])
    shown = table_metadata(shelf.con, "book", "principal_balances", sql="SELECT 1")
    assert shown["dagster/row_count"].value == 0
    assert "preview" not in shown
    assert shown["sql"].value == "```sql\nSELECT 1\n```"


def test_a_table_that_is_not_published_is_not_previewed(shelf):
    """Account numbers of persons stand whole in the run's own tables (PRV-01)."""
    shelf.put_masters({("facts", "payers"): [{"payer_account": "6222020200012345678"}]})
    shown = table_metadata(shelf.con, "facts", "payers")
    assert "6222020200012345678" not in "".join(str(value.value) for value in shown.values())


def test_cells_cannot_break_the_table():
    text = markdown_table([{"remark": "货款|<b>x</b>\n第二行", "empty": None, "long": "长" * 200, "month": MONTH}])
    header, rule, row = text.splitlines()
    assert header == "| remark | empty | long | month |"
    assert rule == "| --- | --- | --- | --- |"
    assert row.startswith("| 货款\\|&lt;b>x&lt;/b> 第二行 |  | 长")
    assert row.count("长") == 59
    assert markdown_table([]) == ""
