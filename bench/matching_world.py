# ruff: noqa: S608  (statements of a bench over rows it makes up itself: nothing from outside reaches them)
"""A world for measuring matching: as many receipts as open items, with every kind of mess, and the answers.

Made inside DuckDB from hashes of row numbers, so that a million rows take seconds and the same size gives the same
rows. The names are invented. Tables carry the schemas of ``layouts.yaml`` as far as matching reads them.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ibis.backends.duckdb import Backend

from settlement.assets.tryout import loader
from settlement.io.home import Home
from settlement.io.layouts import layouts
from settlement.io.parameters import load_parameters
from settlement.io.warehouse import Warehouse
from settlement.matching import MatchInputs, limits_on

MONTH, LAST_DAY = "2023-09", date(2023, 9, 30)
EACH = 50  # orders of a principal, next to each other
_TYPES = {
    "text": "VARCHAR", "code": "VARCHAR", "list": "VARCHAR", "date": "DATE", "time": "TIMESTAMP", "money": "DECIMAL(18,2)",
    "quantity": "DECIMAL(18,6)", "quote": "DECIMAL(18,8)", "rate": "DECIMAL(18,8)", "flag": "BOOLEAN", "whole": "BIGINT",
}  # fmt: skip
_ORIGIN = {"month": "VARCHAR", "source_file": "VARCHAR", "source_row": "BIGINT"}
_EMPTY = (
    "goods",
    "payout_documents",
    "payments",
    "tax_bills",
    "refund_notices",
    "vat_invoices",
    "claims",
    "adjustments",
    "opening_items",
)
_LINES = {
    "txn_id": "VARCHAR", "account_no": "VARCHAR", "currency": "VARCHAR", "booked_on": "DATE", "value_on": "DATE",
    "amount": "DECIMAL(18,2)", "balance": "DECIMAL(18,2)", "counterparty_name": "VARCHAR", "counterparty_account": "VARCHAR",
    "counterparty_bank": "VARCHAR", "summary": "VARCHAR", "purpose": "VARCHAR", "remark": "VARCHAR", "bank_ref": "VARCHAR",
    "fx_rate": "DECIMAL(18,8)", "cny_amount": "DECIMAL(18,2)", "bank_fee": "DECIMAL(18,2)", "is_reversal": "BOOLEAN", **_ORIGIN,
}  # fmt: skip
_FREIGHT = {
    "order_no": "VARCHAR", "principal_id": "VARCHAR", "vendor": "VARCHAR", "vendor_invoice_no": "VARCHAR",
    "charge_code": "VARCHAR", "receivable_cny": "DECIMAL(18,2)", "payable": "DECIMAL(18,2)", "currency": "VARCHAR",
    "confirmed_on": "DATE", "invoiced_on": "DATE",
}  # fmt: skip
_PLACED = {
    "txn_id": "VARCHAR", "principal_id": "VARCHAR", "order_no": "VARCHAR", "purpose": "VARCHAR", "amount": "DECIMAL(18,2)",
    "rule": "VARCHAR", "confidence": "VARCHAR", "evidence": "VARCHAR", "currency": "VARCHAR", "month": "VARCHAR",
    "request_no": "VARCHAR", "kind": "VARCHAR",
}  # fmt: skip

# Draws: a number below `most` from a row number and a name, always the same.
_DRAW = "CREATE OR REPLACE TEMP MACRO draw(row, name, most) AS CAST(hash(row, name) % most AS BIGINT)"

_STEPS = """
CREATE OR REPLACE TEMP TABLE base AS
SELECT i, i // {each} AS p, draw(i, 'kind', 10) < 7 AS is_export, draw(i, 'ccy', 10) < 8 AS is_usd, draw(i // {each} * 3 + draw(i, 'buyer', 3), 'b', 1) + i // {each} * 3 + draw(i, 'buyer', 3) AS b,
    CAST(CASE WHEN draw(i, 'round', 10) < 2 THEN (1 + draw(i, 'amount', 60)) * 1000
         WHEN draw(i, 'round', 10) < 5 THEN 1000 + draw(i, 'amount', 90000)
         ELSE (100000 + draw(i, 'amount', 9000000)) / 100 END AS DECIMAL(18,2)) AS amount,
    'SO23' || lpad(CAST(i AS VARCHAR), 7, '0') AS order_no
FROM range({orders}) t(i);
CREATE OR REPLACE TEMP TABLE sent AS
SELECT i, i AS first, 1 AS size, 0 AS part, 1 AS parts FROM base
WHERE draw(i // 4, 'together', 100) >= 8 OR NOT is_export;
INSERT INTO sent SELECT min(i), min(i), count(*), 0, 1 FROM base
WHERE draw(i // 4, 'together', 100) < 8 AND is_export GROUP BY i // 4, b, is_usd;
CREATE OR REPLACE TEMP TABLE parted AS
SELECT first, size, part, parts FROM (
    SELECT first, size, CASE WHEN size = 1 AND draw(first, 'parts', 100) < 6 THEN 2 ELSE 1 END AS parts FROM sent) s, range(2) r(part)
WHERE part < parts;
"""


def _padded(con: Backend, name: str, columns: dict[str, str], select: str) -> None:
    """A table of all ``columns``, those that ``select`` does not give NULL."""
    given = {row[0] for row in con.raw_sql(f"DESCRIBE {select}").fetchall()}
    chosen = ", ".join(f"CAST({c if c in given else 'NULL'} AS {t}) AS {c}" for c, t in columns.items())
    con.raw_sql(f"CREATE OR REPLACE TABLE {name} AS SELECT {chosen} FROM ({select})")


def _fields(name: str) -> dict[str, str]:
    return {field.name: _TYPES.get(field.kind, "VARCHAR") for field in layouts()[name].fields} | _ORIGIN


def _masters(con: Backend, principals: int) -> None:
    company = "SELECT '宁波启航供应链管理有限公司' AS name, '91330000MA0TE5T087' AS uscc"
    _padded(con, "own_company", _fields("own_company"), company)
    accounts = "SELECT unnest(['C1','U1','E1']) AS account_no, unnest(['CNY','USD','EUR']) AS currency, '中国银行' AS bank, '宁波启航供应链管理有限公司' AS name"
    _padded(con, "own_accounts", _fields("own_accounts"), accounts)
    rates = "SELECT DATE '2023-08-31' AS published_on, unnest(['USD','EUR']) AS currency, unnest([717.86, 766.5]) AS rate_per_100"
    _padded(con, "fx_mid_rates", _fields("fx_mid_rates"), rates)
    named = f"""SELECT 'P' || lpad(CAST(p AS VARCHAR), 6, '0') AS principal_id,
        '宁波' || chr(CAST(19968 + p % 5000 AS INTEGER)) || chr(CAST(20100 + p // 5000 * 37 AS INTEGER)) || '进出口有限公司' AS name,
        '6229' || lpad(CAST(p AS VARCHAR), 12, '0') AS bank_account, '票结' AS settlement_mode FROM range({principals}) t(p)"""
    _padded(con, "principals", _fields("principals"), named)
    listed = f"""SELECT 'P' || lpad(CAST(b // 3 AS VARCHAR), 6, '0') AS principal_id, buyer AS payer_name, '境外客商' AS relation
        FROM (SELECT b, {_buyer("b")} AS buyer FROM range({principals * 3}) t(b)) WHERE b % 3 < 2"""
    _padded(con, "payers", _fields("payers"), listed)


def _buyer(column: str) -> str:
    return f"upper(to_base({column} + 46656, 36)) || ' ' || ['TRADING','IMPORT','GENERAL STORES','INDUSTRIES'][1 + CAST({column} % 4 AS INTEGER)] || ' ' || ['LLC','LTD','GMBH','INC.'][1 + CAST({column} // 4 % 4 AS INTEGER)]"


def _orders(con: Backend) -> None:
    select = f"""SELECT order_no, CASE WHEN is_export THEN '出口贸易代理' ELSE '出口国际物流' END AS services,
        'P' || lpad(CAST(p AS VARCHAR), 6, '0') AS principal_id, '正常' AS order_status, '另收' AS freight_treatment,
        'HT-2023-' || lpad(CAST(CASE WHEN draw(i // 3, 'shared', 100) < 3 THEN i // 3 * 3 ELSE i END AS VARCHAR), 7, '0') AS contract_no,
        CASE WHEN is_export THEN 'PI23-' || lpad(CAST(i AS VARCHAR), 8, '0') END AS pi_no,
        CASE WHEN is_export THEN {_buyer("b")} END AS counterparty, DATE '2023-08-01' + CAST(draw(i, 'day', 28) AS INTEGER) AS ordered_on,
        CASE WHEN NOT is_export THEN 'CNY' WHEN is_usd THEN 'USD' ELSE 'EUR' END AS currency,
        CASE WHEN is_export THEN amount ELSE 0 END AS amount_fx, 'COSU' || lpad(CAST(6000000000 + i * 7 AS VARCHAR), 10, '0') AS bl_no FROM base"""
    _padded(con, "orders", _fields("orders"), select)
    freight = """SELECT order_no, 'P' || lpad(CAST(p AS VARCHAR), 6, '0') AS principal_id, 'VENDOR' AS vendor, 'V' || CAST(i // 20 AS VARCHAR) || 'X' AS vendor_invoice_no,
        'THC' AS charge_code, amount AS receivable_cny, amount AS payable, 'CNY' AS currency, DATE '2023-08-28' AS confirmed_on FROM base WHERE NOT is_export"""
    _padded(con, "freight_charges", _FREIGHT, freight)


_RECEIPTS = """
CREATE OR REPLACE TEMP TABLE told AS
SELECT r.first, r.size, r.part, r.parts, b.p, b.b, b.is_export, b.order_no,
    CASE WHEN NOT b.is_export THEN 'CNY' WHEN b.is_usd THEN 'USD' ELSE 'EUR' END AS currency,
    CASE WHEN r.size = 1 AND r.parts = 1 THEN b.amount
         WHEN r.parts = 2 THEN CASE WHEN r.part = 0 THEN CAST(floor(b.amount * 30) / 100 AS DECIMAL(18,2)) ELSE b.amount - CAST(floor(b.amount * 30) / 100 AS DECIMAL(18,2)) END
         ELSE s.total END AS owed,
    s.orders, s.amounts, draw(r.first * 2 + r.part, 'naming', 100) AS n, draw(r.first * 2 + r.part, 'sender', 100) AS w,
    draw(r.first * 2 + r.part, 'fee', 100) AS f, r.first * 2 + r.part AS k, (r.first + {orders} // 3 + draw(r.first * 2 + r.part, 'other', {orders} // 3)) % {orders} AS other
FROM parted r JOIN base b ON b.i = r.first
LEFT JOIN (SELECT min(i) AS first, sum(amount) AS total, list(order_no ORDER BY i) AS orders, list(amount ORDER BY i) AS amounts FROM base
           WHERE draw(i // 4, 'together', 100) < 8 AND is_export GROUP BY i // 4, b, is_usd) s ON s.first = r.first AND r.size > 1;
CREATE OR REPLACE TEMP TABLE paper AS
SELECT *, CASE WHEN size > 1 AND n % 3 = 0 AND orders[-1] = 'SO23' || lpad(CAST(first + size - 1 AS VARCHAR), 7, '0') THEN order_no || ['-','至','~'][1 + n % 3] || right(orders[-1], 4)
      WHEN size > 1 AND n % 3 = 1 THEN order_no || array_to_string(list_transform(orders[2:], lambda x: '/' || right(x, 3)), '')
      WHEN size > 1 THEN replace(array_to_string(orders, '、'), '、', ['、',',','和','/'][1 + n % 4])
      WHEN n < 36 THEN order_no WHEN n < 42 THEN 'SO23' || replace(right(order_no, 7), '0', 'O') WHEN n < 47 THEN ['so ','S0','SO-'][1 + n % 3] || right(order_no, 9)
      WHEN n < 57 THEN 'HT-2023-' || lpad(CAST(CASE WHEN draw(first // 3, 'shared', 100) < 3 THEN first // 3 * 3 ELSE first END AS VARCHAR), 7, '0') WHEN n < 67 AND is_export THEN 'PI23-0' || right(order_no, 7)
      WHEN n < 74 THEN 'COSU' || lpad(CAST(6000000000 + first * 7 AS VARCHAR), 10, '0') WHEN n < 78 THEN order_no || ' 联系电话138' || lpad(CAST(other AS VARCHAR), 8, '0')
      WHEN n < 82 THEN order_no || ' 客户编号90SO23' || lpad(CAST(other AS VARCHAR), 7, '0') || '77' WHEN n < 84 THEN 'SO23' || lpad(CAST(other AS VARCHAR), 7, '0')
      ELSE NULL END AS named,
    CASE WHEN f < 35 AND currency <> 'CNY' AND size = 1 AND parts = 1 AND n < 82 THEN CAST((800 + draw(k, 'charge', 3600)) / 100 AS DECIMAL(18,2)) ELSE 0 END AS charges
FROM told;
"""

_LINE_SELECT = """
SELECT md5(CAST(k AS VARCHAR)) AS txn_id, CASE currency WHEN 'CNY' THEN 'C1' WHEN 'USD' THEN 'U1' ELSE 'E1' END AS account_no, currency,
    DATE '2023-09-01' + CAST(draw(k, 'booked', 15) + part * 14 AS INTEGER) AS booked_on, DATE '2023-09-01' AS value_on, owed - charges AS amount,
    CASE WHEN w < 82 OR n BETWEEN 82 AND 83 THEN CASE WHEN is_export THEN {buyer} ELSE '宁波' || chr(CAST(19968 + p % 5000 AS INTEGER)) || chr(CAST(20100 + p // 5000 * 37 AS INTEGER)) || '进出口有限公司' END
         WHEN w < 84 THEN '宁波' || chr(CAST(19968 + (p + 1) % {principals} % 5000 AS INTEGER)) || chr(CAST(20100 + (p + 1) % {principals} // 5000 * 37 AS INTEGER)) || '进出口有限公司'
         ELSE 'UNKNOWN PAYER ' || CAST(k AS VARCHAR) END AS counterparty_name,
    CASE WHEN w < 60 AND NOT is_export THEN '6229' || lpad(CAST(p AS VARCHAR), 12, '0') END AS counterparty_account,
    CASE WHEN currency = 'CNY' THEN '转账存入' ELSE '国际汇入 REFED-NO' || lpad(CAST(k AS VARCHAR), 9, '0') END AS summary, NULL AS purpose,
    CASE WHEN named IS NULL THEN CASE WHEN is_export THEN 'PAYMENT' ELSE '物流费' END
         WHEN is_export THEN ['PAYMENT FOR ','INV ','T/T FOR ',''][1 + f % 4] || named || [' GOODS','',' 货款',''][1 + f // 4 % 4] ELSE ['订单','物流费',''][1 + f % 3] || named || ['运费','',''][1 + f % 3] END AS remark,
    'R' || lpad(CAST(k AS VARCHAR), 12, '0') AS bank_ref, CASE WHEN charges > 0 AND f % 3 = 0 THEN charges END AS bank_fee, FALSE AS is_reversal,
    '2023-09' AS month, 'bank.csv' AS source_file, k AS source_row FROM paper
"""

# The answers: every order a receipt pays, whether its paper decides it. Who quotes another's order, or is another's
# payer, must stay open; an unknown payer who quotes nothing too.
_TRUTH = """
CREATE OR REPLACE TABLE truth AS
WITH pieces AS (SELECT *, unnest(CASE WHEN size > 1 THEN orders ELSE [order_no] END) AS true_order,
    unnest(CASE WHEN size > 1 THEN amounts ELSE [owed - charges] END) AS piece FROM paper)
SELECT md5(CAST(k AS VARCHAR)) AS txn_id, true_order AS order_no, piece, CASE
    WHEN n BETWEEN 82 AND 83 AND size = 1 THEN 'open' WHEN w BETWEEN 82 AND 83 THEN 'open'
    WHEN named IS NOT NULL THEN 'post' WHEN w >= 84 THEN 'open' WHEN parts = 2 THEN 'either' ELSE 'silent' END AS verdict FROM pieces
"""


def build(con: Backend, orders: int) -> MatchInputs:
    """The world in ``con``: MatchInputs, and a table ``truth`` (txn_id, order_no, piece, verdict)."""
    principals = orders // EACH
    con.raw_sql(_DRAW)
    for statement in (_STEPS.format(orders=orders, each=EACH) + _RECEIPTS.format(orders=orders)).split(";"):
        if statement.strip():
            con.raw_sql(statement)
    _masters(con, principals)
    _orders(con)
    _padded(con, "transactions", _LINES, _LINE_SELECT.format(buyer=_buyer("b"), principals=principals))
    con.raw_sql(_TRUTH)
    for name in _EMPTY:
        _padded(con, name, _fields(name), "SELECT 1 AS nothing WHERE FALSE")
    for name in ("placed", "placed_payments"):
        _padded(con, name, _PLACED, "SELECT 1 AS nothing WHERE FALSE")
    for name in ("base", "sent", "parted", "told", "paper"):
        con.raw_sql(f"DROP TABLE IF EXISTS {name}")
    # Relations are kept as a run keeps them; nothing here touches a home.
    warehouse = Warehouse(Home(Path()), MONTH, LAST_DAY)
    warehouse.con = con
    names = (*_EMPTY, "own_company", "own_accounts", "fx_mid_rates", "principals", "payers", "orders", "freight_charges", "transactions", "placed", "placed_payments")  # fmt: skip
    return MatchInputs(
        month=MONTH,
        as_of=LAST_DAY,
        limits=limits_on(load_parameters(), LAST_DAY),
        run=lambda table: con.to_pyarrow(table).to_pylist(),
        load=loader(con),
        keep=lambda name, table: warehouse.keep("main", f"m_{name}", table),
        freight_lines=con.table("freight_charges"),
        **{name: con.table(name) for name in names},
    )
