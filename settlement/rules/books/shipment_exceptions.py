"""What is wrong with shipments (出运异常): documents that differ, status, weight, courier, disputes, statements.

LOG-BKG-01, LOG-BL-01, LOG-VSL-01, S2-STA-01, S2-CNT-01, S2-CNT-02, LOG-BLR-03, LOG-AR-02, LOG-AR-03, LOG-AR-05. Each
function returns rows of ``FOUND`` and one row of rule_coverage a rule; evidence that is absent is neither pass nor
breach. ``orders`` are described orders (settlement_mode, is_cancelled, ... as facts.described_orders).
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from settlement.rules import deadlines, money
from settlement.rules.books.counted import counted
from settlement.rules.books.freight_quotes import order_slots
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

BOOKING_NOTES = ("订舱委托书", "订舱原始单据", "托书")
SPACE_REPLIES = ("配舱信息", "配舱回单", "配舱通知", "配舱")
BL_PROOFS = ("提单确认件", "提单样本")
STATEMENTS = ("应收对账单", "物流对账单")
BOOKING_FIELDS = ("收货人", "发货人", "体积", "重量", "毛重", "件数", "货物描述")
PROOF_FIELDS = ("收货人", "通知人", "发货人", "货物描述", "毛重", "件数", "体积")
FIGURES = ("体积", "重量", "毛重", "件数")

SHIPPED, WITHDRAWN, NOT_SHIPPED = "出运", "退载", "未出运"
VESSEL_STATES = ("未配船", "已装船", "已开船")


def _compared(value: ir.StringValue, field: ir.StringValue) -> ir.StringValue:
    """A document's value as it is compared: figures as numbers without unit, texts without case and punctuation."""
    number = value.re_replace(r"[^0-9.]", "").try_cast("decimal(18, 4)").cast("string")
    text = value.upper().re_replace(r"[\s,.;:，。；：、()（）\-]+", " ").strip()
    return ibis.coalesce(field.isin(FIGURES).ifelse(number, ibis.null("string")), text)


def _sides(documents: ir.Table, first: tuple[str, ...], second: tuple[str, ...], fields: tuple[str, ...]) -> ir.Table:
    """Fields said by either document of an order, side by side; the newest document of a kind speaks."""
    facts = documents.filter(documents.field.isin(fields) & documents.doc_kind.isin([*first, *second]))
    sided = facts.mutate(side=facts.doc_kind.isin(first).ifelse("first", "second"))
    newest = ibis.window(
        group_by=["order_no", "field", "side"],
        order_by=[
            sided.month.desc(), sided.dated_on.desc(nulls_first=False), sided.source_file.desc(), sided.source_row.desc(),
        ],
    )  # fmt: skip
    sided = sided.mutate(_rank=ibis.row_number().over(newest)).filter(lambda t: t._rank == 0)
    both = sided.group_by("order_no", "field").agg(
        first=sided.value.min(where=sided.side == "first"),
        second=sided.value.min(where=sided.side == "second"),
        kind=sided.doc_kind.min(where=sided.side == "second"),
        source_file=sided.source_file.min(where=sided.side == "second"),
        source_row=sided.source_row.min(where=sided.side == "second"),
        dated_on=sided.dated_on.max(),
    )
    is_same = _compared(both.first, both.field) == _compared(both.second, both.field)
    return both.mutate(is_both=is_same.notnull(), is_different=~is_same)


def _mismatch(documents, orders, code, rule_id, first, second, fields) -> tuple[ir.Table, ir.Table]:
    sides = _sides(documents, first, second, fields)
    sides = sides.left_join(orders.select("order_no", "principal_id"), "order_no", rname="o_{name}").drop("o_order_no")
    rows = found(
        sides.filter(sides.is_different),
        code=code,
        subject=lambda t: subject_of(t.order_no, t.field),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 的", t.field, "：", first[0], "为“", t.first, "”，", t.kind, "为“", t.second, "”。"
        ),
        found=lambda t: t.second,
        arisen_on=lambda t: t.dated_on,
        rule_id=rule_id,
    )
    return rows, counted(rule_id, sides, checked="is_both", failed="is_different")


@rule("LOG-BKG-01", inputs=("documents",), codes=("BKG_MISMATCH",))
def booking_mismatches(documents: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """BKG_MISMATCH, one a field: what the carrier allotted (配舱) differs from the booking (订舱原始单据).

    Formula: equal after case, punctuation and spaces; figures as numbers. Units: as written. Rounding: none.
    Errors: none; a field only one document states is not checkable. Source: S0 l.738.
    """
    return _mismatch(documents, orders, "BKG_MISMATCH", "LOG-BKG-01", BOOKING_NOTES, SPACE_REPLIES, BOOKING_FIELDS)


@rule("LOG-BL-01", inputs=("documents",), codes=("BL_MISMATCH",))
def proof_mismatches(documents: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """BL_MISMATCH, one a field: the B/L proof (提单确认件) differs from the booking note (订舱委托书).

    Formula: as BKG_MISMATCH. Units: as written. Rounding: none. Errors: none. Source: S0 l.738.
    """
    return _mismatch(documents, orders, "BL_MISMATCH", "LOG-BL-01", BOOKING_NOTES, BL_PROOFS, PROOF_FIELDS)


@rule("LOG-VSL-01", inputs=("orders.shipment_status", "events"), codes=("VSL_STATUS_INVALID",))
def invalid_states(orders: ir.Table, events: ir.Table) -> tuple[ir.Table, ir.Table]:
    """VSL_STATUS_INVALID: a 业务状态 that is none of 出运 退载 未出运, or a tracked 开船状态 (event LOG-VSL-01) none of its three.

    Formula: value in the list. Units: none. Rounding: none. Errors: none. Source: S0 l.738, 884; contract, section 2.
    """
    stated = orders.filter(orders.shipment_status.notnull())
    of_orders = stated.select(
        "order_no", "principal_id", state="shipment_status", word=ibis.literal("业务状态"),
        is_valid=stated.shipment_status.isin([SHIPPED, WITHDRAWN, NOT_SHIPPED]),
    )  # fmt: skip
    tracked = events.filter((events.event == "LOG-VSL-01") & events.order_no.notnull() & events.choice.notnull())
    last = ibis.window(group_by="order_no", order_by=[tracked.happened_at.desc(), tracked.choice.desc()])
    tracked = tracked.mutate(_rank=ibis.row_number().over(last)).filter(lambda t: t._rank == 0)
    of_vessel = tracked.select(
        "order_no",
        "principal_id",
        state="choice",
        word=ibis.literal("开船状态"),
        is_valid=tracked.choice.isin(VESSEL_STATES),
    )
    both = of_orders.union(of_vessel)
    rows = found(
        both.filter(~both.is_valid),
        code="VSL_STATUS_INVALID",
        subject=lambda t: subject_of(t.order_no, t.word),
        message=lambda t: sentence("订单 ", t.order_no, " 的", t.word, "“", t.state, "”无效。"),
        field="shipment_status",
        found=lambda t: t.state,
        rule_id="LOG-VSL-01",
    )
    return rows, counted("LOG-VSL-01", both.mutate(is_wrong=~both.is_valid), checked=None, failed="is_wrong")


@rule("S2-STA-01", inputs=("orders.sailed_on", "orders.shipment_status", "events"), codes=("VSL_STATUS_INVALID",))
def states_late(
    orders: ir.Table, events: ir.Table, working_days: ir.Table, *, days: int, as_of: date
) -> tuple[ir.Table, ir.Table]:
    """VSL_STATUS_INVALID: ``days`` working days after sailing a booked shipment is neither 出运 nor 退载.

    Booked are orders with 国际物流; pure declaration and trucking jobs stay 未出运. Where event S2-STA-01 tells when the
    status was entered, entering it late is a breach too. Formula: status by the ``days``-th working day after
    sailed_on. Units: working days. Rounding: none. Errors: none; outside the calendar not checkable. Source: S2 l.517.
    """
    sailed = orders.filter(orders.sailed_on.notnull() & orders.services.contains("国际物流"))
    due = deadlines.due_on(
        sailed.select("order_no", "principal_id", "sailed_on", "shipment_status"),
        "sailed_on",
        days,
        working_days,
        name="state_due_on",
    )
    entered = events.filter((events.event == "S2-STA-01") & events.order_no.notnull())
    entered = entered.group_by("order_no").agg(entered_on=entered.happened_at.min().date())
    joined = due.left_join(entered, "order_no", rname="e_{name}").drop("e_order_no")
    is_set = ibis.coalesce(joined.shipment_status.isin([SHIPPED, WITHDRAWN]), False)
    is_due = joined.state_due_on < ibis.literal(as_of)
    late = ibis.coalesce((~is_set & is_due) | (joined.entered_on > joined.state_due_on), False)
    judged = joined.mutate(is_checked=is_set | ibis.coalesce(is_due, False), is_late=late)
    rows = found(
        judged.filter(judged.is_late),
        code="VSL_STATUS_INVALID",
        subject=lambda t: subject_of(t.order_no, "出运状态"),
        message=lambda t: sentence(
            "订单 ", t.order_no, " ", t.sailed_on, " 开船，应于 ", t.state_due_on, " 前登记出运或退载，现为“",
            ibis.coalesce(t.shipment_status, "空"), "”", ibis.coalesce("（" + t.entered_on.cast("string") + " 登记）", ""), "。",
        ),
        field="shipment_status",
        found=lambda t: t.shipment_status,
        arisen_on=lambda t: t.state_due_on,
        rule_id="S2-STA-01",
    )  # fmt: skip
    return rows, counted("S2-STA-01", judged, checked="is_checked", failed="is_late")


def _loads(orders: ir.Table, container_limit: ir.Table) -> ir.Table:
    """What the boxes of each weighed order may carry: payload of all, payload of those without a heavy limit, heavy."""
    weighed = orders.filter(orders.gross_weight_kg.notnull()).select(
        "order_no",
        "principal_id",
        "gross_weight_kg",
        "containers",
        on=ibis.coalesce(orders.sailed_on, orders.ordered_on),
    )
    boxed = weighed.join(order_slots(orders), "order_no", rname="s_{name}")
    limits = container_limit.select("container_type", "payload_kg", "heavy_kg", "valid_from", "valid_to")
    joined = boxed.left_join(
        limits,
        [
            boxed.slot_type == limits.container_type,
            limits.valid_from <= boxed.on,
            limits.valid_to.isnull() | (boxed.on <= limits.valid_to),
        ],
    )
    boxes = money.wide(joined.boxes)
    is_heavy = joined.heavy_kg.notnull()
    loads = joined.mutate(
        _payload=(boxes * money.wide(joined.payload_kg)).cast("decimal(28, 4)"),
        _heavy=is_heavy.ifelse(
            (boxes * money.wide(joined.heavy_kg)).cast("decimal(28, 4)"), ibis.null("decimal(28, 4)")
        ),
        _is_heavy=is_heavy,
    )
    return loads.group_by("order_no", "principal_id", "gross_weight_kg", "containers", "on").agg(
        payload=loads._payload.sum().cast("decimal(28, 2)"),
        others=ibis.coalesce(loads._payload.sum(where=~loads._is_heavy), 0).cast("decimal(28, 2)"),
        heavy=loads._heavy.sum().cast("decimal(28, 2)"),
        is_known=loads.payload_kg.notnull().all(),
    )


@rule(
    "S2-CNT-01",
    "S2-CNT-02",
    "FRT-01",
    "C-31",
    inputs=("orders.gross_weight_kg", "orders.containers", "container_limit"),
    codes=("CNT_OVERWEIGHT", "CNT_HEAVY_20"),
)
def weights(orders: ir.Table, container_limit: ir.Table) -> tuple[ir.Table, ir.Table]:
    """CNT_OVERWEIGHT and CNT_HEAVY_20 by the order's gross cargo weight.

    ``container_limit``: container_type, payload_kg, heavy_kg, valid_from, valid_to. Overweight: more than the payload
    of all boxes together. Heavy: what must lie in the 20-foot boxes (the weight beyond the payload of the others)
    is more than ``heavy_kg`` for each of them; strictly more (C-31). Formula: W > Σ n·payload;
    W − Σ others n·payload > n₂₀·heavy. Units: kg. Rounding: none. Errors: none; a box type without limits is not
    checkable. Source: S2 l.507, 512; FRT-01.
    """
    summed = _loads(orders, container_limit)
    weight = summed.gross_weight_kg.cast("decimal(28, 6)")
    judged = summed.mutate(
        weight=weight,
        is_over=summed.is_known & (weight > summed.payload),
        is_heavy=summed.is_known & ibis.coalesce((weight - summed.others) > summed.heavy, False),
    )
    over = found(
        judged.filter(judged.is_over),
        code="CNT_OVERWEIGHT",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            " ",
            t.containers,
            " 毛重 ",
            t.weight.cast("decimal(18, 3)"),
            " KG，载重上限合计 ",
            t.payload,
            " KG。",
        ),
        field="gross_weight_kg",
        found=lambda t: t.weight.cast("string"),
        arisen_on=lambda t: t.on,
        rule_id="S2-CNT-01",
    )
    heavy = found(
        judged.filter(judged.is_heavy),
        code="CNT_HEAVY_20",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, " ", t.containers, " 毛重 ", t.weight.cast("decimal(18, 3)"), " KG，小柜合计至少 ", (t.weight - t.others).cast("decimal(18, 3)"),
            " KG，超过超重柜界限 ", t.heavy, " KG。",
        ),
        field="gross_weight_kg",
        found=lambda t: t.weight.cast("string"),
        arisen_on=lambda t: t.on,
        rule_id="S2-CNT-02",
    )  # fmt: skip
    coverage = ibis.union(
        counted("S2-CNT-01", judged, checked="is_known", failed="is_over"),
        counted("S2-CNT-02", judged.filter(judged.heavy.notnull()), checked="is_known", failed="is_heavy"),
    )
    return over.union(heavy), coverage


@rule("LOG-BLR-03", inputs=("events.courier_no", "orders.bl_released_on"), codes=("BL_COURIER_MISSING",))
def couriers_missing(orders: ir.Table, events: ir.Table) -> tuple[ir.Table, ir.Table]:
    """BL_COURIER_MISSING: the sending of a B/L (event LOG-BLR-03) is recorded without a courier number.

    Formula: courier_no empty. Units: none. Rounding: none. Errors: none; a release without the event is not
    checkable. Source: S0 l.875.
    """
    sent = events.filter((events.event == "LOG-BLR-03") & events.order_no.notnull())
    sent = sent.group_by("order_no").agg(sent_on=sent.happened_at.min().date(), courier_no=sent.courier_no.max())
    released = orders.filter(orders.bl_released_on.notnull()).select(
        "order_no", "principal_id", "bl_no", "bl_released_on"
    )
    joined = released.left_join(sent, "order_no", rname="e_{name}").drop("e_order_no")
    is_sent = joined.sent_on.notnull()
    judged = joined.mutate(is_sent=is_sent, is_missing=is_sent & joined.courier_no.isnull())
    rows = found(
        judged.filter(judged.is_missing),
        code="BL_COURIER_MISSING",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 提单 ", t.bl_no, " ", t.bl_released_on, " 已放，", t.sent_on, " 寄出，没有快递单号。"
        ),
        field="courier_no",
        arisen_on=lambda t: t.sent_on,
        rule_id="LOG-BLR-03",
    )
    return rows, counted("LOG-BLR-03", judged, checked="is_sent", failed="is_missing")


@rule("LOG-AR-05", inputs=("events",), codes=("AR_DISPUTE_ESCALATED",))
def disputes_escalated(orders: ir.Table, events: ir.Table) -> tuple[ir.Table, ir.Table]:
    """AR_DISPUTE_ESCALATED: the last step of a dispute (event LOG-AR-05) is its escalation (上报), not a settlement.

    The ladder: 索证, 调解, 上报; a later step (确认, 解决) ends it. A dispute is an order and ref_no.
    Formula: last choice contains 上报. Units: CNY. Rounding: none. Errors: none; without events there is no dispute.
    Source: S0 l.738.
    """
    steps = events.filter((events.event == "LOG-AR-05") & events.order_no.notnull())
    last = ibis.window(group_by=["order_no", "ref_no"], order_by=[steps.happened_at.desc(), steps.choice.desc()])
    ranked = steps.mutate(_rank=ibis.row_number().over(last)).filter(lambda t: t._rank == 0)
    named = ranked.drop("principal_id").left_join(
        orders.select("order_no", "principal_id"), "order_no", rname="o_{name}"
    )
    judged = named.mutate(
        is_told=named.choice.notnull(), is_escalated=ibis.coalesce(named.choice.contains("上报"), False)
    )
    in_cny = ibis.coalesce(judged.currency, "CNY") == "CNY"
    judged = judged.mutate(_risk=in_cny.ifelse(judged.amount, ibis.null(MONEY)).cast(MONEY))
    rows = found(
        judged.filter(judged.is_escalated),
        code="AR_DISPUTE_ESCALATED",
        subject=lambda t: subject_of(t.order_no, t.ref_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, " ", ibis.coalesce(t.ref_no, "账单"), " 争议金额 ", t.amount, "，", t.happened_at.date(), " 已作异常订单上报。",
            ibis.coalesce(t.note, ""),
        ),
        amount_at_risk_cny=lambda t: t._risk,
        arisen_on=lambda t: t.happened_at.date(),
        rule_id="LOG-AR-05",
    )  # fmt: skip
    return rows, counted("LOG-AR-05", judged, checked="is_told", failed="is_escalated")


@rule(
    "LOG-AR-02",
    "LOG-AR-03",
    inputs=("documents", "freight_charges.receivable"),
    codes=("AR_NOT_EQUAL_QUOTE", "AR_NOT_EQUAL_COST"),
)
def statements_wrong(charges: ir.Table, documents: ir.Table) -> tuple[ir.Table, ir.Table]:
    """AR_NOT_EQUAL_QUOTE and AR_NOT_EQUAL_COST: what a statement to the client (应收对账单) says of a charge is not

    what is receivable. A document row: field = charge code, value = amount. It may be in the charge's own currency
    or in CNY. Quoted charges must equal client quote × quantity, the others their cost. Formula: value = Σ receivable
    or Σ receivable_cny. Units: currency or CNY. Rounding: none. Errors: none; an unreadable value, or a receivable
    that is not known, is not checkable. Source: S0 l.738.
    """
    said = documents.filter(documents.doc_kind.isin(STATEMENTS))
    read = said.mutate(_value=said.value.re_replace(r"[^0-9.\-]", "").try_cast(MONEY))
    stated = read.group_by("order_no", charge_code=read.field.upper()).agg(
        stated=read._value.sum().cast(MONEY), is_read=read._value.notnull().all(), dated_on=read.dated_on.max(),
        source_file=read.source_file.min(), source_row=read.source_row.min(),
    )  # fmt: skip
    placed = charges.filter(charges.order_no.notnull())
    owed = placed.group_by("order_no", "principal_id", "charge_code").agg(
        own=placed.receivable.sum().cast(MONEY),
        in_cny=placed.receivable_cny.sum().cast(MONEY),
        is_known=placed.receivable_cny.notnull().all(),
        one_money=placed.client_currency.nunique(where=placed.receivable != 0) <= 1,
        is_quoted=placed.is_client_quoted.any(),
        quote=placed.client_quote.sum().cast(MONEY),
    )
    joined = stated.join(owed, ["order_no", "charge_code"], rname="o_{name}")
    same = (joined.stated == joined.in_cny) | (joined.one_money & (joined.stated == joined.own))
    judged = joined.mutate(is_checked=joined.is_read & joined.is_known, is_wrong=~same)
    wrong = judged.filter(judged.is_checked & judged.is_wrong)
    rows = found(
        wrong,
        code=lambda t: t.is_quoted.ifelse("AR_NOT_EQUAL_QUOTE", "AR_NOT_EQUAL_COST"),
        subject=lambda t: subject_of(t.order_no, t.charge_code),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            " 的 ",
            t.charge_code,
            "：",
            t.is_quoted.ifelse("客户报价", "成本"),
            "应收 ",
            t.in_cny,
            " 元，对账单写 ",
            t.stated,
            "。",
        ),
        field=lambda t: t.charge_code,
        found=lambda t: t.stated.cast("string"),
        amount_at_risk_cny=lambda t: (t.stated - t.in_cny).abs(),
        arisen_on=lambda t: t.dated_on,
        rule_id=lambda t: t.is_quoted.ifelse("LOG-AR-02", "LOG-AR-03"),
    )
    coverage = ibis.union(
        counted("LOG-AR-02", judged.filter(judged.is_quoted), checked="is_checked", failed="is_wrong"),
        counted("LOG-AR-03", judged.filter(~judged.is_quoted), checked="is_checked", failed="is_wrong"),
    )
    return rows, coverage
