"""What every workbook of one run shares: month, language, the masters, who is a person.

Small and picklable: worker processes get one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from settlement.io.workbooks.labels import Labels
from settlement.io.workbooks.masking import Persons, known_persons
from settlement.io.workbooks.sheet import Frame
from settlement.io.workbooks.source import Source

_COMPANY = ("name", "name_en", "uscc", "bank", "account", "address", "phone", "tax_authority")
_PRINCIPAL = (
    "principal_id", "name", "name_en", "uscc", "bank_name", "bank_account", "phone", "address",
    "settlement_mode", "statement_issuer",
)  # fmt: skip
_PAYER = {"payer_account": "string", "payer_name": "string", "is_person": "boolean"}
_PAYEE = {"payee_account": "string", "payee_name": "string", "is_person": "boolean"}
_APPLICATION = {"payee_account": "string", "payee_name": "string", "payee_type": "string"}
_VALIDITY = {"valid_from": "date", "valid_to": "date"}


@dataclass(frozen=True)
class Context:
    """One run's month as all its workbooks see it. ``principals``: the master's row in force, by id."""

    month: str
    as_of: date
    language: str
    incomplete: bool
    company: Mapping[str, Any]
    principals: Mapping[str, Mapping[str, Any]]
    persons: Persons

    @property
    def labels(self) -> Labels:
        return Labels(self.language)

    def company_name(self) -> str:
        return self._name(self.company) or ""

    def principal_name(self, principal: str | None) -> str | None:
        """The principal's name in this language, else its id."""
        if principal is None:
            return None
        return self._name(self.principals.get(principal, {})) or principal

    def issuer(self, principal: str) -> str:
        """Who issues the statement (S2-STM-01): the master's word, else 票结 customer service, 月结 finance."""
        master = self.principals.get(principal, {})
        given = master.get("statement_issuer")
        return given or ("财务部" if master.get("settlement_mode") == "月结" else "客服部")

    def frame(self, title: str, number: str, detail: str = "") -> Frame:
        """What stands around each sheet of a workbook."""
        labels = self.labels
        subtitle = labels.text("subtitle", number=number, month=self.month, as_of=self.as_of.isoformat())
        return Frame(
            title=title,
            subtitle=f"{subtitle}{'  ' + detail if detail else ''}",
            footer=f"{self.company_name()}  {number}",
            as_of=self.as_of,
            warning=labels.text("incomplete") if self.incomplete else None,
        )

    def _name(self, master: Mapping[str, Any]) -> str | None:
        return (master.get("name_en") if self.language == "en" else None) or master.get("name")


def read_context(source: Source, *, as_of: date, language: str, incomplete: bool) -> Context:
    """The masters as they stand at ``as_of``."""
    texts = dict.fromkeys
    company = source.given("reference", "own_company", texts(_COMPANY, "string")).limit(1).to_pyarrow().to_pylist()
    masters = source.given("reference", "principals", {**texts(_PRINCIPAL, "string"), **_VALIDITY})
    payers = source.given("reference", "payers", _PAYER).to_pyarrow().to_pylist()
    documents = source.given("reference", "payout_documents", _PAYEE).to_pyarrow().to_pylist()
    applications = source.given("facts", "payments", _APPLICATION).distinct().to_pyarrow().to_pylist()
    return Context(
        month=source.month,
        as_of=as_of,
        language=language,
        incomplete=incomplete,
        company=company[0] if company else {},
        principals=_in_force(masters.to_pyarrow().to_pylist(), as_of),
        persons=known_persons(payers, documents, applications),
    )


def _in_force(rows: Iterable[Mapping[str, Any]], as_of: date) -> dict[str, Mapping[str, Any]]:
    """The version of each principal that is valid at ``as_of``, else its latest."""

    def rank(row: Mapping[str, Any]) -> tuple[bool, date, str]:
        begins, ends = row["valid_from"] or date.min, row["valid_to"] or date.max
        return (begins <= as_of <= ends, begins, str(row))

    best: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=rank):
        best[row["principal_id"]] = row
    return dict(sorted(best.items()))
