"""Many small cases settled in one run: each name is a world of its own, its keys prefixed with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

KEYS = (
    "order_no", "principal_id", "vendor", "bl_no", "to_order", "from_order", "ref_no", "vendor_invoice_no", "line_key", "txn_id",
)  # fmt: skip


@dataclass
class Worlds:
    """name -> table -> rows. ``rows`` gives a table's rows of all worlds; ``sorted_out`` takes results apart again."""

    worlds: dict[str, dict[str, Sequence[dict]]] = field(default_factory=dict)

    def add(self, name: str, **tables: Sequence[dict]) -> None:
        """A world. Raises ``ValueError`` for a name given twice: a test that silently replaced another proves nothing."""
        if name in self.worlds or "~" in name:
            raise ValueError(f"world {name!r} is there already, or has ~ in its name")
        self.worlds[name] = tables

    def rows(self, table: str) -> Iterator[dict]:
        for name, tables in self.worlds.items():
            for row in tables.get(table, ()):
                yield {key: f"{name}~{value}" if key in KEYS and value else value for key, value in row.items()}

    def sorted_out(
        self, rows: Sequence[dict], *, by: Sequence[str] = ("order_no", "principal_id")
    ) -> dict[str, list[dict]]:
        """Result rows by world, keys without their prefix; the world is that of the first of ``by`` that is filled."""
        found: dict[str, list[dict]] = {name: [] for name in self.worlds}
        for row in rows:
            name = next(row[column] for column in by if row[column]).split("~")[0]
            found[name].append({key: _plain(value) if key in KEYS else value for key, value in row.items()})
        return found


def _plain(value):
    return value.split("~")[-1] if isinstance(value, str) else value


def column(rows: Sequence[dict], *names: str) -> list:
    """One column as a list of values, several as a list of tuples."""
    values = [tuple(row[name] for name in names) for row in rows]
    return [value[0] for value in values] if len(names) == 1 else values
