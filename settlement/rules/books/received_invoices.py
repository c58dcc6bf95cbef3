"""Received VAT invoices (收到的增值税专用发票) held against export lines, field by field.

EXP-INV-04, EIV-01..07, VAT-REF-05, VAT-REF-14, C-25, C-26. CNY; names and units exact after NFKC and trim,
units through the alias table only, never converted.
"""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money, vat_invoices
from settlement.rules.exceptions import found, sentence, subject_of

QUANTITY = "decimal(18, 6)"


def numbered(invoices: ir.Table) -> ir.Table:
    """Invoice rows once each with ``invoice_no`` (EIV-07), ``is_usable`` (正常, blue or red alike) and ``printed_rate``.

    The same row in two exports is one; where an invoice was read in several months the latest status counts (EIV-05).
    """
    keyed = invoices.mutate(
        invoice_no=vat_invoices.invoice_key(invoices.einvoice_no, invoices.invoice_code, invoices.invoice_number)
    )
    same = ["invoice_no", "goods_name", "specification", "unit", "quantity", "ex_vat_amount", "tax_amount"]
    occurrence = ibis.window(group_by=[*same, "month", "source_file"], order_by=keyed.source_row.asc())
    ranked = keyed.mutate(_n=ibis.row_number().over(occurrence))
    newest = ibis.window(
        group_by=[*same, "_n"], order_by=[ranked.month.desc(), ranked.source_file.asc(), ranked.source_row.asc()]
    )
    ranked = ranked.mutate(_rank=ibis.row_number().over(newest)).filter(lambda t: t._rank == 0).drop("_rank", "_n")
    latest_status = keyed.group_by("invoice_no").agg(_status=keyed.invoice_status.argmax(keyed.month))
    joined = ranked.left_join(latest_status, "invoice_no").drop("invoice_no_right")
    status = ibis.coalesce(joined._status, joined.invoice_status)
    return joined.mutate(
        invoice_status=status,
        is_void=ibis.coalesce(status != "正常", False),
        printed_rate=vat_invoices.rate_of_text(joined.tax_rate_text),
        # 数电票 print the tax category before the name: *电机*微型电机 is 微型电机.
        goods_name=joined.goods_name.re_replace(r"^\*[^*]*\*", "").strip(),
    ).drop("_status")


def by_line(invoices: ir.Table, shares: ir.Table, goods: ir.Table, company: ir.Table) -> ir.Table:
    """Invoices bought by us, each row with the order line it is for.

    By 发票分摊, else the order and line on the row, else the order's only line, else its only line of that name.
    Returns the invoice's columns, order_no, line_no, quantity, ex_vat_amount, tax_amount, total_amount of its
    part, ``is_shared``. Rows that name no order are left out: nothing is matched by amount alone.
    """
    ours = company.select(_our_uscc="uscc")
    sold = invoices.semi_join(ours, invoices.seller_uscc == ours._our_uscc)
    bought = invoices.anti_join(sold, ["source_file", "source_row"])
    split = shares.select(
        "invoice_no", _order="order_no", _line="line_no", _quantity="quantity", _ex_vat="ex_vat_amount"
    )
    shared = bought.join(split, "invoice_no")
    tax = money.divide_half_up((shared._ex_vat * shared.tax_amount).cast("decimal(38, 4)"), shared.ex_vat_amount)
    shared = shared.mutate(
        order_no=shared._order, line_no=shared._line, quantity=shared._quantity.cast(QUANTITY),
        ex_vat_amount=shared._ex_vat, tax_amount=tax, total_amount=(shared._ex_vat + tax).cast(money.MONEY),
        is_shared=ibis.literal(True),
    ).drop("_order", "_line", "_quantity", "_ex_vat")  # fmt: skip
    whole = bought.anti_join(split, "invoice_no").filter(lambda t: t.order_no.notnull())
    lines = goods.group_by("order_no").agg(_only=goods.line_no.min(), _lines=goods.count())
    named = goods.group_by("order_no", "goods_name").agg(_named=goods.line_no.min(), _same=goods.count())
    joined = whole.left_join(lines, "order_no").drop("order_no_right")
    joined = joined.left_join(named, ["order_no", "goods_name"], rname="named_{name}").drop(
        "named_order_no", "named_goods_name"
    )
    single = ibis.cases(
        (joined._lines == 1, joined._only), (joined._same == 1, joined._named), else_=ibis.null("int64")
    )
    placed = joined.mutate(line_no=ibis.coalesce(joined.line_no, single), is_shared=ibis.literal(False))
    placed = placed.drop("_only", "_lines", "_named", "_same")
    return shared.select(*placed.columns).union(placed)


def line_totals(held: ir.Table, units: list[dict], goods: ir.Table, service_words: tuple[str, ...]) -> ir.Table:
    """What was invoiced of each line: order_no, line_no, invoice_no, invoiced_total, invoiced_quantity, invoice_levy, is_same_goods.

    Void invoices and those for services do not count; a red one (negative) reduces the blue (EIV-05).
    ``units``: rows of the alias table (alias, unit).
    """
    usable = held.filter(
        ~held.is_void & held.line_no.notnull() & ~vat_invoices.is_for_services(held.goods_name, service_words)
    )
    declared = goods.select("order_no", "line_no", _name="goods_name", _unit="legal_unit")
    joined = usable.join(declared, ["order_no", "line_no"])
    same = (joined.goods_name == joined._name) & (_unit(joined, "unit", units) == _unit(joined, "_unit", units))
    return (
        joined.mutate(_same=same)
        .group_by("order_no", "line_no")
        .agg(
            invoice_no=joined.invoice_no.min(),
            invoiced_total=joined.total_amount.sum().cast(money.MONEY),
            invoiced_quantity=joined.quantity.sum().cast(QUANTITY),
            invoice_levy=ibis.cases(
                (joined.printed_rate.nunique() == 1, joined.printed_rate.max()), else_=ibis.null(money.RATE)
            ),
            is_same_goods=ibis.coalesce(ibis._._same, False).all(),
        )
    )


def _unit(table: ir.Table, column: str, units: list[dict]) -> ir.StringValue:
    """The unit an alias stands for (C-26), else the word itself. ``units`` is small: written as a CASE."""
    word = table[column].upper()
    return word.cases(*[(row["alias"], row["unit"]) for row in units], else_=word) if units else word


def invoice_findings(
    invoices: ir.Table,
    held: ir.Table,
    export_lines: ir.Table,
    sellers: ir.Table,
    company: ir.Table,
    *,
    service_words: tuple[str, ...],
    line_tax: Decimal,
    line_price: Decimal,
) -> ir.Table:
    """``FOUND`` rows on received invoices.

    ``invoices`` as ``numbered``; ``held`` as ``by_line``; ``export_lines`` with invoice_amount, quantity, legal_unit,
    goods_name, invoiced_total, invoiced_quantity, is_same_goods; ``sellers``: principal_id, seller_name (the principal
    and its 供货商). Tolerances in CNY.
    """
    used = held.join(export_lines.select("order_no", "principal_id").distinct(), "order_no")
    return ibis.union(
        *_mismatches(export_lines),
        _duplicates(used),
        _void(used),
        _services(used, service_words),
        *_parties(used, sellers, company),
        _arithmetic(invoices, line_tax, line_price),
    )


def _raised(rows: ir.Table, code: str, rule_id: str, *parts, field: str | None = None) -> ir.Table:
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.invoice_no, t.order_no, field or ""),
        field=field,
        message=lambda t: sentence(
            "发票 ", t.invoice_no, "（订单 ", ibis.coalesce(t.order_no, "未填"), "）：",
            *[part(t) if callable(part) else part for part in parts],
        ),
        amount_at_risk_cny=lambda t: t.total_amount.abs(),
        rule_id=rule_id,
    )  # fmt: skip


def _mismatches(lines: ir.Table) -> list[ir.Table]:
    have = lines.filter(lines.invoiced_total.notnull()).mutate(total_amount=lines.invoiced_total)
    amount = have.filter(have.invoice_amount.notnull() & (have.invoiced_total != have.invoice_amount))
    quantity = have.filter(have.invoiced_quantity.notnull() & (have.invoiced_quantity != have.quantity))
    goods = have.filter(~have.is_same_goods)
    return [
        _raised(amount, "VATINV_MISMATCH", "EXP-INV-04", "价税合计 ", lambda t: t.invoiced_total, " 元，应开 ", lambda t: t.invoice_amount, " 元。", field="开票金额"),
        _raised(quantity, "VATINV_MISMATCH", "EXP-INV-04", "数量 ", lambda t: t.invoiced_quantity, "，应为 ", lambda t: t.quantity, "。", field="数量"),
        _raised(goods, "VATINV_MISMATCH", "EXP-INV-04", "品名或单位与对账单不同，应为 ", lambda t: t.goods_name, "／", lambda t: t.legal_unit, "。", field="品名单位"),
    ]  # fmt: skip


def _duplicates(used: ir.Table) -> ir.Table:
    """One invoice once: without 发票分摊 it stands for one order only (EIV-07)."""
    single = (
        used.filter(~used.is_shared)
        .group_by("invoice_no", "order_no")
        .agg(total_amount=lambda t: t.total_amount.sum().cast(money.MONEY))
    )
    orders = single.group_by("invoice_no").agg(
        _orders=single.order_no.nunique(),
        _which=single.order_no.group_concat(sep="、", order_by=single.order_no),
        order_no=single.order_no.min(),
        total_amount=single.total_amount.sum().cast(money.MONEY),
    )
    return _raised(
        orders.filter(orders._orders > 1),
        "VATINV_DUPLICATE",
        "EIV-07",
        "同时用于 ",
        lambda t: t._which,
        "，且无发票分摊。",
    )


def _void(used: ir.Table) -> ir.Table:
    red = ~ibis.coalesce(used.is_positive, True) | ibis.coalesce(used.total_amount < 0, False)
    rows = used.mutate(_red=red).filter(lambda t: t.is_void | t._red)
    void = sentence("状态为 ", rows.invoice_status, "，不得使用")
    why = ibis.cases((rows.is_void, void), else_=sentence("为红字发票，冲减 ", rows.total_amount, " 元"))
    return _raised(rows, "VATINV_RED_OR_VOID", "EIV-05", why, "。")


def _services(used: ir.Table, words: tuple[str, ...]) -> ir.Table:
    rows = used.filter(vat_invoices.is_for_services(used.goods_name, words))
    return _raised(rows, "VATINV_NON_GOODS", "VAT-REF-14", "品名 ", lambda t: t.goods_name, " 为服务，不得用于退税。")


def _parties(used: ir.Table, sellers: ir.Table, company: ir.Table) -> list[ir.Table]:
    known = used.anti_join(
        sellers, [used.principal_id == sellers.principal_id, used.seller_name == sellers.seller_name]
    )
    ours = company.select(_our_uscc="uscc")
    others = used.filter(used.buyer_uscc.notnull()).anti_join(ours, used.buyer_uscc == ours._our_uscc)
    return [
        _raised(known, "VATINV_SELLER", "EIV-05", "销方 ", lambda t: t.seller_name, " 不是委托方或其供货商。", field="销方"),
        _raised(others, "VATINV_SELLER", "EIV-05", "购方识别号 ", lambda t: t.buyer_uscc, " 不是本公司。", field="购方"),
    ]  # fmt: skip


def _arithmetic(invoices: ir.Table, line_tax: Decimal, line_price: Decimal) -> ir.Table:
    off_total = ibis.coalesce(
        vat_invoices.total_difference(invoices.ex_vat_amount, invoices.tax_amount, invoices.total_amount) != 0, False
    )
    off_tax = ibis.coalesce(
        vat_invoices.tax_difference(invoices.ex_vat_amount, invoices.printed_rate, invoices.tax_amount)
        > money.decimal_literal(line_tax),
        False,
    )
    off_price = ibis.coalesce(
        vat_invoices.price_difference(invoices.quantity, invoices.unit_price, invoices.ex_vat_amount)
        > money.decimal_literal(line_price),
        False,
    )
    rows = invoices.mutate(_total=off_total, _tax=off_tax, _price=off_price).filter(
        lambda t: t._total | t._tax | t._price
    )
    rows = rows.mutate(total_amount=ibis.coalesce(rows.total_amount, rows.ex_vat_amount))
    return found(
        rows,
        code="VATINV_ARITHMETIC",
        subject=lambda t: subject_of(t.invoice_no, t.goods_name, t.ex_vat_amount),
        source_file=lambda t: t.source_file,
        source_row=lambda t: t.source_row,
        order_no=lambda t: t.order_no,
        message=lambda t: sentence(
            "发票 ", t.invoice_no, "：金额 ", t.ex_vat_amount, "、税额 ", t.tax_amount, "、价税合计 ", t.total_amount, " 勾稽不符",
            ibis.cases((t._total, "（合计不等）"), (t._tax, "（税额与税率不符）"), else_="（数量×单价不符）"), "。",
        ),
        amount_at_risk_cny=lambda t: t.total_amount.abs(),
        rule_id="EIV-04",
    )  # fmt: skip
