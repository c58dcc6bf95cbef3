"""The raw files of a home as csv, openpyxl and decimal read them: rows, bank lines, mid rates. Nothing of the program."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from openpyxl import load_workbook

FEN, NIL = Decimal("0.01"), Decimal(0)
Row = dict[str, str]


# --- files ---------------------------------------------------------------------------------------
def fen(value: Decimal) -> Decimal:
    return value.quantize(FEN, rounding=ROUND_HALF_UP)


def sheets(path: Path) -> Iterator[list[list[str]]]:
    """The cells of each table of a file as text."""
    if path.suffix == ".xlsx":
        for sheet in load_workbook(path):
            yield [[_text(cell) for cell in line] for line in sheet.iter_rows(values_only=True)]
        return
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    yield [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text))]


def _text(cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time().isoformat() == "00:00:00" else cell.isoformat(sep=" ")
    # An amount that Excel holds as a binary number is the decimal that it shows.
    return format(Decimal(repr(cell)), "f") if isinstance(cell, int | float) else str(cell).strip()


def table(root: Path, folder: str, *heads: str, until: str = "9999-12") -> list[Row]:
    """Rows of the files of a folder that have these headers, in order of month, file and row, with ``month``."""
    rows: list[Row] = []
    for path in sorted(root.glob(f"raw/{folder}/*")):
        for lines in sheets(path):
            at = next(
                (number for number, line in enumerate(lines) if set(heads) <= {_head(cell) for cell in line}), None
            )
            if at is None:
                continue
            names = [_head(cell) for cell in lines[at]]
            month = path.parts[-3] if folder.startswith("*") else ""
            if month > until:
                continue
            rows += [dict(zip(names, line, strict=False)) | {"month": month} for line in lines[at + 1 :] if any(line)]
    return rows


def _head(cell: str) -> str:
    return re.sub(r"\[.*?\]", "", cell).strip()


def once(rows: Iterable[Row], *needed: str, apart: tuple[str, ...] = ("month",)) -> list[Row]:
    """Rows with everything that is needed, equal ones of one month once."""
    seen, kept = set(), []
    for row in rows:
        key = tuple(sorted((name, value) for name, value in row.items() if name not in apart)) + (row["month"],)
        if all(row.get(name) for name in needed) and key not in seen:
            seen.add(key)
            kept.append(row)
    return kept


def money(text: str | None) -> Decimal | None:
    """An amount as written; None where there is none, or it cannot be read."""
    written = (text or "").replace(",", "").replace("￥", "")
    return Decimal(written) if re.fullmatch(r"-?\d+(\.\d+)?", written) else None


def day(text: str | None) -> date | None:
    digits = re.sub(r"\D", "", text or "")[:8]
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if len(digits) == 8 else None


def shared(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """``total`` over the weights in fen: largest remainder, ties to the first."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [Decimal(int(each * 100)) / 100 for each in exact]
    order = sorted(range(len(weights)), key=lambda index: (parts[index] - exact[index], index))
    for index in order[: int((total - sum(parts)) * 100)]:
        parts[index] += FEN
    return parts


# --- bank ----------------------------------------------------------------------------------------
def bank_lines(root: Path) -> list[dict]:
    """Every bank line once: account, currency, on, amount (+ in), ref, text, cny, rate (CNY per 1)."""
    currency = {row["账号"]: row["币种"] for row in table(root, "reference", "账号", "户名")}
    lines, seen = [], defaultdict(int)
    for path in sorted(root.glob("raw/*/bank/*")):
        here = defaultdict(int)
        for cells in sheets(path):
            for line in _of_sheet(cells, currency):
                identity = tuple(line[name] for name in ("account", "ref", "on", "amount", "who"))
                here[identity] += 1
                # The same line of an overlapping download is the same line; equal twins of one file are two.
                if here[identity] > seen[identity]:
                    seen[identity] = here[identity]
                    lines.append(line | {"occurrence": here[identity]})
    return lines


def _of_sheet(cells: list[list[str]], currency: Mapping[str, str]) -> Iterator[dict]:
    at = next(
        number
        for number, line in enumerate(cells)
        if {"交易日期", "交易日", "交易时间"} & {_head(cell) for cell in line}
    )
    account = next(
        number for line in cells[:at] for cell in line for number in re.findall(r"\d{12,}", cell) if number in currency
    )
    names = [_head(cell) for cell in cells[at]]
    for line in cells[at + 1 :]:
        row = dict(zip(names, line, strict=False))
        on = day(row.get("交易日期") or row.get("交易日") or row.get("交易时间"))
        if on is None:
            continue
        into, out = (money(row.get(f"贷方{word}") or row.get("贷方发生额")) for word in ("金额",)), None
        into = next(into)
        out = money(row.get("借方金额") or row.get("借方发生额"))
        amount = money(row.get("交易金额"))
        amount = amount if amount is not None else (into or NIL) - (out or NIL)
        sender, receiver = row.get("付款人名称"), row.get("收款人名称")
        who = (receiver if amount < 0 else sender) or row.get("对方单位名称") or row.get("收(付)方名称") or ""
        rate = money(row.get("汇率"))
        yield {
            "account": account, "currency": currency[account], "on": on, "amount": amount, "who": who,
            "ref": row.get("交易流水号") or row.get("流水号") or row.get("凭证号") or "",
            "text": " ".join(filter(None, (row.get("摘要"), row.get("用途"), row.get("交易附言"), row.get("(回单)个性化信息")))),
            "cny": money(row.get("折人民币金额")), "rate": rate / 100 if rate else None,
        }  # fmt: skip


class Rates:
    """Mid rates, CNY per 1: the last published on or before a day."""

    def __init__(self, root: Path) -> None:
        self.published = defaultdict(list)
        for row in table(root, "reference", "发布日期", "中间价"):
            self.published[row["币种"]].append((day(row["发布日期"]), Decimal(row["中间价"]) / 100))

    def on(self, currency: str, when: date) -> Decimal | None:
        known = [entry for entry in sorted(self.published[currency]) if entry[0] <= when]
        return known[-1][1] if known else None


def worth(line: dict, lines: Sequence[dict], rates: Rates) -> Decimal:
    """CNY of a receipt: the bank's amount, its rate, the conversion that fixed it, else the mid rate."""
    if line["currency"] == "CNY":
        return line["amount"]
    if line["cny"] is not None:
        return line["cny"]
    if line["rate"] is not None:
        return fen(line["amount"] * line["rate"])
    sold = _sales_of(line, lines)
    if sold and sum((-each["amount"] for each in sold), NIL) == line["amount"]:
        return sum((abs(each["cny"]) for each in sold), NIL)
    return fen(line["amount"] * rates.on(line["currency"], line["on"]))


def _sales_of(line: dict, lines: Sequence[dict]) -> list[dict]:
    """The sales of a receipt: those that quote its serial, else the one of its amount where nothing else is of it."""
    sales = [
        each
        for each in lines
        if each["account"] == line["account"]
        and each["amount"] < 0
        and "结汇" in each["text"]
        and each["on"] >= line["on"]
    ]
    quoting = [each for each in sales if line["ref"] and line["ref"] in each["text"]]
    if quoting:
        return quoting
    serials = {each["ref"] for each in lines if each["amount"] > 0 and each["ref"]}
    free = [
        each
        for each in sales
        if -each["amount"] == line["amount"]
        and not any(word in serials for word in re.findall(r"\w+", each["text"], re.ASCII))
    ]
    return free if len(free) == 1 else []


def key_of(line: dict) -> tuple:
    return line["account"], line["ref"], line["on"].isoformat(), str(line["amount"]), line["occurrence"]
