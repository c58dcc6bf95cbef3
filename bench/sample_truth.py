"""How right matching is on a sample home, held against its ``truth/``: what posts wrongly, what is placed.

    python -m bench.sample_truth [--seeds 10] [--orders 400]     homes of their own, every kind of mess (`make bench`)
    python -m bench.sample_truth HOME MONTH [--show N]            the sample home HOME, of which nothing is published

Only reading and matching run here. Aim: nothing certain wrong, at most 0.2% of the probable, 97% of the decidable placed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from ibis.backends.duckdb import Backend

from settlement.assets.tryout import inputs_after_reading, read_month
from settlement.io.home import Home
from settlement.matching import Matched, MatchInputs, match_receipts
from settlement.sample import write_home

KEY = ("account_no", "bank_ref", "booked_on", "amount")
MONTH = "2023-09"


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
    # Two lines without a serial, of one day and amount, cannot be told apart here: neither is judged.
    return {key: entry for key, entry in found.items() if sum(entry["pieces"].values()) <= key[3]}


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
        judge(result, txn_id, key, answer, stands.get(txn_id, []))
    return result


def judge(result: Score, txn_id: str, key: tuple, answer: dict, rows: list[dict]) -> None:
    """Count one receipt: ``answer`` is its truth (``truth_of``), ``rows`` its allocations."""
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


def try_seed(seed: int, orders: int) -> tuple[Score, float]:
    """Write a home with every kind of mess, read it as a run does, match, and judge; seconds of matching."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        write_home(home.root, month=MONTH, orders=orders, seed=seed, mess="hard")
        home.workshop.mkdir(parents=True)
        read_month(home, MONTH)
        con, inputs = inputs_after_reading(home, MONTH)
        started = time.perf_counter()
        matched = match_receipts(inputs)
        result = score(con, home.root, inputs, matched)
        seconds = time.perf_counter() - started
        con.disconnect()
    return result, seconds


def told(result: Score, shown: int) -> Iterator[str]:
    """The score in words: what is wrong among what posted, and what of the decidable was placed."""
    certain, probable = (
        sum(count for (kind, _), count in result.wrong.items() if kind == name) for name in ("certain", "probable")
    )
    share = probable / max(result.posted["probable"], 1)
    yield (
        f"posted to orders: {result.posted['certain']} certain, {certain} wrong; {result.posted['probable']} probable, "
        f"{probable} wrong ({share:.2%}); other faults {sum(result.wrong.values()) - certain - probable}; "
        f"decidable {result.decidable}, placed {result.placed} ({result.placed / max(result.decidable, 1):.2%})"
    )
    for why, count in result.missed.most_common(shown):
        yield f"  missed {count:6} {why}"
    for kind, lines in result.examples.items():
        for line in lines[:shown]:
            yield f"  {kind} {line}"


def main(arguments: list[str]) -> int:
    """Print the score; exit status 1 where something posted is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, nargs="?")
    parser.add_argument("month", nargs="?", default=MONTH)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--orders", type=int, default=400)
    given = parser.parse_args(arguments)
    is_wrong = False
    if given.home:
        home = Home(given.home.resolve())
        home.workshop.mkdir(parents=True, exist_ok=True)
        read_month(home, given.month)
        con, inputs = inputs_after_reading(home, given.month)
        result = score(con, given.home, inputs, match_receipts(inputs))
        print("\n".join(told(result, given.show)))
        return int(bool(result.wrong))
    for seed in range(1, given.seeds + 1):
        result, seconds = try_seed(seed, given.orders)
        print(f"seed {seed:3}: {seconds:5.1f} s, " + "\n".join(told(result, given.show)), flush=True)
        is_wrong |= bool(result.wrong)
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
