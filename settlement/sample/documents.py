"""What trade documents say (documents): one row a fact. Most agree, a few do not, and some are missing, as in life."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from settlement.sample import market, quotes, texts
from settlement.sample.bank_lines import own_account, own_name
from settlement.sample.files import Sheet
from settlement.sample.headers import sheet_of
from settlement.sample.orders import EXPORT, IMPORT
from settlement.sample.story import Story
from settlement.sample.texts import choose, day, money, repeat, take

# who has it, kind, day, field, value, value where it disagrees, every how-many-eth disagrees (0 = none)
Fact = tuple[np.ndarray, str, np.ndarray, str, pa.Array, pa.Array, int]


def _facts(story: Story) -> list[Fact]:
    """Every fact that some order's documents hold, as columns by order."""
    o, count = story.orders, story.orders.count
    buyer, place, own = take(story.firms.buyer_name, o.buyer), repeat("浙江宁波", count), repeat(own_name(), count)
    export, imports, freight = o.kind == EXPORT, o.kind == IMPORT, o.has_freight & o.outbound
    amount, weight = money(story.amounts.amount), texts.number(story.shipments.weight)
    account = texts.pick([own_account(3), own_account(4)], (o.currency == market.EUR).astype(np.int64))
    declared = market.add_working(o.declared_on, np.arange(count) % 4)
    booked = o.sailed_on - 9
    return [
        (export, "预录单", declared, "境内货源地", place, repeat("广东东莞", count), 53),
        (export, "报关单", o.declared_on, "境内货源地", place, place, 0),
        (export, "预录单", declared, "抬头", own, take(story.firms.name, o.principal), 89),
        (export, "报关单", o.declared_on, "抬头", own, own, 0),
        (export, "国外付汇凭证", o.main_on, "收款人", own, repeat("NINGBO HAIQIN TRADE", count), 71),
        (export, "国外付汇凭证", o.main_on, "收款账号", account, repeat("366258330099", count), 67),
        (imports, "贸易合同", o.ordered_on, "金额", amount, money(story.amounts.amount + 100_000), 59),
        (imports, "贸易合同", o.ordered_on, "合同号", o.contract_no, o.contract_no, 0),
        (imports, "形式发票", o.ordered_on, "金额", amount, amount, 0),
        (imports, "形式发票", o.ordered_on, "收款方名称", buyer, repeat("MERIDIAN OFFSHORE LTD", count), 73),
        (freight, "订舱委托书", booked, "收货人", buyer, buyer, 0),
        (freight, "提单确认件", o.sailed_on, "收货人", buyer, texts.join(buyer, " C/O AGENT"), 61),
        (freight, "订舱委托书", booked, "毛重", weight, weight, 0),
        (freight, "提单确认件", o.sailed_on, "毛重", weight, weight, 0),
    ]


def documents_sheet(story: Story, month: int) -> Sheet:
    """Facts of documents dated in the month."""
    rows = np.arange(story.orders.count)
    # In a very large home most documents are missing: they would be longer than everything else together.
    there = (rows * 31 % 10 < (10 if story.world.orders <= 20_000 else 3)) & (rows % 7 != 2)
    tables = []
    for who, kind, days, field, value, other, every in _facts(story):
        # Evidence of orders placed before the books begin is there in their first month.
        known = np.maximum(days, story.world.months.first[story.orders.first_month])
        chosen = np.flatnonzero(who & there & (story.world.months.of(known) == month))
        wrong = (chosen % every == 1) if every else np.zeros(len(chosen), bool)
        letters = {"预录单": "YL", "报关单": "BG"}.get(kind, "WJ")
        columns = {
            "order_no": take(story.orders.order_no, chosen),
            "doc_kind": repeat(kind, len(chosen)),
            "doc_no": texts.join(letters, texts.number(chosen, 7)),
            "dated_on": day(days[chosen]),
            "field": repeat(field, len(chosen)),
            "value": choose(wrong, take(other, chosen), take(value, chosen)),
        }
        tables.append(columns)
    return sheet_of("documents", quotes.stacked(tables))
