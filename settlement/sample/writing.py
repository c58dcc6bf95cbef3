"""Writes a story as a home: the folders, the files, the mess in the files, and the truth beside them.

What belongs here: which table goes into which file, and the rows that are bad on purpose.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from settlement.sample import evidence, tables, truth
from settlement.sample.catalog import catalog
from settlement.sample.files import Sheet, repeated, with_rows, write_csv, write_sheet, write_xlsx
from settlement.sample.reference import reference_sheets
from settlement.sample.statements import statement
from settlement.sample.story import Story

_AS_XLSX = ("principals", "client_quotes", "payers")  # reference tables that somebody keeps in Excel


def write_story(home: Path, story: Story) -> None:
    """All files of the home under ``raw/`` and ``truth/``."""
    rejected: list[tuple[str, int, str]] = []
    for name, sheet in reference_sheets(story).items():
        chosen = Sheet(**{**vars(sheet), "as_xlsx": name in _AS_XLSX, "encoding": "utf-8-sig"})
        write_sheet(home / "raw" / "reference" / name, chosen, csv_only=story.world.as_csv)
    for month, name in enumerate(story.world.months.names):
        _write_month(home, home / "raw" / name, story, month, rejected)
    answers = home / "truth"
    write_csv(answers / "receipts.csv", truth.receipts_sheet(story))
    write_csv(answers / "payments.csv", truth.payments_sheet(story))
    write_csv(answers / "amounts.csv", truth.amounts_sheet(story))
    write_csv(answers / "rejected.csv", Sheet({
        "file": pa.array([row[0] for row in rejected], pa.string()),
        "row": pa.array([str(row[1]) for row in rejected], pa.string()),
        "why": pa.array([row[2] for row in rejected], pa.string()),
    }))


def _write_month(home: Path, folder: Path, story: Story, month: int, rejected: list) -> None:
    name = folder.name
    _write_orders(home, folder, story, month, rejected)
    for account, own in enumerate(catalog()["own_accounts"]):
        sheet = statement(story.world, story.book, account, month)
        if sheet is None:
            continue
        label = f"{own['layout'].split('_')[0].upper()}_{own['account_no'][-4:]}_{name}"
        written = write_sheet(folder / "bank" / label, sheet, csv_only=story.world.as_csv)
        if own["layout"] == "boc_xlsx" and month % 3 == 0:
            # The same statement once more under another name: none of its lines may count twice.
            copy = write_sheet(folder / "bank" / f"{label}(1)", sheet, csv_only=story.world.as_csv)
            rejected.extend(_all_rows(home, copy, sheet, f"DUPLICATE of {written.name}"))
    freight = _messy(story, month, tables.freight_sheet(story, month), _BAD_FREIGHT, 3)
    rejected.extend(_bad_rows(home, write_sheet(folder / "freight" / f"货代账单{name}", freight[0], csv_only=True), *freight))
    payments = _messy(story, month, tables.payments_sheet(story, month), _BAD_PAYMENTS, 1)
    rejected.extend(_bad_rows(home, write_sheet(folder / "payments" / f"付款申请{name}", payments[0], csv_only=story.world.as_csv), *payments))
    for part, label, sheet in (
        ("customs", "税单", tables.tax_bills_sheet(story, month)), ("customs", "退税通知", tables.refund_notices_sheet(story, month)),
        ("vat", "全量发票", tables.vat_sheet(story, month)), ("documents", "单证", evidence.documents_sheet(story, month)),
        ("events", "事项", evidence.events_sheet(story, month)),
    ):
        if sheet.rows:
            kind = Sheet(**{**vars(sheet), "as_xlsx": part == "vat"})
            write_sheet(folder / part / f"{label}{name}", kind, csv_only=story.world.as_csv)


def _write_orders(home: Path, folder: Path, story: Story, month: int, rejected: list) -> None:
    rows = tables.exported_orders(story, month)
    orders = _messy(story, month, tables.orders_sheet(story, month, rows), _BAD_ORDERS, 2)
    goods = tables.goods_sheet(story, month, rows)
    target = folder / "orders" / f"订单导出{folder.name}"
    if story.world.as_csv:
        path = write_sheet(target, orders[0], csv_only=True)
        write_sheet(folder / "orders" / f"货物导出{folder.name}", goods, csv_only=True)
    else:
        path = target.with_name(target.name + ".xlsx")
        write_xlsx(path, {"订单": orders[0], "货物": goods})
    rejected.extend(_bad_rows(home, path, *orders))


# Rows that no program may accept: an amount that is no number, a required field that is empty.
_BAD_FREIGHT = [
    ({"供应商": "宁波港晟国际船务代理有限公司", "供应商账单号": "NBGSX0000001", "订单号": "SO23000001", "费用代码": "DOC", "费用名称": "文件费",
      "币种": "CNY", "金额": "12,3x", "计费单位": "票", "数量": "1", "账单日期": "{day}"}, "amount"),
    ({"供应商": "宁波港晟国际船务代理有限公司", "供应商账单号": "NBGSX0000002", "订单号": "SO23000001", "费用名称": "文件费", "币种": "CNY",
      "金额": "450.00", "计费单位": "票", "数量": "1", "账单日期": "{day}"}, "charge_code"),
    ({"供应商": "宁波港晟国际船务代理有限公司", "供应商账单号": "NBGSX0000003", "费用代码": "DOC", "费用名称": "文件费", "币种": "CNY",
      "金额": "450.00", "计费单位": "票", "数量": "1", "账单日期": "{day}"}, "order_no, bl_no, container_no"),
]
_BAD_PAYMENTS = [
    ({"申请单号": "QKX0000001", "订单号": "SO23000001", "款项类型": "货款", "收款方类型": "委托方", "收款方名称": "某某有限公司", "币种": "CNY",
      "金额": "1000.00"}, "payee_account"),
]
_BAD_ORDERS = [
    ({"订单号": "SO23X00001", "服务类型": "出口国际物流", "下单日期": "{day}", "币种": "CNY", "外币金额": "0"}, "principal_id"),
    ({"订单号": "SO23X00002", "服务类型": "出口贸易代理", "委托方编号": "P00001", "币种": "USD", "外币金额": "10000"}, "ordered_on"),
]


def _messy(story: Story, month: int, sheet: Sheet, bad: list, twice: int) -> tuple[Sheet, list[int], list[str]]:
    """The sheet with some rows twice and some bad ones; the rows (counted from 0 in the sheet) that must be rejected."""
    wanted = twice * (3 if story.world.hard else 1)
    dice = story.world.dice(f"mess {month} {','.join(sheet.columns)}")
    again = np.sort(dice.choice(sheet.rows, min(wanted, sheet.rows), replace=False)).tolist() if sheet.rows else []
    day = f"{story.world.months.names[month]}-11"
    rows = [{name: text.replace("{day}", day) for name, text in row.items()} for row, _ in bad]
    first = sheet.rows
    made = with_rows(repeated(sheet, again), rows)
    places = list(range(first, first + len(again) + len(rows)))
    return made, places, [*["DUPLICATE"] * len(again), *[f"BAD {field}" for _, field in bad]]


def _bad_rows(home: Path, path: Path, sheet: Sheet, places: list[int], why: list[str]) -> list[tuple[str, int, str]]:
    above = len(sheet.above) + 2  # the header is a row, and rows count from 1
    file = path.relative_to(home).as_posix()
    return [(file, place + above, reason) for place, reason in zip(places, why, strict=True)]


def _all_rows(home: Path, path: Path, sheet: Sheet, why: str) -> list[tuple[str, int, str]]:
    return _bad_rows(home, path, sheet, list(range(sheet.rows)), [why] * sheet.rows)
