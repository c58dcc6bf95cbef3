"""One entry (Ntry) of a camt message as statement lines: a batch becomes its details where they add up.

What belongs here: amounts, dates, parties, references, remittance text of an entry.
What does not: statements and balances (``camt``).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from lxml import etree

from settlement.io.bank.amounts import NotMoney, money_of
from settlement.io.bank.model import Finding, Reading, Statement
from settlement.io.bank.text import with_originals
from settlement.io.currencies import currency_of
from settlement.rules.money import divide_half_up, round_half_up

_NO_REFERENCE = {"", "NOTPROVIDED", "NONREF", "NOT PROVIDED", "N/A"}


def local(element: etree._Element | None) -> str:
    """The name without its namespace."""
    if element is None or not isinstance(element.tag, str):
        return ""
    return element.tag.rpartition("}")[2]


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of that local name."""
    if element is None:
        return None
    return next((item for item in element if local(item) == name), None)


def children(element: etree._Element | None, name: str) -> list[etree._Element]:
    """All children of that local name."""
    return [] if element is None else [item for item in element if local(item) == name]


def find(element: etree._Element | None, *names: str) -> etree._Element | None:
    """The element at a path of local names."""
    for name in names:
        element = child(element, name)
    return element


def text_at(element: etree._Element | None, *names: str) -> str | None:
    """The trimmed text at a path of local names; None where empty or absent."""
    found = find(element, *names)
    text = (found.text or "").strip() if found is not None else ""
    return text or None


def amount_of(element: etree._Element | None) -> tuple[Decimal, str]:
    """An amount with its currency. Raises ``NotMoney``: absent, no number, negative, too fine, unknown currency."""
    if element is None:
        raise NotMoney("没有金额")
    written = (element.text or "").strip()
    currency = currency_of(element.get("Ccy"))
    if currency is None:
        raise NotMoney(f"币种“{element.get('Ccy')}”不认识")
    if not re.fullmatch(r"\+?\d+(\.\d*)?|\.\d+", written):
        raise NotMoney(f"金额“{written[:40]}”不是非负数字")
    return money_of(written, currency), currency


def booked_day(element: etree._Element | None, *names: str) -> tuple[date | None, datetime | None]:
    """The day (and the time of day, where given) of a Dt/DtTm pair, as the bank wrote it: the day of its own clock."""
    for name in names:
        written = text_at(element, name)
        if not written:
            continue
        try:
            if "T" not in written:
                return date.fromisoformat(written[:10]), None
            day = datetime.fromisoformat(re.sub(r"\.(\d+)", lambda part: f".{part[1][:6]:0<6}", written))
        except ValueError:
            continue
        return day.date(), day.replace(tzinfo=None, microsecond=0)
    return None, None


def read_entry(reading: Reading, statement: Statement, entry: etree._Element, number: int) -> None:
    """Put one entry into ``reading``: one line, or a line for each detail, or a rejected row."""
    row = len(reading.lines) + len(reading.rejected) + 1
    where = {"account_no": statement.account_no, "currency": statement.currency}
    try:
        amount, currency = amount_of(child(entry, "Amt"))
    except NotMoney as problem:
        reading.reject(row, reason=f"第 {number} 笔：{problem}", field="Amt", found=text_at(entry, "Amt"), **where)
        return
    where["currency"] = currency
    side = text_at(entry, "CdtDbtInd")
    status = text_at(entry, "Sts", "Cd") or text_at(entry, "Sts", "Prtry") or text_at(entry, "Sts") or "BOOK"
    booked_on, booked_at = booked_day(child(entry, "BookgDt"), "Dt", "DtTm")
    value_on, _ = booked_day(child(entry, "ValDt"), "Dt", "DtTm")
    booked_on = booked_on or value_on
    signed = amount if side == "CRDT" else -amount
    problem, field = None, "Ntry"
    if side not in ("CRDT", "DBIT"):
        problem, field, signed = f"第 {number} 笔：借贷方向“{side}”不认识", "CdtDbtInd", amount
    elif status != "BOOK":
        problem, field = f"第 {number} 笔：银行尚未记账（状态 {status}）", "Sts"
    elif booked_on is None:
        problem, field = f"第 {number} 笔：没有可读的记账日和起息日", "BookgDt"
    elif statement.account_no is None:
        problem, field = f"第 {number} 笔：报文没有账号", "Acct"
    elif amount == 0:
        problem, field = f"第 {number} 笔：金额为零", "Amt"
    if problem:
        code = "BNK_BOTH_SIDES" if field == "Amt" else "ROW_REJECTED"
        reading.reject(
            row,
            reason=problem,
            field=field,
            found=status if field == "Sts" else side,
            code=code,
            amount=signed,
            **where,
        )
        return
    base = {
        "account_no": statement.account_no,
        "currency": currency,
        "booked_on": booked_on,
        "value_on": value_on,
        "booked_at": booked_at,
        "statement_no": statement.number,
        "entry_no": number,
        "entry_amount": signed,
        "entry_ref": _reference(text_at(entry, "AcctSvcrRef"), text_at(entry, "NtryRef")),
        "is_reversal": text_at(entry, "RvslInd") in ("true", "1"),
    }
    _add_lines(reading, statement, entry, number, row, base)


def _add_lines(
    reading: Reading, statement: Statement, entry: etree._Element, number: int, row: int, base: dict
) -> None:
    details = [item for group in children(entry, "NtryDtls") for item in children(group, "TxDtls")]
    details = details or children(entry, "TxDtls")  # version 1 has them without NtryDtls
    shares = [_share(item, base) for item in details]
    signed, currency = base["entry_amount"], base["currency"]
    stated = [share for share in shares if share is not None]
    is_split = len(details) > 1 and len(stated) == len(details)
    adds_up = _adds_up(entry, details, stated, signed)
    if stated and len(stated) == len(details):
        total = sum(stated, Decimal("0.00"))
        statement.details_checked += 1
        if not adds_up:
            statement.details_failed += 1
            reading.findings.append(
                Finding(
                    "BNK_CONTROL_TOTAL",
                    f"第 {number} 笔 {signed} {currency} 与其 {len(details)} 条明细之和 {total} 不一致，按整笔记",
                    row,
                    "NtryDtls",
                    str(total),
                    abs(signed - total),
                )
            )
    if is_split and adds_up:
        for offset, (item, share) in enumerate(zip(details, shares, strict=True)):
            reading.lines.append(_line(base, entry, [item], share, row + offset, is_detail=True))
    else:
        line = _line(base, entry, details, signed, row, is_detail=False)
        line["is_marked"] = bool(stated) and len(stated) == len(details) and not adds_up
        reading.lines.append(line)
    if base["is_reversal"]:
        reading.findings.append(
            Finding(
                "BNK_REVERSAL", f"第 {number} 笔是冲正：{signed} {currency}", row, "RvslInd", str(signed), abs(signed)
            )
        )


def _share(item: etree._Element, base: dict) -> Decimal | None:
    """A detail's signed amount in the currency of the entry; None where it states none."""
    for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt")):
        found = find(item, *path)
        if found is None or currency_of(found.get("Ccy")) != base["currency"]:
            continue
        try:
            amount, _ = amount_of(found)
        except NotMoney:
            return None
        side = text_at(item, "CdtDbtInd")
        is_credit = base["entry_amount"] > 0 if side not in ("CRDT", "DBIT") else side == "CRDT"
        return amount if is_credit else -amount
    return None


def _adds_up(entry: etree._Element, details: list[etree._Element], stated: list[Decimal], signed: Decimal) -> bool:
    """Whether the details are the entry: exactly, or before the charges that the entry is net of."""
    total = sum(stated, Decimal("0.00"))
    if total == signed:
        return True
    charged = _charges([entry, *details], None)
    return len(details) == 1 and charged is not None and total - signed in (charged, -charged)


def _line(
    base: dict, entry: etree._Element, details: list[etree._Element], signed: Decimal, row: int, *, is_detail: bool
) -> dict:
    first = details[0] if details else None
    reference = _reference(
        *(
            [text_at(first, "Refs", "AcctSvcrRef")]
            if is_detail
            else [base["entry_ref"], text_at(first, "Refs", "AcctSvcrRef")]
        ),
        text_at(first, "Refs", "TxId"),
        text_at(first, "Refs", "InstrId"),
        text_at(first, "Refs", "EndToEndId"),
        base["entry_ref"],
    )
    is_credit = (signed > 0) != base["is_reversal"]
    names = [_party(item, is_credit, base["account_no"]) for item in details] or [_party(None, is_credit, "")]
    name, account, bank = names[0] if len(set(names)) == 1 else (None, None, None)
    zero = Decimal("0.00")
    return {
        **base,
        "source_row": row,
        "amount": signed,
        "bank_ref": reference,
        "credit_in": signed if is_credit else zero,
        "debit_out": zero if is_credit else -signed,
        **with_originals(
            {
                "counterparty_name": name,
                "counterparty_account": account,
                "counterparty_bank": bank,
                "summary": text_at(entry, "AddtlNtryInf") or text_at(first, "AddtlTxInf"),
                "purpose": text_at(first, "Purp", "Prtry") or text_at(first, "Purp", "Cd"),
                "remark": " ".join(part for item in details for part in _remittance(item)) or None,
            }
        ),
        **_foreign(base["currency"], entry, details),
    }


def _reference(*candidates: str | None) -> str | None:
    return next((text for text in candidates if text and text.upper() not in _NO_REFERENCE), None)


def _party(item: etree._Element | None, is_credit: bool, own_account: str) -> tuple[str | None, str | None, str | None]:
    """The other side's name, account and bank: who paid for money in, who was paid for money out; never ourselves."""
    parties, agents = child(item, "RltdPties"), child(item, "RltdAgts")
    order = ("Dbtr", "Cdtr") if is_credit else ("Cdtr", "Dbtr")
    if (
        _account_id(child(parties, f"{order[0]}Acct")) == own_account
        and _account_id(child(parties, f"{order[1]}Acct")) != own_account
    ):
        order = (order[1], order[0])
    side = order[0]
    party = child(parties, side)
    name = (
        text_at(party, "Nm")
        or text_at(party, "Pty", "Nm")
        or text_at(parties, f"Ultmt{side}", "Nm")
        or text_at(parties, f"Ultmt{side}", "Pty", "Nm")
    )
    bank = find(agents, f"{side}Agt", "FinInstnId")
    return (
        name,
        _account_id(child(parties, f"{side}Acct")),
        text_at(bank, "BICFI") or text_at(bank, "BIC") or text_at(bank, "ClrSysMmbId", "MmbId") or text_at(bank, "Nm"),
    )


def _account_id(element: etree._Element | None) -> str | None:
    found = find(element, "Id")
    return (
        text_at(found, "IBAN")
        or text_at(found, "Othr", "Id")
        or text_at(found, "PrtryAcct", "Id")
        or text_at(found, "BBAN")
    )


def _remittance(item: etree._Element) -> list[str]:
    """All remittance text of a detail, whole: free lines, references of documents, the payer's end-to-end id."""
    parts = [(node.text or "").strip() for node in children(child(item, "RmtInf"), "Ustrd")]
    for block in children(child(item, "RmtInf"), "Strd"):
        for node in block.iter():
            if local(node) in ("Nb", "Ref", "AddtlRmtInf") and (node.text or "").strip():
                parts.append(node.text.strip())
    parts += [_reference(text_at(item, "Refs", "EndToEndId")) or ""]
    return list(dict.fromkeys(part for part in parts if part and part.upper() not in _NO_REFERENCE))


def _charges(elements: list[etree._Element], currency: str | None) -> Decimal | None:
    """The sum of what the banks charged, in ``currency`` (any where None); None where nothing is stated."""
    found: list[Decimal] = []
    for element in elements:
        for block in children(element, "Chrgs"):
            total = child(block, "TtlChrgsAndTaxAmt")
            records = [child(record, "Amt") for record in children(block, "Rcrd")]
            for node in [total] if total is not None else records or [child(block, "Amt")]:
                try:
                    amount, charged = amount_of(node)
                except NotMoney:
                    continue
                if currency in (None, charged):
                    found.append(amount)
    return sum(found, Decimal("0.00")) if found else None


def _foreign(currency: str, entry: etree._Element, details: list[etree._Element]) -> dict[str, Decimal | None]:
    """Charges, the CNY counter-value and the rate as CNY per 1 unit, where the bank states them."""
    row: dict[str, Decimal | None] = {
        "bank_fee": _charges(
            [*details] if len(details) == 1 and child(details[0], "Chrgs") is not None else [entry], currency
        )
    }
    for element in (*(details if len(details) == 1 else ()), entry):
        block = child(element, "AmtDtls")
        for kind in ("CntrValAmt", "TxAmt", "InstdAmt"):
            part = child(block, kind)
            if part is None:
                continue
            node = child(part, "Amt")
            if node is not None and currency_of(node.get("Ccy")) == "CNY" and currency != "CNY":
                try:
                    row.setdefault("cny_amount", amount_of(node)[0])
                except NotMoney:
                    continue
            rate = _rate(child(part, "CcyXchg"))
            if rate is not None:
                row.setdefault("fx_rate", rate)
    return row


def _rate(exchange: etree._Element | None) -> Decimal | None:
    """CNY per 1 unit of the other currency. The rate is 1 unit of UnitCcy in the other (of SrcCcy where it is not named)."""
    source, target = text_at(exchange, "SrcCcy"), text_at(exchange, "TrgtCcy")
    unit, written = text_at(exchange, "UnitCcy") or source, text_at(exchange, "XchgRate")
    if (
        written is None
        or "CNY" not in (source, target)
        or not re.fullmatch(r"\d+(\.\d+)?", written)
        or Decimal(written) == 0
    ):
        return None
    rate = Decimal(written)
    return divide_half_up(Decimal(1), rate, 8) if unit == "CNY" else round_half_up(rate, 8)
