"""camt.052, camt.053, camt.054 (ISO 20022), every version and namespace: streamed, hardened, proved.

Only local names count, so versions 1 to 13 and an envelope around the Document read alike. A document
type declaration is refused whole: no statement needs one, and every entity bomb does.

What belongs here: the document, statements, balances, control totals. What does not: entries (``camt_entry``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from lxml import etree

from settlement.io.bank.amounts import NotMoney
from settlement.io.bank.camt_entry import amount_of, booked_day, child, find, local, read_entry, text_at
from settlement.io.bank.model import Finding, Proof, Reading, Statement
from settlement.io.currencies import currency_of
from settlement.io.sheet_model import UnreadableFile

_MESSAGE = re.compile(r"BkToCstmr(AcctRpt|Stmt|DbtCdtNtfctn)(?:V\d+)?")  # version 1 has V01 in the name
_KINDS = {"AcctRpt": "052", "Stmt": "053", "DbtCdtNtfctn": "054"}
_CONTAINERS = {"Rpt": "052", "Stmt": "053", "Ntfctn": "054"}
_ZERO = Decimal("0.00")


@dataclass
class _Balances:
    """The balances of one statement by their code, in the order of the file."""

    stated: list[tuple[str, Decimal, str, date | None]] = field(default_factory=list)

    def first(self, *codes: str) -> tuple[str, Decimal, str, date | None] | None:
        for code in codes:
            for item in self.stated:
                if item[0] == code:
                    return item
        return None

    def last(self, *codes: str) -> tuple[str, Decimal, str, date | None] | None:
        for code in codes:
            for item in reversed(self.stated):
                if item[0] == code:
                    return item
        return None


def camt_root(path: Path) -> tuple[str, str] | None:
    """Kind and namespace of an XML file that is a camt message, else None. Raises ``UnreadableFile`` on broken XML."""
    try:
        for _, element in _events(path, ("start",)):
            message = _MESSAGE.fullmatch(local(element))
            if message:
                return _KINDS[message[1]], etree.QName(element).namespace or ""
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(f"XML 文件不完整或有错误：{_reason(error)}") from error
    return None


def _events(path: Path, events: tuple[str, ...]):
    """lxml's events with everything switched off that reaches outside the file or expands inside it."""
    parser = etree.iterparse(
        str(path),
        events=events,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    is_checked = False
    for event, element in parser:
        if not is_checked:
            is_checked = True
            info = element.getroottree().docinfo
            if info.doctype or info.internalDTD is not None:
                raise UnreadableFile("XML 文件带有文档类型声明（DOCTYPE），可能是实体炸弹，拒绝读取")
        yield event, element


def _reason(error: etree.XMLSyntaxError) -> str:
    return f"第 {error.lineno} 行，{error.msg}" if error.msg else str(error)


def read_camt(path: Path, own_accounts: dict[str, str], line_limit: int) -> Reading:
    """Every statement of a camt file. Raises ``UnreadableFile`` where the file is no whole camt message."""
    reading = Reading()
    try:
        _read_events(reading, path, own_accounts, line_limit)
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(f"XML 文件不完整或有错误：{_reason(error)}") from error
    if not reading.statements:
        raise UnreadableFile("XML 报文里没有任何对账单（Stmt / Rpt / Ntfctn）")
    return reading


def _read_events(reading: Reading, path: Path, own_accounts: dict[str, str], line_limit: int) -> None:
    statement: Statement | None = None
    balances, sums, first, entries, is_described = _Balances(), None, 0, 0, False
    for event, element in _events(path, ("start", "end")):
        name = local(element)
        if event == "start":
            if name in _CONTAINERS and statement is None and _MESSAGE.fullmatch(local(element.getparent())):
                statement = reading.open_statement(Statement(None, None, _CONTAINERS[name]))
                balances, sums, first, is_described = _Balances(), None, len(reading.lines), False
            continue
        if statement is None or local(element.getparent()) not in _CONTAINERS:
            if statement is not None and name in _CONTAINERS and _MESSAGE.fullmatch(local(element.getparent())):
                if not is_described:
                    _describe(statement, element, own_accounts)
                _close(reading, statement, balances, sums, first)
                statement = None
                element.clear()
            continue
        if name == "Bal":
            _add_balance(reading, balances, element)
        elif name == "TxsSummry":
            sums = _stated_sums(element)
        elif name == "Ntry":
            entries += 1
            if not is_described:
                is_described = True
                _describe(statement, element.getparent(), own_accounts)
            read_entry(reading, statement, element, entries)
            if len(reading.lines) + len(reading.rejected) > line_limit:
                raise UnreadableFile(f"明细超过 {line_limit:,} 行的上限，拒绝读取")
            element.clear()
            while element.getprevious() is not None:  # the head was read above: free it and the entries before
                del element.getparent()[0]


def _describe(statement: Statement, element: etree._Element, own_accounts: dict[str, str]) -> None:
    """What stands at the head of a statement: account, currency, period, numbers."""
    statement.statement_id = text_at(element, "Id")
    account = next(
        (
            found
            for found in (
                text_at(element, "Acct", "Id", "IBAN"),
                text_at(element, "Acct", "Id", "Othr", "Id"),
                text_at(element, "Acct", "Id", "PrtryAcct", "Id"),
                text_at(element, "Acct", "Id", "BBAN"),
                text_at(element, "Acct", "Id", "UPIC"),
            )
            if found
        ),
        None,
    )
    squeezed = account.replace(" ", "") if account else None
    statement.account_no = squeezed
    statement.currency = currency_of(text_at(element, "Acct", "Ccy")) or own_accounts.get(squeezed or "")
    sequence = text_at(element, "ElctrncSeqNb") or text_at(element, "LglSeqNb")
    statement.sequence = int(sequence) if sequence and sequence.isdigit() and len(sequence) < 18 else None
    page = next(
        (
            text_at(element, tag, "PgNb")
            for tag in ("StmtPgntn", "RptPgntn", "NtfctnPgntn")
            if child(element, tag) is not None
        ),
        None,
    )
    statement.page = int(page) if page and page.isdigit() and len(page) < 10 else None
    statement.created_at = booked_day(element, "CreDtTm")[1]
    statement.from_on = booked_day(find(element, "FrToDt"), "FrDtTm", "FrDt")[0]
    statement.to_on = booked_day(find(element, "FrToDt"), "ToDtTm", "ToDt")[0]
    statement.is_complete_days = statement.kind == "053" and None not in (statement.from_on, statement.to_on)


def _add_balance(reading: Reading, balances: _Balances, element: etree._Element) -> None:
    code = (
        text_at(element, "Tp", "CdOrPrtry", "Cd")
        or text_at(element, "Tp", "Cd")
        or text_at(element, "Tp", "CdOrPrtry", "Prtry")
        or ""
    )
    try:
        amount, currency = amount_of(child(element, "Amt"))
    except NotMoney as problem:
        reading.findings.append(
            Finding("BNK_CONTROL_TOTAL", f"余额（{code}）读不出：{problem}", None, "Bal", text_at(element, "Amt"))
        )
        return
    side = text_at(element, "CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        reading.findings.append(Finding("BNK_CONTROL_TOTAL", f"余额（{code}）没有借贷方向：{side}", None, "Bal", side))
        return
    day, _ = booked_day(child(element, "Dt"), "Dt", "DtTm")
    balances.stated.append((code, amount if side == "CRDT" else -amount, currency, day))


def _stated_sums(element: etree._Element) -> dict[str, tuple[int | None, Decimal | None]]:
    """TxsSummry: side to (count, sum), as far as they are stated."""
    found: dict[str, tuple[int | None, Decimal | None]] = {}
    for side, tag in (("C", "TtlCdtNtries"), ("D", "TtlDbtNtries"), ("", "TtlNtries")):
        count, total = text_at(element, tag, "NbOfNtries"), text_at(element, tag, "Sum")
        if count or total:
            found[side] = (int(count) if count and count.isdigit() else None, _decimal(total))
    return found


def _decimal(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except ArithmeticError:
        return None


def _close(reading: Reading, statement: Statement, balances: _Balances, sums, first: int) -> None:
    lines = reading.lines[first:]
    is_page = statement.page is not None
    interim = [item for item in balances.stated if item[0] == "ITBD"]
    opening = balances.first("OPBD", "PRCD") or (interim[0] if is_page and len(interim) == 2 else None)
    closing = balances.last("CLBD") or (interim[-1] if is_page and interim and (len(interim) == 2 or opening) else None)
    if statement.currency is None:
        statement.currency = next(
            (item[2] for item in (opening, closing) if item), lines[0]["currency"] if lines else None
        )
    statement.opening, statement.closing = (opening[1] if opening else None), (closing[1] if closing else None)
    days = [line["booked_on"] for line in lines] + [item[3] for item in (opening, closing) if item and item[3]]
    statement.from_on = statement.from_on or min(days, default=None)
    statement.to_on = statement.to_on or max(days, default=None)
    agree = _prove_sums(reading, statement, sums or {}, lines)
    _prove_balances(reading, statement, opening, closing, lines)
    statement.is_proved = statement.is_proved or (agree is True and closing is None)
    if statement.details_checked:
        holds = statement.details_failed == 0
        reading.proofs.append(Proof("details", _subject(statement), holds, statement.details_checked))
    if agree is False:
        for line in lines:
            line["is_marked"] = True


def _subject(statement: Statement) -> str:
    return f"{statement.account_no or '（无账号）'} {statement.statement_id or ''}".strip()


def _prove_balances(reading: Reading, statement: Statement, opening, closing, lines: list[dict]) -> None:
    subject, total = _subject(statement), sum((line["amount"] for line in lines), _ZERO)
    if opening is None or closing is None:
        reading.proofs.append(Proof("opening_closing", subject, None, len(lines)))
        if statement.kind == "053":
            missing = "期初余额（OPBD/PRCD）" if opening is None else "期末余额（CLBD）"
            reading.findings.append(
                Finding("BNK_CONTROL_TOTAL", f"{subject}：没有{missing}，无法证明明细完整", None, "Bal")
            )
        return
    currencies = {opening[2], closing[2], *(line["currency"] for line in lines)}
    expected = opening[1] + total
    holds = len(currencies) == 1 and expected == closing[1]
    reading.proofs.append(
        Proof(
            "opening_closing",
            subject,
            holds,
            len(lines),
            expected,
            closing[1],
            lines[0]["source_row"] if lines else None,
        )
    )
    statement.is_proved = holds
    if holds:
        return
    for line in lines:
        line["is_marked"] = True
    reason = (
        f"期初、期末与明细的币种不一致（{'、'.join(sorted(currencies))}）"
        if len(currencies) > 1
        else f"期初 {opening[1]} + 明细合计 {total} = {expected}，与期末 {closing[1]} 相差 {closing[1] - expected} {closing[2]}"
    )
    reading.findings.append(
        Finding(
            "BNK_CONTROL_TOTAL",
            f"{subject}：{reason}",
            lines[0]["source_row"] if lines else None,
            "CLBD",
            str(closing[1]),
            abs(closing[1] - expected) if len(currencies) == 1 else None,
        )
    )


def _prove_sums(reading: Reading, statement: Statement, sums: dict, lines: list[dict]) -> bool | None:
    """The control totals of TxsSummry against the entries, lines of one batch counted as its entry."""
    subject, agree = _subject(statement), None
    entries = {line["entry_no"]: line["entry_amount"] for line in lines}
    for side, (count, total) in sums.items():
        own = [abs(amount) for amount in entries.values() if not side or (amount < 0) == (side == "D")]
        holds = (count is None or count == len(own)) and (total is None or total == sum(own, _ZERO))
        agree = holds if agree is None else agree and holds
        reading.proofs.append(Proof("control_total", subject, holds, len(own), total, sum(own, _ZERO)))
        if not holds:
            name = {"C": "贷方", "D": "借方", "": "全部"}[side]
            reading.findings.append(
                Finding(
                    "BNK_CONTROL_TOTAL",
                    f"{subject}：汇总写明{name} {'' if count is None else f'{count} 笔 '}{total or ''}，"
                    f"读到 {len(own)} 笔 {sum(own, _ZERO)}",
                    None,
                    "TxsSummry",
                    str(total or count),
                )
            )
    return agree
