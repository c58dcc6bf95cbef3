"""What is wrong with export invoices (出口开票异常): inputs, rates, ratio, received against declared.

EXP-INV-01, EXP-INV-02, C-04, C-05, C-07, FXC-02..07, VAT-REF-05. Findings only; nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money, vat
from settlement.rules.exceptions import found, sentence, subject_of

_SHOWN = 4  # decimals of a ratio in a message (FXC-05: compared unrounded)


def export_findings(lines: ir.Table, band: Mapping[str, Decimal], suspect_ratio: Decimal) -> ir.Table:
    """``FOUND`` rows of all export lines.

    ``lines``: ``export_invoices.export_invoices`` (uncancelled lines of 自营 orders are looked at). ``band``:
    low and high of the swap ratio (CNY per USD, both inclusive). ``suspect_ratio``: a ratio
    beyond it is a per-100 quote taken as per 1 (FXC-07).
    """
    own = lines.filter(lines.is_own_export & ~lines.is_cancelled)
    return ibis.union(
        *_missing_inputs(own),
        *_rates(own),
        *_ratios(own, band, suspect_ratio),
        _received_and_declared(own),
    )


def _one_an_order(lines: ir.Table) -> ir.Table:
    first = ibis.row_number().over(ibis.window(group_by="order_no", order_by="line_no"))
    return lines.mutate(_first=first).filter(lambda t: t._first == 0)


def _line(table: ir.Table) -> ir.StringValue:
    return subject_of(table.order_no, table.line_no.cast("string"))


def _missing_inputs(own: ir.Table) -> list[ir.Table]:
    orders = _one_an_order(own)
    no_fob = orders.filter(orders.declared_on.notnull() & (orders.order_net > 0) & orders.net_cny.isnull())
    negative = orders.filter(ibis.coalesce(orders.order_net <= 0, False))
    return [
        found(
            no_fob,
            code="INV_INPUT_MISSING",
            subject=lambda t: subject_of(t.order_no, "fob"),
            field="fob_usd",
            message=lambda t: sentence(
                "订单 ", t.order_no, " 有多项货物而美元离岸价不全，净额 ", t.order_net, " 元无法按离岸价分摊。"
            ),
            amount_at_risk_cny=lambda t: t.order_net,
            rule_id="C-06",
        ),
        found(
            negative,
            code="NET_NEGATIVE",
            subject=lambda t: subject_of(t.order_no),
            message=lambda t: sentence(
                "订单 ",
                t.order_no,
                " 收汇折人民币 ",
                t.order_gross,
                " 元，扣除费用 ",
                t.order_fees,
                " 元，净额 ",
                t.order_net,
                " 元不大于零。",
            ),
            amount_at_risk_cny=lambda t: t.order_net.abs(),
            rule_id="EXP-INV-01",
        ),
    ]


def _rates(own: ir.Table) -> list[ir.Table]:
    invalid = own.filter(ibis.coalesce(own.is_rate_invalid, False) | own.levy_rate.isnull())
    # Before the declaration there is no export date to look a rate up by.
    missing = own.filter(ibis.coalesce(own.is_rate_missing, False) & own.exported_on.notnull())
    ambiguous = own.filter(ibis.coalesce(own.is_rate_ambiguous, False))
    different = own.filter(ibis.coalesce(own.is_rate_different, False))
    taxed = own.filter((own.refund_flag == "不退税") & own.neutral_amount.notnull())

    def rated(rows: ir.Table, code: str, field: str, rule_id: str, *parts) -> ir.Table:
        return found(
            rows,
            code=code,
            subject=lambda t: _line(t) + "|" + field,
            field=field,
            message=lambda t: sentence(
                "订单 ",
                t.order_no,
                " 第 ",
                t.line_no,
                " 行（",
                t.hs_code,
                "）",
                *[p(t) if callable(p) else p for p in parts],
            ),
            amount_at_risk_cny=lambda t: ibis.coalesce(t.net_cny, t.order_net),
            rule_id=rule_id,
        )

    return [
        rated(invalid, "INV_RATE_INVALID", "refund_rate", "VAT-REF-05",
              "征税率 ", lambda t: t.levy_rate.round(4), "、退税率 ", lambda t: t.refund_rate.round(4), "：退税率不得高于征税率，征税率须已知。"),
        rated(missing, "REFUND_RATE_MISSING", "refund_rate", "VAT-REF-11",
              "在出口日期 ", lambda t: t.exported_on, " 没有退税率，不能开票。"),
        rated(ambiguous, "REFUND_RATE_AMBIGUOUS", "refund_rate", "VAT-REF-11",
              "在出口日期 ", lambda t: t.exported_on, " 有多个退税率，请指定。"),
        rated(different, "REFUND_RATE_AMBIGUOUS", "given", "VAT-REF-11",
              "所填退税率 ", lambda t: t.refund_rate, " 与退税率表 ", lambda t: t.table_rate, " 不同，已按所填计算，请复核。"),
        rated(taxed, "ZERO_REFUND_TAXED", "refund_flag", "VAT-REF-13",
              "出口不退税视同内销：公式金额 ", lambda t: t.invoice_amount, " 元，保本金额 ", lambda t: t.neutral_amount, " 元，请确定按哪个开票。"),
    ]  # fmt: skip


def _ratios(own: ir.Table, band: Mapping[str, Decimal], suspect_ratio: Decimal) -> list[ir.Table]:
    """E held against bound x FOB: exact, unrounded, bounds included (FXC-05)."""
    totals = own.group_by("order_no").agg(
        principal_id=own.principal_id.min(),
        line_no=ibis.literal("合计"),
        _lines=own.count(),
        ex_vat_amount=own.ex_vat_amount.sum().cast(money.MONEY),
        invoice_amount=own.invoice_amount.sum().cast(money.MONEY),
        fob_usd=own.fob_usd.sum().cast(money.MONEY),
        _complete=(own.ex_vat_amount.notnull() & own.fob_usd.notnull()).all(),
    )
    totals = totals.filter((totals._lines > 1) & totals._complete)
    columns = ["order_no", "principal_id", "line_no", "ex_vat_amount", "invoice_amount", "fob_usd"]
    each = own.mutate(line_no=own.line_no.cast("string")).select(*columns)
    held = each.union(totals.select(*columns)).filter(lambda t: t.ex_vat_amount.notnull() & (t.fob_usd > 0))
    ratio = money.divide_half_up(held.ex_vat_amount, held.fob_usd, _SHOWN)
    held = held.mutate(
        _ratio=ratio,
        _class=vat.swap_ratio_class(held.ex_vat_amount, held.fob_usd, band["low"], band["high"], suspect_ratio),
    )

    def raised(rows: ir.Table, code: str, rule_id: str, tail: str) -> ir.Table:
        return found(
            rows,
            code=code,
            subject=lambda t: subject_of(t.order_no, t.line_no),
            field="swap_ratio",
            found=lambda t: t._ratio.cast("string"),
            message=lambda t: sentence(
                "订单 ", t.order_no, " 行 ", t.line_no, "：不含税金额 ", t.ex_vat_amount, " 元 ÷ 美元离岸价 ", t.fob_usd,
                " = 换汇比率 ", t._ratio, tail,
            ),
            amount_at_risk_cny=lambda t: t.invoice_amount,
            rule_id=rule_id,
        )  # fmt: skip

    bounds = f"（合理区间 {band['low'].normalize():f}–{band['high'].normalize():f}，含两端）"
    return [
        raised(
            held.filter(held._class == "FX_UNIT_SUSPECT"),
            "FX_UNIT_SUSPECT",
            "FXC-07",
            "，疑将每百单位牌价当作每单位使用。",
        ),
        raised(
            held.filter(held._class == "EXP_RATIO_HIGH"),
            "EXP_RATIO_HIGH",
            "EXP-INV-02",
            f"，高于上限{bounds}，不得发开票通知。",
        ),
        raised(
            held.filter(held._class == "EXP_RATIO_LOW"),
            "EXP_RATIO_LOW",
            "EXP-INV-02",
            f"，低于下限{bounds}，请说明原因。",
        ),
    ]


def _received_and_declared(own: ir.Table) -> ir.Table:
    orders = _one_an_order(own)
    apart = orders.filter(
        orders.declared_on.notnull()
        & orders.received_fx.notnull()
        & (orders.received_gap.abs() > orders.allowed_gap)
        & ~ibis.coalesce(orders.is_complete, False)
    )
    return found(
        apart,
        code="DECL_RCV_DIFF",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 报关金额 ", t.currency, " ", t.declared_fx, "，实收 ", t.received_fx, "，相差 ", t.received_gap,
            "，超过允差 ", t.allowed_gap, "。",
        ),
        amount_at_risk_cny=lambda t: money.divide_half_up(
            money.multiply(t.received_gap.abs(), t.settlement_rate), Decimal(1)
        ),
        rule_id="C-04",
    )  # fmt: skip
