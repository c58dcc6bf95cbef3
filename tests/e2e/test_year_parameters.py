"""Parameter files of a home through the command: refused by name, or in force in place of what ships."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from settlement.cli import main
from settlement.io import parameters as files
from settlement.io.home import Home
from tests.e2e.conftest import rows
from tests.e2e.tiny import TinyHome, export_line, export_order, usd_receipt

pytestmark = pytest.mark.slow

# E below comes to 6.9019608 CNY for a dollar: inside the band that ships, above this one.
NARROW = ("low: 5, high: 8", "low: 5, high: 6.9")


def _shipped(name: str, *changes: tuple[str, str]) -> str:
    text = (files.SHIPPED / f"{name}.yaml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def home(tmp_path) -> Home:
    return (
        TinyHome(tmp_path)
        .add("orders", export_order())
        .add("goods", export_line(levy_rate=None))
        .add("bank", usd_receipt())
        .write()
    )


def _run(home: Home) -> int:
    return main(["run", "--month", "2023-09", "--no-workbooks", "--home", str(home.root)])


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "vat_rates",
            ("from: 2018-05-01, to: 2019-03-31, rate: 16%", "from: 2018-05-02, to: 2019-03-31, rate: 16%"),
            "gap from 2018-05-01 to 2018-05-01",
        ),
        (
            "vat_rates",
            ("from: 2018-05-01, to: 2019-03-31, rate: 16%", "from: 2018-04-30, to: 2019-03-31, rate: 16%"),
            "overlap",
        ),
    ],
)
def test_a_run_refuses_gaps_and_overlaps_names_them_and_publishes_nothing(home, capsys, name, change, said):
    (home.reference / f"{name}.yaml").write_text(_shipped(name, change), "utf-8")
    assert _run(home) == 1
    told = capsys.readouterr().out
    assert "未结算" in told and f"{name}.yaml" in told and "vat_levy" in told and "standard" in told and said in told
    assert not home.published.exists()


def test_a_file_of_the_home_is_in_force_and_a_calendar_that_ends_before_the_month_blocks(home):
    (home.reference / "swap_ratio.yaml").write_text(_shipped("swap_ratio", NARROW), "utf-8")
    (home.reference / "vat_levy.csv").write_text(
        "category,from,to,rate,source\nstandard,2012-01-01,,15%,test\nreduced,2012-01-01,,9%,test\n", "utf-8"
    )
    (home.reference / "calendar.csv").write_text("日期,是否工作日\n2022-10-03,否\n", "utf-8")
    assert _run(home) == 0
    (line,) = rows(home, "export_invoices", "levy_rate", "invoice_amount", "swap_ratio")
    # I = 704,000.00 x 1.15 / (1.15 - 0.13) = 793,725.49; E = 690,196.08
    assert (line["levy_rate"], line["invoice_amount"]) == (D("0.15"), D("793725.49"))
    assert line["swap_ratio"] == D("6.90196080")
    found = {row["code"]: row for row in rows(home, "exceptions")}
    assert "EXP_RATIO_HIGH" in found
    blocked = found["CALENDAR_NOT_COVERED"]
    assert blocked["severity"] == "block" and "2022-12-31" in blocked["message"]
    # Nothing is guessed: no due day of any exception is computed.
    assert {row["due_on"] for row in found.values()} == {None}
