"""Good files, spoiled at random: the same money, or an exception that names the file; never a crash, never another sum in silence.

A file that ends early, its totals with it, proves nothing by itself; the statements before and after it do. So each
mutant is read between its two neighbours, as it is in a home.

500 mutants here; ``BANK_FUZZ_MUTANTS=20000 pytest tests/io/bank/test_fuzz.py`` is the long run. Every mutant has a number
of its own, which a failure names: ``mutant(number)`` makes it again.
"""

from __future__ import annotations

import csv
import io
import os
import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from settlement.io.bank import StatementRead, combine, read_statement
from tests.io.bank.camt_writer import details, entry, message
from tests.io.bank.corpus_cases import cases
from tests.io.bank.corpus_layouts import CORPUS

MUTANTS = int(os.environ.get("BANK_FUZZ_MUTANTS", "500"))
OWN = {case.account.number: case.account.currency for case in cases()} | {"OWN1": "USD", "123456789": "USD"}
TEXT_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "big5", "latin-1", "utf-32")

SWIFT = (
    ":20:S1\n:25:123456789\n:28C:17/1\n:60F:C230901USD1000,00\n:61:2309050905C29990,00NTRFREF1//IR23090500012\n:86:/ORDP//NAME/GLOBAL HOME/REMI/EX202308-031\n"
    ":61:2309060906D100000,5NTRFREF2//FX1\n:61:2309080908RD3,00NCHGREF3//IR9\n:86:166?00FEE?20REVERSED?32BANK\n:61:2309210921C100000,00NTRFREF4//IR4\n"
    ":62F:C230930USD30992,50\n-\n:20:S2\n:25:123456789\n:28C:18/1\n:60F:C230930USD30992,50\n:61:2310080930C7,50NINTNONREF\n:62F:C231008USD31000,00\n-\n"
)
CAMT = message(
    [
        entry("29990.00", ref="B1"),
        entry("310.00", ref="B2", inner=details(("100.00", "ALPHA LTD", "INV 1"), ("210.00", "BETA LTD", "INV 2"))),
        entry("-42.75", ref="B3"),
    ],
    opening="100.00",
    to_day="2023-09-30",
)


def good_files() -> dict[str, bytes]:
    """The whole corpus, an MT940 and a camt.053."""
    found = {case.file: (CORPUS / case.file).read_bytes() for case in cases()}
    return found | {"swift.sta": SWIFT.encode(), "camt.xml": CAMT.encode()}


FILES = good_files()


def money(read) -> Counter[tuple[str | None, str, Decimal]]:
    """Whose money, and how often each amount: two changes that cancel out in the sum are still seen."""
    columns = (read.lines.column(name).to_pylist() for name in ("account_no", "currency", "amount"))
    return Counter(zip(*columns, strict=True))


def sums(amounts: Counter) -> dict[tuple[str | None, str], Decimal]:
    """The sums of an account and currency that are not zero."""
    total: dict[tuple[str | None, str], Decimal] = {}
    for (account, currency, amount), count in amounts.items():
        total[account, currency] = total.get((account, currency), Decimal(0)) + amount * count
    return {key: amount for key, amount in total.items() if amount}


def says_something(read: StatementRead, codes: Counter, neighbours: list[StatementRead]) -> bool:
    """Whether the file is among the exceptions: a finding, a refused row, an account not ours, a gap to its neighbours."""
    found = Counter(finding.code for finding in read.findings)
    unknown = set(read.lines.column("account_no").to_pylist()) - set(OWN)
    if found != codes or read.rejected.num_rows > 0 or unknown:
        return True
    combined = combine([neighbours[0], read, neighbours[1]])
    return any(finding.code == "BNK_CONTINUITY" and read.path.name in finding.message for finding in combined.findings)


def neighbour(folder: Path, name: str, account: str, currency: str, day: date, opening: Decimal) -> StatementRead:
    """A statement of one day with an inward and an outward line that cancel out."""
    path = folder / name
    rows = [f"{account},{currency},{day},,1.00,{opening + 1},N1", f"{account},{currency},{day},1.00,,{opening},N2"]
    path.write_text("\n".join(["账号,币种,交易日期,借方发生额,贷方发生额,余额,流水号", *rows, ""]), "utf-8")
    return read_statement(path, own_accounts=OWN)


def flip(content: bytes, chance: random.Random) -> bytes:
    at, count = chance.randrange(len(content)), chance.choice((1, 1, 1, 2, 5))
    return content[:at] + bytes(chance.randrange(256) for _ in range(count)) + content[at + count :]


def other_digit(content: bytes, chance: random.Random) -> bytes:
    digits = [at for at, byte in enumerate(content) if 48 <= byte <= 57]
    at = chance.choice(digits)
    return content[:at] + bytes([48 + (content[at] - 48 + chance.randrange(1, 10)) % 10]) + content[at + 1 :]


def cut_off(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def drop_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    first = chance.randrange(len(lines))
    return b"".join(lines[:first] + lines[first + chance.choice((1, 1, 2, 3)) :])


def repeat_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


def swap_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _text(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def swap_columns(content: bytes, chance: random.Random) -> bytes:
    """Two columns change places: with their header, or only below it."""
    text = _text(content)
    rows = list(csv.reader(io.StringIO(text))) if text else []
    width = max((len(row) for row in rows), default=0)
    if width < 2:
        return content
    one, other = chance.sample(range(width), 2)
    header = max(range(len(rows)), key=lambda at: sum(bool(cell) for cell in rows[at]))
    for row in rows[header if chance.random() < 0.5 else header + 1 :]:
        if len(row) > max(one, other):
            row[one], row[other] = row[other], row[one]
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode("utf-8")


def re_encode(content: bytes, chance: random.Random) -> bytes:
    text = _text(content)
    return content if text is None else text.encode(chance.choice(TEXT_ENCODINGS), chance.choice(("replace", "ignore")))


TEXT_CHANGES = (
    flip,
    flip,
    other_digit,
    other_digit,
    cut_off,
    drop_line,
    repeat_line,
    swap_lines,
    swap_columns,
    re_encode,
)
BINARY_CHANGES = (flip, flip, cut_off)


def mutant(number: int) -> tuple[str, str, bytes]:
    """The file, the change and the spoiled content of one mutant."""
    chance = random.Random(number)
    name = sorted(FILES)[number % len(FILES)]
    is_binary = FILES[name][:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
    change = chance.choice(BINARY_CHANGES if is_binary else TEXT_CHANGES)
    return name, change.__name__, change(FILES[name], chance)


@dataclass
class Good:
    """What a good file holds: its money, the findings it has anyway (reversals), the statements beside it."""

    money: Counter
    codes: Counter
    neighbours: list[StatementRead]
    default_account: str | None


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, Good]:
    folder = tmp_path_factory.mktemp("good")
    unstated = {case.file: case.account.number for case in cases() if not case.states_account}
    found = {}
    for name, content in FILES.items():
        path = folder / name
        path.write_bytes(content)
        read = read_statement(path, own_accounts=OWN, default_account=unstated.get(name))
        assert read.rejected.num_rows == 0 and {finding.code for finding in read.findings} <= {"BNK_REVERSAL"}, name
        first, last = read.statements.to_pylist()[0], read.statements.to_pylist()[-1]
        ends = (
            (first["from_on"] - timedelta(days=1), first["opening"], "before"),
            (last["to_on"] + timedelta(days=1), last["closing"], "after"),
        )
        beside = [
            neighbour(folder, f"{name}.{side}.csv", first["account_no"], first["currency"], day, balance)
            for day, balance, side in ends
        ]
        assert combine([beside[0], read, beside[1]]).breaks == []
        found[name] = Good(money(read), Counter(finding.code for finding in read.findings), beside, unstated.get(name))
    return found


def check(number: int, folder: Path, good: dict[str, Good]) -> tuple[bool, str | None]:
    """Whether the mutant changed the money, and what is wrong with it."""
    name, change, content = mutant(number)
    path = folder / name
    path.write_bytes(content)
    expected = good[name]
    read = read_statement(path, own_accounts=OWN, default_account=expected.default_account)
    if money(read) == expected.money:
        return False, None
    if says_something(read, expected.codes, expected.neighbours):
        return True, None
    lost, added = expected.money - money(read), money(read) - expected.money
    if not added and sums(lost) == {} and change == "cut_off":
        return True, None  # rows that cancel out, and the totals below them: what is left a bank could have written
    return True, f"mutant {number} ({name}, {change}): {dict(added)} instead of {dict(lost)}, and not a word"


@pytest.mark.parametrize("share", range(4))
@pytest.mark.slow
def test_mutants_keep_the_money_or_say_so(tmp_path, good, share):
    found = [check(number, tmp_path, good) for number in range(share, MUTANTS, 4)]
    problems = [problem for _, problem in found if problem]
    assert not problems, "\n".join(problems[:20])
    # Neither are all mutants refused, nor are they harmless: both halves of the promise are tried.
    assert 0.2 < sum(is_changed for is_changed, _ in found) / len(found) < 0.9


@pytest.mark.parametrize("name", ["swift.sta", "camt.xml", "icbc_history.csv", "boc_dollars.csv"])
def test_a_changed_amount_is_noticed(tmp_path, good, name):
    """The oracle above can fail, and here it must not: a digit of an amount of the first line, changed."""
    old, new = {
        "swift.sta": (b"C29990,00", b"C29991,00"),
        "camt.xml": (b">29990.00<", b">29991.00<"),
        "icbc_history.csv": (b"200,000.00", b"200,001.00"),
        "boc_dollars.csv": (b",29990.00,", b",29991.00,"),
    }[name]
    assert old in FILES[name]
    path = tmp_path / name
    path.write_bytes(FILES[name].replace(old, new, 1))
    read = read_statement(path, own_accounts=OWN)
    assert money(read) != good[name].money and says_something(read, good[name].codes, good[name].neighbours)
