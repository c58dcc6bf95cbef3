"""PRV-01: a natural person's account number (个人账号) shows its last four digits, except in 付款清单.

What belongs here: who is known to be a person, and what becomes of their account wherever a text
shows it, remarks included. What does not: whether a sheet masks (only 付款清单 does not).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(r"[0-9A-Za-z]{8,34}")
_DIGITS = re.compile(r"\d{8,34}")
_SPACED = re.compile(r"\d{2,6}(?:[ \-]\d{1,6}){2,10}")
_SHOWN_DIGITS = 4


def last_four(account: str) -> str:
    """The account with all but its last four characters hidden.

    >>> last_four("6222 0202 0011 2233 445")
    '****3445'
    """
    return "****" + re.sub(r"[ \-]", "", account)[-_SHOWN_DIGITS:]


@dataclass(frozen=True)
class Persons:
    """Accounts and names that the masters say belong to natural persons."""

    accounts: frozenset[str]
    names: frozenset[str]

    def account(self, number: str | None, holder: str | None = None, *, is_person: bool = False) -> str | None:
        """An account as it may be shown: masked where it, or its holder, is a person's."""
        if not number:
            return number
        if is_person or _bare(number) in self.accounts or (holder and holder in self.names):
            return last_four(number)
        return number

    def text(self, text: str | None) -> str | None:
        """A remark or message with every person's account in it masked."""
        if not text or not self.accounts:
            return text
        for pattern in (_NUMBER, _DIGITS, _SPACED):
            text = pattern.sub(self._hidden, text)
        return text

    def _hidden(self, run: re.Match[str]) -> str:
        bare = _bare(run[0])
        # A spaced number may run into the next one: then whatever contains a person's account is hidden.
        known = bare in self.accounts or (bare != run[0].upper() and any(account in bare for account in self.accounts))
        return last_four(run[0]) if known else run[0]


def known_persons(
    payers: Iterable[Mapping[str, Any]], documents: Iterable[Mapping[str, Any]], payments: Iterable[Mapping[str, Any]]
) -> Persons:
    """Persons of the payers master, of payout documents, and payees of 个人离岸账户 applications."""
    found = [(row["payer_account"], row["payer_name"]) for row in payers if row["is_person"]]
    found += [(row["payee_account"], row["payee_name"]) for row in documents if row["is_person"]]
    found += [(row["payee_account"], row["payee_name"]) for row in payments if row["payee_type"] == "个人离岸账户"]
    return Persons(
        accounts=frozenset(_bare(account) for account, _ in found if account),
        names=frozenset(name for _, name in found if name),
    )


def _bare(number: str) -> str:
    return re.sub(r"[ \-]", "", number).upper()
