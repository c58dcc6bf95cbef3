"""凭证: the month's books as entries for the general ledger, each with a debit and a credit of the same CNY.

From the principals' ledger comes what concerns a principal, from the allocations what is nobody's,
from the freight lines what vendors are owed. Money that arrived in the month and is open stands as
待认领; what is claimed later is taken from there. VAT is not split off (fees are VAT-inclusive).

What belongs here: which account stands against which. What does not: account numbers and names
(``parameters/general_ledger.yaml``), sheets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.parameters import Parameters

ENTRY = ibis.schema(
    {
        "dated_on": "date", "kind": "string", "debit": "string", "credit": "string", "amount_cny": money.MONEY, "party": "string",
        "order_no": "string", "currency": "string", "amount_fx": money.MONEY, "rate": money.RATE, "origin": "string",
    }
)  # fmt: skip
_BOOKED_ON_PRINCIPALS = ("货款", "余款退还", "购汇付款", "退税款", "垫付退税", "原路退回")


@dataclass(frozen=True)
class Books:
    """The month's published tables that entries are made of, under their own names."""

    principal_ledger: ir.Table
    receipt_allocations: ir.Table
    payment_allocations: ir.Table
    unmatched_receipts: ir.Table
    unmatched_payments: ir.Table
    bank_transactions: ir.Table
    freight_charges: ir.Table


def with_cost_cny(charges: ir.Table) -> ir.Table:
    """``freight_charges`` with ``cost_cny``: the cost at the line's frozen rate; NULL where it has none in that currency."""
    at_rate = (charges.currency == charges.client_currency) & charges.ar_rate.notnull()
    cost = ibis.cases(
        (charges.currency == "CNY", charges.cost),
        (at_rate, money.multiply(charges.cost, charges.ar_rate)),
        else_=ibis.null(money.MONEY),
    )
    return charges.mutate(cost_cny=cost.cast(money.MONEY))


def entries(books: Books, parameters: Parameters, as_of: date, first_day: date) -> ir.Table:
    """Every entry of the month (``ENTRY``), ``amount_cny`` positive; NULL where the CNY of a bank line is not known yet.

    ``debit`` and ``credit`` are keys of the series ``gl_subject``. 期初 is no entry. Dates before the month
    (late facts) become its first day.
    """
    parts = [
        _of_ledger(books, parameters, as_of),
        _of_bank(_nobodys_receipts(books), parameters, as_of),
        _of_bank(_nobodys_payments(books), parameters, as_of),
        _of_freight(books.freight_charges),
    ]
    together = ibis.union(
        *(part.select(**{name: part[name].cast(kind) for name, kind in ENTRY.items()}) for part in parts)
    )
    return together.mutate(dated_on=ibis.greatest(together.dated_on, ibis.literal(first_day)))


def voucher_lines(made: ir.Table, parameters: Parameters, as_of: date) -> ir.Table:
    """Entries as voucher lines: ``voucher_no``, ``line``, subject, debit_cny, credit_cny; a voucher a day and kind.

    Debits equal credits in every voucher, because each entry gives one line of each.
    """
    numbered = made.mutate(
        _voucher=ibis.dense_rank().over(ibis.window(order_by=[made.dated_on, made.kind])) + 1,
        _entry=ibis.row_number().over(
            ibis.window(
                order_by=[
                    made.dated_on,
                    made.kind,
                    made.origin,
                    made.order_no,
                    made.amount_cny,
                    made.debit,
                    made.credit,
                ]
            )
        ),
    )
    sides = []
    for number, side in enumerate(("debit", "credit")):
        amounts = {
            f"{name}_cny": numbered.amount_cny if name == side else ibis.null(money.MONEY)
            for name in ("debit", "credit")
        }
        sides.append(
            numbered.mutate(subject=numbered[side], _side=ibis.literal(number), **amounts).drop("debit", "credit")
        )
    lines = sides[0].union(sides[1])
    subjects = [row for row in parameters.rows("gl_subject") if _in_force(row, as_of)]
    named = lines.mutate(
        subject_code=_looked_up(lines.subject, {row["subject"]: row["code"] for row in subjects}),
        subject_name=_looked_up(lines.subject, {row["subject"]: row["name"] for row in subjects}),
        voucher_no=ibis.literal("记-") + lines._voucher.cast("string").lpad(4, "0"),
    )
    return named.order_by("_voucher", "_entry", "_side").drop("_voucher", "_entry", "_side", "amount_cny", "subject")


def _in_force(row: Mapping[str, object], as_of: date) -> bool:
    return row["valid_from"] <= as_of and (row["valid_to"] is None or as_of <= row["valid_to"])


def _looked_up(key: ir.StringValue, values: Mapping[str, str]) -> ir.StringValue:
    return key.cases(*values.items(), else_=values.get("suspense", ""))


def _against(kind: ir.StringValue, series: str, parameters: Parameters, as_of: date) -> ir.StringValue:
    found = {row["kind"]: row["against"] for row in parameters.rows(series) if _in_force(row, as_of)}
    other = found.pop("*")
    return kind.cases(*found.items(), else_=other)


def _of_ledger(books: Books, parameters: Parameters, as_of: date) -> ir.Table:
    ledger = books.principal_ledger
    ledger = ledger.filter(ledger.kind != "期初", ledger.amount_cny != 0)
    here = books.bank_transactions.select(_txn="txn_id").distinct()
    joined = ledger.left_join(here, ledger.txn_id == here._txn)
    against = _against(joined.kind, "gl_posting", parameters, as_of)
    # A bank line of an earlier month was booked then, on what awaits claiming: only the claim is new.
    earlier = (against == "bank") & joined._txn.isnull()
    parked = ibis.cases((joined.kind.isin(["收款", "退税到账"]), "unclaimed"), else_="unexplained")
    against = ibis.cases((earlier, parked), else_=against)
    owed_more = joined.amount_cny > 0
    return joined.mutate(
        dated_on=joined.posted_on,
        debit=ibis.cases((owed_more, against), else_=joined.account),
        credit=ibis.cases((owed_more, joined.account), else_=against),
        amount_cny=joined.amount_cny.abs(),
        amount_fx=joined.amount_fx.abs(),
        party=joined.principal_id,
        origin=joined.entry_no,
    )


def _nobodys_receipts(books: Books) -> ir.Table:
    """Pieces of credits that are no principal's, and what of this month's credits is open (+)."""
    placed = books.receipt_allocations
    placed = placed.filter(placed.principal_id.isnull())
    lines = books.bank_transactions
    still_open = books.unmatched_receipts.semi_join(lines, "txn_id")
    of_line = lines.select("txn_id", "cny_amount", "amount").rename(line_amount="amount")
    still_open = still_open.left_join(of_line, "txn_id").drop("txn_id_right")
    return _pieces(placed, placed.purpose, placed.amount_cny, placed.settlement_rate, 1).union(
        _pieces(still_open, ibis.literal("待认领"), _open_cny(still_open), ibis.null(money.RATE), 1)
    )


def _nobodys_payments(books: Books) -> ir.Table:
    """Pieces of debits that the principals' ledger does not hold, and what of this month's debits is unexplained (−)."""
    placed = books.payment_allocations
    placed = placed.filter(~placed.kind.isin(_BOOKED_ON_PRINCIPALS) | placed.principal_id.isnull())
    lines = books.bank_transactions
    still_open = books.unmatched_payments.semi_join(lines, "txn_id")
    of_line = lines.select("txn_id", "cny_amount", "amount").rename(line_amount="amount")
    still_open = still_open.left_join(of_line, "txn_id").drop("txn_id_right")
    return _pieces(placed, placed.kind, placed.amount_cny, placed.settlement_rate, -1).union(
        _pieces(still_open, ibis.literal("待核对"), _open_cny(still_open), ibis.null(money.RATE), -1)
    )


def _open_cny(rows: ir.Table) -> ir.DecimalValue:
    """CNY of what is open: itself in CNY, the bank's CNY where the whole line is open, else not known yet."""
    whole = rows.amount == rows.line_amount.abs()
    return ibis.cases(
        (rows.currency == "CNY", rows.amount), (whole, rows.cny_amount.abs()), else_=ibis.null(money.MONEY)
    )


def _pieces(rows: ir.Table, kind: ir.Value, cny: ir.Value, rate: ir.Value, sign: int) -> ir.Table:
    return rows.select(
        dated_on="booked_on", kind=kind, amount_cny=cny.cast(money.MONEY), currency="currency", amount_fx="amount", rate=rate.cast(money.RATE),
        order_no=rows.order_no if "order_no" in rows.columns else ibis.null("string"),
        party=rows.vendor if "vendor" in rows.columns else ibis.null("string"), origin="txn_id", sign=ibis.literal(sign),
    )  # fmt: skip


def _of_bank(pieces: ir.Table, parameters: Parameters, as_of: date) -> ir.Table:
    against = _against(pieces.kind, "gl_bank_line", parameters, as_of)
    # A negative piece is a reversal: it goes the other way.
    into_bank = (pieces.sign * pieces.amount_fx) > 0
    return pieces.mutate(
        debit=ibis.cases((into_bank, "bank"), else_=against),
        credit=ibis.cases((into_bank, against), else_="bank"),
        amount_cny=pieces.amount_cny.abs(),
        amount_fx=pieces.amount_fx.abs(),
    )


def _of_freight(charges: ir.Table) -> ir.Table:
    """What carriers are owed for the month's lines; a credit note goes the other way."""
    costed = with_cost_cny(charges)
    costed = costed.filter(costed.vendor.notnull(), costed.cost.notnull(), costed.cost != 0)
    return costed.mutate(
        dated_on=ibis.coalesce(costed.confirmed_on, costed.invoiced_on),
        kind=ibis.literal("物流成本确认"),
        debit=ibis.cases((costed.cost > 0, "freight_cost"), else_="vendors"),
        credit=ibis.cases((costed.cost > 0, "vendors"), else_="freight_cost"),
        amount_cny=costed.cost_cny.abs(),
        amount_fx=costed.cost.abs(),
        party=costed.vendor,
        rate=costed.ar_rate,
        origin=costed.line_key,
    )
