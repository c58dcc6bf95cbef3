"""What a settled month says in plain words on the terminal: what was done, what is left for a person, where things lie."""

from __future__ import annotations

from decimal import Decimal

import ibis

from settlement.io.home import Home
from settlement.io.parameters import load_catalogue
from settlement.io.published import opened


def month_report(home: Home, month: str) -> list[str]:
    """The lines to print after a run."""
    with opened(home) as con:
        if con is None:
            return [f"{month}: 尚未发布"]

        def rows(name: str) -> ibis.Table:
            table = con.table(name, database="mart")
            return table.filter(table.month == month)

        def count(table: ibis.Table) -> int:
            return int(con.to_pyarrow(table.count()).as_py())

        orders = con.table("orders", database="input")
        lines = rows("bank_transactions")
        freight = rows("freight_charges")
        open_items = rows("exceptions").filter(lambda t: t.state.isin(["new", "open"]))
        by_code = con.to_pyarrow(
            open_items.group_by("severity", "code")
            .agg(items=open_items.count(), at_risk=open_items.amount_at_risk_cny.sum())
            .order_by(ibis.desc("at_risk", nulls_first=False), "code")
        ).to_pylist()
        state = con.to_pyarrow(rows("months").select("state")).to_pylist()[0]["state"]
        stale = con.to_pyarrow(
            con.table("months", database="mart").filter(lambda t: t.state == "stale").select("month").order_by("month")
        ).to_pylist()
        credits, unmatched = lines.filter(lines.amount > 0), rows("unmatched_receipts")
        received, waiting = count(credits), count(credits.semi_join(unmatched, "txn_id"))
        earlier = count(unmatched.anti_join(credits, "txn_id"))
        told = [
            "",
            f"{month} 已结算（{_STATES.get(state, state)}）",
            f"  本月订单 {count(orders.filter(orders.month == month))} 张，"
            f"银行流水 {count(lines)} 笔（收款 {received} 笔：{received - waiting} 笔已认领，{waiting} 笔待认领"
            + (f"；以前月份尚有 {earlier} 笔待认领" if earlier else "")
            + f"），物流费用 {count(freight)} 行",
        ]
    names = {code: entry.zh for code, entry in load_catalogue(home.reference).codes.items()}
    told += _left(by_code, names)
    told.append(f"  工作簿：{home.statements(month)}")
    if by_code:
        told.append(
            f"  逐条说明与处理办法在 异常清单-{month}.xlsx；在其中填好认领、调整、审批，存入 {home.inbox(month) / 'decisions'}，再结算一次"
        )
    told.append(f"  数据仓库（只读打开）：{home.published}")
    if stale:
        told.append(f"  以下月份需按顺序重新结算：{'、'.join(row['month'] for row in stale)}（settlement run）")
    return told


_STATES = {
    "settled": "已结",
    "incomplete": "未完整：有必备资料缺失，不能关账",
    "stale": "需重新结算",
    "closed": "已关账",
}
_SEVERITIES = {"block": "阻断", "review": "复核", "warn": "提醒"}


def _left(by_code: list[dict], names: dict[str, str]) -> list[str]:
    if not by_code:
        return ["  没有需要人工处理的异常。"]
    total = sum(row["items"] for row in by_code)
    at_risk = sum((row["at_risk"] or Decimal(0) for row in by_code), Decimal(0))
    told = [f"  需要人工处理：{total} 条，涉及人民币 {at_risk:,.2f} 元"]
    for row in by_code:
        severity = _SEVERITIES.get(row["severity"], row["severity"])
        amount = f"{'金额未知':>15}" if row["at_risk"] is None else f"{row['at_risk']:>16,.2f} 元"
        told.append(f"    {row['code']:<26} {severity} {row['items']:>5} 条 {amount}  {names.get(row['code'], '')}")
    return told
