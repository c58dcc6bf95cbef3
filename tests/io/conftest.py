"""Homes of a few small files, and the work database they are read into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from settlement.io.engine import connect
from settlement.io.home import Home
from settlement.io.warehouse import empty

ORDERS = "订单号,服务类型,委托方编号,下单日期,币种,外币金额"
GOODS = "订单号,行号,商品编码,货物名称,数量,法定第一计量单位,外币金额"
FREIGHT = "供应商,供应商账单号,订单号,费用代码,币种,金额"
BANK = "账号,币种,交易日期,借方发生额,贷方发生额,余额,对方户名,对方账号,摘要,流水号"


class Desk:
    """A home that a test fills file by file; a plain month lies in it already."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.put(
            "raw/reference/principals.csv", "委托方编号,委托方名称,结算方式", "P001,甲公司,票结", "P002,乙公司,月结"
        )
        self.put("raw/reference/own_accounts.csv", "账号,币种,开户行,户名", "33010001,CNY,工行,本公司")
        self.put("raw/2023-09/orders/orders.csv", ORDERS, "E1,出口贸易代理,P001,2023-09-05,USD,100.00")
        self.put("raw/2023-09/orders/goods.csv", GOODS, "E1,1,8501100000,电机,10,台,100.00")
        self.put("raw/2023-09/freight/f.csv", FREIGHT, "中远,F1,E1,THC,CNY,1350.00")
        self.put("raw/2023-09/bank/b.csv", BANK, "33010001,CNY,2023-09-06,,500.00,500.00,甲公司,62220001,货款,R1")

    def put(self, name: str, *lines: str, encoding: str = "utf-8") -> Path:
        """A text file of these lines."""
        path = self.home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, ""]), encoding=encoding)
        return path

    def put_bytes(self, name: str, content: bytes) -> Path:
        """A file of these bytes."""
        path = self.home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


class Books:
    """What was read, as lists of dicts."""

    def __init__(self, con) -> None:
        self.con = con

    def rows(self, schema: str, name: str) -> list[dict]:
        return self.con.table(name, database=schema).to_pyarrow().to_pylist()

    def found(self, code: str) -> list[dict]:
        return [row for row in self.rows("found", "ingest") if row["code"] == code]

    def totals(self, name: str) -> dict[tuple[str, str], dict]:
        return {
            (row["source_file"].rpartition("/")[2], row["currency"]): row
            for row in self.rows("stage", "control_totals")
            if row["input_table"] == name
        }

    def rejected(self, name: str) -> list[dict]:
        return [row for row in self.rows("stage", "rejected_rows") if row["input_table"] == name]


def no_past(name: str, like):
    """A home without earlier months."""
    return empty(like)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def read(desk: Desk) -> Callable[..., Books]:
    """``read()`` ingests masters and month and checks what must always be true of the totals."""
    from settlement.io.ingest import ingest_month, ingest_reference

    def run(month: str = "2023-09", past=no_past) -> Books:
        con = connect()
        ingest_reference(con, desk.home)
        ingest_month(con, desk.home, month, past)
        books = Books(con)
        for row in books.rows("stage", "control_totals"):
            assert row["rows_read"] == row["rows_accepted"] + row["rows_rejected"], row
            assert row["amount_read"] == row["amount_accepted"] + row["amount_rejected"], row
        return books

    return run
