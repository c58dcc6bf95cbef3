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

# One charge of one order as a quote sees it; asked_type '' = all boxes of the order.
ITEM = ("party", "order_no", "charge_code", "quoted_on", "asked_type")
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
    counted = numbers.filter(numbers.number != "").group_by("order_no").agg(
        slot_type=ibis.literal(""), boxes=numbers.number.nunique().cast(QUANTITY)
    )
    return by_type.union(counted)


def quote_of_order(asked: ir.Table, quotes: ir.Table, *, party: str) -> ir.Table:
    """What a quote comes to for an order's charge: one row an ``ITEM`` that has a quote.

    ``asked``: a row an ITEM and box type: ITEM, container_type, boxes, tons, pol, pod. Adds: is_conflict (a tie,
    or several bases or currencies), unit (NULL where it differs by box type), unit_basis, currency,
    order_quantity (NULL = the order does not tell), amount (unit × order_quantity), missing_types (boxes that
    no quote covers), options. Money in the quote's currency, rounded half up (``freight.quoted_amount``).
    """
    priced = quotes_in_force(asked, quotes, party=party)
    key = ["party", "order_no", "charge_code", "quoted_on", "container_type", "pol", "pod"]
    joined = asked.left_join(priced, key, rname="q_{name}")
    part = freight.quoted_amount(joined.unit, joined.boxes, joined.currency)
    found = joined.mutate(_part=part, _has=joined.level.notnull())
    grouped = found.group_by(*ITEM).agg(
        _found=found._has.sum(),
        _tied=(found.ties > 1).any(),
        _currencies=found.currency.nunique(),
        _bases=found.unit_basis.nunique(),
        _units=found.unit.nunique(),
        _unknown=(found._has & found.boxes.isnull()).any(),
        _boxes=found.boxes.sum(where=found._has).cast(QUANTITY),
        _parts=found._part.sum().cast(MONEY),
        _unit=found.unit.min(),
        unit_basis=found.unit_basis.min(),
        currency=found.currency.min(),
        _tons=found.tons.max(),
        missing_types=found.container_type.group_concat(
            sep="、", where=~found._has & (found.container_type != ""), order_by=found.container_type.asc()
        ),
        options=found.options.group_concat(sep=" / ", order_by=found.options.asc()),
    )
    grouped = grouped.filter(grouped._found > 0)
    by_box = grouped.unit_basis == BY_BOX
    conflict = grouped._tied | (grouped._currencies > 1) | (grouped._bases > 1) | (~by_box & (grouped._units > 1))
    sized = grouped.mutate(
        is_conflict=ibis.coalesce(conflict, True),
        order_quantity=ibis.cases(
            (grouped.unit_basis == BY_ORDER, ibis.literal(1).cast(QUANTITY)),
            (by_box & ~grouped._unknown, grouped._boxes),
            (grouped.unit_basis == BY_TON, grouped._tons),
            else_=NO_QUANTITY,
        ),
        unit=(grouped._units == 1).ifelse(grouped._unit, ibis.null(MONEY)),
    )
    whole = freight.quoted_amount(sized.unit, sized.order_quantity, sized.currency)
    boxed = sized._unknown.ifelse(ibis.null(MONEY), sized._parts)
    total = (sized.unit_basis == BY_BOX).ifelse(boxed, whole)
    return sized.select(
        *ITEM, "is_conflict", "unit", "unit_basis", "currency", "order_quantity", "missing_types", "options",
        amount=sized.is_conflict.ifelse(ibis.null(MONEY), total).cast(MONEY),
    )  # fmt: skip


def _by_order(items: ir.Table, orders: ir.Table) -> ir.Table:
    lanes = orders.select("order_no", pol=as_asked(orders.pol), pod=as_asked(orders.pod))
    return items.join(lanes, "order_no")


@rule("LOG-AP-01", "FRT-03", inputs=("vendor_quotes", "orders.containers"), codes=("AP_OVER_QUOTE", "FRT_BASIS"))
def carrier_quotes(
    lines: ir.Table, orders: ir.Table, vendor_quotes: ir.Table, *, keep: Keep = as_built
) -> ir.Table:
    """The carrier's quote (供应商报价) of each line: line_key, has_quote, is_conflict, quote, order_cap, …

    ``lines``: assigned lines with ``quoted_on``. quote = unit × the line's quantity, held to the order's where the
    order tells it (a carrier cannot raise the cap by billing three boxes of two); a line billed on another
    basis than quoted takes the order's quantity. order_cap = the quote for all of the order. A split line's
    part takes its share of the whole line's quote. Also quote_unit, quote_basis, quote_currency,
    order_quantity, options; quote is NULL on a conflict, in another currency, or with no quantity to take.
    Formula: round(unit × min(line, order quantity)). Units: the quote's currency. Rounding: half up.
    Errors: none. Source: S0 l.738; the contract, sections 3 and 4.
    """
    placed = lines.filter(lines.order_no.notnull())
    typed = placed.mutate(party=placed.vendor, asked_type=as_asked(placed.container_type))
    slots = keep("freight_order_boxes", order_slots(orders))
    wanted = typed.select(*ITEM).filter(lambda t: t.asked_type != "").distinct()
    whole_order = typed.select("party", "order_no", "charge_code", "quoted_on").distinct()
    of_type = wanted.left_join(
        slots,
        [wanted.order_no == slots.order_no, (slots.slot_type == wanted.asked_type) | (slots.slot_type == "")],
        rname="s_{name}",
    )
    of_type = of_type.select(*ITEM, container_type="asked_type", boxes="boxes")
    of_all = whole_order.left_join(slots, "order_no", rname="s_{name}")
    of_all = of_all.mutate(asked_type=ibis.literal(""))
    of_all = of_all.select(*ITEM, container_type=ibis.coalesce(of_all.slot_type, ""), boxes="boxes")
    asked = _by_order(of_type.union(of_all), orders).mutate(tons=NO_QUANTITY)
    quoted = keep("freight_carrier_quotes", quote_of_order(asked, vendor_quotes, party="vendor"))
    caps = quoted.filter(quoted.asked_type == "").select(
        "party", "order_no", "charge_code", "quoted_on", order_cap="amount", cap_currency="currency"
    )
    mine = typed.join(quoted, list(ITEM), rname="q_{name}")
    mine = mine.left_join(caps, ["party", "order_no", "charge_code", "quoted_on"], rname="c_{name}")
    return _quote_of_line(mine)


def _quote_of_line(mine: ir.Table) -> ir.Table:
    same_basis = mine.unit_basis.isnull() | (mine.unit_basis == mine.q_unit_basis)
    asked = same_basis.ifelse(mine.whole_quantity, mine.order_quantity)
    held = freight.least(asked, mine.order_quantity)
    sized = mine.mutate(
        _held=ibis.coalesce(held, ibis.null(QUANTITY)),
        is_conflict=mine.is_conflict | (mine.q_currency != mine.currency),
    )
    # Prices that differ by box type add up for the whole order only.
    whole = ibis.cases(
        (sized.is_conflict, ibis.null(MONEY)),
        (sized.unit.notnull(), freight.quoted_amount(sized.unit, sized._held, sized.q_currency)),
        (sized._held == sized.order_quantity, sized.q_amount),
        else_=ibis.null(MONEY),
    ).cast(MONEY)
    part = money.divide_half_up((whole * sized.amount).cast("decimal(38, 4)"), sized.whole_amount)
    return sized.select(
        "line_key",
        has_quote=ibis.literal(True),
        is_conflict=sized.is_conflict | whole.isnull(),
        quote=(sized.amount == sized.whole_amount).ifelse(whole, part).cast(MONEY),
        order_cap=(sized.cap_currency == sized.currency).ifelse(sized.order_cap, ibis.null(MONEY)),
        quote_unit="unit",
        quote_basis="q_unit_basis",
        quote_currency="q_currency",
        order_quantity="order_quantity",
        options="options",
    )


@rule("LOG-AR-02", inputs=("client_quotes", "orders.containers", "orders.pol", "orders.pod"))
def client_quotes_of(items: ir.Table, orders: ir.Table, client_quotes: ir.Table, *, keep: Keep = as_built) -> ir.Table:
    """The client's quote (客户报价) of each order and charge code that has one.

    ``items``: one row an order and charge code: order_no, principal_id, charge_code, quoted_on, container_type,
    billed_quantity and billed_basis (of the first bill, used only where the order does not tell). Returns
    order_no, charge_code, is_conflict, unit, unit_basis, currency, order_quantity, quote, missing_types,
    options, is_billed_quantity (the quantity is the bill's). quote is NULL on a conflict or without quantity.
    Formula: round(unit × the order's quantity), summed over box types. Units: the quote's currency.
    Rounding: half up. Errors: none. Source: S0 l.738; the contract, section 4.
    """
    slots = order_slots(orders)
    joined = items.left_join(slots, "order_no", rname="s_{name}")
    slot_type = ibis.coalesce(joined.slot_type, "")
    on_boxes = joined.billed_basis.isnull() | (joined.billed_basis == BY_BOX)
    in_tons = joined.billed_basis.isnull() | (joined.billed_basis == BY_TON)
    asked = joined.select(
        "order_no", "charge_code", "quoted_on",
        party="principal_id",
        asked_type=ibis.literal(""),
        container_type=(slot_type == "").ifelse(as_asked(joined.container_type), slot_type),
        boxes=ibis.coalesce(joined.boxes, on_boxes.ifelse(joined.billed_quantity, NO_QUANTITY)),
        tons=in_tons.ifelse(joined.billed_quantity, NO_QUANTITY),
        _told=joined.boxes.notnull(),
    )  # fmt: skip
    told = asked.group_by("order_no", "charge_code").agg(_told=asked._told.any())
    quoted = quote_of_order(_by_order(asked.drop("_told"), orders), client_quotes, party="principal_id")
    named = quoted.join(told, ["order_no", "charge_code"], rname="t_{name}")
    priced = named.select(
        "order_no", "charge_code", "is_conflict", "unit", "unit_basis", "currency", "order_quantity", "missing_types",
        "options", quote="amount", is_billed_quantity=(named.unit_basis == BY_BOX) & ~named._told,
    )  # fmt: skip
    return keep("freight_client_quotes", priced)
