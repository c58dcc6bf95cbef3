"""Why a re-run comes to something else: which input rows, masters, program, day or earlier month changed since.

Input rows are compared by their digest with those that were accepted when the month was last published; only the
rows that differ leave the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis.expr.types as ir

from settlement.io import run_record
from settlement.io.layouts import Layout, layouts
from settlement.io.warehouse import Warehouse

MOST_ROWS = 500  # of one table: a whole file exchanged is told as a count
MOST_SHOWN = 3
_SUBJECTS = ("txn_id", "order_no", "principal_id")


@dataclass
class Causes:
    """What changed, by the bank line, order or principal it is about; ``general`` touches everything."""

    by_subject: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    general: list[str] = field(default_factory=list)

    def of(self, row: Mapping[str, str | None]) -> str:
        """Why a row (txn_id, order_no, principal_id, as far as it has them) changed, in Chinese."""
        for name in _SUBJECTS:
            found = self.by_subject.get((name, row.get(name) or ""))
            if found:
                return _shown(found)
        if self.general:
            return _shown(self.general)
        others = [text for texts in self.by_subject.values() for text in texts]
        return (
            "受其他变化影响：" + _shown(list(dict.fromkeys(others)))
            if others
            else "输入未变，结果不同，请联系系统维护人员"
        )


def _shown(texts: Sequence[str]) -> str:
    more = f"；等 {len(texts)} 项" if len(texts) > MOST_SHOWN else ""
    return "；".join(texts[:MOST_SHOWN]) + more


def causes(warehouse: Warehouse) -> Causes:
    """What differs between this run's inputs and those of the month's last published run."""
    found = Causes()
    owners = _owners(warehouse)
    for layout in layouts().values():
        schema = "reference" if layout.is_reference else "input"
        here = "reference" if layout.is_reference else "stage"
        if warehouse.has_books(schema, layout.name) and warehouse.has_work(here, layout.name):
            _of_layout(warehouse, layout, here, schema, owners, found)
    _of_bank(warehouse, found)
    found.general += _of_run(warehouse)
    return found


def _owners(warehouse: Warehouse) -> dict[str, str]:
    """The principal of each order."""
    orders = warehouse.work("facts", "described_orders").select("order_no", "principal_id")
    return {row["order_no"]: row["principal_id"] for row in warehouse.con.to_pyarrow(orders).to_pylist()}


def _of_layout(
    warehouse: Warehouse, layout: Layout, here: str, schema: str, owners: Mapping[str, str], found: Causes
) -> None:
    now, before = warehouse.work(here, layout.name), warehouse.books(schema, layout.name)
    if "row_digest" not in now.columns or "row_digest" not in before.columns:
        return
    if not layout.is_reference:
        before = before.filter(before.month == warehouse.month)
    came, went = (_rows(warehouse, one, other) for one, other in ((now, before), (before, now)))
    for row, text in _told(layout, came, went):
        order = row.get("order_no") or row.get("from_order") or row.get("to_order")
        subjects = {
            "txn_id": row.get("txn_id"),
            "order_no": order,
            "principal_id": row.get("principal_id") or owners.get(order or ""),
        }
        named = [(name, value) for name, value in subjects.items() if value]
        for subject in named:
            found.by_subject[subject].append(text)
        if not named:
            found.general.append(text)


def _rows(warehouse: Warehouse, one: ir.Table, other: ir.Table) -> list[dict]:
    differing = one.anti_join(other, "row_digest").order_by("source_file", "source_row").limit(MOST_ROWS)
    return warehouse.con.to_pyarrow(differing).to_pylist()


def _told(layout: Layout, came: list[dict], went: list[dict]) -> list[tuple[dict, str]]:
    """Each difference as (row, text): a row whose key is on both sides changed, others came or went."""
    key = layout.key
    old = {tuple(row[name] for name in key): row for row in went} if key else {}
    told = []
    for row in came:
        before = old.pop(tuple(row[name] for name in key), None) if key else None
        fields = [each for each in layout.fields if before and row.get(each.name) != before.get(each.name)]
        where = f"{row['source_file']} 第 {row['source_row']} 行"
        if fields:
            what = "、".join(
                f"{each.header} {_word(before.get(each.name))} → {_word(row.get(each.name))}"
                for each in fields[:MOST_SHOWN]
            )
            told.append((row, f"{where}：{what}"))
        elif before is None:
            told.append((row, f"新增 {where}"))
    gone = old.values() if key else went
    return told + [(row, f"不再有 {row['source_file']} 原第 {row['source_row']} 行") for row in gone]


def _word(value: object) -> str:
    return "空" if value is None else str(value)


def _of_bank(warehouse: Warehouse, found: Causes) -> None:
    if not warehouse.has_books("input", "bank"):
        return
    now, published = warehouse.work("stage", "bank"), warehouse.books("input", "bank")
    before = published.filter(published.month == warehouse.month)
    for one, other, word in ((now, before, "新增流水"), (before, now, "不再有流水")):
        rows = one.anti_join(other, "txn_id").select("txn_id", "source_file", "source_row").limit(MOST_ROWS)
        for row in warehouse.con.to_pyarrow(rows.order_by("source_file", "source_row")).to_pylist():
            found.by_subject["txn_id", row["txn_id"]].append(f"{word} {row['source_file']} 第 {row['source_row']} 行")


def _of_run(warehouse: Warehouse) -> list[str]:
    """An earlier month settled again, another day, another program."""
    months = warehouse.books("mart", "months")
    state = warehouse.con.to_pyarrow(months.filter(months.month == warehouse.month)).to_pylist()
    texts = [row["reason"] for row in state if row["state"] == run_record.STALE and row["reason"]]
    if not warehouse.has_books("mart", "runs"):
        return texts
    runs = warehouse.books("mart", "runs")
    last = warehouse.con.to_pyarrow(
        runs.filter(runs.month == warehouse.month).order_by(runs.finished_at.desc()).limit(1)
    ).to_pylist()
    for row in last:
        if row["as_of"] != warehouse.as_of:
            texts.append(f"截止日 {row['as_of']} → {warehouse.as_of}")
        if row["code_version"] != run_record.code_version():
            texts.append("程序版本已更新")
    return texts
