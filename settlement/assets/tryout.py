"""The try-out (试算) of past months: their input is read again in a folder of its own, matching runs twice, nothing is kept.

What belongs here: bringing a month's facts to where ``matching.tryout`` can look at them. What does not: what would move.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path

import dagster as dg
import ibis
import pyarrow as pa

from settlement import month as months
from settlement.checks.mart_schemas import mart_table
from settlement.io.engine import Engine, connect
from settlement.io.home import Home
from settlement.io.parameters import load_parameters
from settlement.io.published import month_states
from settlement.io.warehouse import Warehouse, conformed, empty
from settlement.matching import Limits, MatchInputs, limits_on, tryout
from settlement.matching.decision_table import changed
from settlement.matching.relations import text

_FACTS = (
    "transactions", "orders", "goods", "payments", "tax_bills", "refund_notices", "vat_invoices", "claims", "adjustments",
    "freight_lines", "freight_charges",
)  # fmt: skip
_REFERENCE = (
    "principals", "payers", "own_accounts", "own_company", "payout_documents", "opening_items", "fx_mid_rates",
)  # fmt: skip


class CannotTry(Exception):
    """The try-out cannot run; the message says why, for an engineer or a clerk."""


@dataclass(frozen=True)
class Trial:
    """What would move in one month: rows of ``matching.tryout.DIFFERENCES`` with the line's day, payer and currency."""

    month: str
    rows: tuple[dict, ...]


def limit_value(name: str, written: str) -> object:
    """A limit as its field wants it: a whole number, or a decimal (``0.5%`` is 0.005). Raises ``ValueError``.

    >>> limit_value("short_share", "0.5%"), limit_value("sum_items_most", "80")
    (Decimal('0.005'), 80)
    """
    kinds = {field.name: field.type for field in fields(Limits)}
    if name not in kinds:
        raise ValueError(f"no limit {name!r}; there are {', '.join(sorted(kinds))}")
    try:
        number = Decimal(written.rstrip("%")) / (100 if written.endswith("%") else 1)
    except InvalidOperation as error:
        raise ValueError(f"{name}: {written!r} is no number") from error
    return int(number) if kinds[name] == "int" else number


def wished(rules: Sequence[str], limits: Sequence[str]) -> tuple[dict[str, str], dict[str, object]]:
    """``ID=outcome`` and ``NAME=VALUE`` words as rules and limits to try. Raises ``ValueError`` where they are none."""
    pairs = [[word.partition("=") for word in words] for words in (rules, limits)]
    wrong = ["".join(pair) for pair in (*pairs[0], *pairs[1]) if not (pair[0] and pair[2])]
    if wrong or not (rules or limits):
        raise ValueError(f"{wrong[0]!r} is not NAME=VALUE" if wrong else "nothing to try: give --rule or --limit")
    outcomes = {name: outcome for name, _, outcome in pairs[0]}
    try:
        changed(outcomes)
    except KeyError as error:
        raise ValueError(error.args[0]) from error
    return outcomes, {name: limit_value(name, value) for name, _, value in pairs[1]}


def inputs_after_reading(home: Home, month: str) -> tuple[Engine, MatchInputs]:
    """What matching is given for ``month``: the facts that ``read_month`` left in the home's work file, and what earlier
    months published."""
    con = connect()
    con.attach(home.workshop / "work.duckdb", name="work", read_only=True)
    tables = {name: con.table(name, database=("work", "facts")) for name in _FACTS}
    tables |= {name: con.table(name, database=("work", "reference")) for name in _REFERENCE}
    if home.published.exists():
        con.attach(home.published, name="published", read_only=True)
    for name, table in (("placed", "receipt_allocations"), ("placed_payments", "payment_allocations")):
        rows = empty(mart_table(table))
        if home.published.exists():
            rows = conformed(con.table(table, database=("published", "mart")), mart_table(table))
        tables[name] = rows.filter(rows.month < month)
    day = months.last_day(month)
    warehouse = Warehouse(home, month, day)
    warehouse.con = con  # in memory: what matching keeps goes with it
    return con, MatchInputs(
        month=month,
        as_of=day,
        limits=limits_on(load_parameters(home.reference), day),
        run=lambda table: con.to_pyarrow(table).to_pylist(),
        load=loader(con),
        keep=lambda name, table: warehouse.keep("main", name, table),
        **tables,
    )


def loader(con: Engine):
    """How rows become a table of ``con``, exactly: what ``MatchInputs.load`` is given."""
    numbers = iter(range(10**9))

    def load(rows, schema: ibis.Schema):
        arrow = schema.to_pyarrow()
        columns = [
            pa.array([row.get(name) for row in rows], kind) for name, kind in zip(arrow.names, arrow.types, strict=True)
        ]
        return con.load(f"loaded_{next(numbers)}", pa.table(columns, schema=arrow))

    return load


def try_month(home: Home, month: str, limits: Mapping[str, object], rules: Mapping[str, str]) -> Trial:
    """What would move in a settled ``month`` with other ``limits`` or ``rules``; the home is only read.

    Each month is tried on what was really published before it. Raises ``CannotTry`` where the month was never settled,
    and what ``matching.tryout`` raises.
    """
    if month_states(home).get(month, "open") == "open":
        raise CannotTry(f"{month} 尚未结算，不能试算")
    with tempfile.TemporaryDirectory(prefix="settlement-tryout-") as folder:
        scratch = Home(Path(folder))
        scratch.workshop.mkdir(parents=True)
        scratch.raw.symlink_to(home.raw, target_is_directory=True)
        shutil.copyfile(home.published, scratch.published)
        read_month(scratch, month)
        con, inputs = inputs_after_reading(scratch, month)
        try:
            moved = tryout(inputs, limits, rules)
            lines = inputs.transactions.select("txn_id", "booked_on", "currency", "counterparty_name")
            rows = moved.inner_join(lines, "txn_id")
            rows = rows.mutate(counterparty_name=rows.counterparty_name.fill_null(text("（无户名）")))
            order = ("booked_on", "txn_id", "amount_after", "what")
            return Trial(month, tuple(con.to_pyarrow(rows.order_by(*order)).to_pylist()))
        finally:
            con.disconnect()


def read_month(home: Home, month: str) -> None:
    """Run the job of the month as far as matching looks at it. Raises ``CannotTry`` where the job fails."""
    from settlement.definitions import defs

    upstream = dg.AssetSelection.assets("matched_money").upstream(include_self=False)
    job = defs.resolve_job_def("settle_month")
    keys = upstream.resolve(list(defs.assets))
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            partition_key=month,
            asset_selection=sorted(keys),
            instance=instance,
            run_config={
                "resources": {"run": {"config": {"home": str(home.root), "workbooks": False}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
        )
    if not result.success:
        raise CannotTry(f"the input of {month} could not be read again")


def told(trial: Trial, shown: int) -> list[str]:
    """A trial in a clerk's words: how much would move, then line by line, at most ``shown``."""
    lines = {row["txn_id"] for row in trial.rows}
    if not lines:
        return [f"{trial.month}：没有变化"]
    said = [f"{trial.month}：{len(lines)} 笔流水会变化（未发布任何内容）"]
    for row in trial.rows[:shown]:
        rules = " → ".join(row[name] or "无" for name in ("rule_before", "rule_after"))
        said.append(
            f"  {row['booked_on']} {row['counterparty_name']} {row['txn_id']}：{row['currency']} {row['what']}（规则 {rules}）"
        )
    if len(trial.rows) > shown:
        said.append(f"  另有 {len(trial.rows) - shown} 行未列出")
    return said
