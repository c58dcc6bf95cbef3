"""A month's folders as tables: nothing lost, nothing twice, every trouble named with file and row."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from settlement.io.engine import connect
from settlement.io.ingest import ingest_month, ingest_reference, stage_schema
from settlement.io.layouts import layouts, monthly_layouts, reference_layouts
from settlement.rules.exceptions import FOUND
from tests.io.conftest import FREIGHT, GOODS, ORDERS, Books, no_past

ORDER = "E{0},出口贸易代理,P001,2023-09-05,USD,{1}"
LINE = "E{0},1,8501100000,电机,10,台,{1}"


def test_a_plain_month_is_accepted_whole(read):
    books = read()
    assert books.rows("found", "ingest") == []
    assert books.rows("stage", "rejected_rows") == []
    [order] = books.rows("stage", "orders")
    assert (order["order_no"], order["month"], order["source_file"], order["source_row"]) == (
        "E1",
        "2023-09",
        "raw/2023-09/orders/orders.csv",
        2,
    )
    assert len(order["row_digest"]) == 32 and order["original"] is None
    assert books.totals("goods")["goods.csv", "USD"]["amount_accepted"] == Decimal("100.00")  # in the order's currency
    assert books.totals("principals")["principals.csv", "CNY"]["rows_accepted"] == 2


def test_every_table_exists_with_its_columns_and_types(read):
    books = read()
    for layout in monthly_layouts():
        assert books.con.table(layout.name, database="stage").schema() == stage_schema(layout)
    for layout in reference_layouts():
        assert books.con.table(layout.name, database="reference").schema() == stage_schema(layout)
    assert books.con.table("ingest", database="found").schema() == FOUND


def test_the_same_files_give_the_same_tables(desk, read):
    desk.put("raw/2023-09/orders/more.csv", ORDERS, *[ORDER.format(number, number) for number in range(2, 300)])
    first, second = read(), read()
    for schema, name in (
        ("stage", "orders"),
        ("stage", "rejected_rows"),
        ("stage", "control_totals"),
        ("found", "ingest"),
    ):
        assert first.rows(schema, name) == second.rows(schema, name)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "空的"),
        ("cut.xlsx", b"PK\x03\x04\x14\x00\x06\x00" + b"\0" * 50, "损坏"),
        ("headless.csv", "E9,出口贸易代理,P001,2023-09-05,USD,5\n".encode(), "找不到表头"),
        ("nul.csv", b"a,b\n1,\x002\n", "NUL"),
        ("other.pdf", b"%PDF-1.4", "PDF"),
    ],
)
def test_an_unreadable_file_is_named_and_stops_nothing(desk, read, name, content, said):
    desk.put_bytes(f"raw/2023-09/orders/{name}", content)
    books = read()
    [problem] = books.found("FILE_UNREADABLE")
    assert problem["source_file"] == f"raw/2023-09/orders/{name}" and said in problem["message"]
    assert problem["subject"].startswith(problem["source_file"])
    zeros = books.totals("orders")[name, "CNY"]
    assert (zeros["rows_read"], zeros["amount_read"]) == (0, Decimal("0.00"))
    assert len(books.rows("stage", "orders")) == 1 and not books.found("INPUT_MISSING")


def test_links_are_refused_by_name(desk, read, tmp_path):
    secret = tmp_path / "outside.csv"
    secret.write_text(ORDERS + "\n" + ORDER.format(7, 7) + "\n", encoding="utf-8")
    (desk.home.inbox("2023-09") / "orders" / "link.csv").symlink_to(secret)
    books = read()
    assert "符号链接" in books.found("FILE_UNREADABLE")[0]["message"]
    assert [row["order_no"] for row in books.rows("stage", "orders")] == ["E1"]


def test_hidden_and_lock_files_are_no_input_and_subfolders_are(desk, read):
    desk.put("raw/2023-09/orders/.DS_Store", "x")
    desk.put("raw/2023-09/orders/~$orders.xlsx", "x")
    desk.put("raw/2023-09/orders/补充/late.csv", ORDERS, ORDER.format(2, 5))
    books = read()
    assert not books.found("FILE_UNREADABLE")
    assert {row["order_no"] for row in books.rows("stage", "orders")} == {"E1", "E2"}


def test_a_file_in_no_known_folder_is_said(desk, read):
    desk.put("raw/2023-09/order/typo.csv", ORDERS, ORDER.format(8, 1))
    desk.put("raw/2023-09/loose.csv", ORDERS, ORDER.format(9, 1))
    books = read()
    assert {row["source_file"] for row in books.found("FILE_UNREADABLE")} == {
        "raw/2023-09/order/typo.csv",
        "raw/2023-09/loose.csv",
    }
    assert {key[0] for key in books.totals("未知")} == {"typo.csv", "loose.csv"}


def test_a_bad_amount_rejects_one_row_with_its_place(desk, read):
    desk.put("raw/2023-09/orders/more.csv", ORDERS, 'E2,出口贸易代理,P001,2023-09-05,USD,"12,3x"', ORDER.format(3, 7))
    books = read()
    [row] = books.rejected("orders")
    assert (row["source_file"], row["source_row"], row["field"], row["found"], row["code"]) == (
        "raw/2023-09/orders/more.csv", 2, "amount_fx", "12,3x", "ROW_REJECTED"
    )  # fmt: skip
    [problem] = books.found("ROW_REJECTED")
    assert "第 2 行" in problem["message"] and "12,3x" in problem["message"]
    assert (problem["order_no"], problem["principal_id"]) == ("E2", "P001")
    total = books.totals("orders")["more.csv", "USD"]
    assert (total["rows_read"], total["rows_rejected"], total["amount_read"]) == (2, 1, Decimal("7.00"))


def test_an_unknown_principal_rejects_the_order_and_its_goods(desk, read):
    desk.put("raw/2023-09/orders/more.csv", ORDERS, "E2,出口贸易代理,P999,2023-09-05,CNY,80.00")
    desk.put("raw/2023-09/orders/lines.csv", GOODS, LINE.format(2, 80))
    books = read()
    by_table = {row["input_table"]: row for row in books.rows("stage", "rejected_rows")}
    assert (by_table["orders"]["field"], by_table["orders"]["found"]) == ("principal_id", "P999")
    assert (by_table["goods"]["field"], by_table["goods"]["found"]) == ("order_no", "E2")
    order_problem = next(row for row in books.found("ROW_REJECTED") if row["field"] == "principal_id")
    assert order_problem["amount_at_risk_cny"] == Decimal("80.00") and "80.00 未计入" in order_problem["message"]
    assert books.totals("orders")["more.csv", "CNY"]["amount_rejected"] == Decimal("80.00")


def test_money_at_risk_in_another_currency_is_at_the_last_mid_rate(desk, read):
    desk.put("raw/reference/fx_mid_rates.csv", "发布日期,币种,中间价", "2023-09-28,USD,717.98", "2023-10-09,USD,800.00")
    desk.put("raw/2023-09/orders/more.csv", ORDERS, "E2,出口贸易代理,P999,2023-09-05,USD,1000.00")
    assert read().found("ROW_REJECTED")[0]["amount_at_risk_cny"] == Decimal("7179.80")


def test_two_orders_of_one_number(desk, read):
    """The same facts twice are one order; different facts are nobody's guess, and each names the other."""
    desk.put(
        "raw/2023-09/orders/more.csv",
        ORDERS,
        ORDER.format(1, "100.00"),
        ORDER.format(2, 5),
        ORDER.format(2, 6),
        ORDER.format(3, 7),
    )
    books = read()
    assert {row["order_no"] for row in books.rows("stage", "orders")} == {"E1", "E3"}
    same, *clash = sorted(books.rejected("orders"), key=lambda row: row["source_row"])
    # more.csv is read before orders.csv, by name: the copy is the later one
    assert {row["code"] for row in clash} | {same["code"]} == {"ROW_DUPLICATE", "ROW_REJECTED"}
    rejected = {row["source_row"]: row["reason"] for row in books.rejected("orders") if row["code"] == "ROW_REJECTED"}
    assert "第 4 行" in rejected[3] and "第 3 行" in rejected[4] and "内容不同" in rejected[3]
    [repeated] = books.found("ROW_DUPLICATE")
    assert repeated["source_file"] == "raw/2023-09/orders/orders.csv" and repeated["source_row"] == 2


def test_a_copy_of_a_file_counts_once(desk, read):
    for folder, name in (("orders", "orders.csv"), ("freight", "f.csv")):
        source = desk.home.inbox("2023-09") / folder / name
        shutil.copyfile(source, source.with_name("副本.csv"))
    books = read()
    assert len(books.rows("stage", "orders")) == 1 and len(books.rows("stage", "freight")) == 1
    problems = {row["source_file"]: row["message"] for row in books.found("ROW_DUPLICATE")}
    assert set(problems) == {"raw/2023-09/orders/副本.csv", "raw/2023-09/freight/副本.csv"}
    assert "f.csv 内容完全相同" in problems["raw/2023-09/freight/副本.csv"]
    copy = books.totals("freight")["副本.csv", "CNY"]
    assert (copy["rows_read"], copy["rows_rejected"], copy["amount_rejected"]) == (1, 1, Decimal("1350.00"))


def test_identical_freight_lines_of_one_file_stay_two(desk, read):
    line = "中远,F2,E1,THC,CNY,10.00"
    desk.put("raw/2023-09/freight/g.csv", FREIGHT, line, line)
    books = read()
    assert len(books.rows("stage", "freight")) == 3 and not books.rejected("freight")


def test_identical_notices_in_two_files_are_one_and_within_a_file_two(desk, read):
    header, row = "报关单号,退税金额,通知日期", "310120230000000017,500.00,2023-09-20"
    desk.put("raw/2023-09/customs/a.csv", header, row, row)
    desk.put("raw/2023-09/customs/b.csv", "税局导出,,", header, row, "310120230000000018,9.00,2023-09-20")
    books = read()
    assert sorted(row["amount"] for row in books.rows("stage", "refund_notices")) == [
        Decimal("9.00"),
        Decimal("500.00"),
        Decimal("500.00"),
    ]
    [repeated] = books.rejected("refund_notices")
    assert (repeated["source_file"], repeated["source_row"], repeated["code"]) == (
        "raw/2023-09/customs/b.csv",
        3,
        "ROW_DUPLICATE",
    )


def test_an_order_without_goods_stays_and_is_said(desk, read):
    desk.put("raw/2023-09/orders/more.csv", ORDERS, ORDER.format(2, 5), "E3,出口国际物流,P001,2023-09-05,CNY,0",
             "E4,出口贸易代理,P001,2023-09-05,USD,5")  # fmt: skip
    desk.put("raw/2023-09/orders/lines.csv", GOODS, LINE.format(4, "4.50"))
    books = read()
    assert {row["order_no"] for row in books.rows("stage", "orders")} == {"E1", "E2", "E3", "E4"}
    problems = {row["order_no"]: row["message"] for row in books.found("INV_INPUT_MISSING")}
    assert set(problems) == {"E2", "E4"}
    assert "没有任何货物行" in problems["E2"] and "相差 0.50" in problems["E4"]


def test_goods_of_an_earlier_months_order_are_known(desk, read):
    earlier = read()
    desk.put("raw/2023-10/orders/lines.csv", GOODS, "E1,2,8501100000,电机,10,台,100.00", "E7,1,8501100000,电机,10,台,1")
    desk.put("raw/2023-10/freight/f2.csv", FREIGHT, "中远,F9,E1,THC,CNY,1.00")
    desk.put("raw/2023-10/bank/b.csv", "账号,交易日期,贷方发生额,余额", "33010001,2023-10-06,1.00,501.00")

    def past(name, like):
        return earlier.con.table(name, database="stage").to_pyarrow()

    books = read("2023-10", _as_past(earlier))
    assert [row["line_no"] for row in books.rows("stage", "goods")] == [2]
    assert [row["found"] for row in books.rejected("goods")] == ["E7"]
    assert not books.found("INV_INPUT_MISSING")


def _as_past(earlier: Books):
    """Rows that an earlier month accepted, as memory tables: what ``past`` gives a month."""
    import ibis

    def past(name, like):
        rows = earlier.con.table(name, database="stage").select(*like).to_pyarrow()
        return ibis.memtable(rows).cast(dict(like.items()))

    return past


def test_a_file_of_an_earlier_month_again_is_a_repetition_where_rows_have_no_key(desk, read):
    desk.put("raw/2023-09/customs/a.csv", "报关单号,退税金额,通知日期", "310,500.00,2023-09-20")
    earlier = read()
    for folder in ("orders", "freight", "customs", "bank"):
        shutil.copytree(desk.home.inbox("2023-09") / folder, desk.home.inbox("2023-10") / folder)
    books = read("2023-10", _as_past(earlier))
    assert len(books.rows("stage", "orders")) == 1  # a later month may repeat an order
    assert books.rows("stage", "freight") == [] and books.rows("stage", "refund_notices") == []
    assert {row["source_file"] for row in books.found("ROW_DUPLICATE")} >= {
        "raw/2023-10/freight/f.csv",
        "raw/2023-10/customs/a.csv",
    }


def test_decisions_seen_before_are_not_taken_twice(desk, read):
    header = "流水标识,订单号,认领金额,认领人,认领时间,理由"
    first = "t1,E1,100.00,张三,2023-09-30 10:00,水单"
    desk.put("raw/2023-09/decisions/a.csv", header, first)
    earlier = read()
    desk.put("raw/2023-10/decisions/a.csv", header, first, "t2,E1,5.00,张三,2023-10-08 10:00,水单")
    books = read("2023-10", _as_past(earlier))
    assert [row["txn_id"] for row in books.rows("stage", "claims")] == ["t2"]
    assert [row["code"] for row in books.rejected("claims")] == ["ROW_DUPLICATE"]


@pytest.mark.parametrize("folder", ["orders", "freight", "bank"])
def test_a_mandatory_folder_absent_or_empty_is_said(desk, read, folder):
    shutil.rmtree(desk.home.inbox("2023-09") / folder)
    [problem] = read().found("INPUT_MISSING")
    assert problem["subject"] == f"2023-09|{folder}" and folder in problem["message"]
    (desk.home.inbox("2023-09") / folder).mkdir()
    assert len(read().found("INPUT_MISSING")) == 1


def test_an_empty_home_is_read_too(tmp_path):
    from settlement.io.home import Home

    con = connect()
    ingest_reference(con, Home(tmp_path))
    ingest_month(con, Home(tmp_path), "2023-09", no_past)
    problems = {row["subject"] for row in Books(con).found("INPUT_MISSING")}
    assert problems == {
        "2023-09|orders",
        "2023-09|bank",
        "2023-09|freight",
        "reference|principals",
        "reference|own_accounts",
    }


def test_masters_are_read_by_file_name_and_dated_rows_are_versions(desk, read):
    desk.put("raw/reference/Principals.csv", "x")
    (desk.home.reference / "principals.csv").unlink()
    (desk.home.reference / "Principals.csv").unlink()
    workbook = openpyxl.Workbook()
    for row in (["委托方编号", "委托方名称", "结算方式", "生效日期"], ["P001", "甲", "票结", date(2020, 1, 1)], ["P001", "甲二", "月结", date(2023, 1, 1)],
                ["P002", "乙", "月结", None], ["P002", "丙", "月结", None]):  # fmt: skip
        workbook.active.append(row)
    workbook.save(desk.home.reference / "principals.xlsx")
    desk.put("raw/reference/stray.csv", "a,b", "1,2")
    desk.put("raw/reference/opening_balances.csv", "委托方编号,月份,期初余额", "P001,2023年9月,5")
    books = read()
    assert [(row["principal_id"], row["name"]) for row in books.rows("reference", "principals")] == [
        ("P001", "甲"),
        ("P001", "甲二"),
    ]
    assert [row["source_row"] for row in books.rejected("principals")] == [4, 5]
    assert "stray.csv" in books.found("FILE_UNREADABLE")[0]["message"]
    assert books.rows("reference", "opening_balances")[0]["month"] == "2023-09"


def test_parameter_files_beside_the_masters_are_left_alone(desk, read):
    desk.put("raw/reference/calendar.csv", "日期,是否工作日", "2023-09-29,否")
    assert not read().found("FILE_UNREADABLE")


def test_two_sheets_of_one_table_keep_their_rows_apart(desk, read):
    workbook = openpyxl.Workbook()
    for title, number in (("订单", 2), ("订单(2)", 3)):
        sheet = workbook.create_sheet(title)
        sheet.append(ORDERS.split(","))
        sheet.append([f"E{number}", "出口国际物流", "P999", "2023-09-05", "CNY", 0])
    del workbook["Sheet"]
    workbook.save(desk.home.inbox("2023-09") / "orders" / "two.xlsx")
    assert [(row["source_file"], row["source_row"]) for row in read().rejected("orders")] == [
        ("raw/2023-09/orders/two.xlsx", 2), ("raw/2023-09/orders/two.xlsx#2", 2)
    ]  # fmt: skip


def test_layouts_name_only_fields_they_have():
    for layout in layouts().values():
        names = set(layout.schema)
        assert {*layout.money_of, *layout.key, *layout.any_of} <= names
        assert layout.currency_of is None or layout.currency_of in names


def test_goods_that_are_rejected_are_in_the_currency_of_their_order(desk, read):
    """Even where the order is rejected with them: USD 80.00 are no 80.00 yuan at risk."""
    desk.put("raw/reference/fx_mid_rates.csv", "发布日期,币种,中间价", "2023-09-28,USD,700")
    desk.put("raw/2023-09/orders/more.csv", ORDERS, "E2,出口贸易代理,P999,2023-09-05,USD,80.00", ORDER.format(3, 5))
    desk.put("raw/2023-09/orders/lines.csv", GOODS, LINE.format(2, 80), LINE.format(3, 5), LINE.format(3, 6))
    books = read()
    total = books.totals("goods")["lines.csv", "USD"]
    assert (total["rows_read"], total["rows_rejected"], total["amount_rejected"]) == (3, 3, Decimal("91.00"))
    at_risk = {
        row["source_row"]: row["amount_at_risk_cny"]
        for row in books.found("ROW_REJECTED")
        if row["source_file"].endswith("lines.csv")
    }
    assert at_risk == {2: Decimal("560.00"), 3: Decimal("35.00"), 4: Decimal("42.00")}


def test_a_tax_bureaus_price_has_fifteen_decimals(desk, read):
    desk.put(
        "raw/2023-09/vat/全量.csv",
        "数电发票号码,销方识别号,销方名称,开票日期,数量,单价,金额,税率,税额,价税合计",
        "23332000000012345678,91330000MA0TE5T087,甲公司,2023-09-05 10:10:10,10.12345678,8.849557522123894,89.59,13%,11.65,101.24",
    )
    books = read()
    [invoice] = books.rows("stage", "vat_invoices")
    assert (invoice["unit_price"], invoice["quantity"], invoice["ex_vat_amount"]) == (
        Decimal("8.84955752"),
        Decimal("10.123457"),
        Decimal("89.59"),
    )
    assert books.found("ROW_REJECTED") == []
