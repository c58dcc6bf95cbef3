"""The decision table (party x reference x fit of the amount x uniqueness) as rows and as a relation.

The table itself is ``decision_table.yaml``: what posts, with which confidence, stands there and only there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import ibis
import ibis.expr.types as ir
import yaml

_FILE = Path(__file__).with_name("decision_table.yaml")
_ANY = "*"
FACTS = ("party", "reference", "fit", "unique")
# Every word a fact may be; decision_table.yaml says what each means.
PARTIES = ("own", "weak", "buyer", "bureau", "unknown", "other", "conflict", "many")
REFERENCES = ("one", "alike", "unclear", "several", "choice", "month", "tail", "typo", "dead", "none")
FITS = (
    "exact", "variant", "charges", "estimate", "part", "over", "paid", "undue", "sum", "parts", "currency", "dropped", "none",
)  # fmt: skip
UNIQUE = ("sole", "likely", "several", "-")
SCHEMA = ibis.schema(dict.fromkeys((*FACTS, "rule", "posts", "confidence"), "string"))
TEXTS = ibis.schema(dict.fromkeys(("rule", "code", "zh"), "string"))


@dataclass(frozen=True)
class Row:
    """One row of the table; ``posts`` is order, account or open, ``code`` an exception or empty."""

    id: str
    party: str
    reference: str
    fit: str
    unique: str
    posts: str
    confidence: str
    code: str
    zh: str

    def fits(self, party: str, reference: str, fit: str, unique: str) -> bool:
        """Whether the four facts meet the row."""
        mine = (self.party, self.reference, self.fit, self.unique)
        return all(one in (_ANY, fact) for one, fact in zip(mine, (party, reference, fit, unique), strict=True))


@cache
def rows() -> tuple[Row, ...]:
    """The rows in order. Raises ``TypeError`` where one has not the nine columns."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tuple(Row(*[str(cell) for cell in row]) for row in content["rows"])


def changed(posts: Mapping[str, str]) -> tuple[Row, ...]:
    """The rows with another outcome for some: id -> order, account or open. For trying out only.

    Raises ``KeyError`` for an id that no row has, ``ValueError`` for another word.
    """
    known = {row.id for row in rows()}
    strange = sorted(set(posts) - known)
    if strange:
        raise KeyError(f"no row {strange} in the decision table")
    if set(posts.values()) - {"order", "account", "open"}:
        raise ValueError(f"a row posts order, account or open, not {sorted(set(posts.values()))}")
    return tuple(
        replace(row, posts=posts.get(row.id, row.posts), confidence=row.confidence or "probable") for row in rows()
    )


def row_for(party: str, reference: str, fit: str, unique: str, table: Sequence[Row] | None = None) -> Row:
    """The first row that fits; the last row fits everything."""
    return next(row for row in table or rows() if row.fits(party, reference, fit, unique))


@cache
def expanded(table: tuple[Row, ...] | None = None) -> tuple[dict[str, str], ...]:
    """Every combination of facts (about 4,000) with rule, posts and confidence of the row that fits."""
    return tuple(
        dict(zip(FACTS, facts, strict=True)) | {"rule": row.id, "posts": row.posts, "confidence": row.confidence}
        for facts in product(PARTIES, REFERENCES, FITS, UNIQUE)
        for row in [row_for(*facts, table)]
    )


def texts() -> list[dict[str, str]]:
    """rule, code and zh of every row."""
    return [{"rule": row.id, "code": row.code, "zh": row.zh} for row in rows()]


def judged(facts: ir.Table, table: ir.Table) -> ir.Table:
    """``facts`` (with the columns FACTS) with rule, posts and confidence; ``table`` has the rows of ``expanded``."""
    return facts.inner_join(table, list(FACTS))
