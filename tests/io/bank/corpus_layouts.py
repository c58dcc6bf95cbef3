"""The truth in the layouts of banks: which columns, which words above and below, which form of file.

Run as a program (``python -m tests.io.bank.corpus_layouts``) it writes the corpus anew; the ``.xls`` need LibreOffice.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter

from tests.io.bank.corpus_truth import HOLDER, Account, Line, cny, cut, jpy, usd, wallet

CORPUS = Path(__file__).parent / "corpus"
Column = tuple[str, str | None, Callable[[Line], object]]


@dataclass(frozen=True)
class Case:
    """One file: its name, its layout, whose truth it shows, how."""

    file: str
    layout: str
    account: Account
    columns: Sequence[Column]
    before: Sequence[Sequence[object]] = ()
    after: Sequence[Sequence[object]] = ()
    header_rows: Sequence[Sequence[str]] = ()
    between: dict[int, Sequence[Sequence[object]]] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str = ","
    is_reversed: bool = False
    states_account: bool = True
    is_anchored: bool = True
    line_end: str = "\r\n"


def words(name: str) -> Callable[[Line], str]:
    return lambda line: getattr(line, name) or ""


def money(amount: Decimal, currency: str = "CNY") -> str:
    return f"{amount:,.0f}" if currency == "JPY" else f"{amount:,.2f}"


def plain(amount: Decimal) -> str:
    return f"{amount:.2f}"


def side(sign: int, form: Callable[[Decimal], object] = money, empty: object = "") -> Callable[[Line], object]:
    """The amount in the column of its side; a reversal stands, negative, on the side of what it reverses."""

    def show(line: Line) -> object:
        is_here = (line.amount * sign > 0) != line.is_reversal
        return form(line.amount * sign) if is_here else empty

    return show


def mark(into: str, out: str) -> Callable[[Line], str]:
    return lambda line: into if (line.amount > 0) != line.is_reversal else out


def size(form: Callable[[Decimal], object] = money) -> Callable[[Line], object]:
    return lambda line: form(-abs(line.amount) if line.is_reversal else abs(line.amount))


def moment(form: str) -> Callable[[Line], str]:
    return lambda line: line.at.strftime(form)


def value(form: str) -> Callable[[Line], str]:
    return lambda line: line.value_on.strftime(form) if line.value_on else ""


def constant(text: str) -> Callable[[Line], str]:
    return lambda line: text


DEBIT, CREDIT = -1, 1
NAME = ("counterparty_name", words("name"))
ACCOUNT = ("counterparty_account", words("account"))
BANK = ("counterparty_bank", words("bank"))
SUMMARY, PURPOSE, REMARK = ("summary", words("summary")), ("purpose", words("purpose")), ("remark", words("remark"))
REF = ("bank_ref", words("ref"))


def balance(form: Callable[[Decimal], object] = money) -> tuple[str, Callable[[Line], object]]:
    return "balance", lambda line: form(line.balance)


def rows_of(case: Case) -> list[list[object]]:
    """The file as rows of cells."""
    lines = list(case.account.lines)[:: -1 if case.is_reversed else 1]
    rows: list[list[object]] = [list(row) for row in case.before]
    rows += [list(row) for row in case.header_rows] or [[header for header, _, _ in case.columns]]
    for number, line in enumerate(lines):
        rows += [list(row) for row in case.between.get(number, ())]
        rows.append([show(line) for _, _, show in case.columns])
    return rows + [list(row) for row in case.after]


def golden(case: Case) -> dict[str, object]:
    """What a reader must find: the truth, as far as the layout shows it."""
    shown = {name for _, name, _ in case.columns if name}
    lines = list(case.account.lines)[:: -1 if case.is_reversed else 1]
    return {
        "layout": case.layout,
        "account_no": case.account.number if case.states_account else None,
        "currency": case.account.currency,
        "opening": plain(case.account.opening),
        "closing": plain(case.account.closing),
        "is_anchored": case.is_anchored,
        "lines": [_golden_line(line, shown) for line in lines],
    }


def _golden_line(line: Line, shown: set[str]) -> dict[str, str | bool | None]:
    found: dict[str, str | bool | None] = {
        "booked_on": line.on.isoformat(),
        "amount": plain(line.amount),
        "is_reversal": line.is_reversal,
        "booked_at": line.at.isoformat(" ") if "booked_at" in shown else None,
        "value_on": line.value_on.isoformat() if line.value_on and "value_on" in shown else None,
        "balance": plain(line.balance) if "balance" in shown else None,
        "fx_rate": None,
    }
    if "fx_rate" in shown and line.fx_rate and line.fx_rate != "1.000000":
        found["fx_rate"] = f"{Decimal(line.fx_rate).scaleb(-2):.8f}"
    for name, attribute in (
        ("counterparty_name", "name"),
        ("counterparty_account", "account"),
        ("counterparty_bank", "bank"),
        ("summary", "summary"),
        ("purpose", "purpose"),
        ("remark", "remark"),
        ("bank_ref", "ref"),
    ):
        text = getattr(line, attribute) if name in shown else None
        found[name] = text.upper() if text and name in ("counterparty_account", "bank_ref") else text
    return found


def as_text(case: Case) -> bytes:
    stream = io.StringIO()
    if case.delimiter == "|":  # BOC ends each row with the delimiter and quotes nothing
        for row in rows_of(case):
            stream.write("|".join(map(str, row)) + "|" + case.line_end)
    else:
        csv.writer(stream, delimiter=case.delimiter, lineterminator=case.line_end).writerows(rows_of(case))
    return stream.getvalue().encode(case.encoding)


def write_workbook(case: Case, path: Path) -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as workbook:
        workbook.set_properties({"created": datetime.fromisoformat("2023-10-01")})
        sheet = workbook.add_worksheet("明细")
        for number, row in enumerate(rows_of(case)):
            for at, cell in enumerate(row):
                if isinstance(cell, Decimal):
                    sheet.write_number(number, at, float(cell))
                elif isinstance(cell, datetime):
                    sheet.write_datetime(number, at, cell)
                elif cell != "":
                    sheet.write_string(number, at, str(cell))


def write_page(case: Case, path: Path) -> None:
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows_of(case))
    path.write_text(
        f"<html><head><meta charset='utf-8'></head><body><table border=1>\n{rows}</table></body></html>", "utf-8"
    )


def write_old_workbook(case: Case, path: Path) -> None:
    """A true OLE workbook, by LibreOffice; the name may end in .csv, as banks do."""
    with tempfile.TemporaryDirectory() as folder:
        write_workbook(case, Path(folder) / "book.xlsx")
        subprocess.run(
            ["soffice", "--headless", "--convert-to", "xls", "--outdir", folder, f"{folder}/book.xlsx"],
            check=True,
            capture_output=True,
        )
        shutil.copy(Path(folder) / "book.xls", path)


def write(case: Case, folder: Path) -> None:
    path = folder / case.file
    if case.file.endswith(".xlsx"):
        write_workbook(case, path)
    elif ".page." in case.file:
        write_page(case, path)
    elif case.file.endswith(".xls") or ".ole." in case.file:
        write_old_workbook(case, path)
    else:
        path.write_bytes(as_text(case))


def totals(account: Account) -> dict[str, str]:
    return {
        "in": money(account.total(1)),
        "out": money(account.total(-1)),
        "in#": str(account.count(1)),
        "out#": str(account.count(-1)),
        "#": str(len(account.lines)),
        "opening": money(account.opening),
        "closing": money(account.closing),
    }


def side_totals(account: Account) -> tuple[str, str]:
    """Sums of the two columns, where a reversal stands negative in the column of what it reverses: (debit, credit)."""
    out = sum((-line.amount for line in account.lines if (line.amount < 0) != line.is_reversal), Decimal(0))
    into = sum((line.amount for line in account.lines if (line.amount > 0) != line.is_reversal), Decimal(0))
    return money(out), money(into)


def side_counts(account: Account) -> tuple[str, str]:
    """Counts of the two columns: (debit, credit)."""
    out = sum((line.amount < 0) != line.is_reversal for line in account.lines)
    return str(out), str(len(account.lines) - out)


def main() -> None:
    from tests.io.bank.corpus_cases import cases

    only = set(sys.argv[1:])
    for case in cases():
        if only and case.file not in only:
            continue
        write(case, CORPUS)
        text = json.dumps(golden(case), ensure_ascii=False, indent=1)
        (CORPUS / f"{case.file}.json").write_text(text + "\n", "utf-8")


__all__ = ["HOLDER", "cny", "cut", "jpy", "usd", "wallet"]

if __name__ == "__main__":
    main()
