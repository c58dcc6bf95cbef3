"""camt messages written for one point each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from settlement.io.bank import read_statement
from tests.io.bank.camt_writer import details, entry, message


def read(tmp_path, text: str, name: str = "a.xml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_statement(path, own_accounts={"OWN1": "USD"})


@pytest.mark.parametrize("version", ["001.01", "001.02", "001.04", "001.08", "001.13"])
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_every_version_and_namespace(tmp_path, version, kind):
    found = read(tmp_path, message([entry("100.00"), entry("-40.00")], kind=kind, version=version, opening="0.00"))
    assert found.format_name == f"camt.{kind}"
    assert [line["amount"] for line in found.lines.to_pylist()] == [Decimal("100.00"), Decimal("-40.00")]


def test_a_batch_is_split_where_its_details_add_up(tmp_path):
    batch = entry(
        "310.00",
        inner=details(
            ("100.00", "ALPHA LTD", "INV 1"), ("200.00", "BETA LTD", "INV 2"), ("10.00", "GAMMA LTD", "INV 3")
        ),
    )
    found = read(tmp_path, message([batch], opening="0.00"))
    lines = found.lines.to_pylist()
    assert [(str(line["amount"]), line["counterparty_name"], line["remark"][:5]) for line in lines] == [
        ("100.00", "ALPHA LTD", "INV 1"),
        ("200.00", "BETA LTD", "INV 2"),
        ("10.00", "GAMMA LTD", "INV 3"),
    ]
    assert {(line["entry_no"], line["entry_amount"]) for line in lines} == {(1, Decimal("310.00"))}
    assert {proof.kind: proof.holds for proof in found.proofs} == {"details": True, "opening_closing": True}


def test_a_batch_that_does_not_add_up_stays_whole_and_is_marked(tmp_path):
    batch = entry("310.00", inner=details(("100.00", "ALPHA LTD", "INV 1"), ("200.00", "BETA LTD", "INV 2")))
    found = read(tmp_path, message([batch], opening="0.00"))
    [line] = found.lines.to_pylist()
    assert (line["amount"], line["is_marked"]) == (Decimal("310.00"), True)
    assert [(finding.code, finding.amount_at_risk) for finding in found.findings] == [
        ("BNK_CONTROL_TOTAL", Decimal("10.00"))
    ]


def test_remittance_of_a_whole_batch_is_kept(tmp_path):
    batch = entry("300.00", inner=details((None, None, "EX202309-001"), (None, None, "EX202309-002")))
    [line] = read(tmp_path, message([batch], opening="0.00")).lines.to_pylist()
    assert line["remark"] == "EX202309-001 EX202309-002"


def test_the_counterparty_is_never_ourselves(tmp_path):
    inner = details(("100.00", "BUYER LTD", "INV 1"))
    for amount in ("100.00", "-100.00"):
        [line] = read(tmp_path, message([entry(amount, inner=inner)], opening="500.00")).lines.to_pylist()
        assert line["counterparty_name"] == "BUYER LTD"


@pytest.mark.parametrize(
    "change, reason",
    [
        (("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>"), "尚未记账"),
        (("<Sts>BOOK</Sts>", "<Sts><Cd>INFO</Cd></Sts>"), "尚未记账"),
        (("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>CREDIT</CdtDbtInd><Sts>"), "借贷方向"),
        (
            (
                'Ccy="USD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
                'Ccy="USD">100.12345</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
            ),
            "小数",
        ),
        (
            (
                'Ccy="USD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
                'Ccy="USX">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
            ),
            "币种",
        ),
        (
            (
                'Ccy="USD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
                'Ccy="USD">-100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
            ),
            "非负",
        ),
        (
            (
                'Ccy="USD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
                'Ccy="USD">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
            ),
            "零",
        ),
    ],
)
def test_entries_that_are_no_booked_money_are_rejected(tmp_path, change, reason):
    text = message([entry("100.00")], opening="0.00")
    assert change[0] in text
    found = read(tmp_path, text.replace(*change))
    assert [reason in row["reason"] for row in found.rejected.to_pylist()] == [True]
    assert found.lines.num_rows == 0


def test_five_decimals_that_two_can_hold(tmp_path):
    text = message([entry("100.00")], opening="0.00").replace(">100.00<", ">100.00000<")
    assert read(tmp_path, text).lines.to_pylist()[0]["amount"] == Decimal("100.00")


def test_the_day_is_the_banks_own_whatever_the_zone(tmp_path):
    text = message([entry("100.00")], opening="0.00").replace(
        "<BookgDt><Dt>2023-09-05</Dt>", "<BookgDt><DtTm>2023-09-05T23:30:00.123456789+08:00</DtTm>"
    )
    [line] = read(tmp_path, text).lines.to_pylist()
    assert (str(line["booked_on"]), str(line["booked_at"])) == ("2023-09-05", "2023-09-05 23:30:00")


def test_control_totals_of_the_summary(tmp_path):
    summary = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>100.00</Sum></TtlCdtNtries></TxsSummry>"
    text = message([entry("100.00"), entry("-40.00")], opening="0.00", summary=summary)
    assert not read(tmp_path, text).findings
    wrong = read(tmp_path, text.replace("<Sum>100.00", "<Sum>101.00"))
    assert [finding.field for finding in wrong.findings] == ["TxsSummry"]


def test_charges_and_the_rate_per_one(tmp_path):
    inner = (
        "<NtryDtls><TxDtls><AmtDtls><TxAmt><Amt Ccy='USD'>100.00</Amt></TxAmt><CntrValAmt><Amt Ccy='CNY'>712.85</Amt><CcyXchg><SrcCcy>USD</SrcCcy>"
        "<TrgtCcy>CNY</TrgtCcy><UnitCcy>USD</UnitCcy><XchgRate>7.1285</XchgRate></CcyXchg></CntrValAmt></AmtDtls></TxDtls></NtryDtls>"
    )
    text = message(
        [entry("100.00", inner=inner, charges="<Chrgs><TtlChrgsAndTaxAmt Ccy='USD'>15.00</TtlChrgsAndTaxAmt></Chrgs>")],
        opening="0.00",
    )
    [line] = read(tmp_path, text).lines.to_pylist()
    assert (line["bank_fee"], line["cny_amount"], line["fx_rate"]) == (
        Decimal("15.00"),
        Decimal("712.85"),
        Decimal("7.12850000"),
    )


def test_a_reversal_is_on_the_side_it_reverses(tmp_path):
    text = message([entry("100.00"), entry("-100.00", is_reversal=True)], opening="0.00")
    found = read(tmp_path, text)
    assert [(str(line["credit_in"]), str(line["debit_out"])) for line in found.lines.to_pylist()] == [
        ("100.00", "0.00"),
        ("-100.00", "0.00"),
    ]
    assert [finding.code for finding in found.findings] == ["BNK_REVERSAL"]
