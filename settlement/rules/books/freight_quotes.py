"""Quotes in money: what the carrier's and the client's quotes come to for an order's charge.

A quote is a price per 票 (order), 柜 (box, perhaps of one type) or RT. Its quantity is the order's: one 票,
the boxes of 箱型箱量 (``1x40HQ,2x20GP``); RT stands nowhere in an order, so it is the bill's.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import freight, money
from settlement.rules.books.freight_orders import QUANTITY, SEPARATORS, Keep, as_built
from settlement.rules.books.quotes import as_asked, quotes_in_force
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

BY_BOX, BY_ORDER, BY_TON = "柜", "票", "RT"

_BOXES = r"^(\d{1,4})[X×*](\d\d[0-9A-Z']{1,4})$"
NO_QUANTITY = ibis.null(QUANTITY)


def order_slots(orders: ir.Table) -> ir.Table:
    """The boxes of each order: order_no, slot_type, boxes; one row a type.

    From ``containers`` (箱型箱量); where that is empty, the count of ``container_nos`` with slot_type ''.
    An order whose 箱型箱量 cannot be read whole has no row: part of a count is no count.
    """
    listed = orders.filter(orders.containers.notnull())
    pieces = listed.select("order_no", piece=listed.containers.upper().re_split(SEPARATORS).unnest())
    pieces = pieces.filter(pieces.piece != "")
    read = pieces.mutate(
        slot_type=pieces.piece.re_extract(_BOXES, 2), _count=pieces.piece.re_extract(_BOXES, 1).try_cast("int64")
    )
    read = read.mutate(_whole=read._count.notnull().all().over(ibis.window(group_by="order_no")))
    by_type = read.filter(read._whole).group_by("order_no", "slot_type").agg(boxes=read._count.sum().cast(QUANTITY))
    unlisted = orders.filter(orders.containers.isnull() & orders.container_nos.notnull())
    numbers = unlisted.select("order_no", number=unlisted.container_nos.upper().re_split(SEPARATORS).unnest())
    counted = (
        numbers.filter(numbers.number != "")
        .group_by("order_no")
        .agg(slot_type=ibis.literal(""), boxes=numbers.number.nunique().cast(QUANTITY))
    )
    return by_type.union(counted)


def _worst(found: ir.Table) -> ir.BooleanValue:
    """Whether the quotes of one item disagree: a tie, several bases or currencies, or prices of one thing."""
    mixed = (found.currency.min() != found.currency.max()) | (found.unit_basis.min() != found.unit_basis.max())
    prices = (found.unit_basis.min() != BY_BOX) & (found.unit.min() != found.unit.max())
    return ibis.coalesce((found.ties > 1).any(), False) | ibis.coalesce(mixed | prices, False)


def quote_of_order(asked: ir.Table, quotes: ir.Table, *, party: str) -> ir.Table:
    """What a quote comes to for an order's charge: one row an ``item`` that has a quote.

    ``asked``: a row an item (whole number) and box type: item, party, order_no, charge_code, quoted_on,
    container_type, is_loose, boxes, tons, pol, pod. Returns item, is_conflict (a tie, or several bases or currencies), unit
    (NULL where it differs by box type), unit_basis, currency, order_quantity (NULL = the order does not tell),
    amount (unit × order_quantity), missing_types (boxes that no quote covers), options. Money in the quote's
    currency, rounded half up (``freight.quoted_amount``).
    """
    priced = quotes_in_force(asked, quotes, party=party)
    has = priced.level.notnull()
    found = priced.mutate(
        _part=freight.quoted_amount(priced.unit, priced.boxes, priced.currency),
        _has=has,
        _missing=(~has & (priced.container_type != "")).ifelse(priced.container_type, ibis.null("string")),
    )
    grouped = found.group_by("item").agg(
        _found=found._has.any(),
        is_conflict=_worst(found),
        _unknown=(found._has & found.boxes.isnull()).any(),
        _boxes=found.boxes.sum(where=found._has).cast(QUANTITY),
        _parts=found._part.sum().cast(MONEY),
        _unit=found.unit.min(),
        _highest=found.unit.max(),
        unit_basis=found.unit_basis.min(),
        currency=found.currency.min(),
        _tons=found.tons.max(),
        missing_types=found._missing.min(),
        options=found.options.min(),
    )
    grouped = grouped.filter(grouped._found)
    by_box = grouped.unit_basis == BY_BOX
    sized = grouped.mutate(
        order_quantity=ibis.cases(
            (grouped.unit_basis == BY_ORDER, ibis.literal(1).cast(QUANTITY)),
            (by_box & ~grouped._unknown, grouped._boxes),
            (grouped.unit_basis == BY_TON, grouped._tons),
            else_=NO_QUANTITY,
        ),
        unit=(grouped._unit == grouped._highest).ifelse(grouped._unit, ibis.null(MONEY)),
    )
    whole = freight.quoted_amount(sized.unit, sized.order_quantity, sized.currency)
    boxed = sized._unknown.ifelse(ibis.null(MONEY), sized._parts)
    total = (sized.unit_basis == BY_BOX).ifelse(boxed, whole)
    return sized.select(
        "item", "is_conflict", "unit", "unit_basis", "currency", "order_quantity", "missing_types", "options",
        amount=sized.is_conflict.ifelse(ibis.null(MONEY), total).cast(MONEY),
    )  # fmt: skip


@rule("LOG-AP-01", "FRT-03", inputs=("vendor_quotes", "orders.containers"), codes=("AP_OVER_QUOTE", "FRT_BASIS"))
def carrier_quotes(lines: ir.Table, orders: ir.Table, vendor_quotes: ir.Table, *, keep: Keep = as_built) -> ir.Table:
    """The carrier's quote (供应商报价) of each line that has one: seq, is_conflict, vendor_quote, order_cap, …

    ``lines``: assigned lines with ``quoted_on``. vendor_quote = unit × the line's quantity, held to the order's where
    the order tells it (a carrier cannot raise the cap by billing three boxes of two); a line billed on another
    basis than quoted takes the order's quantity. order_cap = the quote for all of the order. A split line's
    part takes its share of the whole line's quote. Also quote_unit, carrier_basis, quote_currency,
    order_quantity, options, quote_tied (several quotes fit equally); vendor_quote is NULL on a conflict, in another currency, or with no quantity to take.
    Formula: round(unit × min(line, order quantity)). Units: the quote's currency. Rounding: half up.
    Errors: none. Source: S0 l.738; the contract, sections 3 and 4.
    """
    placed = lines.filter(lines.order_no.notnull())
    lanes = orders.select("order_no", pol=as_asked(orders.pol), pod=as_asked(orders.pod))
    charges = placed.select(
        "seq",
        "order_no",
        "charge_code",
        "quoted_on",
        party="vendor",
        line_type=as_asked(placed.container_type),
        by_ton=ibis.coalesce(placed.unit_basis == BY_TON, False),
    ).join(lanes, "order_no")
    slots = keep("freight_order_boxes", order_slots(orders))
    asked = _of_line_type(charges, slots).union(_of_whole_order(charges, slots))
    quoted = keep("freight_carrier_quotes", quote_of_order(asked, vendor_quotes, party="vendor"))
    # A line's own item is even; that of its whole order odd, where the line names one box type.
    own = quoted.filter(quoted.item % 2 == 0).mutate(seq=lambda t: t.item // 2)
    caps = quoted.filter(quoted.item % 2 == 1)
    caps = caps.select(cap_amount="amount", cap_currency="currency", seq=caps.item // 2)
    mine = placed.select(
        "seq",
        "currency",
        "unit_basis",
        "amount",
        "amount_before",
        "whole_amount",
        "whole_quantity",
        line_type=as_asked(placed.container_type),
    )
    mine = mine.join(own, "seq", rname="q_{name}").left_join(caps, "seq", rname="c_{name}")
    return _quote_of_line(mine)


_ASKED = (
    "item", "party", "order_no", "charge_code", "quoted_on", "container_type", "is_loose", "boxes", "tons", "pol", "pod",
)  # fmt: skip


def _of_line_type(charges: ir.Table, slots: ir.Table) -> ir.Table:
    """What to ask for lines that name a box type: the boxes of that type in their order."""
    typed = charges.filter(charges.line_type != "")
    joined = typed.left_join(
        slots,
        [typed.order_no == slots.order_no, (slots.slot_type == typed.line_type) | (slots.slot_type == "")],
        rname="s_{name}",
    )
    is_loose = joined.by_ton & joined.boxes.isnull()
    return joined.mutate(
        item=joined.seq * 2, container_type=joined.line_type, is_loose=is_loose, tons=NO_QUANTITY
    ).select(*_ASKED)


def _of_whole_order(charges: ir.Table, slots: ir.Table) -> ir.Table:
    """What to ask for all boxes of an order: for lines without a type their own quote, for the others the cap."""
    joined = charges.left_join(slots, "order_no", rname="s_{name}")
    return joined.mutate(
        item=joined.seq * 2 + (joined.line_type != "").cast("int64"),
        container_type=ibis.coalesce(joined.slot_type, ""),
        is_loose=joined.by_ton & joined.boxes.isnull(),
        tons=NO_QUANTITY,
    ).select(*_ASKED)


def _quote_of_line(mine: ir.Table) -> ir.Table:
    same_basis = mine.unit_basis.isnull() | (mine.unit_basis == mine.q_unit_basis)
    asked = same_basis.ifelse(mine.whole_quantity, mine.order_quantity)
    sized = mine.mutate(
        _held=freight.least(asked, mine.order_quantity).cast(QUANTITY),
        is_tied=mine.is_conflict,
        is_conflict=mine.is_conflict | (mine.q_currency != mine.currency),
    )
    # Prices that differ by box type add up for the whole order only.
    whole = ibis.cases(
        (sized.is_conflict, ibis.null(MONEY)),
        (sized.unit.notnull(), freight.quoted_amount(sized.unit, sized._held, sized.q_currency)),
        (sized._held == sized.order_quantity, sized.q_amount),
        else_=ibis.null(MONEY),
    ).cast(MONEY)
    sized = sized.mutate(_whole=whole, _cap=(sized.line_type == "").ifelse(sized.q_amount, sized.cap_amount))
    # Each part up to its end less up to its start: the parts of a split line sum to the whole line's quote.
    end, start = (
        money.divide_half_up(money.wide(sized._whole) * money.wide(edge), sized.whole_amount)
        for edge in (sized.amount_before + sized.amount, sized.amount_before)
    )
    part = end - start
    one_currency = ibis.coalesce(sized.cap_currency, sized.q_currency) == sized.currency
    return sized.select(
        "seq",
        "order_quantity",
        "options",
        has_quote=ibis.literal(True),
        quote_tied=sized.is_tied,
        is_conflict=sized.is_conflict | sized._whole.isnull(),
        vendor_quote=(sized.amount == sized.whole_amount).ifelse(sized._whole, part).cast(MONEY),
        order_cap=one_currency.ifelse(sized._cap, ibis.null(MONEY)),
        quote_unit="unit",
        carrier_basis="q_unit_basis",
        quote_currency="q_currency",
    )


@rule("LOG-AR-02", inputs=("client_quotes", "orders.containers", "orders.pol", "orders.pod"))
def client_quotes_of(items: ir.Table, orders: ir.Table, client_quotes: ir.Table) -> ir.Table:
    """The client's quote (客户报价) of each item, an order's charge code, that has one.

    ``items``: item (whole number), order_no, principal_id, charge_code, quoted_on, container_type, billed_quantity
    and billed_basis (of the first bill, used only where the order does not tell). Returns item, is_conflict, unit,
    unit_basis, currency, order_quantity, quote, missing_types, options, is_billed_quantity (the boxes are the
    bill's, not the order's). quote is NULL on a conflict or without quantity.
    Formula: round(unit × the order's quantity), summed over box types. Units: the quote's currency.
    Rounding: half up. Errors: none. Source: S0 l.738; the contract, section 4.
    """
    lanes = orders.select("order_no", pol=as_asked(orders.pol), pod=as_asked(orders.pod))
    slots = order_slots(orders)
    joined = items.left_join(slots, "order_no", rname="s_{name}").join(lanes, "order_no", rname="l_{name}")
    slot_type = ibis.coalesce(joined.slot_type, "")
    on_boxes = joined.billed_basis.isnull() | (joined.billed_basis == BY_BOX)
    in_tons = joined.billed_basis.isnull() | (joined.billed_basis == BY_TON)
    asked = joined.mutate(
        party=joined.principal_id,
        container_type=(slot_type == "").ifelse(as_asked(joined.container_type), slot_type),
        is_loose=joined.boxes.isnull() & ibis.coalesce(joined.billed_basis == BY_TON, False),
        boxes=ibis.coalesce(joined.boxes, on_boxes.ifelse(joined.billed_quantity, NO_QUANTITY)),
        tons=in_tons.ifelse(joined.billed_quantity, NO_QUANTITY),
    ).select(*_ASKED)
    quoted = quote_of_order(asked, client_quotes, party="principal_id")
    told = slots.select("order_no").distinct().mutate(_told=ibis.literal(True))
    told = items.select("item", "order_no").join(told, "order_no").select(item="item", _told="_told")
    named = quoted.left_join(told, "item", rname="t_{name}")
    return named.select(
        "item", "is_conflict", "unit", "unit_basis", "currency", "order_quantity", "missing_types", "options",
        quote="amount", is_billed_quantity=(named.unit_basis == BY_BOX) & named._told.isnull(),
    )  # fmt: skip
