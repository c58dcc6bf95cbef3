"""Writes a story as a home: the folders, the files, the mess in the files, and the truth beside them.

What belongs here: which table goes into which file, and the rows that are bad on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from settlement.sample import documents, oddities, tables, truth
from settlement.sample.catalog import catalog
from settlement.sample.events import events_sheet
from settlement.sample.files import Sheet, repeated, with_rows, write_csv, write_sheet, write_xlsx
from settlement.sample.openings import old_orders_sheet
from settlement.sample.reference import reference_sheets
from settlement.sample.statements import statement
from settlement.sample.story import Story

Rejected = tuple[str, str, int, str]  # file, input table (a workbook may hold two), row counted from 1, why
Job = Callable[[], list[Rejected]]
SheetOf = Callable[[Story, int], Sheet]
_AS_XLSX = ("principals", "client_quotes", "payers")  # reference tables that somebody keeps in Excel


def write_story(home: Path, story: Story) -> None:
    """All files of the home under ``raw/`` and ``truth/``."""
    jobs: list[Job] = [partial(_write_reference, home, story)]
    for month in range(len(story.world.months.names)):
        jobs.extend(_month_jobs(home, story, month))
    jobs.extend(
        [
            partial(_write_truth, home / "truth" / "receipts.csv", truth.receipts_sheet, story),
            partial(_write_truth, home / "truth" / "payments.csv", truth.payments_sheet, story),
            partial(_write_truth, home / "truth" / "amounts.csv", truth.amounts_sheet, story),
            partial(_write_truth, home / "truth" / "oddities.csv", oddities.oddities_sheet, story),
        ]
    )
    # Two files at a time: Arrow works outside the interpreter's lock. Results come back in the order of the jobs.
    with ThreadPoolExecutor(max_workers=2) as pool:
        rejected = [row for rows in pool.map(lambda job: job(), jobs) for row in rows]
    write_csv(
        home / "truth" / "rejected.csv",
        Sheet(
            {
                "file": pa.array([row[0] for row in rejected], pa.string()),
                "table": pa.array([row[1] for row in rejected], pa.string()),
                "row": pa.array([str(row[2]) for row in rejected], pa.string()),
                "why": pa.array([row[3] for row in rejected], pa.string()),
            }
        ),
    )


def _write_reference(home: Path, story: Story) -> list[Rejected]:
    for name, sheet in reference_sheets(story).items():
        chosen = replace(sheet, as_xlsx=name in _AS_XLSX, encoding="utf-8-sig")
        write_sheet(home / "raw" / "reference" / name, chosen, csv_only=story.world.as_csv)
    return []


def _write_truth(path: Path, sheet: Callable[[Story], Sheet], story: Story) -> list[Rejected]:
    write_csv(path, sheet(story))
    return []


def _month_jobs(home: Path, story: Story, month: int) -> list[Job]:
    given = (home, story, month)
    plain = [
        ("customs", "税单", tables.tax_bills_sheet),
        ("customs", "退税通知", tables.refund_notices_sheet),
        ("vat", "全量发票", tables.vat_sheet),
        ("documents", "单证", documents.documents_sheet),
        ("events", "事项", events_sheet),
        ("desk", "快递柜台", oddities.desk_sheet),
    ]
    return [
        partial(_write_orders, *given),
        *[partial(_write_statement, *given, account) for account in range(len(catalog()["own_accounts"]))],
        partial(_write_messy, *given, "freight", "货代账单", _freight_sheet, _BAD_FREIGHT, 3),
        partial(_write_messy, *given, "payments", "付款申请", tables.payments_sheet, _BAD_PAYMENTS, 1),
        *[partial(_write_plain, *given, *part) for part in plain],
    ]


def _freight_sheet(story: Story, month: int) -> Sheet:
    return oddities.freight_with_odd_lines(tables.freight_sheet(story, month), story, month)


def _folder(home: Path, story: Story, month: int, part: str) -> Path:
    return home / "raw" / story.world.months.names[month] / part


def _write_plain(home: Path, story: Story, month: int, part: str, label: str, made: SheetOf) -> list[Rejected]:
    sheet = made(story, month)
    if sheet.rows:
        kind = replace(sheet, as_xlsx=part == "vat")
        target = _folder(home, story, month, part) / f"{label}{story.world.months.names[month]}"
        write_sheet(target, kind, csv_only=story.world.as_csv)
    return []


def _write_messy(
    home: Path, story: Story, month: int, part: str, label: str, made: SheetOf, bad: list, twice: int
) -> list[Rejected]:
    sheet, places, why = _messy(story, month, made(story, month), bad, twice)
    target = _folder(home, story, month, part) / f"{label}{story.world.months.names[month]}"
    return _bad_rows(home, write_sheet(target, sheet, csv_only=True), part, sheet, places, why)


def _write_statement(home: Path, story: Story, month: int, account: int) -> list[Rejected]:
    own, sheet = catalog()["own_accounts"][account], statement(story.world, story.book, account, month)
    if sheet is None:
        return []
    folder, name = _folder(home, story, month, "bank"), story.world.months.names[month]
    label = f"{own['layout'].split('_')[0].upper()}_{own['account_no'][-4:]}_{name}"
    written = write_sheet(folder / label, sheet, csv_only=story.world.as_csv)
    # A second file holds what the first holds; its name sorts later. None of its lines may count twice.
    if own["layout"] == "boc_xlsx" and month % 3 == 0:
        again = "副本"
    elif own["layout"] == "cmb" and story.world.hard:
        # Somebody took the first ten days before the month was over: two files overlap.
        again, until = "上旬", int(story.world.months.first[month]) + 9
        sheet = statement(story.world, story.book, account, month, until=until)
    else:
        return []
    if sheet is None:
        return []
    copy = write_sheet(folder / f"{label}{again}", sheet, csv_only=story.world.as_csv)
    return _bad_rows(home, copy, "bank", sheet, list(range(sheet.rows)), [f"DUPLICATE of {written.name}"] * sheet.rows)


def _write_orders(home: Path, story: Story, month: int) -> list[Rejected]:
    rows = tables.exported_orders(story, month)
    sheet = tables.orders_sheet(story, month, rows)
    if month == 0:
        old = old_orders_sheet(story.world, story.firms, story.openings).columns
        sheet = replace(
            sheet, columns={name: pa.concat_arrays([column, old[name]]) for name, column in sheet.columns.items()}
        )
    orders, places, why = _messy(story, month, sheet, _BAD_ORDERS, 2)
    goods = tables.goods_sheet(story, month, rows)
    folder, name = _folder(home, story, month, "orders"), story.world.months.names[month]
    if story.world.as_csv:
        path = write_sheet(folder / f"订单导出{name}", orders, csv_only=True)
        write_sheet(folder / f"货物导出{name}", goods, csv_only=True)
    else:
        path = folder / f"订单导出{name}.xlsx"
        write_xlsx(path, {"订单": orders, "货物": goods})
    return _bad_rows(home, path, "orders", orders, places, why)


# Rows that no program may accept: an amount that is no number, a required field that is empty.
_BAD_FREIGHT = [
    (
        {
            "供应商": "宁波港晟国际船务代理有限公司",
            "供应商账单号": "NBGSX0000001",
            "订单号": "SO23000001",
            "费用代码": "DOC",
            "费用名称": "文件费",
            "币种": "CNY",
            "金额": "12,3x",
            "计费单位": "票",
            "数量": "1",
            "账单日期": "{day}",
        },
        "amount",
    ),
    (
        {
            "供应商": "宁波港晟国际船务代理有限公司",
            "供应商账单号": "NBGSX0000002",
            "订单号": "SO23000001",
            "费用名称": "文件费",
            "币种": "CNY",
            "金额": "450.00",
            "计费单位": "票",
            "数量": "1",
            "账单日期": "{day}",
        },
        "charge_code",
    ),
    (
        {
            "供应商": "宁波港晟国际船务代理有限公司",
            "供应商账单号": "NBGSX0000003",
            "费用代码": "DOC",
            "费用名称": "文件费",
            "币种": "CNY",
            "金额": "450.00",
            "计费单位": "票",
            "数量": "1",
            "账单日期": "{day}",
        },
        "order_no, bl_no, container_no",
    ),
]
_BAD_PAYMENTS = [
    (
        {
            "申请单号": "QKX0000001",
            "订单号": "SO23000001",
            "款项类型": "货款",
            "收款方类型": "委托方",
            "收款方名称": "某某有限公司",
            "币种": "CNY",
            "金额": "1000.00",
        },
        "payee_account",
    ),
]
_BAD_ORDERS = [
    (
        {"订单号": "SO23X00001", "服务类型": "出口国际物流", "下单日期": "{day}", "币种": "CNY", "外币金额": "0"},
        "principal_id",
    ),
    (
        {
            "订单号": "SO23X00002",
            "服务类型": "出口贸易代理",
            "委托方编号": "P00001",
            "币种": "USD",
            "外币金额": "10000",
        },
        "ordered_on",
    ),
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


def _bad_rows(home: Path, path: Path, table: str, sheet: Sheet, places: list[int], why: list[str]) -> list[Rejected]:
    above = len(sheet.above) + 2  # the header is a row, and rows count from 1
    file = path.relative_to(home).as_posix()
    return [(file, table, place + above, reason) for place, reason in zip(places, why, strict=True)]
