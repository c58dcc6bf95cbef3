"""What trade documents say (documents): one row a fact. Most agree, a few do not, and some are missing, as in life."""

from __future__ import annotations

import numpy as np

from settlement.sample import market, quotes, texts
from settlement.sample.bank_lines import own_account, own_name
from settlement.sample.files import Sheet
from settlement.sample.headers import sheet_of
from settlement.sample.orders import EXPORT, IMPORT
from settlement.sample.story import Story
from settlement.sample.texts import choose, day, money, repeat, take


def documents_sheet(story: Story, month: int) -> Sheet:
    """Facts of documents dated in the month."""
    o, s = story.orders, story.shipments
    rows = np.arange(o.count)
    buyer = take(story.firms.buyer_name, o.buyer)
    place = repeat("浙江宁波", o.count)
    export, imports, freight = o.kind == EXPORT, o.kind == IMPORT, o.has_freight & o.outbound
    contract = texts.join("", take(o.contract_no, rows))
    amount = money(story.amounts.amount)
    declared = market.add_working(o.declared_on, rows % 4)
    booked_on = o.sailed_on - 9
    facts = [  # who, kind, day, field, value, value where it disagrees, every how-many-eth disagrees
        (export, "预录单", declared, "境内货源地", place, repeat("广东东莞", o.count), 53),
        (export, "报关单", o.declared_on, "境内货源地", place, place, 0),
        (export, "预录单", declared, "抬头", repeat(own_name(), o.count), take(story.firms.name, o.principal), 89),
        (export, "报关单", o.declared_on, "抬头", repeat(own_name(), o.count), place, 0),
        (export, "国外付汇凭证", o.main_on, "收款人", repeat(own_name(), o.count), repeat("NINGBO HAIQIN TRADE", o.count), 71),
        (export, "国外付汇凭证", o.main_on, "收款账号", texts.pick([own_account(3), own_account(4)], (o.currency == market.EUR).astype(np.int64)),
         repeat("366258330099", o.count), 67),
        (imports, "贸易合同", o.ordered_on, "金额", amount, money(story.amounts.amount + 100_000), 59),
        (imports, "贸易合同", o.ordered_on, "合同号", contract, contract, 0),
        (imports, "形式发票", o.ordered_on, "金额", amount, amount, 0),
        (imports, "形式发票", o.ordered_on, "收款方名称", buyer, repeat("MERIDIAN OFFSHORE LTD", o.count), 73),
        (freight, "订舱委托书", booked_on, "收货人", buyer, buyer, 0),
        (freight, "提单确认件", o.sailed_on, "收货人", buyer, texts.join(buyer, " C/O AGENT"), 61),
        (freight, "订舱委托书", booked_on, "毛重", texts.number(s.weight), texts.number(s.weight), 0),
        (freight, "提单确认件", o.sailed_on, "毛重", texts.number(s.weight), texts.number(s.weight), 0),
    ]
    kept_share = rows * 31 % 10 < (10 if story.world.orders <= 20_000 else 3)
    tables = []
    for who, kind, days, field, value, other, every in facts:
        # Evidence of orders placed before the books begin is there in their first month.
        known = np.maximum(days, story.world.months.first[o.first_month])
        chosen = np.flatnonzero(who & kept_share & (story.world.months.of(known) == month) & (rows % 7 != 2))
        wrong = (chosen % every == 1) if every else np.zeros(len(chosen), bool)
        tables.append({
            "order_no": take(o.order_no, chosen), "doc_kind": repeat(kind, len(chosen)),
            "doc_no": texts.join(repeat({"预录单": "YL", "报关单": "BG"}.get(kind, "WJ"), len(chosen)), texts.number(chosen, 7)),
            "dated_on": day(days[chosen]), "field": repeat(field, len(chosen)),
            "value": choose(wrong, take(other, chosen), take(value, chosen)),
        })
    return sheet_of("documents", quotes.stacked(tables))
