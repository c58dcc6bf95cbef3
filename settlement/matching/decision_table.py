"""The decision table (party x reference x fit of the amount x uniqueness) as rows and as a relation.

The table itself is ``decision_table.yaml``: what posts, with which confidence, stands there and only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ibis
import ibis.expr.types as ir
import yaml

from settlement.rules.rows import table_of

_FILE = Path(__file__).with_name("decision_table.yaml")
_ANY = "*"
FACTS = ("party", "reference", "fit", "unique")
_SCHEMA = ibis.schema(
    dict.fromkeys(("rule", *FACTS, "posts", "confidence", "code", "zh"), "string") | {"place": "int64"}
)


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


def row_for(party: str, reference: str, fit: str, unique: str) -> Row:
    """The first row that fits; the last row fits everything."""
    return next(row for row in rows() if row.fits(party, reference, fit, unique))


def judged(facts: ir.Table) -> ir.Table:
    """``facts`` (with the columns FACTS) with rule, posts, confidence, code and zh of the row that fits."""
    asked = facts.select(*FACTS).distinct()
    table = table_of(
        [
            {"rule": row.id, "place": place, "posts": row.posts, "confidence": row.confidence, "code": row.code, "zh": row.zh}
            | {name: getattr(row, name) for name in FACTS}
            for place, row in enumerate(rows())
        ],
        _SCHEMA,
    ).rename({f"row_{name}": name for name in FACTS})
    fits = [(table[f"row_{name}"] == asked[name]) | (table[f"row_{name}"] == _ANY) for name in FACTS]
    met = asked.inner_join(table, fits)
    first = met.mutate(best=met.place.min().over(ibis.window(group_by=list(FACTS))))
    first = first.filter(first.place == first.best).select(*FACTS, "rule", "posts", "confidence", "code", "zh")
    return facts.inner_join(first, list(FACTS))
