"""What is wrong with refunds and their windows (退税异常): EXP-REF-02..04, C-38, C-46, VAT-REF-15, CUS-01. Findings only."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import identifiers, money, refund
from settlement.rules.exceptions import found, sentence, subject_of


def refund_findings(
    refunds: ir.Table,
    notices: ir.Table,
    lines: ir.Table,
    events: ir.Table,
    *,
    as_of: date,
    warn_days: int,
    per_line: Decimal,
) -> ir.Table:
    """``FOUND`` rows. ``refunds``: tax_refunds as they stand; ``notices``: with order; ``lines``: export lines; ``events``.

    ``warn_days``: calendar days before the last filing day; ``per_line``: rounding allowed for a goods line (CNY).
    """
    counted = lines.group_by("order_no", "declaration_no").agg(_lines=lines.count())
    sized = refunds.left_join(counted, ["order_no", "declaration_no"], rname="n_{name}")
    return ibis.union(
        _no_cash(refunds, notices),
        *_differences(sized, per_line),
        *_refused(notices, refunds),
        _not_filed(refunds, events),
        *_windows(refunds, lines, as_of, warn_days),
    )


def _raised(rows: ir.Table, code: str, rule_id: str, amount: str, *parts, arisen: str | None = None) -> ir.Table:
    more = {"arisen_on": (lambda t: t[arisen])} if arisen else {}
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.order_no, t.declaration_no),
        message=lambda t: sentence(
            "订单 ", ibis.coalesce(t.order_no, "未知"), " 报关单 ", t.declaration_no, "：",
            *[part(t) if callable(part) else part for part in parts],
        ),
        amount_at_risk_cny=lambda t: t[amount].abs(),
        rule_id=rule_id,
        **more,
    )  # fmt: skip


def _no_cash(refunds: ir.Table, notices: ir.Table) -> ir.Table:
    told = notices.group_by("order_no", "declaration_no").agg(_on=notices.notified_on.max())
    waiting = refunds.filter((refunds.notified > 0) & (ibis.coalesce(refunds.received, money.decimal_literal(0)) == 0))
    joined = waiting.left_join(told, ["order_no", "declaration_no"], rname="t_{name}")
    return _raised(
        joined, "REFUND_NOTICE_NO_CASH", "EXP-REF-03", "notified",
        lambda t: t._on, " 通知核准退税 ", lambda t: t.notified, " 元，银行未见到账。", arisen="_on",
    )  # fmt: skip


def _differences(sized: ir.Table, per_line: Decimal) -> list[ir.Table]:
    """C-38: rounding explains a fen a line; beyond it somebody must look. The client gets what was received."""
    lines = ibis.coalesce(sized._lines, 1).cast(money.MONEY)
    received = sized.filter(sized.received.notnull() & sized.expected.notnull()).mutate(
        _gap=lambda t: refund.refund_difference(t.received, t.expected)
    )
    off = received.filter(
        refund.is_refund_different(
            received.received, received.expected, ibis.coalesce(received._lines, 1).cast(money.MONEY), per_line
        )
    )
    told = sized.mutate(_n=lines).filter(
        sized.notified.notnull() & sized.expected.notnull() & sized.received.isnull() & (sized.notified > 0)
    )
    told = told.mutate(_gap=refund.refund_difference(told.notified, told.expected))
    noticed = told.filter(refund.is_refund_different(told.notified, told.expected, told._n, per_line))
    return [
        _raised(off, "REFUND_AMOUNT_DIFF", "C-38", "_gap", "应退 ", lambda t: t.expected, " 元，到账 ", lambda t: t.received, " 元，相差 ", lambda t: t._gap, " 元。"),
        _raised(noticed, "REFUND_AMOUNT_DIFF", "C-38", "_gap", "应退 ", lambda t: t.expected, " 元，核准 ", lambda t: t.notified, " 元，相差 ", lambda t: t._gap, " 元。"),
    ]  # fmt: skip


def _refused(notices: ir.Table, refunds: ir.Table) -> list[ir.Table]:
    owner = refunds.select("order_no", "declaration_no", "principal_id", "expected")
    joined = notices.left_join(owner, ["order_no", "declaration_no"], rname="o_{name}")
    denied = joined.filter(joined.result == "不予退税").mutate(
        _risk=lambda t: ibis.coalesce(ibis.cases((t.amount == 0, t.expected), else_=t.amount), t.amount)
    )
    clawed = joined.filter((joined.result == "追缴") | (joined.amount < 0))
    return [
        _raised(denied, "REFUND_DENIED", "EXP-REF-03", "_risk", lambda t: t.notified_on, " 通知不予退税 ", lambda t: t._risk.abs(), " 元。", arisen="notified_on"),
        _raised(clawed, "REFUND_CLAWBACK", "EXP-REF-03", "amount", lambda t: t.notified_on, " 通知追缴已退税款 ", lambda t: t.amount.abs(), " 元。", arisen="notified_on"),
    ]  # fmt: skip


def _not_filed(refunds: ir.Table, events: ir.Table) -> ir.Table:
    """EXP-REF-02: declaration and VAT invoice are there, and nobody recorded that 税务部 signed for them or was told more."""
    rows = refunds.filter((refunds.status == "待申报") & refunds.expected.notnull() & (refunds.expected > 0))
    signed = events.filter((events.event == "EXP-REF-02") & events.order_no.notnull()).select("order_no").distinct()
    return _raised(
        rows.anti_join(signed, "order_no"), "REFUND_NOT_SUBMITTED", "EXP-REF-02", "expected",
        "报关单与增票已齐，应退 ", lambda t: t.expected, " 元，尚无税务部签收、申报或核准记录。",
    )  # fmt: skip


def _windows(refunds: ir.Table, lines: ir.Table, as_of: date, warn_days: int) -> list[ir.Table]:
    day = ibis.literal(as_of)
    near = refunds.filter(
        refunds.file_by.notnull()
        & refunds.status.isin(["待开票", "待申报"])
        & (refunds.file_by - ibis.interval(days=warn_days) <= day)
        & (ibis.coalesce(refunds.expected, money.decimal_literal(1)) > 0)
    )
    short = (
        lines.filter(~lines.is_received_in_full & lines.declaration_no.notnull())
        .select("order_no", "declaration_no", _open=lambda t: ibis.coalesce(t.received_gap.abs(), t.declared_fx))
        .distinct(on=["order_no", "declaration_no"])
    )
    uncollected = refunds.join(short, ["order_no", "declaration_no"])
    uncollected = uncollected.filter(
        uncollected.file_by.notnull() & (uncollected.file_by - ibis.interval(days=warn_days) <= day)
    )
    return [
        _raised(near, "REFUND_WINDOW_CLOSING", "VAT-REF-15", "expected", "退税申报截止 ", lambda t: t.file_by, "，尚未核准；应退 ", lambda t: t.expected, " 元。"),
        _raised(uncollected, "FX_COLLECTION_WINDOW", "VAT-REF-15", "expected", "收汇截止 ", lambda t: t.file_by, "，尚差外币 ", lambda t: t._open.cast(money.MONEY), "。"),
    ]  # fmt: skip


def identifier_findings(orders: ir.Table, goods: ir.Table, principals: ir.Table) -> ir.Table:
    """DECL_NO_FORMAT, DECL_DIRECTION (CUS-01), HS_FORMAT (CUS-03), USCC_CHECK (USCC-01) on what the masters and orders say."""
    numbers = orders.filter(orders.declaration_no.notnull()).select(
        "order_no", "principal_id", "declaration_no", "is_export", "is_import", "source_file", "source_row"
    )
    of_lines = (
        goods.filter(goods.declaration_no.notnull())
        .join(orders.select("order_no", "principal_id", "is_export", "is_import"), "order_no")
        .select(*numbers.columns)
    )
    numbers = numbers.union(of_lines).distinct(on=["order_no", "declaration_no"])
    well_formed = identifiers.is_declaration_no(numbers.declaration_no)
    direction = identifiers.declaration_direction(numbers.declaration_no)
    marked = numbers.mutate(_ok=well_formed, _direction=direction)
    malformed = marked.filter(~marked._ok)
    wrong_way = marked.filter(
        marked._ok
        & (((marked._direction == "import") & marked.is_export & ~marked.is_import)
           | ((marked._direction == "export") & marked.is_import & ~marked.is_export))
    )  # fmt: skip
    codes = goods.filter(~identifiers.is_hs_code(goods.hs_code))
    firms = principals.filter(principals.uscc.notnull()).mutate(_ok=identifiers.is_uscc(principals.uscc))
    named = {"source_file": lambda t: t.source_file, "source_row": lambda t: t.source_row}
    return ibis.union(
        found(malformed, code="DECL_NO_FORMAT", subject=lambda t: subject_of(t.order_no, t.declaration_no), field="declaration_no",
              found=lambda t: t.declaration_no, rule_id="CUS-01", **named,
              message=lambda t: sentence("订单 ", t.order_no, " 报关单号 ", t.declaration_no, " 不是18位海关编号。")),
        found(wrong_way, code="DECL_DIRECTION", subject=lambda t: subject_of(t.order_no, t.declaration_no), field="declaration_no",
              found=lambda t: t.declaration_no, rule_id="CUS-01", **named,
              message=lambda t: sentence("订单 ", t.order_no, " 报关单号 ", t.declaration_no, " 第9位的进出口标志与订单服务类型相反。")),
        found(codes, code="HS_FORMAT", subject=lambda t: subject_of(t.order_no, t.line_no.cast("string")), field="hs_code",
              found=lambda t: t.hs_code, rule_id="CUS-03", order_no=lambda t: t.order_no, **named,
              message=lambda t: sentence("订单 ", t.order_no, " 第 ", t.line_no, " 行商品编码 ", t.hs_code, " 不是10位数字编码。")),
        found(firms.filter(~firms._ok), code="USCC_CHECK", subject=lambda t: subject_of(t.principal_id), field="uscc",
              found=lambda t: t.uscc, rule_id="USCC-01", **named,
              message=lambda t: sentence("委托方 ", t.principal_id, "（", t.name, "）统一社会信用代码 ", t.uscc, " 校验位不符。")),
    )  # fmt: skip
