"""The statement: cell by cell, and what a principal must never see in it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from settlement.io.workbooks.statement import StatementMismatch

from . import september, september_ledger
from .reading import dump, table, texts

GOLDEN = Path(__file__).parent / "golden"


def _statement(folder: Path, principal: str) -> Path:
    return folder / f"对账单-{principal}-2023-09.xlsx"


@pytest.mark.parametrize("principal", ["P001", "P002"])
def test_golden_statement(folder, principal):
    """Whoever changes the layout on purpose writes the new dump, reads its difference and commits it."""
    expected = (GOLDEN / f"对账单-{principal}.txt").read_text(encoding="utf-8").splitlines()
    assert dump(_statement(folder, principal)) == expected


def test_one_statement_a_principal_with_activity_or_a_balance(write, month):
    tables, masters = month
    masters["reference", "principals"].append({**masters["reference", "principals"][0], "principal_id": "P009"})
    tables["principal_balances"].append(
        {"principal_id": "P008", "opening": "0.00", "movement": "0.00", "closing": "0.00"}
    )
    folder, written = write()
    assert sorted(path.name for path in folder.glob("对账单-*.xlsx")) == [
        "对账单-P001-2023-09.xlsx", "对账单-P002-2023-09.xlsx", "对账单-P003-2023-09.xlsx",
    ]  # fmt: skip
    assert {path.name for path in written.written} == {path.name for path in folder.glob("*.xlsx")}


def test_head_names_both_parties_and_who_issues_it(folder):
    assert {
        row["项目"]: (row["我方"], row["委托方"]) for row in table(_statement(folder, "P003"), "对账单", "项目")
    } == {
        "名称": ("宁波通达外贸综合服务有限公司", "温州三江服饰有限公司"),
        "编号": (None, "P003"),
        "纳税人识别号": ("91330000MA0TE5T087", "91330300MA2CCCCC3Z"),
        "开户行": ("中国工商银行宁波分行", "中国建设银行温州分行"),
        "银行账号": ("00120034005600780", "33001627035000000001"),
        "地址": ("宁波市北仑区港城路1号", "温州市鹿城区车站大道5号"),
        "电话": ("0574-88880000", "0577-44440003"),
        "出具部门": ("财务部", None),
        "结算方式": (None, "月结"),
    }


@pytest.mark.parametrize(
    ("principal", "sentence"),
    [
        (
            "P001",
            "宁波通达外贸综合服务有限公司 应付 宁波海川贸易有限公司 人民币 376,861.57 元（大写：人民币叁拾柒万陆仟捌佰陆拾壹元伍角柒分）",
        ),
        (
            "P003",
            "温州三江服饰有限公司 应付 宁波通达外贸综合服务有限公司 人民币 158,636.34 元（大写：人民币壹拾伍万捌仟陆佰叁拾陆元叁角肆分）",
        ),
    ],
)
def test_says_in_words_who_owes_whom(folder, principal, sentence):
    assert any(sentence in text for text in texts(_statement(folder, principal), "对账单"))


def test_says_so_when_nobody_owes_anything(write, month):
    tables, _ = month
    tables["principal_ledger"].append(september_ledger._posting(90, "P001", 30, "货款", "付款", "-376861.57"))
    for name in ("principal_balances", "principal_account_balances"):
        row = next(
            row for row in tables[name] if row["principal_id"] == "P001" and row.get("account", "货款") == "货款"
        )
        row["movement"] -= Decimal("376861.57")
        row["closing"] -= Decimal("376861.57")
    folder, _ = write()
    assert any("互不相欠（人民币零元整）" in text for text in texts(_statement(folder, "P001"), "对账单"))


def test_a_receipt_that_is_shared_shows_nothing_of_the_other_principal(folder):
    for mine, other in (("P002", "LG2309-001"), ("P003", "IM2309-002")):
        shown = list(texts(_statement(folder, mine)))
        assert not [text for text in shown if september.SHARED_REMARK in text or "上海中间人" in text]
        assert not [text for text in shown if other in text and (mine, other) != ("P003", "LG2309-001")]
    rows = table(_statement(folder, "P003"), "收款", "记账日期")
    shared = next(row for row in rows if row["流水号"] == "Rt06")
    assert (shared["收款金额"], shared["付款人"], shared["附言"], shared["认领金额"]) == (None, None, None, 40000)
    own = next(row for row in table(_statement(folder, "P002"), "收款", "记账日期") if row["流水号"] == "Rt05")
    assert (own["收款金额"], own["付款人"], own["附言"]) == (1045000, "杭州远山机电有限公司", "货款 IM2309-001")


def test_no_statement_names_another_principal_its_orders_or_candidates(folder):
    owner = {row["order_no"]: row["principal_id"] for row in september.masters()["facts", "orders"]}
    names = {row["principal_id"]: row["name"] for row in september.masters()["reference", "principals"]}
    for principal in names:
        shown = list(texts(_statement(folder, principal)))
        for order, whose in owner.items():
            assert whose == principal or not any(order in text for text in shown), (principal, order)
        for other, name in names.items():
            assert other == principal or not any(name in text or other in text for text in shown), (principal, other)
        assert not any("客商名称相近" in text or "P002 的内部备注" in text for text in shown)


def test_freight_shows_neither_cost_nor_vendor(folder):
    book = load_workbook(_statement(folder, "P003"))
    values = {cell.value for row in book["物流"].iter_rows() for cell in row}
    assert not values & {"东海船务", 2900, 1225, 55, "DH-77"}
    bases = {row["费用代码"]: row["计费依据"] for row in table(_statement(folder, "P003"), "物流", "订单号")}
    assert bases == {
        "O/F": "报价",
        "THC": "报价",
        "DOC": "报价",
        "SEAL": "报价",
        "VGM": "报价",
        "INSP": "实报实销",
        None: None,
    }


def test_what_a_carrier_was_paid_is_our_cost_and_not_shown(write, month):
    paid = september._paid(
        "t16", "QK-016", "P003", "LG2309-001", "物流成本", "2900.00", "2900.00", 26, vendor="东海船务"
    )
    month[0]["payment_allocations"].append(paid)
    folder, _ = write()
    assert "付款" not in load_workbook(_statement(folder, "P003")).sheetnames


def test_notice_is_there_only_where_there_is_something_to_invoice(folder):
    rows = table(_statement(folder, "P001"), "开票通知", "开票方向")
    assert [
        (row["开票方向"], row["订单号"], row["货物名称"], row["开票数量"], row["法定第一计量单位"], row["开票金额"])
        for row in rows
    ] == [
        ("委托方开给我方", "EX2309-001", "不锈钢餐具", 12000, "千克", 670476.54),
        ("委托方开给我方", "EX2309-002", "棉制T恤", 20000, "件", 169495.76),
        ("委托方开给我方", "EX2309-002", "竹制砧板", 5000, "个", 122232.52),
        ("委托方开给我方", "EX2309-002", "木屑颗粒", 800.5, "千克", 37506.56),
        ("合计", None, None, None, None, 999711.38),
    ]
    assert any("91330000MA0TE5T087" in text for text in texts(_statement(folder, "P001"), "开票通知"))
    (ours, _) = table(_statement(folder, "P002"), "开票通知", "开票方向")
    assert (ours["开票方向"], ours["订单号"], ours["开票金额"], ours["不含税金额"], ours["税额"]) == (
        "我方开给委托方", "IM2309-001", 1043738.09, 923662.03, 120076.06,
    )  # fmt: skip
    assert "开票通知" not in load_workbook(_statement(folder, "P003")).sheetnames


def test_the_opening_shows_what_it_consists_of_and_is_no_movement(write, month):
    opening = september_ledger._posting(0, "P001", 1, "货款", "期初", "1200.00", "EX2307-001", note="期初余额")
    month[0]["principal_ledger"].insert(0, opening)
    folder, _ = write()
    (item, total) = table(_statement(folder, "P001"), "期初明细", "账户")
    assert (item["订单号"], item["人民币金额"], total["人民币金额"]) == ("EX2307-001", 1200, 1200)
    assert [row["项目"] for row in table(_statement(folder, "P001"), "对账单", "项目")].count("期初") == 0
    first = table(_statement(folder, "P001"), "明细账", "记账日期")
    assert (first[0]["类型"], first[0]["结余"], first[1]["类型"]) == ("期初", 1200, "收款")


def test_balances_have_names(folder):
    book = load_workbook(_statement(folder, "P001"), data_only=True)
    names = {name: book.defined_names[name].attr_text for name in ("opening_balance", "closing_balance")}
    assert names == {"opening_balance": "'对账单'!$E$18", "closing_balance": "'对账单'!$E$26"}
    assert (book["对账单"]["E18"].value, book["对账单"]["E26"].value) == (1200, 376861.57)


def test_open_items_add_up_and_carry_their_age(folder):
    rows = table(_statement(folder, "P003"), "未结项", "订单号")
    oldest = next(row for row in rows if row["订单号"] == "LG2308-004")
    assert (oldest["未结金额"], oldest["逾期天数"], oldest["账龄"]) == (138450, 51, "31-60天")
    on_account = next(row for row in rows if row["未结项目"] == "预收未核销")
    assert on_account["未结金额"] == -5000
    assert rows[-1]["未结金额"] == pytest.approx(158636.34)


def test_a_person_s_account_shows_four_digits(folder):
    rows = table(_statement(folder, "P001"), "付款", "记账日期")
    refund = next(row for row in rows if row["申请单号"] == "QK-003")
    assert refund["收款账号"] == "****7766"
    assert not any("6225880199887766" in text for text in texts(_statement(folder, "P001")))


def test_an_incomplete_month_says_so_on_every_sheet(write):
    folder, _ = write(incomplete=True)
    for path in folder.glob("*.xlsx"):
        for sheet in load_workbook(path):
            if sheet.sheet_state == "visible":
                head = [cell.value for row in sheet.iter_rows(max_row=4) for cell in row if isinstance(cell.value, str)]
                assert any(text.startswith("未完整") for text in head), (path.name, sheet.title)
                assert "未完整" in (sheet.oddHeader.right.text or "")


@pytest.mark.parametrize("table_name", ["principal_balances", "principal_account_balances"])
def test_figures_that_contradict_each_other_give_no_statement(write, month, table_name):
    month[0][table_name][0]["closing"] += Decimal("0.01")
    with pytest.raises(StatementMismatch, match="P001"):
        write()


def test_an_amount_that_its_formula_does_not_give_is_written_as_it_is(write, month):
    line = month[0]["export_invoices"][0]
    line["invoice_amount"], line["tax_amount"] = "670476.55", "77134.48"
    folder, _ = write()
    row = table(_statement(folder, "P001"), "出口明细", "订单号", cached=False)[0]
    assert row["开票金额"] == 670476.55
    assert str(row["税额"]).startswith("=ROUND(")
