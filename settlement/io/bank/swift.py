"""MT940 and MT942: fields of a SWIFT statement, its lines, its proofs.

Written here and not taken from the mt-940 library, which reads all statements of a file into one,
lets a field it does not know pass in silence and signs a reversal by its letter alone; a line lost in
silence is the one thing that must not happen. The library is the second reader in the tests.

What belongs here: :61:, balances, proofs. What does not: tags (``swift_fields``), the words of :86: (``swift_details``).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal

from settlement.io.bank.amounts import NotMoney, money_of
from settlement.io.bank.model import Finding, Proof, Reading, Statement
from settlement.io.bank.swift_details import NAME_WIDTH, Details, details_of
from settlement.io.bank.swift_fields import Field, Message, messages_of
from settlement.io.bank.text import with_originals
from settlement.io.currencies import currency_of
from settlement.io.sheet_model import UnreadableFile

_BALANCE = re.compile(r"([DC])(\d{6})([A-Z]{3})(\d+(?:,\d*)?)\s*")
_FLOOR = re.compile(r"([A-Z]{3})[DC ]?(\d+(?:,\d*)?)\s*")
_SUM = re.compile(r"(\d+)([A-Z]{3})(\d+(?:,\d*)?)\s*")
_COUNTS = re.compile(r"D(\d{6})C(\d{6})D(\d+,\d*)C(\d+,\d*)\s*")
_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}| {4})?(?P<mark>(?i:R[CD]|E[CD]|[CD]))(?P<funds>[A-Z])?[ \n]?"
    r"(?P<amount>\d{1,18}(?:,\d*)?) ?(?P<type>[A-Z][A-Z0-9 ]{3})(?P<rest>.*)",
    re.S,
)
_NO_REFERENCE = {"", "N", "NONREF", "NOTPROVIDED", "KREF+", "EREF", "EREF+", "PREF", "MARF", "NON"}
# Tags that may stand between a :61: and the end of its statement; anything else means that the file is broken there.
_AFTER_LINE = {"61", "86", "62F", "62M", "62", "64", "65", "65F", "90D", "90C", "NS"}


def read_swift(text: str, own_accounts: dict[str, str]) -> Reading:
    """Every statement of an MT940/MT942 text. Raises ``UnreadableFile`` where no statement is in it."""
    reading = Reading()
    messages = messages_of(text)
    for message in messages:
        _read_message(reading, message, own_accounts)
    if not any(statement.account_no for statement in reading.statements) and not reading.rejected:
        raise UnreadableFile("文件只有零散的 SWIFT 字段，没有账号（:25:）和明细，不是完整的对账单")
    return reading


def _read_message(reading: Reading, message: Message, own_accounts: dict[str, str]) -> None:
    opening = _balance(reading, message.first("60F", "60M", "60"), "期初余额")
    closing = _balance(reading, message.last("62F", "62M", "62"), "期末余额")
    currency = next((found[1] for found in (opening, closing) if found), None) or _stated_currency(message)
    is_interim = message.first("13D", "13", "34F", "90D", "90C") is not None and opening is None and closing is None
    account = _account(message, currency, own_accounts)
    sequence, page = _sequence(message.first("28C", "28"))
    reference = message.first("20")
    statement = reading.open_statement(
        Statement(
            account_no=account,
            currency=currency or own_accounts.get(account or ""),
            kind="942" if is_interim else "940",
            statement_id=reference.lines[0].strip() if reference else None,
            sequence=sequence,
            page=page,
            opening=opening[2] if opening else None,
            closing=closing[2] if closing else None,
            from_on=opening[0] if opening else None,
            to_on=closing[0] if closing else None,
        )
    )
    first = len(reading.lines)
    for group in _line_groups(message):
        _read_line(reading, statement, group)
    lines = reading.lines[first:]
    booked = [line["booked_on"] for line in lines]
    statement.from_on = min([day for day in (statement.from_on, *booked) if day], default=None)
    statement.to_on = max([day for day in (statement.to_on, *booked) if day], default=None)
    _prove(reading, statement, message, lines, opening, closing)


def _line_groups(message: Message) -> list[list[Field]]:
    """Each :61: with what follows it up to the next :61: or balance."""
    groups: list[list[Field]] = []
    inside = False
    for item in message.fields:
        if item.tag == "61":
            groups.append([item])
            inside = True
        elif inside and item.tag in ("62F", "62M", "62", "64", "65", "65F", "90D", "90C"):
            inside = False
        elif inside:
            groups[-1].append(item)
    return groups


def _read_line(reading: Reading, statement: Statement, group: list[Field]) -> None:
    head, rest = group[0], group[1:]
    stray = next((item for item in rest if item.tag not in _AFTER_LINE), None)
    parsed = _LINE.fullmatch(head.text)
    where = {"account_no": statement.account_no, "currency": statement.currency}
    if parsed is None:
        reading.reject(head.row, reason="无法解读 :61: 字段", field=":61:", found=head.lines[0], **where)
        return
    signed, problem = _signed_amount(parsed, statement)
    if stray is not None:
        problem = problem or f"明细之后出现了不该有的 :{stray.tag}: 字段（第 {stray.row} 行），该笔附言不可信"
    value_on, note = _value_date(parsed["value"])
    if value_on is None:
        problem = problem or f"起息日 {parsed['value']} 不是日期"
    if parsed["mark"].upper().startswith("E"):
        problem = problem or "预计入账（EC/ED），银行尚未记账"
    if statement.account_no is None or statement.currency is None:
        problem = problem or "报文没有账号（:25:）或币种，不知道是哪个账户的钱"
    booked_on = _entry_date(parsed["entry"], value_on) if value_on else None
    if value_on is not None and booked_on is None:
        problem = problem or f"记账日 {parsed['entry']} 不是日期"
    if problem:
        reading.reject(head.row, reason=problem, field=":61:", found=head.lines[0], amount=signed, **where)
        return
    if note:
        reading.notes.append(f"第 {head.row} 行：{note}")
    reading.lines.append(_line_row(statement, head, rest, parsed, signed, booked_on, value_on))
    if parsed["mark"].upper().startswith("R"):
        reading.findings.append(
            Finding(
                "BNK_REVERSAL",
                f"第 {head.row} 行是冲正（{parsed['mark']}）{signed} {statement.currency}",
                head.row,
                ":61:",
                head.lines[0],
                abs(signed),
            )
        )


def _line_row(
    statement: Statement,
    head: Field,
    rest: list[Field],
    parsed: re.Match,
    signed: Decimal,
    booked_on: date,
    value_on: date,
) -> dict[str, object]:
    first, *supplement = parsed["rest"].split("\n")
    left, _, bank_reference = first.partition("//")
    customer, extra = (left[:16], left[16:]) if left[15:16] == " " or left[16:17] == " " else (left, "")
    narrative = [line for item in rest if item.tag == "86" for line in item.lines]
    words = details_of(
        [line for line in narrative if line.strip()], [line for line in supplement if line.strip()], extra
    )
    reference = next((text for text in (bank_reference.strip(), customer.strip()) if text not in _NO_REFERENCE), None)
    is_reversal = parsed["mark"].upper().startswith("R")
    is_credit_side = (signed > 0) != is_reversal
    zero = Decimal("0.00")
    return {
        "account_no": statement.account_no,
        "currency": statement.currency,
        "booked_on": booked_on,
        "value_on": value_on,
        "credit_in": signed if is_credit_side else zero,
        "debit_out": zero if is_credit_side else -signed,
        "amount": signed,
        **with_originals(
            {
                "counterparty_name": words.name,
                "counterparty_account": words.account,
                "counterparty_bank": words.bank,
                "summary": words.summary,
                "remark": words.remark,
            }
        ),
        "remark_original": "\n".join(narrative).strip() or None,  # as wrapped by the bank, no word joined or cut
        "bank_ref": reference,
        "is_reversal": is_reversal,
        "source_row": head.row,
        "statement_no": statement.number,
        "is_name_cut": words.name is not None and len(words.name) == NAME_WIDTH,
        "entry_ref": reference,
        **_foreign(words, statement.currency),
    }


def _foreign(words: Details, currency: str) -> dict[str, Decimal | None]:
    """Charges in the account's own currency; the rate and CNY of an amount that was converted."""
    fees = [amount for charged, amount in words.charges if charged == currency]
    found: dict[str, Decimal | None] = {"bank_fee": money_of(str(sum(fees)), currency) if fees else None}
    if words.original and words.original[0] == "CNY" and currency != "CNY":
        found["cny_amount"] = money_of(str(words.original[1]), "CNY")
    if words.rate and "CNY" in (currency, words.original[0] if words.original else None):
        found["fx_rate"] = words.rate.quantize(Decimal("0.00000001"))
    return found


def _signed_amount(parsed: re.Match, statement: Statement) -> tuple[Decimal | None, str | None]:
    try:
        amount = money_of(parsed["amount"].replace(",", ".").rstrip(".") or "0", statement.currency)
    except NotMoney as problem:
        return None, str(problem)
    return (amount if parsed["mark"].upper() in ("C", "RD", "EC") else -amount), None


def _value_date(text: str) -> tuple[date | None, str | None]:
    """YYMMDD. Banks that count 30 days a month book interest with value on February 30: the month's last day."""
    year = int(text[:2]) + (2000 if int(text[:2]) < 80 else 1900)
    month, day = int(text[2:4]), int(text[4:6])
    if month == 2 and 29 <= day <= 30 and day > monthrange(year, 2)[1]:
        last = monthrange(year, 2)[1]
        return date(year, 2, last), f"起息日写作 {year}-02-{day}（按每月 30 天计息），按 {year}-02-{last} 记"
    try:
        return date(year, month, day), None
    except ValueError:
        return None, None


def _entry_date(text: str | None, value_on: date) -> date | None:
    """MMDD in the year that brings it nearest to the value date; the value date where the bank gives none."""
    if not text or not text.strip():
        return value_on
    candidates = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            candidates.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    return min(candidates, key=lambda day: abs((day - value_on).days), default=None)


def _balance(reading: Reading, item: Field | None, title: str) -> tuple[date, str, Decimal] | None:
    """Date, currency and signed amount of a balance field; a finding where it is there and cannot be read."""
    if item is None:
        return None
    parsed = _BALANCE.fullmatch(item.lines[0])
    day = _value_date(parsed[2])[0] if parsed else None
    currency = currency_of(parsed[3]) if parsed else None
    try:
        if day and currency:
            amount = money_of(parsed[4].replace(",", ".").rstrip("."), currency)
            return day, currency, amount if parsed[1] == "C" else -amount
    except NotMoney:
        pass
    reading.findings.append(
        Finding(
            "BNK_CONTROL_TOTAL",
            f"第 {item.row} 行{title} :{item.tag}: 读不出：{item.lines[0]}",
            item.row,
            f":{item.tag}:",
            item.lines[0],
        )
    )
    return None


def _stated_currency(message: Message) -> str | None:
    for tag, pattern, group in (("34F", _FLOOR, 1), ("90D", _SUM, 2), ("90C", _SUM, 2)):
        item = message.first(tag)
        parsed = pattern.fullmatch(item.lines[0]) if item else None
        if parsed:
            return currency_of(parsed[group])
    return None


def _account(message: Message, currency: str | None, own_accounts: dict[str, str]) -> str | None:
    """The account of :25:, by the name our own list has for it where that list knows it."""
    item = message.first("25", "25P")
    written = item.lines[0].strip() if item else ""
    if not written:
        return None
    bare = re.sub(rf"(?<=\d)/?{currency}$", "", written) if currency else written
    for candidate in (written, bare, *written.split("/"), *bare.split("/")):
        squeezed = candidate.replace(" ", "")
        if squeezed in own_accounts:
            return squeezed
    return bare


def _sequence(item: Field | None) -> tuple[int | None, int | None]:
    parsed = re.fullmatch(r"(\d{1,5})(?:/(\d{1,5}))?\s*", item.lines[0]) if item else None
    return (int(parsed[1]), int(parsed[2]) if parsed[2] else None) if parsed else (None, None)


def _prove(reading: Reading, statement: Statement, message: Message, lines: list[dict], opening, closing) -> None:
    total = sum((line["amount"] for line in lines), Decimal("0.00"))
    subject = f"{statement.account_no or '（无账号）'} {statement.statement_id or ''}".strip()
    sums_agree = _prove_sums(reading, message, lines, subject)
    if statement.kind == "942":
        statement.is_proved = sums_agree is True
    elif opening and closing:
        holds = opening[1] == closing[1] and opening[2] + total == closing[2]
        expected = opening[2] + total
        row = message.last("62F", "62M", "62").row
        reading.proofs.append(Proof("opening_closing", subject, holds, len(lines), expected, closing[2], row))
        statement.is_proved = holds
        if not holds:
            reading.findings.append(
                Finding(
                    "BNK_CONTROL_TOTAL",
                    f"{subject}：期初 {opening[2]} + 明细合计 {total} = {expected}，与期末 {closing[2]} "
                    f"相差 {closing[2] - expected} {closing[1]}",
                    row,
                    ":62:",
                    str(closing[2]),
                    abs(closing[2] - expected),
                )
            )
    else:
        reading.proofs.append(Proof("opening_closing", subject, None, len(lines)))
        missing = "期初余额（:60:）" if not opening else "期末余额（:62:）"
        reading.findings.append(
            Finding(
                "BNK_CONTROL_TOTAL",
                f"{subject}：没有可用的{missing}，无法证明明细完整",
                message.fields[0].row,
                ":62:" if opening else ":60:",
            )
        )
    if not statement.is_proved:
        for line in lines:
            line["is_marked"] = sums_agree is False or bool(opening and closing)


def _prove_sums(reading: Reading, message: Message, lines: list[dict], subject: str) -> bool | None:
    """:90D: and :90C: (MT942) and ING's closing :86: say how many entries there are and their sums."""
    stated: list[tuple[str, int, Decimal, int]] = []
    for item in message.fields:
        parsed = _SUM.fullmatch(item.lines[0]) if item.tag in ("90D", "90C") else None
        if parsed:
            stated.append((item.tag[-1], int(parsed[1]), _plain(parsed[3]), item.row))
    tail = message.fields[-1]
    counts = _COUNTS.fullmatch(tail.lines[0]) if tail.tag == "86" else None
    if counts:
        stated += [
            ("D", int(counts[1]), _plain(counts[3]), tail.row),
            ("C", int(counts[2]), _plain(counts[4]), tail.row),
        ]
    agree = None
    for side, count, expected, row in stated:
        own = [abs(line["amount"]) for line in lines if (line["amount"] < 0) == (side == "D")]
        holds = len(own) == count and sum(own, Decimal(0)) == expected
        agree = holds if agree is None else agree and holds
        reading.proofs.append(
            Proof("control_total", subject, holds, len(own), expected, sum(own, Decimal("0.00")), row)
        )
        if not holds:
            reading.findings.append(
                Finding(
                    "BNK_CONTROL_TOTAL",
                    f"{subject}：银行写明{'借' if side == 'D' else '贷'}方 {count} 笔 {expected}，"
                    f"读到 {len(own)} 笔 {sum(own, Decimal('0.00'))}",
                    row,
                    f":90{side}:",
                    str(expected),
                    abs(sum(own, Decimal(0)) - expected),
                )
            )
    return agree


def _plain(digits: str) -> Decimal:
    return Decimal(digits.replace(",", ".").rstrip("."))
