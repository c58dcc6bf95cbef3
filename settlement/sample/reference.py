"""The reference tables: ourselves, our accounts, principals, payers, rates, quotes, letters, openings."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from settlement.sample import market, payouts, quotes, texts
from settlement.sample.bank_lines import own_name
from settlement.sample.catalog import catalog, column
from settlement.sample.files import Sheet
from settlement.sample.firms import BUYERS_EACH
from settlement.sample.freight import OWN_CUSTOMS
from settlement.sample.headers import sheet_of
from settlement.sample.market import as_day
from settlement.sample.openings import opening_sheets
from settlement.sample.payouts import TO_PERSON_ABROAD, TO_PRINCIPAL
from settlement.sample.story import Story
from settlement.sample.tables import own_uscc
from settlement.sample.texts import NONE, blank, day, money, pick, repeat, take, yes_no

_SINCE = as_day(date(2022, 1, 1))


def reference_sheets(story: Story) -> dict[str, Sheet]:
    """Every reference table by its name."""
    return {
        "own_company": _own_company(),
        "own_accounts": _own_accounts(),
        "principals": _principals(story),
        "credit_limits": _credit_limits(story),
        "payers": _payers(story),
        "fx_mid_rates": _mid_rates(),
        "refund_rates": _refund_rates(),
        "vendor_quotes": sheet_of("vendor_quotes", quotes.vendor_quotes()),
        "client_quotes": _client_quotes(story),
        "payout_documents": _payout_documents(story),
        **opening_sheets(story.world, story.firms, story.openings),
    }


def _constant(**values: str) -> dict[str, pa.Array]:
    return {name: pa.array([value], pa.string()) for name, value in values.items()}


def _own_company() -> Sheet:
    own, account = catalog()["own_company"], catalog()["own_accounts"][0]
    return sheet_of(
        "own_company",
        _constant(
            name=own["name"],
            name_en=own["name_en"],
            uscc=own_uscc(),
            bank=account["bank"],
            account=account["account_no"],
            address=own["address"],
            phone=own["phone"],
            tax_authority=own["tax_authority"],
        ),
    )


def _own_accounts() -> Sheet:
    accounts = catalog()["own_accounts"]
    columns = {name: pa.array([account[name] for account in accounts]) for name in ("account_no", "currency", "bank")}
    return sheet_of("own_accounts", {**columns, "name": repeat(own_name(), len(accounts))})


def _principals(story: Story) -> Sheet:
    f, count = story.firms, story.world.principals
    city = pick(column("regions", 0), f.region)
    return sheet_of(
        "principals",
        {
            "principal_id": f.principal_id,
            "name": f.name,
            "name_en": f.name_en,
            "uscc": f.uscc,
            "bank_name": texts.join(
                pick(["中国农业银行", "中国建设银行", "交通银行"], np.arange(count) % 3), city, "分行"
            ),
            "bank_account": f.account,
            "phone": f.phone,
            "address": texts.join(city, "工业园区", texts.number(np.arange(count) % 400 + 1), "号"),
            "settlement_mode": pick(["票结", "月结"], f.monthly.astype(np.int64)),
            "monthly_agreement": yes_no(f.has_agreement),
            "credit_limit": money(np.where(f.has_agreement, f.credit_limit, NONE)),
            "statement_issuer": pick(["客服部", "核算部"], f.monthly.astype(np.int64)),
            "valid_from": day(np.full(count, _SINCE)),
        },
    )


def _credit_limits(story: Story) -> Sheet:
    rows = np.flatnonzero(story.firms.has_agreement & (np.arange(story.world.principals) % 4 != 0))
    return sheet_of(
        "credit_limits",
        {
            "principal_id": take(story.firms.principal_id, rows),
            "limit_cny": money(story.firms.credit_limit[rows]),
            "agreement_no": texts.join("YJ2022-", texts.number(rows + 1, 5)),
            "valid_from": day(np.full(len(rows), _SINCE)),
            "approved_by": pick(["风控部王敏", "风控部陈立"], rows % 2),
        },
    )


def _payers(story: Story) -> Sheet:
    f, ids = story.firms, np.arange(story.world.principals)
    affiliates, persons = np.flatnonzero(f.has_affiliate), np.flatnonzero(f.has_person)
    buyers = np.flatnonzero(f.buyer_listed)
    blocks = [
        (ids, f.name, f.account, "本人", ids),
        (affiliates, f.affiliate_name, f.affiliate_account, "关联", affiliates),
        (persons, f.person_name, f.person_account, "代付", persons),
        (buyers, f.buyer_name, blank(f.buyer_account, ~f.buyer_account_known), "境外客商", buyers // BUYERS_EACH),
    ]
    tables = [
        {
            "principal_id": take(f.principal_id, principal),
            "payer_name": take(names, rows),
            "payer_account": take(accounts, rows),
            "relation": repeat(relation, len(rows)),
            "is_person": repeat("是" if relation == "代付" else "否", len(rows)),
            "document_no": texts.join("DF", texts.number(rows, 6))
            if relation == "代付"
            else pa.nulls(len(rows), pa.string()),
            "valid_from": day(np.full(len(rows), _SINCE)),
        }
        for rows, names, accounts, relation, principal in blocks
    ]
    return sheet_of("payers", quotes.stacked(tables))


def _mid_rates() -> Sheet:
    published, rates = market.parity_table()
    tables = [
        {
            "published_on": day(published),
            "currency": repeat(name, len(published)),
            "rate_per_100": texts.decimal(values, 4, trim=True),
            "source": repeat("中国外汇交易中心", len(published)),
        }
        for name, values in rates.items()
    ]
    return sheet_of("fx_mid_rates", quotes.stacked(tables))


def _refund_rates() -> Sheet:
    goods = catalog()["goods"]
    now, before = as_day(date(2020, 3, 20)), as_day(date(2019, 4, 1))
    rows = [(entry, before, now - 1) for entry in goods] + [(entry, now, int(NONE)) for entry in goods]
    return sheet_of(
        "refund_rates",
        {
            "hs_code": pa.array([entry[0] for entry, _, _ in rows]),
            "refund_rate": pa.array([f"{entry[5]}%" for entry, _, _ in rows]),
            "levy_rate": pa.array([f"{entry[4]}%" for entry, _, _ in rows]),
            "flag": pa.array([entry[6] for entry, _, _ in rows]),
            "valid_from": day(np.array([begins for _, begins, _ in rows], np.int64)),
            "valid_to": day(np.array([ends for _, _, ends in rows], np.int64)),
        },
    )


def _client_quotes(story: Story) -> Sheet:
    rows = np.flatnonzero(story.charges.own_service)
    principal = story.orders.principal[rows]
    special = {
        "principal_id": take(story.firms.principal_id, principal),
        "charge_code": repeat(OWN_CUSTOMS, len(rows)),
        "currency": repeat("CNY", len(rows)),
        "amount": money(story.charges.own_service[rows]),
        "unit_basis": repeat("票", len(rows)),
        "order_no": take(story.orders.order_no, rows),
        "valid_from": day(np.full(len(rows), quotes.VALID_FROM)),
    }
    return sheet_of("client_quotes", quotes.client_quotes(story.firms, story.tariff, special))


def _payout_documents(story: Story) -> Sheet:
    p = story.payments
    rows = np.flatnonzero((p.document > 0) & (p.payee != TO_PRINCIPAL))
    order = p.order[rows]
    person = p.payee[rows] == TO_PERSON_ABROAD
    return sheet_of(
        "payout_documents",
        {
            "document_no": take(payouts.document_numbers(p), rows),
            "kind": pick(["付款委托书", "佣金协议"], person.astype(np.int64)),
            "principal_id": take(story.firms.principal_id, story.orders.principal[order]),
            "order_no": take(story.orders.order_no, order),
            "payee_name": take(story.payees[0], rows),
            "payee_account": take(story.payees[1], rows),
            "sealed": yes_no(rows % 23 != 4),
            "max_amount": money(np.where(rows % 2 == 0, p.amount[rows] + 100_000, NONE)),
            "is_person": yes_no(person),
            "valid_from": day(np.full(len(rows), _SINCE)),
        },
    )
