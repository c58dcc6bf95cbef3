"""What the rows above and below the transactions say: account, currency, period, balances, control totals.

What belongs here: labels and the values beside them. What does not: the transactions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from settlement.io.bank.profiles import Profile, header_name
from settlement.io.currencies import currency_of

_MONEY = re.compile(r"-?[¥￥]?-?\d[\d,]*(?:\.\d+)?")
_DATE = re.compile(r"(\d{4})[-/年.]?(\d{1,2})[-/月.]?(\d{1,2})")
_PAIR = re.compile(r"([一-鿿()A-Za-z' ]{2,40}?)\s*:\s*(.*?)(?=\s+[一-鿿()]{2,14}\s*:|[,;。](?=\D)|$)")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d{2}", re.I)
_SIDES = (("credit", r"收入|贷方|转入|存入"), ("debit", r"支出|借方|转出|支取"))
# 3 收 1,250.00 / 2笔支出: the count before the side, one side or both in a cell that says nothing else.
_COUNTED = r"(\d{1,7})\s*(?:笔\s*([收支付])[入出款]?|([收支付])(?![入出款]))\s*:?\s*(-?\d[\d,]*\.\d{1,2})?\s*元?"
_COUNTED_ONLY = re.compile(rf"(?:{_COUNTED}[\s,;、]*)+")
_AMOUNT_LABELS = ("opening", "closing", "debit_total", "credit_total")
_COUNT_LABELS = ("count", "debit_count", "credit_count")


@dataclass
class Stated:
    """What a file says about itself; ``rows`` is where each was found (1-based), for findings."""

    account_no: str | None = None
    currency: str | None = None
    from_on: date | None = None
    to_on: date | None = None
    amounts: dict[str, Decimal] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    scientific: str | None = None

    def put(self, name: str, value: object, row: int) -> None:
        """Keep the first value of a label."""
        if name in self.rows:
            return
        self.rows[name] = row
        if name in _AMOUNT_LABELS:
            self.amounts[name] = value
        elif name in _COUNT_LABELS:
            self.counts[name] = value
        else:
            setattr(self, name, value)


def normal(text: str) -> str:
    """NFKC, trimmed, quotation and comment marks of cells off."""
    return unicodedata.normalize("NFKC", text).strip().lstrip("#`'").strip()


def read_stated(rows: Iterable[tuple[int, Sequence[str]]], profile: Profile, stated: Stated) -> None:
    """Labels and values of rows that are no transactions. ``rows``: (1-based row, cells)."""
    index = {header_name(label): name for name, labels in profile.labels.items() for label in labels}
    above: tuple[list[str], int] | None = None
    for row, raw in rows:
        cells = [normal(cell) for cell in raw]
        if above is not None:
            _values_below(above[0], cells, index, stated, row)
            above = None
            continue
        names = [header_name(cell) for cell in cells]
        # Labels in one row and their values under them (WeChat's last two rows).
        above = (
            (names, row)
            if sum(name in index for name in names) >= 3 and not any(map(_MONEY.fullmatch, cells))
            else None
        )
        for position, cell in enumerate(cells):
            if cell:
                _read_cell(cell, cells[position + 1 :], index, stated, row)


def label_count(cells: Sequence[str], profile: Profile) -> int:
    """How many cells of a row are labels and nothing else."""
    index = {header_name(label) for labels in profile.labels.values() for label in labels}
    return sum(header_name(normal(cell)) in index for cell in cells if cell)


def _values_below(names: list[str], cells: list[str], index: dict[str, str], stated: Stated, row: int) -> None:
    for name, cell in zip(names, cells, strict=False):
        if name in index and cell:
            _put(index[name], cell, stated, row)


def _read_cell(cell: str, following: Sequence[str], index: dict[str, str], stated: Stated, row: int) -> None:
    label, separator, rest = _split(cell)
    name = index.get(header_name(label))
    if name:
        value = rest or next((text for text in following if text), "")
        if value and header_name(value.partition(":")[0]) not in index:
            _put(name, value, stated, row)
            if not (separator and rest):
                return
    _read_rest(cell, index, stated, row)


def _split(cell: str) -> tuple[str, str, str]:
    for mark in (":", ";"):
        if mark in cell:
            label, separator, rest = cell.partition(mark)
            return label, separator, rest.strip()
    return cell, "", ""


def _read_rest(text: str, index: dict[str, str], stated: Stated, row: int) -> None:
    """Several labels in one cell, and sentences: ``共66笔``, ``收入:1笔 28.50元``, ``支出合计:3笔,共-123.00元``."""
    for label, value in _PAIR.findall(text):
        name = index.get(header_name(label.lstrip("[")))
        if name and value:
            _put(name, value, stated, row)
    for side, words in _SIDES:
        found = re.search(
            rf"(?:{words})(?:合计|总计)?\s*:?\s*(?:共)?\s*(\d+)\s*笔\s*[,，]?\s*(?:共)?\s*(-?[\d,]+\.?\d*)\s*元?", text
        )
        if found:
            stated.put(f"{side}_count", int(found[1]), row)
            _put(f"{side}_total", found[2], stated, row)
    for found in re.finditer(_COUNTED, text) if _COUNTED_ONLY.fullmatch(text) else ():
        side = "credit" if (found[2] or found[3]) == "收" else "debit"
        stated.put(f"{side}_count", int(found[1]), row)
        if found[4]:
            _put(f"{side}_total", found[4], stated, row)
    counted = re.search(r"共\s*(\d+)\s*笔", text)
    if counted and not any(re.search(words, text) for _, words in _SIDES):
        stated.put("count", int(counted[1]), row)


def _put(name: str, value: str, stated: Stated, row: int) -> None:
    value = value.strip().strip("[]【】").strip()
    if name in _AMOUNT_LABELS:
        amount = _amount(value)
        if amount is not None:
            stated.put(name, abs(amount) if name.endswith("_total") else amount, row)
    elif name in _COUNT_LABELS:
        digits = re.match(r"\d+(?=(\.0+)?(\D|$))", value)
        if digits:
            stated.put(name, int(digits[0]), row)
    elif name == "period":
        days = _DATE.findall(value)
        if len(days) == 2:
            for key, parts in zip(("from_on", "to_on"), days, strict=True):
                _put_day(key, parts, stated, row)
    elif name in ("from_on", "to_on"):
        found = _DATE.search(value)
        if found:
            _put_day(name, found.groups(), stated, row)
    elif name == "currency":
        code = currency_of(value) or currency_of(re.split(r"[\s(/,-]", value)[0])
        if code:
            stated.put(name, code, row)
    elif name == "account_no":
        _put_account(value, stated, row)


def _put_account(value: str, stated: Stated, row: int) -> None:
    token = re.match(r"[0-9A-Za-z*@._ -]+", value)
    account = re.sub(r"\s+", "", token[0]).strip("-._") if token else ""
    if _SCIENTIFIC.fullmatch(account) or _SCIENTIFIC.fullmatch(value):
        stated.scientific = value
    elif sum(character.isdigit() or character == "*" for character in account) >= 4 or "@" in account:
        stated.put("account_no", account, row)


def _put_day(name: str, parts: Sequence[str], stated: Stated, row: int) -> None:
    try:
        stated.put(name, date(*map(int, parts)), row)
    except ValueError:
        return


def _amount(value: str) -> Decimal | None:
    """A stated amount; brackets are a minus."""
    text = value.replace(",", "").replace("元", "").replace("¥", "").replace("CNY", "").replace("RMB", "").strip()
    if re.fullmatch(r"\(.*\)", text):
        text = "-" + text[1:-1]
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return (
        amount if amount.is_finite() and abs(amount) < 10**16 and amount == amount.quantize(Decimal("0.01")) else None
    )
