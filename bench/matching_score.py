"""The labelled benchmark of receipts for any system: write its world as CSV files, score a file of answers.

    python -m bench.matching_score export FOLDER      the world: orders, charges, payers, statement lines, what is asked
    python -m bench.matching_score score ANSWERS.csv  how right the answers are
    python -m bench.matching_score ours               this program, scored the same way
    python -m bench.matching_score floor              exact joins alone, scored the same way

What the files hold and what counts as right is told in docs/matching-benchmark.md.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.matching.labelled import Case, Expected, benchmark

# What a system may look at: every table that the cases fill.
TABLES = (
    "own_company", "own_accounts", "principals", "payers", "orders", "freight_charges", "tax_bills", "refund_notices",
    "vat_invoices", "fx_mid_rates", "transactions",
)  # fmt: skip
_UNTOLD = ("month", "source_file", "source_row")
ANSWER = ("txn_id", "order_no", "principal_id", "amount", "confidence")
Pieces = Mapping[tuple[str | None, str | None], Decimal]


@dataclass
class Score:
    """Receipts by outcome, and the cases that are right as a whole.

    ``wrong``: money on an order the answer does not name, or on the account of a principal that is not its; ``sure_wrong``
    of these: claimed certain. ``missed``: the answer names orders and nothing, or only a part, was put on them.
    """

    receipts: int = 0
    right: int = 0
    wrong: int = 0
    sure_wrong: int = 0
    missed: int = 0
    posted: int = 0
    whole: int = 0
    cases: int = 0
    by_file: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    mistakes: list[str] = field(default_factory=list)


def export(folder: Path) -> None:
    """Write the world's tables and ``asked.csv`` (the receipts to answer, by case) into ``folder``."""
    world, cases = benchmark()
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        columns = list(dict.fromkeys(column for row in world.rows[name] for column in row if column not in _UNTOLD))
        _write(folder / f"{name}.csv", columns, world.rows[name])
    asked = [{"case": case.id, "txn_id": txn_id} for case in cases for txn_id in case.expected]
    _write(folder / "asked.csv", ["case", "txn_id"], asked)


def _write(path: Path, columns: list[str], rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_answers(path: Path) -> list[dict[str, object]]:
    """Rows of ANSWER. Raises ``ValueError`` where a column is missing or an amount is none."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = {"txn_id", "order_no", "principal_id", "amount"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path.name} lacks the columns {sorted(missing)}")
        rows = [{name: (row.get(name) or "").strip() or None for name in ANSWER} for row in reader]
    for row in rows:
        row["amount"] = Decimal(row["amount"] or "x") if (row["amount"] or "").replace(".", "", 1).isdigit() else None
        if row["amount"] is None:
            raise ValueError(f"{path.name}: {row['txn_id']} has no amount")
    return rows


def score(answers: Iterable[Mapping[str, object]]) -> Score:
    """``answers`` (ANSWER, one row a piece; a receipt without rows is left open) against the labels."""
    given: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    for row in answers:
        given[str(row["txn_id"])].append(row)
    result = Score()
    for case in benchmark()[1]:
        before = result.right
        for txn_id, expected in case.expected.items():
            _judge(result, case, txn_id, expected, given[txn_id])
        is_whole = result.right - before == len(case.expected)
        result.cases, result.whole = result.cases + 1, result.whole + is_whole
        counts = result.by_file[case.file]
        counts[0], counts[1] = counts[0] + is_whole, counts[1] + 1
    return result


def _judge(result: Score, case: Case, txn_id: str, expected: Expected, rows: list[Mapping[str, object]]) -> None:
    got: Counter = Counter()
    for row in rows:
        got[row["order_no"], None if row["order_no"] else row["principal_id"]] += row["amount"]
    orders = {order for order, _ in got if order}
    wanted = {order for order, _ in expected.pieces if order}
    owners = {who for _, who in got if who} - {who for _, who in expected.pieces if who}
    result.receipts += 1
    result.posted += bool(orders)
    if dict(got) == expected.pieces:
        result.right += 1
        return
    # Money kept on account of the right payer while the label names its order is a miss, not an error.
    stray = owners if not wanted else set()
    if orders - wanted or stray:
        result.wrong += 1
        result.sure_wrong += any(row.get("confidence") != "probable" for row in rows if row["order_no"])
        kind = "wrong"
    else:
        result.missed += 1
        kind = "missed"
    result.mistakes.append(
        f"{kind} {case.id} {txn_id}: expected {expected.pieces or 'open'}, got {dict(got) or 'open'}"
    )


def ours() -> list[Mapping[str, object]]:
    """This program's answers."""
    return [row for placed in benchmark()[0].matched().placed.values() for row in placed]


def floor() -> list[Mapping[str, object]]:
    """Exact joins: an order number that is a word of the remark, else the first order of the payer, currency and amount."""
    world = benchmark()[0]
    orders = world.rows["orders"]
    by_number = {row["order_no"]: row for row in orders}
    by_amount: dict[tuple, dict] = {}
    for row in orders:
        by_amount.setdefault((row.get("counterparty"), row["currency"], Decimal(row["amount_fx"])), row)
    found = []
    for line in world.rows["transactions"]:
        amount = Decimal(line["amount"])
        words = str(line.get("remark") or "").replace("、", " ").replace(",", " ").split()
        key = (line.get("counterparty_name"), line["currency"], amount)
        order = next((by_number[word] for word in words if word in by_number), by_amount.get(key))
        if amount > 0 and order:
            piece = {"order_no": order["order_no"], "principal_id": order["principal_id"], "confidence": "certain"}
            found.append({"txn_id": line["txn_id"], "amount": amount, **piece})
    return found


def told(result: Score) -> list[str]:
    """A score in words."""
    return [
        f"cases right as a whole {result.whole} of {result.cases}; receipts right {result.right} of {result.receipts}",
        f"wrongly posted {result.wrong} (claimed certain: {result.sure_wrong}) of {result.posted} posted to orders; missed {result.missed}",
        *[f"  {name:20} {right} of {count}" for name, (right, count) in sorted(result.by_file.items())],
    ]


def main(arguments: list[str]) -> int:
    """The command; exit status 1 where not every case is right, 2 for a wrong call."""
    match arguments:
        case ["export", folder]:
            export(Path(folder))
            return 0
        case ["score", path]:
            answers = read_answers(Path(path))
        case ["ours"]:
            answers = ours()
        case ["floor"]:
            answers = floor()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    result = score(answers)
    print("\n".join([*told(result), *result.mistakes]))
    return int(result.whole < result.cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
