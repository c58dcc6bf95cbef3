"""Sales of foreign currency (结汇): the debit in currency, the credit in CNY, and the receipt that was sold.

The pair is joined by the bank's own figures (currency amount x rate = CNY amount, to the fen) or by one reference
on both lines; the receipt by reference, or as the only credit of that amount before. Nothing is joined by date alone.

What belongs here: pairs of lines. What does not: what a receipt is for.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.limits import bank_limits
from settlement.io.bank.model import MONEY, RATE
from settlement.io.bank.model import table_of as rows_to_table
from settlement.rules.money import multiply

CONVERSIONS = pa.schema(
    [
        ("fx_txn_id", pa.string()),
        ("cny_txn_id", pa.string()),
        ("receipt_txn_id", pa.string()),
        ("currency", pa.string()),
        ("fx_amount", MONEY),
        ("cny_amount", MONEY),
        ("rate", RATE),
        ("evidence", pa.string()),
        ("receipt_evidence", pa.string()),
    ]
)
_WORDS = "结汇|售汇|外汇买卖|汇兑|FX SALE|EXCHANGE"
_COLUMNS = [
    "txn_id",
    "currency",
    "booked_on",
    "amount",
    "bank_ref",
    "fx_rate",
    "cny_amount",
    "summary",
    "purpose",
    "remark",
]


def conversions_of(lines: pa.Table, fresh: pa.Table) -> pa.Table:
    """The sales of which at least one leg is in ``fresh``. ``lines``: all transactions, known ones too."""
    if not lines.num_rows:
        return CONVERSIONS.empty_table()
    new = set(fresh.column("txn_id").to_pylist()) if fresh.num_rows < lines.num_rows else None
    said = _speaks_of_sale(lines)
    is_cny = pc.fill_null(pc.equal(lines.column("currency"), "CNY"), False)
    is_out = pc.less(lines.column("amount"), pa.scalar(Decimal("0.00"), MONEY))
    table = lines.select(_COLUMNS)
    debits = table.filter(pc.and_(pc.and_(said, pc.invert(is_cny)), is_out)).to_pylist()
    credits = table.filter(pc.and_(pc.and_(said, is_cny), pc.invert(is_out))).to_pylist()
    pairs = _pairs(debits, credits)
    receipts = _receipts(table.filter(pc.and_(pc.invert(is_cny), pc.invert(is_out))), pairs)
    rows = [_row(debit, credit, evidence, receipts) for debit, credit, evidence in pairs]
    return rows_to_table(
        [row for row in rows if new is None or row["fx_txn_id"] in new or row["cny_txn_id"] in new], CONVERSIONS
    )


def _speaks_of_sale(lines: pa.Table) -> pa.ChunkedArray:
    found = None
    for name in ("summary", "purpose", "remark"):
        hit = pc.fill_null(pc.match_substring_regex(pc.utf8_upper(lines.column(name)), _WORDS), False)
        found = hit if found is None else pc.or_(found, hit)
    return found


def _cny_of(debit: dict) -> Decimal | None:
    if debit["cny_amount"] is not None:
        return abs(debit["cny_amount"])
    return None if debit["fx_rate"] is None else multiply(-debit["amount"], debit["fx_rate"])


def _pairs(debits: list[dict], credits: list[dict]) -> list[tuple[dict, dict, str]]:
    """Debit and credit of one sale; a leg that fits several others equally joins none."""
    by_amount: dict[Decimal, list[dict]] = defaultdict(list)
    by_reference: dict[str, list[dict]] = defaultdict(list)
    for credit in credits:
        by_amount[credit["amount"]].append(credit)
        if credit["bank_ref"]:
            by_reference[credit["bank_ref"]].append(credit)
    choices: list[tuple[dict, dict, str]] = []
    for debit in debits:
        near = [item for item in by_reference.get(debit["bank_ref"] or "", ()) if _is_near(debit, item)]
        evidence = "同一流水号"
        if len(near) != 1:
            expected = _cny_of(debit)
            fitting = by_amount.get(expected, []) if expected is not None else _by_credit_rate(debit, credits)
            near, evidence = [item for item in fitting if _is_near(debit, item)], "金额×汇率"
        if len(near) == 1:
            choices.append((debit, near[0], evidence))
    taken: dict[str, int] = defaultdict(int)
    for _, credit, _ in choices:
        taken[credit["txn_id"]] += 1
    return [choice for choice in choices if taken[choice[1]["txn_id"]] == 1]


def _by_credit_rate(debit: dict, credits: list[dict]) -> list[dict]:
    """Credits whose own line states the rate."""
    return [
        item
        for item in credits
        if item["fx_rate"] is not None and multiply(-debit["amount"], item["fx_rate"]) == item["amount"]
    ]


def _is_near(one: dict, other: dict) -> bool:
    return abs((one["booked_on"] - other["booked_on"]).days) <= bank_limits().sale_days


def _receipts(credits: pa.Table, pairs: list[tuple[dict, dict, str]]) -> dict[tuple[str, Decimal], list[dict]]:
    """Credits in currency by currency and amount, only those that a sale could have sold."""
    if not pairs:
        return {}
    amounts = pa.array(sorted({-debit["amount"] for debit, _, _ in pairs}), MONEY)
    found: dict[tuple[str, Decimal], list[dict]] = defaultdict(list)
    asked = credits.select(["txn_id", "currency", "booked_on", "amount", "bank_ref"])
    for row in asked.filter(pc.is_in(credits.column("amount"), amounts)).to_pylist():
        found[row["currency"], row["amount"]].append(row)
    return found


def _row(
    debit: dict, credit: dict, evidence: str, receipts: dict[tuple[str, Decimal], list[dict]]
) -> dict[str, object]:
    earliest: date = debit["booked_on"] - timedelta(days=bank_limits().receipt_days)
    fitting = [
        item
        for item in receipts.get((debit["currency"], -debit["amount"]), ())
        if earliest <= item["booked_on"] <= debit["booked_on"]
    ]
    named = [item for item in fitting if item["bank_ref"] and _mentions(debit, credit, item["bank_ref"])]
    receipt, how = (
        (named[0], "流水号") if len(named) == 1 else (fitting[0], "唯一等额收款") if len(fitting) == 1 else (None, None)
    )
    return {
        "fx_txn_id": debit["txn_id"],
        "cny_txn_id": credit["txn_id"],
        "receipt_txn_id": receipt["txn_id"] if receipt else None,
        "currency": debit["currency"],
        "fx_amount": -debit["amount"],
        "cny_amount": credit["amount"],
        "rate": debit["fx_rate"] or credit["fx_rate"],
        "evidence": evidence,
        "receipt_evidence": how,
    }


def _mentions(debit: dict, credit: dict, reference: str) -> bool:
    """Whether one of the legs names the receipt's reference."""
    if len(reference) < 6:
        return False
    texts = [leg[name] or "" for leg in (debit, credit) for name in ("bank_ref", "summary", "purpose", "remark")]
    return reference in "\0".join(texts).upper()
