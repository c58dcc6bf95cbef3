"""The one dictionary of everything a workbook says (labels.yaml): Chinese terms, and the same in English.

Three parts: ``words`` (a Chinese term is its own key; its English beside it) for sheet names, headings
and the fixed values of the warehouse, ``codes`` (values that the warehouse has in English), and ``texts``
(an id; a sentence in each language).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from settlement.io.workbooks.english_amount import amount_in_english
from settlement.rules.amount_in_words import amount_in_words

LANGUAGES = ("zh", "en")


class LabelMissing(KeyError):
    """A term or sentence that labels.yaml does not have in this language."""


@cache
def _dictionary() -> dict[str, Any]:
    return yaml.safe_load(files(__package__).joinpath("labels.yaml").read_text(encoding="utf-8"))


class Labels:
    """Words and sentences in one language."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r} is none of {LANGUAGES}")
        self.language = language
        self._words: dict[str, str] = _dictionary()["words"]
        self._codes: dict[str, dict[str, str]] = _dictionary()["codes"]
        self._texts: dict[str, dict[str, str]] = _dictionary()["texts"]

    def word(self, chinese: str) -> str:
        """A heading, sheet name or label. Raises ``LabelMissing`` where the dictionary has no such term."""
        if chinese not in self._words:
            raise LabelMissing(f"labels.yaml has no word {chinese!r}")
        return chinese if self.language == "zh" else self._words[chinese]

    def value(self, chinese: str | None) -> str | None:
        """A fixed value of the warehouse (a status, a purpose) in this language; free text stays as it is."""
        if chinese in self._codes:
            return self._codes[chinese][self.language]
        if chinese is None or self.language == "zh":
            return chinese
        return self._words.get(chinese, chinese)

    def listed(self, items: Iterable[str]) -> str:
        """Several words one after another."""
        return ("、" if self.language == "zh" else ", ").join(items)

    def amount(self, amount: Decimal) -> str:
        """A CNY amount (not negative) in words: 人民币大写 (CAP-01), in English the same beside English words."""
        legal = amount_in_words(amount)
        return legal if self.language == "zh" else f"{amount_in_english(amount)}; {legal}"

    def rule(self, rule: str) -> str:
        """What a rule of the ledger says, with its id; the id alone where the dictionary does not know it."""
        name = f"rule_{rule}"
        return self.text("note_rule", rule=rule, text=self.text(name)) if name in self._texts else rule

    def text(self, name: str, /, **figures: object) -> str:
        """A sentence with its figures filled in. Raises ``LabelMissing``."""
        if name not in self._texts:
            raise LabelMissing(f"labels.yaml has no text {name!r}")
        return self._texts[name][self.language].format(**figures)
