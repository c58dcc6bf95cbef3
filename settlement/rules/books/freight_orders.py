"""Which order a freight line (物流费用行) is for, and what makes a line the same line next month.

An order number on the line decides. Without one, the B/L number and the container number point at orders;
the one order most of them point at takes the line. Several equal: finance splits the line (分摊), else it
stays without an order (FRT_NO_ORDER): never rejected, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

Keep = Callable[[str, ir.Table], ir.Table]

SEPARATORS = r"[,;/|+\s、，；]+"
QUANTITY = dt.Decimal(18, 6)
# Lines are numbered in steps, so that the parts of a split line find room between them.
_PARTS = 4096

# How a line came to its order.
BY_ORDER_NO, BY_BL_NO, BY_CONTAINER, BY_DECISION = "订单号", "提单号", "柜号", "分摊"


def as_built(name: str, table: ir.Table) -> ir.Table:
    """The default ``keep``: leaves an intermediate table unmaterialised."""
    return table


def identity_digest(*parts: ir.Value) -> ir.StringValue:
    """A short stable hash of the parts, absent ones as empty: 16 hex digits of SHA-256."""
    texts = [ibis.coalesce(part.cast("string"), "") for part in parts]
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + "|" + text
    return joined.hexdigest("sha256").left(16)


# A row of the input: what the narrow tables here are joined back to their lines by.
_ROW = ("month", "source_file", "source_row")
# What decides the order of lines that are equal in all that makes a line, after their dates.
_CONTENT = (
    "container_type", "quantity", "unit_basis", "confirmed_on", "voucher_no", "ar_rate", "source_file", "source_row",
)  # fmt: skip


def numbered(freight: ir.Table, *, keep: Keep = as_built) -> ir.Table:
    """Freight lines with ``seq`` (the order of processing), ``occurrence`` and ``line_key``.

    ``line_key`` hashes vendor, invoice number, the order (or B/L) as written, charge code, container, currency
    and amount, and ends in the occurrence (``-2``) where lines are equal in all that: never file or row, so a
    line keeps its key when its order becomes known, its dates change, or its file is renamed. ``seq`` is by month,
    invoice date, invoice number, content: an earlier month's lines come first, the order of input rows is irrelevant.
    """
    whole = {"amount": freight.amount.cast(MONEY), "quantity": ibis.coalesce(freight.quantity, 1).cast(QUANTITY)}
    lines = freight.mutate(given_order_no=freight.order_no, **whole)
    # Lines are sorted by what decides their place alone: wide ones cost three times as much.
    identity = identity_digest(
        lines.vendor, lines.vendor_invoice_no, ibis.coalesce(lines.order_no, lines.bl_no), lines.charge_code,
        lines.container_no, lines.currency, lines.amount,
    )  # fmt: skip
    narrow = keep("freight_identities", lines.select(*_ROW, "invoiced_on", "vendor_invoice_no", _identity=identity))
    # Few lines are equal to another: only those ask for their content.
    several = narrow.group_by("_identity").agg(_lines=narrow.count()).filter(lambda t: t._lines > 1)
    twins = narrow.semi_join(several, "_identity").join(lines.select(*dict.fromkeys((*_ROW, *_CONTENT))), _ROW)
    dates = [twins.month.asc(), twins.invoiced_on.asc(nulls_first=True)]
    order = [*dates, *[twins[column].asc(nulls_first=True) for column in _CONTENT]]
    among = ibis.window(group_by="_identity", order_by=order)
    twins = twins.select(*_ROW, occurrence=ibis.row_number().over(among) + 1)
    joined = narrow.left_join(twins, _ROW, rname="t_{name}")
    joined = joined.mutate(occurrence=ibis.coalesce(joined.occurrence, 1))
    order = [
        joined.month.asc(), joined.invoiced_on.asc(nulls_first=True), joined.vendor_invoice_no.asc(), joined._identity.asc(),
        joined.occurrence.asc(),
    ]  # fmt: skip
    again = (joined.occurrence > 1).ifelse("-" + joined.occurrence.cast("string"), "")
    places = joined.select(
        *_ROW,
        "occurrence",
        seq=ibis.row_number().over(ibis.window(order_by=order)) * _PARTS,
        line_key=joined._identity + again,
    )
    return lines.join(keep("freight_places", places), _ROW)


def order_containers(orders: ir.Table) -> ir.Table:
    """The container numbers (柜号) of orders: one row an order and container."""
    listed = orders.filter(orders.container_nos.notnull())
    listed = listed.select("order_no", container_no=listed.container_nos.upper().re_split(SEPARATORS).unnest())
    return listed.filter(listed.container_no != "").distinct()


def _pointed_at(lines: ir.Table, orders: ir.Table) -> ir.Table:
    """One row a line without order number: candidates (text), how many share the best evidence, order, source."""
    open_lines = lines.filter(lines.given_order_no.isnull())
    bills = orders.filter(orders.bl_no.notnull()).select("bl_no", found="order_no").distinct()
    boxes = order_containers(orders).rename(found="order_no")
    by_bill = open_lines.join(bills, "bl_no").select("line_key", "found", by_bill=ibis.literal(1, "int64"))
    by_box = open_lines.join(boxes, "container_no").select("line_key", "found", by_bill=ibis.literal(0, "int64"))
    pointers = by_bill.union(by_box)
    scored = pointers.group_by("line_key", "found").agg(score=pointers.count(), by_bill=pointers.by_bill.max())
    best = scored.mutate(_best=scored.score.max().over(ibis.window(group_by="line_key")))
    best = best.filter(best.score == best._best)
    # The lowest numbers are enough for a clerk: a container number travels for years and may fit hundreds.
    ranked = best.mutate(_rank=ibis.row_number().over(ibis.window(group_by="line_key", order_by="found")))
    return ranked.group_by("line_key").agg(
        candidates=ranked.found.group_concat(sep="、", where=ranked._rank < 10, order_by=ranked.found.asc()),
        fitting=ranked.count(),
        only=ranked.found.min(),
        by_bill=ranked.by_bill.max(),
    )


def _located(lines: ir.Table, orders: ir.Table) -> ir.Table:
    """Of each line seq, ``order_no`` (NULL if unknown), ``order_source``, ``candidates``."""
    known = orders.select(known_order="order_no").distinct()
    asked = lines.select("seq", "line_key", "given_order_no", "bl_no", "container_no")
    given = asked.left_join(known, asked.given_order_no == known.known_order)
    pointed = _pointed_at(asked, orders)
    joined = given.left_join(pointed, "line_key", rname="{name}_pointed")
    sole = joined.given_order_no.isnull() & (joined.fitting == 1)
    source = ibis.cases(
        (joined.known_order.notnull(), BY_ORDER_NO),
        (sole & (joined.by_bill == 1), BY_BL_NO),
        (sole, BY_CONTAINER),
        else_=ibis.null("string"),
    )
    order = ibis.coalesce(joined.known_order, sole.ifelse(joined.only, ibis.null("string")))
    return joined.select("seq", "candidates", order_no=order, order_source=source)


def split_decisions(adjustments: ir.Table, orders: ir.Table) -> ir.Table:
    """The standing 分摊 rows: ref_no, currency, to_order, part (summed), decided (their sum), is_usable.

    The latest decided_at of a reference replaces its earlier rows. A set is usable when all its orders
    exist and its amounts have one sign.
    """
    splits = adjustments.filter((adjustments.kind == "分摊") & adjustments.ref_no.notnull())
    group = ibis.window(group_by=["ref_no", "currency"])
    standing = splits.mutate(_last=splits.decided_at.max().over(group)).filter(lambda t: t._last == t.decided_at)
    parts = standing.group_by("ref_no", "currency", "to_order").agg(part=standing.amount.sum().cast(MONEY))
    known = orders.select(known_order="order_no").distinct()
    joined = parts.left_join(known, parts.to_order == known.known_order)
    return joined.select(
        "ref_no", "currency", "to_order", "part",
        decided=joined.part.sum().over(group).cast(MONEY),
        is_usable=(joined.known_order.notnull().all().over(group))
        & ((joined.part.min().over(group) > 0) | (joined.part.max().over(group) < 0)),
    )  # fmt: skip


def split_targets(lines: ir.Table, splits: ir.Table) -> ir.Table:
    """Which lines each reference of a decision means: ref_no, currency, line_key, whole, decided.

    A reference is a line_key, or, for lines that have no order yet, a vendor's invoice, a B/L or a container
    number. The decision's sum must be one line's amount (that line is split) or that of all lines the
    reference fits (each is split alike); otherwise it means none of them, and they stay open.
    """
    sets = splits.filter(splits.is_usable).select("ref_no", "currency", "decided").distinct()
    # A line that came twice is split once.
    unplaced = lines.filter(lines.order_no.isnull() & (lines.occurrence == 1))
    # A reference of text in any case: line keys are lower-case hex, invoice and B/L numbers upper-case codes.
    named = [
        source.select(_ref=source[column].upper(), _currency="currency", line_key="line_key", whole="amount", seq="seq")
        for source, column in (
            (lines, "line_key"), (unplaced, "vendor_invoice_no"), (unplaced, "bl_no"), (unplaced, "container_no"),
        )
    ]  # fmt: skip
    pointers = ibis.union(*named, distinct=True)
    fits = sets.join(pointers, [sets.ref_no.upper() == pointers._ref, sets.currency == pointers._currency])
    group = ibis.window(group_by=["ref_no", "currency"])
    weighed = fits.mutate(
        _sum=fits.whole.sum().over(group).cast(MONEY),
        _equal=(fits.whole == fits.decided).sum().over(group),
    )
    meant = weighed.filter(
        (weighed._sum == weighed.decided) | ((weighed.whole == weighed.decided) & (weighed._equal == 1))
    )
    # Two decisions for one line (by its key and by its invoice): the line's own key is the more exact.
    by_key = (meant.ref_no.upper() == meant.line_key.upper()).cast("int64")
    first = ibis.window(group_by="line_key", order_by=[by_key.desc(), meant.ref_no.asc()])
    return (
        meant.mutate(_rank=ibis.row_number().over(first))
        .filter(lambda t: t._rank == 0)
        .select("ref_no", "currency", "line_key", "whole", "decided")
    )


def _share_of(quantity: ir.DecimalValue, share: ir.DecimalValue, whole: ir.DecimalValue) -> ir.DecimalValue:
    return money.divide_half_up(money.wide(quantity, rate=True) * money.wide(share), whole, 4).cast(QUANTITY)


def _split(lines: ir.Table, splits: ir.Table, keep: Keep) -> ir.Table:
    """The lines that a decision splits, one row an order: amounts shared by largest remainder."""
    targets = split_targets(lines, splits)
    shares = targets.join(splits, ["ref_no", "currency"]).select(
        "line_key", "to_order", weight=splits.part.abs(), whole_amount=targets.whole
    )
    shared = money.apportion_column(
        shares, by=["line_key"], total="whole_amount", weight="weight", order=["to_order"], name="share"
    )
    in_order = ibis.window(group_by="line_key", order_by="to_order")
    before = ibis.window(group_by="line_key", order_by="to_order", preceding=(None, 1))
    shared = shared.mutate(
        part_number=ibis.row_number().over(in_order),
        amount_before=ibis.coalesce(shared.share.sum().over(before), money.decimal_literal(0))
        .cast("decimal(38, 2)")
        .cast(MONEY),
    )
    shared = keep("freight_splits", shared)
    parts = lines.drop("order_no", "order_source").join(shared, "line_key")
    return parts.mutate(
        order_no=parts.to_order,
        order_source=ibis.literal(BY_DECISION),
        # The engine may hold a sum of decimals wider than Ibis thinks, and Ibis leaves a cast to its own type out.
        amount=parts.share.cast("decimal(38, 2)").cast(MONEY),
        # Only a figure for people: a part's quote is shared by amount, exactly.
        quantity=_share_of(parts.quantity, parts.share, parts.whole_amount),
        whole_quantity=parts.quantity,
        seq=parts.seq + parts.part_number,
        line_key=identity_digest(parts.line_key, parts.to_order),
        parent_key=parts.line_key,
    ).drop("to_order", "weight", "share", "part_number")


@rule(
    "LOG-AP-01", "LOG-AR-02", inputs=("freight", "orders.bl_no", "orders.container_nos", "adjustments"),
    codes=("FRT_NO_ORDER",),
)  # fmt: skip
def assign_orders(freight: ir.Table, orders: ir.Table, adjustments: ir.Table, *, keep: Keep = as_built) -> ir.Table:
    """Freight lines with the order each is for; a line that finance split (分摊) is one row an order.

    ``freight``: all lines of all months so far (one row a source row); ``orders``: one row an order;
    ``adjustments``: all 调整 so far. Adds to the fields of freight: ``seq``, ``occurrence``, ``line_key``,
    ``parent_key`` (the line a split part belongs to, else its own key), ``given_order_no``, ``order_source``
    (订单号 提单号 柜号 分摊, NULL = none), ``candidates`` (orders that fit equally), ``whole_amount`` and
    ``whole_quantity`` (of the line before a split), ``amount_before`` (of the parts before this one), ``bill_no`` (the B/L, else the order's) and ``principal_id``.
    ``order_no`` is NULL where no order, or
    more than one, fits: also where the line names an order that nobody knows, for its B/L number would be
    a guess against what the carrier wrote.
    Formula: the order with most references of the line (B/L, container); ties stay open.
    Units: as given. Rounding: a split by largest remainder. Errors: none. Source: the contract, section 2.
    """
    lines = numbered(freight, keep=keep)
    located = lines.drop("order_no").join(keep("freight_located", _located(lines, orders)), "seq")
    splits = keep("freight_split_decisions", split_decisions(adjustments, orders))
    whole = located.mutate(
        whole_amount=located.amount,
        whole_quantity=located.quantity,
        parent_key=located.line_key,
        amount_before=money.decimal_literal(0),
    )
    parts = keep("freight_split_lines", _split(located, splits, keep))
    unsplit = whole.anti_join(parts.select("parent_key").distinct(), "parent_key")
    assigned = unsplit.union(parts.select(*unsplit.columns))
    owners = orders.select("order_no", "principal_id", order_bl_no="bl_no")
    joined = assigned.left_join(owners, "order_no", rname="{name}_owner")
    joined = joined.mutate(bill_no=ibis.coalesce(joined.bl_no, joined.order_bl_no)).drop("order_bl_no")
    return joined.drop("order_no_owner")
