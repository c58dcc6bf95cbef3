"""The breaches of what is always true of the books, each a relation from Ibis tables: no row = it holds.

What does not belong here: the names and messages of the invariants and their list (``invariants.py``).
``tables(name)`` gives all rows up to the month of a published table, or a master (``facts.orders``,
``reference.principals``, ``reference.opening_items``) as the run knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

Tables = Callable[[str], ir.Table]

# A sum of DECIMAL(18,2) in the engine.
TOTAL = dt.Decimal(38, 2)
OPENING = "期初"
# Kinds of ledger postings that a piece of a credit makes; 汇率差 changes its CNY, never its currency amount.
RECEIPT_KINDS = ("收款", "退税到账", "汇率差")
PRINCIPALS_PURPOSES = ("货款", "税金", "物流费", "代理费", "退税款", "余款", "预收")
# Tables whose rows stand for an order or a principal. `exceptions` is none of them: it names what does not exist.
NAMES_ORDER = (
    "receipt_allocations",
    "payment_allocations",
    "export_invoices",
    "import_invoices",
    "tax_refunds",
    "freight_charges",
    "freight_receivables",
    "order_balances",
    "principal_ledger",
    "bl_releases",
)
NAMES_PRINCIPAL = (
    *NAMES_ORDER,
    "principal_balances",
    "principal_account_balances",
    "credit_positions",
)


def _total(column: ir.DecimalColumn) -> ir.DecimalScalar:
    return column.sum().fill_null(0).cast(TOTAL)


def _side_by_side(keys: Sequence[str], parts: Mapping[str, tuple[ir.Table, ir.DecimalColumn]]) -> ir.Table:
    """One row a key and one total a part, 0 where a part does not know the key: an outer join without joins."""
    nil = ibis.literal(0).cast(TOTAL)
    shaped = [
        rows.select(
            **{key: rows[key] for key in keys},
            **{name: nil for name in parts if name != own},
            **{own: amount.cast(TOTAL)},
        )
        for own, (rows, amount) in parts.items()
    ]
    stacked = ibis.union(*[rows.select(*keys, *parts) for rows in shaped]) if len(shaped) > 1 else shaped[0]
    return stacked.group_by(list(keys)).aggregate(**{name: _total(stacked[name]) for name in parts})


# --- inputs -------------------------------------------------------------------------------------------------


def control_rows(tables: Tables, month: str) -> ir.Table:
    """Files, tables and currencies whose rows read are not the accepted and the rejected ones."""
    totals = tables("control_totals")
    return totals.filter(totals.rows_read != totals.rows_accepted + totals.rows_rejected).select(
        "month", "source_file", "input_table", "currency", "rows_read", "rows_accepted", "rows_rejected"
    )


def control_amounts(tables: Tables, month: str) -> ir.Table:
    """The same of the amounts."""
    totals = tables("control_totals")
    kept = totals.amount_accepted.cast(TOTAL) + totals.amount_rejected.cast(TOTAL)
    return totals.filter(totals.amount_read.cast(TOTAL) != kept).select(
        "month", "source_file", "input_table", "currency", "amount_read", "amount_accepted", "amount_rejected"
    )


def one_transaction_once(tables: Tables, month: str) -> ir.Table:
    """Transactions that stand in bank_transactions more than once, with the months."""
    lines = tables("bank_transactions")
    counted = lines.group_by("txn_id").aggregate(
        rows=lines.count(), first_month=lines.month.min(), last_month=lines.month.max()
    )
    return counted.filter(counted.rows > 1)


# --- where the money of the bank is -------------------------------------------------------------------------


def _conserved(tables: Tables, month: str, allocations: str, unmatched: str, sign: int) -> ir.Table:
    lines, placed, left = tables("bank_transactions"), tables(allocations), tables(unmatched)
    lines, left = lines.filter(lines.amount * sign > 0), left.filter(left.month == month)
    sides = _side_by_side(
        ["txn_id", "currency"],
        {
            "amount": (lines, lines.amount * sign),
            "allocated": (placed, placed.amount),
            "unmatched": (left, left.amount),
        },
    )
    sides = sides.mutate(difference=sides.amount - sides.allocated - sides.unmatched)
    return sides.filter(sides["difference"] != 0)  # sides.difference is a method of every table


def credits(tables: Tables, month: str) -> ir.Table:
    """Credits whose pieces up to the month and the rest still open at the month are not their amount; also
    pieces of what is no credit."""
    return _conserved(tables, month, "receipt_allocations", "unmatched_receipts", 1)


def debits(tables: Tables, month: str) -> ir.Table:
    """The same of debits, with positive amounts."""
    return _conserved(tables, month, "payment_allocations", "unmatched_payments", -1)


def nobodys_money(tables: Tables, month: str) -> ir.Table:
    """Pieces of a credit with a principal's purpose and no principal, or nobody's purpose and a principal."""
    pieces = tables("receipt_allocations")
    is_principals = pieces.purpose.isin(PRINCIPALS_PURPOSES)
    return pieces.filter(is_principals != pieces.principal_id.notnull()).select(
        "month", "txn_id", "purpose", "principal_id", "order_no", "amount"
    )


def receipts_in_ledger(tables: Tables, month: str) -> ir.Table:
    """Credits and principals whose ledger postings are not the pieces allocated, in the credit's currency."""
    pieces, ledger = tables("receipt_allocations"), tables("principal_ledger")
    # A piece whose CNY nobody knows yet is posted once it is known: nothing to compare until then.
    unpriced = pieces.filter(pieces.principal_id.notnull() & pieces.amount_cny.isnull()).select("txn_id").distinct()
    owned = pieces.filter(pieces.principal_id.notnull()).anti_join(unpriced, "txn_id")
    posted = ledger.filter(ledger.txn_id.notnull() & ledger.kind.isin(RECEIPT_KINDS)).anti_join(unpriced, "txn_id")
    sides = _side_by_side(
        ["txn_id", "principal_id"],
        {"allocated": (owned, owned.amount), "posted": (posted, posted.amount_fx.fill_null(0))},
    )
    return sides.filter(sides.allocated != sides.posted)


# --- balances -----------------------------------------------------------------------------------------------


def adds_up(table: str) -> Callable[[Tables, str], ir.Table]:
    """Breaches of opening + movement = closing in a balance table."""

    def breaches(tables: Tables, month: str) -> ir.Table:
        rows = tables(table)
        sum_of_both = rows.opening.cast(TOTAL) + rows.movement.cast(TOTAL)
        return rows.filter(sum_of_both != rows.closing.cast(TOTAL))

    return breaches


def carried(table: str, keys: tuple[str, ...]) -> Callable[[Tables, str], ir.Table]:
    """Breaches of closing of the latest month before = opening, by ``keys``; a row that is not there is 0.00."""

    def breaches(tables: Tables, month: str) -> ir.Table:
        rows, ledger = tables(table), tables("principal_ledger")
        now, earlier = rows.filter(rows.month == month), rows.filter(rows.month < month)
        last = earlier.filter(earlier.month == earlier.month.max())
        # The first month of the books has no closing before it: its openings are what 期初 posted.
        opened = ledger.filter(
            (ledger.kind == OPENING) & (ledger.month == month) & (ledger.month == ledger.month.min())
        )
        sides = _side_by_side(
            keys,
            {
                "closing_before": (last, last.closing),
                "posted_opening": (opened, opened.amount_cny),
                "opening": (now, now.opening),
            },
        )
        return sides.filter(sides.opening != sides.closing_before + sides.posted_opening)

    return breaches


def ledger_is_balance(table: str, keys: tuple[str, ...]) -> Callable[[Tables, str], ir.Table]:
    """Breaches of Σ postings so far = closing and Σ postings of the month without 期初 = movement, by ``keys``."""

    def breaches(tables: Tables, month: str) -> ir.Table:
        ledger, rows = tables("principal_ledger"), tables(table)
        now = rows.filter(rows.month == month)
        moved = ledger.filter((ledger.month == month) & (ledger.kind != OPENING))
        sides = _side_by_side(
            keys,
            {
                "posted": (ledger, ledger.amount_cny),
                "closing": (now, now.closing),
                "posted_in_month": (moved, moved.amount_cny),
                "movement": (now, now.movement),
            },
        )
        return sides.filter((sides.posted != sides.closing) | (sides.posted_in_month != sides.movement))

    return breaches


def accounts_are_principal(tables: Tables, month: str) -> ir.Table:
    """Principals whose accounts do not sum to them: opening, movement or closing."""
    accounts, principals = tables("principal_account_balances"), tables("principal_balances")
    figures = ("opening", "movement", "closing")
    sides = _side_by_side(
        ["month", "principal_id"],
        {
            **{f"accounts_{figure}": (accounts, accounts[figure]) for figure in figures},
            **{figure: (principals, principals[figure]) for figure in figures},
        },
    )
    differs = [sides[f"accounts_{figure}"] != sides[figure] for figure in figures]
    return sides.filter(differs[0] | differs[1] | differs[2])


def order_balance(tables: Tables, month: str) -> ir.Table:
    """Orders whose balance is not received − charged − paid."""
    rows = tables("order_balances")
    rows = rows.filter(rows.month == month)
    owed = rows.received_cny.cast(TOTAL) - rows.charged_cny.cast(TOTAL) - rows.paid_cny.cast(TOTAL)
    return rows.filter(owed != rows.balance_cny.cast(TOTAL)).select(
        "order_no", "kind", "received_cny", "charged_cny", "paid_cny", "balance_cny"
    )


def displayed_sign(tables: Tables, month: str) -> ir.Table:
    """Orders whose displayed balance is not the balance (export) or its opposite (import, logistics)."""
    rows = tables("order_balances")
    rows = rows.filter(rows.month == month)
    shown = ibis.cases((rows.kind == "export", rows.balance_cny), else_=-rows.balance_cny)
    return rows.filter(shown.cast(TOTAL) != rows.displayed_balance.cast(TOTAL)).select(
        "order_no", "kind", "balance_cny", "displayed_balance"
    )


# --- invoices and freight -----------------------------------------------------------------------------------


def invoice_parts(tables: Tables, month: str) -> ir.Table:
    """Orders whose invoice amount is not net + tax; an absent part of a known amount is a breach too."""
    found = []
    for table in ("export_invoices", "import_invoices"):
        rows = tables(table)
        rows = rows.filter((rows.month == month) & rows.invoice_amount.notnull())
        parts = rows.ex_vat_amount.cast(TOTAL) + rows.tax_amount.cast(TOTAL)
        # A NULL part of a known invoice is a breach as well.
        broken = rows.filter(~(parts == rows.invoice_amount.cast(TOTAL)).fill_null(False))
        found.append(
            broken.select("order_no", "invoice_amount", "ex_vat_amount", "tax_amount").mutate(
                published_in=ibis.literal(table)
            )
        )
    return ibis.union(*found)


def payable_within_quote(tables: Tables, month: str) -> ir.Table:
    """Quoted charges of an order and vendor whose payable so far is above the quote so far (LOG-AP-01)."""
    lines = tables("freight_charges")
    quoted = lines.filter(lines.order_no.notnull() & lines.vendor.notnull() & lines.vendor_quote.notnull())
    keys = ["order_no", "vendor", "charge_code", "currency"]
    sides = _side_by_side(
        keys, {"payable": (quoted, quoted.payable.fill_null(0)), "vendor_quote": (quoted, quoted.vendor_quote)}
    )
    return sides.filter((sides.payable > sides.vendor_quote) & (sides.payable > 0))


# --- what is named exists -----------------------------------------------------------------------------------


def _unknown(tables: Tables, month: str, names: Sequence[str], column: str, known: ir.Table) -> ir.Table:
    """Which of the month's tables names which order or principal that ``known`` lacks, once each."""
    found = []
    for name in names:
        rows = tables(name)
        rows = rows.filter((rows.month == month) & rows[column].notnull())
        found.append(rows.select(column, named_in=ibis.literal(name)))
    # The unknown are few: what is known is hashed once and every row looked up, before anything is grouped.
    return ibis.union(*found).anti_join(known, column).distinct()


def orders_exist(tables: Tables, month: str) -> ir.Table:
    """Orders that this month's rows name and neither the orders nor the opening items know."""
    orders, items = tables("facts.orders"), tables("reference.opening_items")
    known = orders.select("order_no").union(items.filter(items.order_no.notnull()).select("order_no"))
    return _unknown(tables, month, NAMES_ORDER, "order_no", known)


def principals_exist(tables: Tables, month: str) -> ir.Table:
    """Principals that this month's rows name, unknown to the master and to the balances of earlier months."""
    balances = tables("principal_balances")
    # A principal that finance took off the master keeps its history.
    kept = balances.filter(balances.month < month).select("principal_id").distinct()
    known = tables("reference.principals").select("principal_id").union(kept)
    return _unknown(tables, month, NAMES_PRINCIPAL, "principal_id", known)


def order_of_its_principal(tables: Tables, month: str) -> ir.Table:
    """Orders with this month's money on a principal that is not theirs, unless it takes back what stood there."""
    owner = tables("facts.orders").select(order="order_no", owner="principal_id")
    found = []
    for name, amount in (("receipt_allocations", "amount"), ("principal_ledger", "amount_cny")):
        rows = tables(name)
        rows = rows.filter(rows.order_no.notnull() & rows.principal_id.notnull())
        net = rows.group_by("order_no", "principal_id").aggregate(
            amount=_total(rows[amount]), posted_now=rows[amount].sum(where=rows.month == month).fill_null(0).cast(TOTAL)
        )
        joined = net.join(owner, net.order_no == owner.order)
        # An order may change its principal later on: what was posted before stays, or is taken back to nothing.
        misplaced = (joined.posted_now != 0) & (joined.amount != 0) & (joined.principal_id != joined.owner)
        wrong = joined.filter(misplaced).drop("order")
        found.append(wrong.mutate(posted_in=ibis.literal(name)))
    return ibis.union(*found)
