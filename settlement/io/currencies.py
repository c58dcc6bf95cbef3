"""Currencies: which name means which code, and how many decimals its money has.

What belongs here: reading ``currencies.yaml``. What does not: rates, accounts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

import yaml

# Words beside a currency that say which kind of account or money it is.
_KINDS = {"本位币", "现钞", "现汇", "钞", "汇", "钞户", "汇户"}


@cache
def currencies() -> dict[str, int]:
    """Code to decimals of its money."""
    return {code: entry["decimals"] for code, entry in _file().items()}


@cache
def currency_names() -> dict[str, str]:
    """Every name a bank prints, upper-cased and NFKC-normalised, to its code."""
    names = {code: code for code in _file()}
    for code, entry in _file().items():
        names.update({unicodedata.normalize("NFKC", str(name)).upper(): code for name in entry["names"]})
    return names


def _file() -> dict[str, dict]:
    return yaml.safe_load(resources.files("settlement.io").joinpath("currencies.yaml").read_text("utf-8"))


def currency_of(text: str | None) -> str | None:
    """The code a name means, or None. Banks also print code and name together, or the kind of account beside them.

    >>> currency_of("人民币"), currency_of("usd "), currency_of("XXX")
    ('CNY', 'USD', None)
    >>> currency_of("USD-美元"), currency_of("人民币(本位币)"), currency_of("USD/CNY"), currency_of("USD XXX")
    ('USD', 'CNY', None, None)
    """
    if text is None:
        return None
    name, names = unicodedata.normalize("NFKC", text).strip().upper(), currency_names()
    if name in names:
        return names[name]
    found = {names.get(part, part) for part in re.split(r"[\s()/,:-]+", name) if part and part not in _KINDS}
    return found.pop() if len(found) == 1 and found <= names.keys() else None
