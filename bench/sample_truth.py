"""How right matching is on a sample home, held against its ``truth/``: what posts wrongly, what is placed.

    python -m bench.sample_truth HOME MONTH [--show N]

The home must have been settled for the month once (its work file holds the facts). Only matching runs here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from ibis.backends.duckdb import Backend

from settlement.io.engine import connect
from settlement.io.parameters import load_parameters
from settlement.matching import Matched, MatchedPayments, MatchInputs, limits_on, match_payments, match_receipts

_FACTS = (
    "transactions", "orders", "goods", "payments", "tax_bills", "refund_notices", "vat_invoices", "claims", "adjustments",
    "freight_charges",
)  # fmt: skip
_REFERENCE = (
    "principals", "payers", "own_accounts", "own_company", "payout_documents", "opening_items", "fx_mid_rates",
)  # fmt: skip
KEY = ("account_no", "bank_ref", "booked_on", "amount")


def last_day(month: str) -> date:
    """The last day of a month YYYY-MM."""
    year, number = int(month[:4]), int(month[5:])
    return date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)


def inputs_of(home: Path, month: str) -> tuple[Backend, MatchInputs]:
    """What matching was given when ``month`` was settled last in ``home``."""
    con = connect()
    con.raw_sql(f"ATTACH '{home / 'warehouse/work/work.duckdb'}' AS work (READ_ONLY)")
    con.raw_sql(f"ATTACH '{home / 'warehouse/settlement.duckdb'}' AS published (READ_ONLY)")
    tables = {name: con.table(name, database=("work", "facts")) for name in _FACTS}
    tables |= {name: con.table(name, database=("work", "reference")) for name in _REFERENCE}
    for name, table in (("placed", "receipt_allocations"), ("placed_payments", "payment_allocations")):
        rows = con.table(table, database=("published", "mart"))
        tables[name] = rows.filter(rows.month < month)
    day = last_day(month)
    return con, MatchInputs(
        month=month,
        as_of=day,
        limits=limits_on(load_parameters(home / "raw/reference"), day),
        run=lambda table: con.to_pyarrow(table).to_pylist(),
        load=loader(con),
        keep=lambda name, table: con.create_table(name, table, overwrite=True),
        **tables,
    )


def loader(con: Backend):
    """Rows as a table of the connection, exactly."""
    numbers = iter(range(10**9))

    def load(rows, schema):
        arrow = schema.to_pyarrow()
        columns = [
            pa.array([row.get(name) for row in rows], kind) for name, kind in zip(arrow.names, arrow.types, strict=True)
        ]
        return con.create_table(f"loaded_{next(numbers)}", pa.table(columns, schema=arrow), overwrite=True)

    return load


@dataclass
class Score:
    """Counts of receipts, and examples of what is wrong."""

    posted: Counter = field(default_factory=Counter)
    wrong: Counter = field(default_factory=Counter)
    decidable: int = 0
    placed: int = 0
    missed: Counter = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def truth_of(con: Backend, home: Path, month: str) -> dict[tuple, dict]:
    """Truth by identity of the line: pieces by order and principal, verdict, why."""
    rows = con.read_csv(home / "truth/receipts.csv", all_varchar=True)
    found: dict[tuple, dict] = {}
    for row in con.to_pyarrow(rows.filter(rows.month <= month)).to_pylist():
        key = (row["account_no"], row["bank_ref"] or None, row["booked_on"], Decimal(row["amount"]), row["occurrence"])
        entry = found.setdefault(
            key,
            {
                "pieces": Counter(),
                "verdict": row["verdict"],
                "why": row["why"],
                "purpose": row["purpose"],
                "world": set(),
            },
        )
        entry["pieces"][row["order_no"], row["principal_id"]] += Decimal(row["piece"])
        entry["world"].add(row["world_order_no"])
        if row["verdict"] == "post":
            entry["verdict"], entry["why"] = "post", row["why"]
    return found


def identities(con: Backend, inputs: MatchInputs) -> dict[str, tuple]:
    """txn_id -> identity as the truth has it; equal lines are numbered in order of txn_id."""
    lines = inputs.transactions
    seen: Counter = Counter()
    found = {}
    for row in con.to_pyarrow(lines.filter(lines.amount > 0).select("txn_id", *KEY).order_by("txn_id")).to_pylist():
        key = (row["account_no"], row["bank_ref"], row["booked_on"].isoformat(), row["amount"])
        seen[key] += 1
        found[row["txn_id"]] = (*key, str(seen[key]))
    return found


def score(con: Backend, home: Path, inputs: MatchInputs, matched: Matched) -> Score:
    """Every receipt of truth against what stands at the month's end."""
    truth, ids = truth_of(con, home, inputs.month), identities(con, inputs)
    stands: dict[str, list[dict]] = defaultdict(list)
    for row in con.to_pyarrow(matched.allocations).to_pylist():
        stands[row["txn_id"]].append(row)
    earlier = inputs.placed.select(
        "txn_id", "order_no", "principal_id", "amount", "confidence", "rule", "evidence", "purpose"
    )
    for row in con.to_pyarrow(earlier).to_pylist():
        stands[row["txn_id"]].append(row)
    result = Score()
    for txn_id, key in ids.items():
        answer = truth.get(key)
        if answer is None:
            result.missed["no truth"] += 1
            continue
        _judge(result, txn_id, key, answer, stands.get(txn_id, []))
    return result


def _judge(result: Score, txn_id: str, key: tuple, answer: dict, rows: list[dict]) -> None:
    net: Counter = Counter()
    confidence = "certain"
    for row in rows:
        net[row["order_no"], row["principal_id"]] += row["amount"]
        if row["confidence"] == "probable":
            confidence = "probable"
    net = Counter({pair: amount for pair, amount in net.items() if amount})
    rule = "/".join(sorted({row["rule"] for row in rows})) or "-"
    on_orders = {order for order, _ in net if order}
    right = {order for order, _ in answer["pieces"] if order}
    allowed = right | (answer["world"] if answer["verdict"] == "either" else set())
    example = f"{txn_id} {key} truth {dict(answer['pieces'])} {answer['why']} | got {dict(net)} {rule} {rows[0]['evidence'] if rows else ''}"
    if on_orders:
        result.posted[confidence] += 1
        if on_orders - allowed:
            result.wrong[confidence, rule] += 1
            result.examples["wrong"].append(example)
        elif answer["verdict"] != "either" and net != answer["pieces"]:
            result.wrong["split", rule] += 1
            result.examples["split"].append(example)
    wrong_principal = {who for _, who in net if who} - {who for _, who in answer["pieces"] if who}
    if not on_orders and wrong_principal:
        result.wrong["principal", rule] += 1
        result.examples["principal"].append(example)
    if answer["verdict"] == "post":
        result.decidable += 1
        done = (on_orders == right) if right else bool(net) and not on_orders and not wrong_principal
        if done:
            result.placed += 1
        else:
            result.missed[answer["why"], rule] += 1
            result.examples["missed"].append(example)


def main(arguments: list[str]) -> int:
    """Print the score of one home and month; exit status 1 where something certain is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("month")
    parser.add_argument("--show", type=int, default=0)
    given = parser.parse_args(arguments)
    con, inputs = inputs_of(given.home, given.month)
    started = time.perf_counter()
    matched = match_receipts(inputs)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    paid: MatchedPayments = match_payments(inputs)
    payments_seconds = time.perf_counter() - started
    result = score(con, given.home, inputs, matched)
    print(f"receipts {seconds:.1f} s, payments {payments_seconds:.1f} s")
    print(f"posted to orders: {dict(result.posted)}; wrong: {dict(result.wrong)}")
    print(f"decidable {result.decidable}, placed {result.placed} ({result.placed / max(result.decidable, 1):.2%})")
    for why, count in result.missed.most_common(20):
        print(f"  missed {count:6} {why}")
    for kind, lines in result.examples.items():
        for line in lines[: given.show]:
            print(kind, line)
    open_payments = con.to_pyarrow(paid.unmatched.count()).as_py()
    print(f"debits open {open_payments}")
    return int(any(kind == "certain" for kind, _ in result.wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
