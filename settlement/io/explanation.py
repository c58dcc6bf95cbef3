"""Why a bank line went where it went, in a clerk's words (`settlement explain`).

What belongs here: reading the published warehouse and laying out what it says of one line. What does not: deciding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ibis.backends.duckdb import Backend
from ibis.common.exceptions import TableNotFound

from settlement.io.home import Home
from settlement.io.published import opened

_SURE = {"certain": "确定", "probable": "待复核"}
_SHORTEST = 6  # characters of a txn_id that may stand for it


def explain(home: Home, txn_id: str) -> list[str]:
    """Lines of text on one bank line, month by month; an empty list where there is no such line.

    ``txn_id`` may be its beginning (at least six characters) where that leaves one line; the bank's serial will do too.
    """
    with opened(home) as con:
        if con is None:
            return []
        known = _lines_named(con, txn_id.strip())
        if len(known) > 1:
            return [f"“{txn_id}”有 {len(known)} 笔流水：", *[f"  {_head(line)}" for line in known]]
        return list(_told(con, known[0])) if known else []


def _rows(con: Backend, name: str, column: str, value: str) -> list[dict]:
    """Rows of a published table whose column is ``value``; none where an older warehouse lacks the table."""
    try:
        table = con.table(name, database="mart")
    except TableNotFound:
        return []
    return con.to_pyarrow(table.filter(table[column] == value)).to_pylist()


def _lines_named(con: Backend, name: str) -> list[dict]:
    found = _rows(con, "bank_transactions", "txn_id", name) or _rows(con, "bank_transactions", "bank_ref", name)
    if not found and len(name) >= _SHORTEST:
        lines = con.table("bank_transactions", database="mart")
        found = con.to_pyarrow(lines.filter(lines.txn_id.startswith(name))).to_pylist()
    return sorted(found, key=lambda line: (line["booked_on"], line["txn_id"]))


def _head(line: dict) -> str:
    way = "收" if line["amount"] > 0 else "付"
    return f"{line['txn_id']}  {line['booked_on']}  {way} {line['currency']} {abs(line['amount']):,.2f}"


def _told(con: Backend, line: dict) -> Iterator[str]:
    name, txn_id = line["counterparty_name"] or "（无户名）", line["txn_id"]
    account = f"（账号 {line['counterparty_account']}）" if line["counterparty_account"] else ""
    yield f"流水 {_head(line)}"
    yield f"  本方账号 {line['account_no']}，对方 {name}{account}，流水号 {line['bank_ref'] or '无'}"
    yield f"  附言：{line['remark'] or '（无）'}"
    is_credit = line["amount"] > 0
    placed = _rows(con, "receipt_allocations" if is_credit else "payment_allocations", "txn_id", txn_id)
    left = _rows(con, "unmatched_receipts" if is_credit else "unmatched_payments", "txn_id", txn_id)
    seen = _rows(con, "receipt_evidence", "txn_id", txn_id)
    raised = _rows(con, "exceptions", "txn_id", txn_id)
    for month in sorted({row["month"] for row in (*placed, *left, *seen)}):
        yield f"{month}："
        for row in sorted(_of(seen, month), key=lambda row: (row["step"], row["text"])):
            if row["step"] > 1:  # the text stands above
                yield f"  {row['kind']}：{row['text']}"
        for row in sorted(_of(placed, month), key=lambda row: (row["amount"], row["order_no"] or "")):
            yield from _receipt(row) if is_credit else _payment(row)
        for row in _of(left, month):
            yield f"  未认领 {line['currency']} {abs(row['amount']):,.2f}：{row['reason']}"
            yield from _candidates(row.get("candidates"))
        for row in sorted(_of(raised, month), key=lambda row: row["code"]):
            yield f"  异常 {row['code']}（{row['state']}）：{row['message']}"


def _of(rows: list[dict], month: str) -> list[dict]:
    return [row for row in rows if row["month"] == month]


def _receipt(row: dict) -> Iterator[str]:
    place = (
        f"订单 {row['order_no']}"
        if row["order_no"]
        else f"{row['principal_id']} 挂账"
        if row["principal_id"]
        else "不属于委托方"
    )
    cny = "" if row["amount_cny"] is None else f"，折人民币 {row['amount_cny']:,.2f}（{row['rate_source']}）"
    yield f"  → {place} {row['purpose']} {row['currency']} {row['amount']:,.2f}{cny}，规则 {row['rule']}（{_SURE[row['confidence']]}）"
    yield f"    依据：{row['evidence']}"
    yield from _candidates(row["candidates"])


def _payment(row: dict) -> Iterator[str]:
    parts = [
        ("申请单", row["request_no"]),
        ("订单", row["order_no"]),
        ("委托方", row["principal_id"]),
        ("供应商", row["vendor"]),
    ]
    place = " ".join(f"{label} {value}" for label, value in parts if value)
    yield f"  → {place} {row['kind']} {row['currency']} {row['amount']:,.2f}，规则 {row['rule']}"
    yield f"    依据：{row['evidence']}"


def _candidates(written: str | None) -> Iterator[str]:
    for place, one in enumerate(json.loads(written or "[]"), 1):
        what = " ".join(str(one[name]) for name in ("order_no", "request_no", "principal_id") if one.get(name))
        yield f"    候选 {place}：{what}（{one.get('score', '')} 分）{one.get('why', '')}"
