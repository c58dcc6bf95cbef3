"""The MT940/MT942 files of wolph/mt940, jejik and dovadi: expected values, or a refusal with its reason."""

from __future__ import annotations

from decimal import Decimal

import mt940
import pytest

from settlement.io.bank import read_statement
from tests.io.bank.conftest import REAL, expected_transactions

pytestmark = pytest.mark.realdata

WITH_EXPECTED = sorted(
    path.with_suffix(".sta") for path in REAL.glob("mt940/wolph/**/*.yml") if path.with_suffix(".sta").exists()
)

# A line without account or currency is nobody's money; the fragments below are single fields of a statement.
REFUSED_LINES = {
    "empty_entry_date.sta": "没有账号",
    "statement_details.sta": "没有账号",
    "statement_line.sta": "没有账号",
    "sparkassen.sta": "没有账号",
    "multiline.sta": "没有账号",  # its second line stands after the end of the message
    "sepa_snippet_broken.sta": "不该有的 :25:",  # the :86: was overwritten with :25:, so whose line it is cannot be known
}
# RC is a reversal of a credit: money out. The library gives it a plus; with a minus opening + entries = closing, with a plus not.
SIGN_IS_MINUS = {"sepa_mt9401.sta": 2}
WITHOUT_STATEMENT = {
    "amount_formats.sta",
    "empty_line.sta",
    "missing_crlf_at_end.sta",
    "account_balance_credit.sta",
    "account_balance_debit.sta",
    "available_balance.sta",
    "closing_balance.sta",
    "reference.sta",
    "statement_number.sta",
}
NOT_SWIFT = {"empty_86.sta", "empty_non_swift.sta", "invalid_statement.sta"}


def name_of(path) -> str:
    return f"{path.parent.name}-{path.name}"


@pytest.mark.parametrize("path", WITH_EXPECTED, ids=name_of)
def test_lines_are_those_of_the_library(real, path):
    expected = expected_transactions(path.with_suffix(".yml"))
    found = read_statement(path)
    lines = found.lines.to_pylist()
    refused = found.rejected.to_pylist()
    assert len(lines) + len(refused) == len(expected)
    if path.name in REFUSED_LINES:
        assert [REFUSED_LINES[path.name] in row["reason"] for row in refused] == [True]
        expected = expected[: len(lines)]
    else:
        assert not refused
    minus = [line for line, other in zip(lines, expected, strict=True) if line["amount"] == -Decimal(other["amount"])]
    assert len(minus) == SIGN_IS_MINUS.get(path.name, 0)
    assert all(line["is_reversal"] for line in minus)
    for line, other in zip(lines, expected, strict=True):
        assert abs(line["amount"]) == abs(Decimal(other["amount"]))
        assert line["currency"] == (other["currency"] or line["currency"])
        assert (line["booked_on"], line["value_on"]) == (other["booked_on"], other["value_on"])


@pytest.mark.parametrize("path", WITH_EXPECTED, ids=name_of)
def test_fragments_are_refused_with_the_reason(real, path):
    found = read_statement(path)
    codes = [finding.code for finding in found.findings]
    if path.name in WITHOUT_STATEMENT:
        assert codes == ["FILE_UNREADABLE"] and path.name in found.findings[0].message
    elif path.name in NOT_SWIFT:
        assert codes == ["BNK_HEADER_NOT_FOUND"]
    else:
        assert found.format_name in ("mt940", "mt942")


# What mt-940 5 cannot read at all: a :65F: of words, a reference longer than 16 characters.
LIBRARY_FAILS = {
    "K4262927_20200905-080000-952.txt",
    "oldenburgischelandesbank2.txt",
    "mt940.txt",
    "mt940_with_spaces_for_entry_date.txt",
}
WITHOUT_EXPECTED = sorted(path for path in REAL.glob("mt940/**/*.txt") if path.name not in LIBRARY_FAILS)


@pytest.mark.parametrize("path", WITHOUT_EXPECTED, ids=name_of)
def test_the_library_reads_the_same_amounts(real, path):
    found = [abs(amount) for amount in read_statement(path).lines.column("amount").to_pylist()]
    assert found == [abs(item.data["amount"].amount) for item in mt940.parse(str(path))]


def test_reversals_are_proved_by_the_balances(real):
    found = read_statement(real / "mt940/wolph/betterplace/sepa_mt9401.sta")
    assert {proof.holds for proof in found.proofs} == {True}
    assert [finding.code for finding in found.findings] == ["BNK_REVERSAL"] * 2


def test_value_date_february_30_is_the_last_of_february(real):
    found = read_statement(real / "mt940/wolph/self-provided/transaction_details_wrapped.sta")
    [line] = found.lines.to_pylist()
    assert (str(line["booked_on"]), str(line["value_on"])) == ("2016-03-01", "2016-02-29")
    assert "02-30" in found.notes[0]


def test_dos_and_unix_line_ends_read_alike(real):
    dos, unix = (read_statement(real / f"mt940/jejik/ing-{kind}.txt") for kind in ("dos", "unix"))
    assert dos.lines.equals(unix.lines) and dos.lines.num_rows == 7


def test_entry_dates_of_spaces_fall_back_to_the_value_date(real):
    plain, spaced = (
        read_statement(real / f"mt940/wolph/ASNB/{name}.txt") for name in ("mt940", "mt940_with_spaces_for_entry_date")
    )
    assert plain.lines.select(["amount", "booked_on", "value_on"]).equals(
        spaced.lines.select(["amount", "booked_on", "value_on"])
    )
    assert all(proof.holds for proof in plain.proofs)


@pytest.mark.parametrize(
    "name, problem",
    [
        ("bug-core-5401.txt", "相差"),  # 0 + 50 = 0 does not hold
        ("oldenburgischelandesbank2.txt", "没有可用的期末余额"),  # ends with :65F:Dnullnull7414,3
        ("K4262927_20200905-080000-952.txt", "没有可用的期末余额"),
        ("commerzbank.txt", "相差"),
        ("sparkasse2.txt", "相差"),
    ],
)
def test_broken_files_say_what_is_broken(real, name, problem):
    found = read_statement(real / "mt940/jejik" / name)
    assert any(problem in finding.message for finding in found.findings if finding.code == "BNK_CONTROL_TOTAL")
    assert found.lines.num_rows >= 1


def test_charges_and_original_amount_of_a_returned_debit(real):
    [line] = read_statement(real / "mt940/jejik/commerzbank.txt").lines.to_pylist()
    assert (line["amount"], line["bank_fee"], line["counterparty_name"]) == (
        Decimal("-12.35"),
        Decimal("0.50"),
        "TESTEREL",
    )


def test_every_field_of_a_structured_narrative(real):
    line = read_statement(real / "mt940/jejik/oldenburgischelandesbank.txt").lines.to_pylist()[0]
    assert (line["counterparty_name"], line["counterparty_account"], line["counterparty_bank"], line["summary"]) == (
        "WOHNBAU DIEPHOLZ GMBH",
        "DE99123456771234567888",
        "AARBDE5W250",
        "GUTSCHRIFT",
    )
    assert "ENERGIEAUSWEIS RG." in line["remark"] and "1234567890" in line["remark"]
