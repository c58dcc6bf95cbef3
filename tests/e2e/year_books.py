"""What every principal is owed after a year, worked out from the raw files with csv, openpyxl and decimal alone.

Nothing of the program is used: this is the second pair of eyes. It follows the contract, section 4 (Ledger, Foreign
currency, Freight), and reads all files as they lie; where an order stands in several months the latest counts. Whose a
receipt is, and what a debit paid, is told from outside (``whose`` and ``paid``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.e2e.year_files import NIL, Rates, Row, bank_lines, day, fen, key_of, money, once, shared, table, worth


# --- the ledger ----------------------------------------------------------------------------------
class Year:
    """The books of a home, by principal; ``whose``: pieces of each credit, ``paid``: applications of each debit."""

    def __init__(self, root: Path, whose: Mapping[tuple, list[dict]], paid: Mapping[tuple, list[dict]]) -> None:
        self.root, self.whose, self.paid = root, whose, paid
        self.rates, self.lines = Rates(root), bank_lines(root)
        self.orders, self.first_seen = {}, {}
        for row in once(
            table(root, "*/orders", "订单号", "服务类型", "委托方编号"),
            "订单号",
            "服务类型",
            "委托方编号",
            "下单日期",
            "币种",
        ):
            latest = self.orders.get(row["订单号"])
            self.first_seen.setdefault(row["订单号"], row["month"])
            # Of one month the first row, of several months the latest.
            if latest is None or latest["month"] < row["month"]:
                self.orders[row["订单号"]] = row
        self.goods_cny: dict[str, Decimal] = defaultdict(Decimal)
        self.sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def post(self, principal: str, what: str, amount: Decimal) -> None:
        self.sums[principal, what] += amount

    def owed(self) -> dict[str, Decimal]:
        """Σ of every principal's postings, 期初 included, + = we owe."""
        for step in (self.openings, self.receipts, self.payments, self.fees, self.taxes, self.freight):
            step()
        total: dict[str, Decimal] = defaultdict(Decimal)
        for (principal, _), amount in self.sums.items():
            total[principal] += amount
        return dict(total)

    def openings(self) -> None:
        first = min(row["month"] for row in self.orders.values())
        listed = set()
        for row in table(self.root, "reference", "账户", "人民币金额"):
            if row["月份"] == first:
                listed.add(row["委托方编号"])
                self.post(row["委托方编号"], "期初", money(row["人民币金额"]))
        for row in table(self.root, "reference", "期初余额"):
            if row["月份"] == first and row["委托方编号"] not in listed:
                self.post(row["委托方编号"], "期初", money(row["期初余额"]))

    def receipts(self) -> None:
        for line in self.lines:
            pieces = self.whose.get(key_of(line), []) if line["amount"] > 0 else []
            if not pieces:
                continue
            # What nobody could place takes its share too.
            rest = line["amount"] - sum((piece["amount"] for piece in pieces), NIL)
            ranked = sorted(pieces, key=lambda piece: (piece["order"] or "\U0010ffff", piece["purpose"]))
            ranked += [{"principal": None, "order": None, "purpose": "", "amount": rest}] if rest else []
            for piece, cny in zip(
                ranked, shared(worth(line, self.lines, self.rates), [piece["amount"] for piece in ranked]), strict=True
            ):
                if piece["principal"]:
                    self.post(piece["principal"], "收款", cny)
                if piece["order"] and piece["purpose"] in ("货款", "预收"):
                    self.goods_cny[piece["order"]] += cny

    def payments(self) -> None:
        """− payments and FX payments with the slip's fee; suppliers' costs and taxes are not among them."""
        asked = {}
        for row in once(
            table(self.root, "*/payments", "申请单号", "款项类型"), "申请单号", "款项类型", "收款账号", "金额"
        ):
            if row["申请单号"] not in asked or asked[row["申请单号"]]["month"] < row["month"]:
                asked[row["申请单号"]] = row
        self.first_paid: dict[str, date] = {}
        fees_told = set()
        for line in self.lines:
            for piece in self.paid.get(key_of(line), []) if line["amount"] < 0 else []:
                row = asked.get(piece["request"])
                if row is None or row["款项类型"] not in (
                    "货款",
                    "余款退还",
                    "购汇付款",
                    "退税款",
                    "垫付退税",
                    "原路退回",
                ):
                    continue
                order = self.orders[row["订单号"]]
                rate = Decimal(1) if line["currency"] == "CNY" else line["rate"] or money(row["付汇汇率"]) / 100
                cny = (
                    line["cny"].copy_abs()
                    if line["cny"] is not None and piece["amount"] == -line["amount"]
                    else fen(piece["amount"] * rate)
                )
                self.post(order["委托方编号"], "付款", -cny)
                if row["款项类型"] == "购汇付款":
                    before = self.first_paid.get(row["订单号"], line["on"])
                    self.first_paid[row["订单号"]] = min(before, line["on"])
                    if piece["request"] not in fees_told:
                        fees_told.add(piece["request"])
                        self.post(order["委托方编号"], "手续费", -(money(row["银行手续费"]) or NIL))

    def fees(self) -> None:
        """− agency and other fee: export with the first goods receipt, import with the first FX payment."""
        for number, order in self.orders.items():
            exports, imports = "出口贸易代理" in order["服务类型"], "进口贸易代理" in order["服务类型"]
            due = (exports and self.goods_cny.get(number)) or (imports and number in self.first_paid)
            if not due or order["订单状态"] == "取消" or order["业务状态"] == "退载":
                continue
            agency = money(order["代理费"])
            if agency is None and order["代理费率"]:
                written = Decimal(order["代理费率"].rstrip("%"))
                agency = fen(
                    self.goods_cny.get(number, NIL)
                    * (written / 100 if "%" in order["代理费率"] or written >= 1 else written)
                )
            self.post(order["委托方编号"], "费用", -(agency or NIL) - (money(order["其他费用"]) or NIL))

    def taxes(self) -> None:
        bills = {}
        for row in once(table(self.root, "*/customs", "税单类型", "收货单位"), "订单号", "税单类型", "收货单位"):
            if row["税单类型"] == "正本":
                bills[row["订单号"], row["税单号"]] = row
        for (number, _), row in bills.items():
            if row["缴款日期"]:
                due = sum((money(row[name]) or NIL for name in ("关税", "消费税", "增值税", "滞纳金")), NIL)
                self.post(self.orders[number]["委托方编号"], "税金", -due)

    # --- freight ---------------------------------------------------------------------------------
    def freight(self) -> None:
        """− receivable_cny: the client's quote once an order and charge, else the cost; billed twice is nothing."""
        self.quotes = table(self.root, "reference", "委托方编号", "费用代码", "单价")
        lines = [
            line
            for line in once(
                table(self.root, "*/freight", "供应商账单号", "费用代码"), "供应商", "供应商账单号", "费用代码", "币种"
            )
            if money(line["金额"]) is not None
        ]
        lines.sort(key=lambda line: (line["month"], line["账单日期"] or "", line["供应商账单号"]))
        charged, own = defaultdict(list), self._own_services()
        for line in self._not_twice(lines):
            number = self._order_of(line)
            if number:
                charged[number, line["费用代码"]].append(line)
        for key in sorted(charged.keys() | own.keys()):
            self._charge(*key, charged.get(key, []), own.get(key))

    def _charge(self, number: str, code: str, lines: list[Row], own: tuple[str, date] | None) -> None:
        order = self.orders[number]
        bills = [line for line in lines if money(line["金额"]) >= 0]
        first = bills[0] if bills else None
        if own and (first is None or first["month"] > own[0]):
            quoted, on, given = self._quoted(order, code, own[1], None), own[1], None
        else:
            asked = first or lines[0]
            on = day(asked["账单日期"]) or day(asked["成本确认日期"])
            quoted = self._quoted(order, code, on, asked, lines)
            on, given = day(asked["成本确认日期"]) or day(asked["账单日期"]), money(asked["应收汇率"])
        if quoted is None:
            for line in lines:
                when = day(line["成本确认日期"]) or day(line["账单日期"])
                self._owe(order, money(line["金额"]), line["币种"], when, money(line["应收汇率"]))
        elif first or own:
            self._owe(order, quoted[0], quoted[1], on, given)

    def _owe(self, order: Row, amount: Decimal, currency: str, on: date, rate: Decimal | None) -> None:
        rate = Decimal(1) if currency == "CNY" else rate or self.rates.on(currency, on)
        self.post(order["委托方编号"], "物流费", -fen(amount * rate))

    def _own_services(self) -> dict[tuple[str, str], tuple[str, date]]:
        """Quoted for one order, billed or not: (order, code) → month it belongs to, day it is priced."""
        found = {}
        for quote in self.quotes:
            order = self.orders.get(quote["订单号"])
            if (
                order
                and order["委托方编号"] == quote["委托方编号"]
                and order["订单状态"] != "取消"
                and order["业务状态"] != "退载"
            ):
                since = quote["生效日期"]
                key = (quote["订单号"], quote["费用代码"])
                on = max(day(order["下单日期"]), day(since))
                found[key] = (max(self.first_seen[quote["订单号"]], since[:7]), on)
        return found

    def _quoted(
        self, order: Row, code: str, on: date, line: Row | None, lines: Sequence[Row] = ()
    ) -> tuple[Decimal, str] | None:
        boxes = [(kind, Decimal(count)) for count, kind in re.findall(r"(\d+)x(\w+)", order["箱型箱量"])]
        loose = bool(line) and line["计费单位"] == "RT" and not boxes
        of_bill = sum(
            (Decimal(each["数量"] or 1) for each in lines if line and each["供应商账单号"] == line["供应商账单号"]), NIL
        )
        total, currency = NIL, None
        for kind, count in boxes or [((line or {}).get("箱型") or "", None)]:
            best = self._best(order, code, on, kind, loose)
            if best is None:
                continue
            currency = best["币种"]
            price = money(best["单价"])
            if best["计费单位"] == "票":
                return price, currency
            total += fen(price * (count if count is not None and best["计费单位"] == "柜" else of_bill))
        return (total, currency) if currency else None

    def _best(self, order: Row, code: str, on: date, kind: str, loose: bool) -> Row | None:
        def fits(quote: Row) -> bool:
            return (
                quote["委托方编号"] == order["委托方编号"] and quote["费用代码"] == code and day(quote["生效日期"]) <= on
                and (not quote["失效日期"] or on <= day(quote["失效日期"])) and quote["箱型"] in ("", kind)
                and quote["订单号"] in ("", order["订单号"]) and quote["起运港"] in ("", order["起运港"])
                and quote["目的港"] in ("", order["目的港"]) and not (loose and quote["计费单位"] == "柜")
            )  # fmt: skip

        def rank(quote: Row):
            level = 2 if quote["订单号"] else 1 if quote["起运港"] or quote["目的港"] else 0
            return level, quote["生效日期"]

        return max(filter(fits, self.quotes), key=rank, default=None)

    def _order_of(self, line: Row) -> str | None:
        """The order on the line; else the one order that B/L and container point at most."""
        if line["订单号"]:
            return line["订单号"] if line["订单号"] in self.orders else None
        points: dict[str, int] = defaultdict(int)
        for number, order in self.orders.items():
            points[number] += bool(line["提单号"]) and line["提单号"] == order["提单号"]
            points[number] += bool(line["柜号"]) and line["柜号"] in order["柜号"].split(",")
        best = max(points.values())
        named = [number for number, count in points.items() if count == best]
        return named[0] if best and len(named) == 1 else None

    def _not_twice(self, lines: Sequence[Row]) -> list[Row]:
        """Without what is billed again: all the same, or B/L, charge and amount the same on another invoice."""
        kept: list[Row] = []
        same, on_bill = set(), {}
        for line in lines:
            size = (line["费用代码"], line["币种"], money(line["金额"]))
            number = self._order_of(line)
            bill = line["提单号"] or (self.orders[number]["提单号"] if number else "")
            key = (line["供应商"], line["供应商账单号"], line["订单号"] or line["提单号"], line["柜号"], *size)
            other = on_bill.get((bill, *size))
            again = (
                other
                and bill
                and other["供应商账单号"] != line["供应商账单号"]
                and (not line["柜号"] or not other["柜号"] or line["柜号"] == other["柜号"])
            )
            if key in same or again:
                continue
            same.add(key)
            on_bill.setdefault((bill, *size), line)
            kept.append(line)
        return kept
