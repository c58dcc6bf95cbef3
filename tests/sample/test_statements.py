"""Bank statements: balances chain over files and months, control totals hold, lines carry one side."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.sample.reading import decoded, grids, months_of, truth

SIDES = {"icbc": ("借方发生额", "贷方发生额", "余额"), "cmb": ("借方金额", "贷方金额", "余额")}


def is_copy(path):
    """A file all of whose lines another file holds too."""
    return path.stem.endswith(("副本", "上旬"))


def statement(path):
    """(layout, rows as dicts, rows above the header, rows below the last line)."""
    grid = next(grids(path))
    start = next(
        place for place, row in enumerate(grid) if "余额" in "".join(row) and len([cell for cell in row if cell]) > 8
    )
    header = grid[start]
    layout = "boc" if any("Trade Amount" in cell for cell in header) else "icbc" if "凭证号" in header else "cmb"
    date_place = next(place for place, cell in enumerate(header) if cell.startswith(("交易日", "交易时间")))
    body = [row for row in grid[start + 1 :] if re.match(r"\d{4}", row[date_place] if len(row) > date_place else "")]
    below = [row for row in grid[start + 1 :] if row not in body]
    return layout, [dict(zip(header, row, strict=False)) for row in body], grid[:start], below


def movement(layout, row):
    if layout == "boc":
        return Decimal(row["交易金额[ Trade Amount ]"]), Decimal(row["交易后余额[ After-transaction balance ]"])
    debit, credit, balance = (row[name] for name in SIDES[layout])
    assert bool(debit) != bool(credit)
    return Decimal(credit or 0) - Decimal(debit or 0), Decimal(balance)


def test_balances_chain_over_lines_and_months(home):
    carried = {}
    for month in months_of(home):
        for path in sorted((home / "raw" / month / "bank").iterdir()):
            if is_copy(path):
                continue
            account = path.name.split("_")[1]
            layout, rows, _, _ = statement(path)
            for row in rows:
                moved, balance = movement(layout, row)
                assert account not in carried or carried[account] + moved == balance, (path.name, row)
                assert balance > 0
                carried[account] = balance
    assert len(carried) == 5


def test_control_totals_hold(home):
    for path in sorted((home / "raw" / months_of(home)[0] / "bank").iterdir()):
        layout, rows, above, below = statement(path)
        if layout == "boc":
            figures = [movement(layout, row)[0] for row in rows]
            lines = {row[0].split("[")[0]: row for row in above}
            assert int(lines["总笔数"][1]) == len(rows)
            assert Decimal(lines["贷方总笔数"][3]) == sum(figure for figure in figures if figure > 0)
            assert Decimal(lines["借方总笔数"][3]) == -sum(figure for figure in figures if figure < 0)
        else:
            debit, credit, _ = SIDES[layout]
            total = next(row for row in below if row and row[0] in ("合计", "总计"))
            sums = [sum(Decimal(row[name] or 0) for row in rows) for name in (debit, credit)]
            assert [Decimal(cell) for cell in total if re.fullmatch(r"[\d.]+", cell)] == sums


def test_encodings_are_those_of_the_banks(easy_home):
    for path in (easy_home / "raw/2023-09/bank").glob("*.csv"):
        data = path.read_bytes()
        if path.name.startswith("BOC"):
            assert data.startswith(b"\xef\xbb\xbf")
        else:
            assert data.decode("gb18030") == decoded(path)
            assert b"\xef\xbb\xbf" not in data


def test_every_line_is_in_the_truth_once(home):
    """As many lines, and the same money, for each account and month."""
    answered = {}
    for name in ("receipts.csv", "payments.csv"):
        for row in truth(home, name):
            key = (
                row["account_no"],
                row["month"],
                row["bank_ref"],
                row["booked_on"],
                row["amount"],
                row["occurrence"],
                name,
            )
            answered.setdefault(key, Decimal(0))
            answered[key] += Decimal(row["piece"])
    by_account = {}
    for key, pieces in answered.items():
        assert abs(Decimal(key[4])) == pieces, key
        by_account.setdefault((key[0][-4:], key[1]), []).append(Decimal(key[4]))
    for month in months_of(home):
        for path in sorted((home / "raw" / month / "bank").iterdir()):
            if not is_copy(path):
                layout, rows, _, _ = statement(path)
                lines = sorted(movement(layout, row)[0] for row in rows)
                assert lines == sorted(by_account[path.name.split("_")[1], month]), path.name


def test_a_reversal_stands_in_red(easy_home):
    layout, rows, _, _ = statement(next((easy_home / "raw/2023-09/bank").glob("ICBC*")))
    red = [row for row in rows if row["借方发生额"].startswith("-")]
    assert layout == "icbc" and [row["摘要"] for row in red] == ["冲正"]
