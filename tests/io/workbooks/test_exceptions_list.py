"""The exceptions list: its order, its forms, and that what finance types into it is input as it stands."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from settlement.io.layouts import layouts
from settlement.io.tables import read_file
from settlement.io.workbooks.decisions import changed_since_export, read_decisions
from settlement.rules.export_check import export_digest

from . import september
from .reading import cell_where, table, texts

NAME = "异常清单-2023-09.xlsx"
NOON = datetime.fromisoformat("2023-10-08 12:00:00")
CLAIM = {
    "订单号": "EX2309-003",
    "委托方编号": "P001",
    "款项用途": "货款",
    "认领金额": 12000,
    "认领人": "张会计",
    "认领时间": NOON,
    "理由": "客户邮件确认",
}


@pytest.fixture
def form(folder, tmp_path):
    """A copy of the list to type into: ``fill(sheet, row, {heading: value})``, then ``save()`` gives its path."""
    book = load_workbook(folder / NAME)

    class Form:
        def row_of(self, sheet: str, value: str) -> int:
            return next(cell.row for (cell,) in book[sheet].iter_rows(max_col=1) if cell.value == value)

        def fill(self, sheet: str, row: int, values: dict) -> None:
            for heading, value in values.items():
                cell_where(book[sheet], heading, row).value = value

        def save(self) -> Path:
            book.save(tmp_path / NAME)
            return tmp_path / NAME

    return Form()


def test_grouped_by_owner_then_by_money_at_risk(folder):
    rows = table(folder / NAME, "异常", "责任部门")
    assert [(row["责任部门"], row["涉及金额"], row["异常编号"]) for row in rows] == [
        ("核算部", 86142, "E0001"), ("核算部", 73050, "E0006"), ("核算部", 3000, "E0002"), ("核算部", 88, "E0007"),
        ("风控", 138450, "E0005"),
        ("物流资源部", 860, "E0004"), ("物流资源部", 5, "E0003"),
        ("客服部", 0, "E0008"),
        ("合计", 301595, None),
    ]  # fmt: skip
    assert all(row["处理办法"] and row["处理期限"] for row in rows[:-1])
    assert [row["异常编号"] for row in table(folder / NAME, "已处理", "责任部门")] == ["E0009"]


def test_sheets_forms_filters_and_print_setup(folder):
    book = load_workbook(folder / NAME)
    assert book.sheetnames == [
        "异常",
        "认领",
        "调整",
        "审批",
        "输入核对",
        "按部门",
        "拒绝行",
        "决定结果",
        "已处理",
        "选项",
    ]
    assert book["选项"].sheet_state == "hidden"
    for sheet in book:
        assert sheet.page_setup.paperSize == sheet.PAPERSIZE_A4 or int(sheet.page_setup.paperSize) == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and int(sheet.page_setup.fitToHeight) == 0
        assert "&P" in sheet.oddFooter.center.text and "&N" in sheet.oddFooter.center.text
        assert not sheet.merged_cells.ranges
        if sheet.sheet_state == "visible":
            assert sheet.freeze_panes and sheet.print_title_rows and sheet.auto_filter.ref and sheet.print_area


def test_drop_downs_and_validations(folder):
    book = load_workbook(folder / NAME)
    names = {name: defined.attr_text for name, defined in book.defined_names.items()}
    assert set(names) == {"choice_principals", "choice_currencies"}
    rules = [(rule.type, rule.formula1, rule.sqref.ranges) for rule in book["认领"].data_validations.dataValidation]
    lists = {formula for kind, formula, _ in rules if kind == "list"}
    assert '"EX2309-003,IM2309-002"' in lists and '"LG2309-001"' in lists and "choice_principals" in lists
    assert any(
        kind == "list" and "货款,税金,物流费,代理费,退税款,余款,预收,结汇" in formula for kind, formula, _ in rules
    )
    assert {kind for kind, _, _ in rules} == {"list", "custom", "date"}
    approvals = [rule.formula1 for rule in book["审批"].data_validations.dataValidation]
    assert '"批准,驳回"' in approvals
    adjustments = [rule.formula1 for rule in book["调整"].data_validations.dataValidation]
    assert '"抵账,转单,核销,更正,保留,分摊"' in adjustments and '"货款,预收,税款,物流费,退税,垫付退税"' in adjustments


def test_every_open_receipt_is_there_with_its_candidates_and_digest(folder):
    rows = {row["流水标识"]: row for row in table(folder / NAME, "认领", "流水标识") if row["流水标识"]}
    assert set(rows) == {"t07", "t08", "t09"}
    assert (rows["t08"]["未认领金额"], rows["t08"]["填后余额"], rows["t08"]["流水币种"]) == (12000, 12000, "USD")
    assert rows["t08"]["候选订单"] == "1) EX2309-003（P001） 0.72 客商名称相近\n2) IM2309-002（P002） 0.41 金额相近"
    assert rows["t07"]["付款人"] == "温州三江服饰有限公司"
    for txn, amount in (("t07", "5000.00"), ("t08", "12000.00"), ("t09", "3000.00")):
        assert rows[txn]["导出校验"] == export_digest(txn, Decimal(amount))


def test_a_person_s_account_is_masked_in_reasons_remarks_and_messages(folder):
    shown = list(texts(folder / NAME))
    assert not [text for text in shown if september.PERSON_ACCOUNT in text]
    assert sum("****3445" in text for text in shown) >= 3


def test_control_totals_prove_themselves(folder):
    rows = table(folder / NAME, "输入核对", "来源文件", cached=False)
    total = rows.pop()
    assert (total["来源文件"], total["行数差"]) == ("合计", "=ROUND(SUM('输入核对'!$G$4:$G$5),2)")
    assert [(row["行数差"], row["金额差"]) for row in rows] == [
        ("=D4-E4-F4", "=ROUND(H4-I4-J4,2)"),
        ("=D5-E5-F5", "=ROUND(H5-I5-J5,2)"),
    ]
    assert all((row["行数差"], row["金额差"]) == (0, 0) for row in table(folder / NAME, "输入核对", "来源文件")[:-1])


def test_a_form_offers_what_a_sheet_has_room_for_and_says_so(write, monkeypatch):
    from settlement.io.workbooks import decision_sheets

    monkeypatch.setattr(decision_sheets, "MOST_ROWS", 2)
    folder, _ = write()
    listed = [row["流水标识"] for row in table(folder / NAME, "认领", "流水标识") if row["流水标识"]]
    assert listed == ["t07", "t09"]  # CNY first, the most money first
    assert any("只列前 2 行" in text for text in texts(folder / NAME, "认领"))
    assert read_decisions(folder / NAME).problems == []


def test_a_form_that_nobody_filled_decides_nothing(folder):
    found = read_decisions(folder / NAME)
    assert (found.rows, found.problems) == ([], [])


def _inbox(path: Path) -> dict:
    candidates = [layout for layout in layouts().values() if layout.folder == "decisions"]
    read = read_file(path, candidates)
    return {item.layout.name: item for item in read.tables} | {"unread": read.unread}


def test_both_readers_see_nothing_in_an_unfilled_form(folder):
    read = _inbox(folder / NAME)
    assert not read["unread"]
    for name in ("claims", "adjustments", "approvals"):
        assert (read[name].accepted.num_rows, read[name].rejected.num_rows) == (0, 0), name


def test_what_finance_types_is_read_alike_by_the_inbox_and_here(form):
    row = form.row_of("认领", "t08")
    form.fill("认领", row, {**CLAIM, "认领金额": 7000.1})
    form.fill(
        "认领",
        form.row_of("认领", "t09") + 2,
        {"流水标识": "t08", **CLAIM, "订单号": "IM2309-002", "委托方编号": "P002", "认领金额": 4999.9},
    )
    form.fill("调整", 6, {"类型": "核销", "委托方编号": "P003", "转入订单": "LG2308-004", "转入账户": "物流费", "币种": "CNY", "金额": 0.34,
                        "决定人": "李主管", "决定时间": NOON, "理由": "尾差"})  # fmt: skip
    form.fill(
        "审批",
        form.row_of("审批", "E0005"),
        {
            "处理": "批准",
            "有效期至": datetime.fromisoformat("2023-10-31"),
            "审批人": "王风控",
            "审批时间": NOON,
            "理由": "老客户",
        },
    )
    path = form.save()
    found = read_decisions(path)
    assert found.problems == []
    claims = [
        (
            row.fields["txn_id"],
            row.fields["order_no"],
            row.fields["amount"],
            row.fields["decided_by"],
            row.fields["decided_at"],
        )
        for row in found.of("claims")
    ]
    assert claims == [
        ("t08", "EX2309-003", Decimal("7000.10"), "张会计", NOON),
        ("t08", "IM2309-002", Decimal("4999.90"), "张会计", NOON),
    ]
    assert [row.export_digest for row in found.of("claims")] == [export_digest("t08", Decimal("12000")), None]
    assert [(row.fields["kind"], row.fields["amount"]) for row in found.of("adjustments")] == [
        ("核销", Decimal("0.34"))
    ]
    assert [
        (row.fields["exception_id"], row.fields["action"], row.fields["valid_to"].isoformat())
        for row in found.of("approvals")
    ] == [("E0005", "批准", "2023-10-31")]
    inbox = _inbox(path)
    assert not inbox["unread"]
    for name in ("claims", "adjustments", "approvals"):
        assert inbox[name].rejected.num_rows == 0, inbox[name].rejected.to_pylist()
        seen = inbox[name].accepted.to_pylist()
        mine = [row.fields for row in found.of(name)]
        assert [{field: row[field] for field in fields} for row, fields in zip(seen, mine, strict=True)] == mine


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"认领人": None}, "第 {row} 行「认领人」不能为空"),
        ({"认领时间": "昨天"}, "第 {row} 行「认领时间」读到「昨天」：不是日期时间"),
        ({"认领金额": "一万"}, "第 {row} 行「认领金额」读到「一万」：不是金额"),
        ({"认领金额": 12.345}, "第 {row} 行「认领金额」读到「12.345」：超过两位小数"),
        ({"理由": "  "}, "第 {row} 行「理由」不能为空"),
    ],
)
def test_a_row_that_is_half_filled_is_told_and_not_taken(form, wrong, message):
    row = form.row_of("认领", "t08")
    form.fill("认领", row, CLAIM | wrong)
    found = read_decisions(form.save())
    assert found.rows == []
    assert [problem.message for problem in found.problems] == [message.format(row=row)]


def test_a_choice_that_does_not_exist_is_told(form):
    form.fill("审批", form.row_of("审批", "E0005"), {"处理": "同意", "审批人": "王", "审批时间": NOON, "理由": "可"})
    found = read_decisions(form.save())
    assert [problem.message.split("：")[1] for problem in found.problems] == ["只能是 批准、驳回"]


def test_two_people_at_the_same_moment_contradict_each_other(form):
    form.fill("认领", form.row_of("认领", "t08"), CLAIM)
    form.fill("认领", form.row_of("认领", "t09") + 2, {"流水标识": "t08", **CLAIM, "认领人": "李会计"})
    found = read_decisions(form.save())
    assert found.of("claims") == []
    assert "张会计、李会计 在同一时刻都作了认领" in found.problems[0].message


def test_a_decision_on_what_has_changed_since_is_found(form):
    form.fill("认领", form.row_of("认领", "t08"), CLAIM)
    form.fill("认领", form.row_of("认领", "t09"), {**CLAIM, "认领金额": 3000})
    form.fill("审批", form.row_of("审批", "E0005"), {"处理": "批准", "审批人": "王", "审批时间": NOON, "理由": "可"})
    found = read_decisions(form.save())
    now = {"t08": Decimal("12000.00"), "t09": Decimal("1000.00"), "E0005": Decimal("138450.00")}
    assert [row.fields["txn_id"] for row in changed_since_export(found.rows, now)] == ["t09"]
    # Claimed by somebody else in the meantime: nothing is open any more.
    del now["t08"]
    assert {row.fields["txn_id"] for row in changed_since_export(found.rows, now)} == {"t08", "t09"}


def test_what_decisions_did_is_shown(folder):
    (row,) = table(folder / NAME, "决定结果", "表")
    assert (row["对象"], row["结果"], row["决定人"], row["决定时间"], row["理由"]) == (
        "t05", "已执行", "张会计", datetime.fromisoformat("2023-09-28 09:30:00"), "客户电话确认",
    )  # fmt: skip


def test_on_account_money_of_earlier_months_is_offered_until_it_is_placed(month):
    from settlement.io.workbooks.decision_sheets import open_rows
    from settlement.io.workbooks.month_data import Source

    from .conftest import work_file
    from .test_summary import context_of

    con = work_file(*month)
    con.raw_sql("ATTACH ':memory:' AS books")
    con.raw_sql("CREATE SCHEMA books.mart")
    earlier = [
        {**september._piece("t99", "P001", None, "预收", "900.00", "900.00", day=1), "month": "2023-08"},
        {**september._piece("t98", "P001", None, "预收", "70.00", "70.00", day=1), "month": "2023-08"},
    ]
    moved = {**september._piece("t98", "P001", None, "预收", "-70.00", "-70.00", day=1), "month": "2023-08"}
    table_now = con.table("receipt_allocations", database="book")
    import pyarrow as pa

    rows = [
        {
            name: Decimal(value) if name in ("receipt_amount", "amount", "amount_cny") and value else value
            for name, value in row.items()
        }
        for row in [*earlier, moved]
    ]
    past = pa.Table.from_pylist(
        [{name: row.get(name) for name in table_now.columns} for row in rows], schema=table_now.schema().to_pyarrow()
    )
    con.create_table("receipt_allocations", past, database=("books", "mart"))
    found = {row["txn_id"]: row["open_amount"] for row in open_rows(Source(con, september.MONTH), context_of(con))}
    assert found == {
        "t07": Decimal("5000.00"),
        "t08": Decimal("12000.00"),
        "t09": Decimal("3000.00"),
        "t99": Decimal("900.00"),
    }
