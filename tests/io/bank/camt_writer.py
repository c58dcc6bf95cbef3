"""camt messages for tests: as small as a message can be, whole and valid in what it says."""

from __future__ import annotations

from decimal import Decimal

_ROOT = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def amount(value: str) -> str:
    """Amount and direction of a signed figure."""
    side = "DBIT" if value.startswith("-") else "CRDT"
    return f'<Amt Ccy="USD">{value.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def entry(
    value: str,
    *,
    day: str = "2023-09-05",
    ref: str | None = None,
    inner: str = "",
    charges: str = "",
    is_reversal: bool = False,
) -> str:
    """One booked entry."""
    reference = f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else ""
    reversal = "<RvslInd>true</RvslInd>" if is_reversal else ""
    return f"<Ntry>{amount(value)}{reversal}<Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>{reference}{charges}{inner}</Ntry>"


def details(*parts: tuple[str | None, str | None, str | None]) -> str:
    """Details of a batch: (amount, payer, remittance text) each."""
    found = []
    for value, name, text in parts:
        money = f'<Amt Ccy="USD">{value}</Amt>' if value else ""
        party = (
            f"<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr><Cdtr><Nm>OWN COMPANY</Nm></Cdtr><CdtrAcct><Id><Othr><Id>OWN1</Id></Othr></Id></CdtrAcct></RltdPties>"
            if name
            else ""
        )
        remittance = f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>" if text else ""
        found.append(f"<TxDtls>{money}{party}{remittance}</TxDtls>")
    return f"<NtryDtls>{''.join(found)}</NtryDtls>"


def message(
    entries: list[str],
    *,
    kind: str = "053",
    version: str = "001.02",
    opening: str | None = None,
    closing: str | None = None,
    day: str = "2023-09-05",
    to_day: str | None = None,
    sequence: int | None = 1,
    account: str = "OWN1",
    summary: str = "",
    created: str = "2023-09-06T01:00:00",
) -> str:
    """A message with one statement; the closing balance is opening + entries unless it is given."""
    root, container = _ROOT[kind]
    root += "V01" if version == "001.01" else ""
    if opening is not None and closing is None:
        closing = str(Decimal(opening) + sum(map(signed, entries), Decimal(0)))
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount(value)}<Dt><Dt>{at}</Dt></Dt></Bal>"
        for code, value, at in (("OPBD", opening, day), ("CLBD", closing, to_day or day))
        if value is not None
    )
    number = f"<ElctrncSeqNb>{sequence}</ElctrncSeqNb>" if sequence is not None else ""
    period = f"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{to_day or day}T23:59:59</ToDtTm></FrToDt>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.{version}"><{root}>'
        f"<GrpHdr><MsgId>M1</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr><{container}><Id>S{sequence}-{day}</Id>{number}<CreDtTm>{created}</CreDtTm>{period}"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>USD</Ccy></Acct>{balances}{summary}{''.join(entries)}</{container}></{root}></Document>"
    )


def signed(text: str) -> Decimal:
    """The signed amount of an entry that ``entry`` wrote."""
    value = Decimal(text.split('Ccy="USD">')[1].split("<")[0])
    return value if "CRDT" in text.split("</CdtDbtInd>")[0] else -value
