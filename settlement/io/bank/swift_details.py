"""What a :61: / :86: pair of MT940 says in words: who paid, through which bank, what for, what it cost.

Three ways of writing are understood: ``?20…?33`` (German banks, also with ``>`` or ``~``),
``/NAME/…/REMI/…`` (Dutch and Asian banks), free text. The remittance text is always kept whole.

What belongs here: taking that text apart. What does not: dates, amounts of lines, balances.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

LINE_WIDTH = 65  # SWIFT wraps :86: here, in the middle of a word if need be
NAME_WIDTH = 35  # one line of a party in SWIFT

_SUBFIELD = re.compile(r"([?>~])(\d\d)")
_CODEWORDS = (
    "TRTP",
    "IBAN",
    "BIC",
    "NAME",
    "REMI",
    "EREF",
    "MARF",
    "CSID",
    "ORDP",
    "BENM",
    "ACCW",
    "ADDR",
    "ISDT",
    "PREF",
    "NRTX",
    "RTRN",
    "PURP",
    "ULTC",
    "ULTD",
    "CNTP",
    "INIT",
    "SVCL",
    "OCMT",
    "CHGS",
    "CHRG",
    "EXCH",
    "71F",
    "71G",
    "RFB",
    "ROC",
    "INV",
    "ORDA",
    "BENA",
    "ID",
    "OAMT",
    "COAM",
)
_CODEWORD = re.compile(r"/(" + "|".join(_CODEWORDS) + r")/")
_CHARGE = re.compile(r"[/:](?:CHGS|CHRG|71F|71G)[/:]\s*([A-Z]{3})\s?(\d+(?:,\d*)?)")
_RATE = re.compile(r"/EXCH/\s*(\d+(?:[,.]\d+)?)")
_ORIGINAL = re.compile(r"/OCMT/\s*([A-Z]{3})\s?(\d+(?:,\d*)?)")
_IBAN_LIKE = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}|[A-Z]?\d{7,34}")


@dataclass(frozen=True)
class Details:
    """The words of one line; texts as written, amounts in the currency they name."""

    name: str | None = None
    account: str | None = None
    bank: str | None = None
    summary: str | None = None
    remark: str | None = None
    charges: tuple[tuple[str, Decimal], ...] = ()
    original: tuple[str, Decimal] | None = None
    rate: Decimal | None = None


def unwrap(lines: list[str]) -> str:
    """Lines of a field as one text: a full line was cut by the width, a shorter one ended by itself.

    >>> unwrap(["INV 1", "and 2"])
    'INV 1 and 2'
    """
    text = ""
    for number, line in enumerate(lines):
        if number and len(lines[number - 1]) < LINE_WIDTH and not text.endswith(" "):
            text += " "
        text += line
    return text


def details_of(narrative: list[str], supplement: list[str], extra: str) -> Details:
    """The words of a line: the lines of its :86:, the lines under its :61:, what followed the 16x reference."""
    joined = "".join(narrative)
    whole = "\n".join([*supplement, *narrative])
    if re.match(r"\d{3}[?>~]\d\d|[?>~]\d\d", joined):
        found = _from_subfields(joined)
    elif _CODEWORD.search(joined):
        found = _from_codewords(unwrap(narrative))
    else:
        found = Details(remark=unwrap(narrative) or None)
    account, name = found.account, found.name
    if account is None and supplement and _IBAN_LIKE.fullmatch(supplement[0].strip()):
        account = supplement[0].strip()
    elif supplement and not supplement[0].startswith("/"):
        found = _with_remark(found, unwrap(supplement))
    if name is None and extra.strip():
        name = extra.strip()
    charged = "/" + whole.replace("\n", "")
    rate = _RATE.search(charged)
    original = _ORIGINAL.search(charged)
    return Details(
        name=name,
        account=account,
        bank=found.bank,
        summary=found.summary,
        remark=found.remark,
        charges=tuple((currency, _decimal(digits)) for currency, digits in _CHARGE.findall(charged)),
        original=(original[1], _decimal(original[2])) if original else None,
        rate=_decimal(rate[1]) if rate else None,
    )


def _with_remark(details: Details, text: str) -> Details:
    remark = f"{text} {details.remark}" if details.remark else text
    return Details(details.name, details.account, details.bank, details.summary, remark)


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace(",", ".").rstrip(".") or "0")


def _from_subfields(text: str) -> Details:
    """``166?00GUTSCHRIFT?20EREF+…?30BIC?31account?32name?33name``: 20-29 and 60-63 are the remittance."""
    mark = _SUBFIELD.search(text)[1]
    parts = re.split(re.escape(mark) + r"(\d\d)", text)
    fields: dict[str, str] = {}
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        fields[key] = fields.get(key, "") + value
    remittance = [fields[key] for key in (*(f"{n}" for n in range(20, 30)), "60", "61", "62", "63") if fields.get(key)]
    name = "".join(fields.get(key, "") for key in ("32", "33"))
    return Details(
        name=name.strip() or None,
        account=fields.get("31", "").strip() or None,
        bank=fields.get("30", "").strip() or None,
        summary=fields.get("00", "").strip() or None,
        remark=_glue(remittance) or None,
    )


def _glue(parts: list[str]) -> str:
    """Subfields of 27 characters run on; a shorter one ended by itself."""
    text = ""
    for part in parts:
        text += part if len(part) >= 27 or part.endswith(" ") else part + " "
    return text.rstrip()


def _from_codewords(text: str) -> Details:
    parts = _CODEWORD.split("/" + text if not text.startswith("/") else text)
    fields: dict[str, str] = {}
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        fields.setdefault(key, value.strip("/ "))
    account = fields.get("IBAN") or fields.get("ACCW", "").partition(",")[0]
    return Details(
        name=fields.get("NAME") or fields.get("ORDP") or fields.get("BENM") or None,
        account=account or None,
        bank=fields.get("BIC") or fields.get("ACCW", "").partition(",")[2] or None,
        summary=fields.get("TRTP") or None,
        remark=text,
    )
