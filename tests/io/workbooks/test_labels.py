"""One dictionary, two languages, the same sheets and file names; named styles in every file."""

from __future__ import annotations

import re
from decimal import Decimal
from importlib.resources import files

import pytest
from openpyxl import load_workbook

from settlement.checks.mart_schemas import mart_tables
from settlement.io.workbooks.english_amount import amount_in_english
from settlement.io.workbooks.labels import LabelMissing, Labels, _dictionary
from settlement.io.workbooks.styles import STYLES

HAN = re.compile(r"[一-鿿]")
KEPT = {"认领", "调整", "审批"}  # sheets that readers look for by name


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    from settlement.io.workbooks.write import write_workbooks

    from . import september
    from .conftest import work_file

    folder = tmp_path_factory.mktemp("english")
    con = work_file(september.tables(), september.masters())
    write_workbooks(
        con, month=september.MONTH, as_of=september.AS_OF, out=folder, lang="en", incomplete=True, previous=None
    )
    return folder


def test_every_text_is_in_both_languages_with_the_same_figures():
    for name, text in _dictionary()["texts"].items():
        assert set(text) == {"zh", "en"}, name
        assert set(re.findall(r"{(\w+)}", text["zh"])) == set(re.findall(r"{(\w+)}", text["en"])), name
    for chinese, word in _dictionary()["words"].items():
        assert isinstance(chinese, str) and isinstance(word, str) and word, chinese
        assert chinese in KEPT or not HAN.search(word), chinese


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.00", "zero yuan only"),
        ("0.05", "zero yuan and 05/100"),
        ("115.00", "one hundred and fifteen yuan only"),
        ("9906.73", "nine thousand nine hundred and six yuan and 73/100"),
        ("1070722.70", "one million seventy thousand seven hundred and twenty-two yuan and 70/100"),
        ("100000000.00", "one hundred million yuan only"),
    ],
)
def test_an_amount_has_english_words_beside_the_legal_ones(amount, words):
    assert amount_in_english(Decimal(amount)) == words
    assert Labels("en").amount(Decimal(amount)).startswith(f"{words}; 人民币")
    assert Labels("zh").amount(Decimal(amount)).startswith("人民币")


def test_every_rule_that_posts_to_the_ledger_is_explained_on_the_statement():
    source = files("settlement.rules.books").joinpath("principal_ledger.py").read_text(encoding="utf-8")
    posting = set(re.findall(r'"((?:EXP|IMP|LOG|C)-[A-Z0-9-]*\d|DECISION|OPENING)"', source))
    assert len(posting) > 10 and not [rule for rule in posting if Labels("zh").rule(rule) == rule]
    assert Labels("en").rule("SOMETHING-NEW") == "SOMETHING-NEW"


def test_a_missing_label_is_an_error():
    with pytest.raises(LabelMissing):
        Labels("en").word("没有的词")
    with pytest.raises(LabelMissing):
        Labels("zh").text("nowhere")
    with pytest.raises(ValueError, match="fr"):
        Labels("fr")


def test_english_workbooks_have_the_same_files_sheets_and_formulas(folder, english):
    assert {path.name for path in english.glob("*.xlsx")} == {path.name for path in folder.glob("*.xlsx")}
    for path in folder.glob("*.xlsx"):
        chinese, other = load_workbook(path), load_workbook(english / path.name)
        assert len(chinese.sheetnames) == len(other.sheetnames)
        for mine, theirs in zip(chinese, other, strict=True):
            formulas = [
                sum(cell.data_type == "f" for row in sheet.iter_rows() for cell in row) for sheet in (mine, theirs)
            ]
            assert formulas[0] == formulas[1], (path.name, mine.title)


# Data in other hands: units of goods, names of people, words that a reader of the files chose.
IN_OTHER_HANDS = {"千克", "件", "个", "次", "张会计", "数量", "认领", "合计"}
FIXED = ("heading", "label", "section", "word", "flag", "severity_block", "severity_review", "severity_warn")


def test_headings_sheet_names_and_fixed_values_are_english(english):
    for path in english.glob("*.xlsx"):
        for sheet in load_workbook(path):
            assert sheet.title in KEPT or not HAN.search(sheet.title)
            for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
                if cell.style.removeprefix("settlement ") in FIXED and cell.value not in IN_OTHER_HANDS:
                    assert not HAN.search(cell.value), (path.name, sheet.title, cell.coordinate, cell.value)


def test_every_fixed_value_of_the_warehouse_has_its_english():
    known = set(_dictionary()["words"]) | set(_dictionary()["codes"])
    for name, published in mart_tables().items():
        for column in published.columns:
            assert set(column.values) <= known, (name, column.name, set(column.values) - known)


def test_decision_sheets_keep_their_names_and_answer_under_field_names(english):
    book = load_workbook(english / "异常清单-2023-09.xlsx")
    headings = [cell.value for cell in book["认领"][5]]
    assert [name for name in headings if name in ("txn_id", "order_no", "principal_id", "purpose", "amount", "decided_by", "decided_at", "reason", "export_digest")] == [
        "txn_id", "order_no", "principal_id", "purpose", "amount", "decided_by", "decided_at", "reason", "export_digest",
    ]  # fmt: skip
    assert any("批准,驳回" in rule.formula1 for rule in book["审批"].data_validations.dataValidation)


def test_looks_are_named_cell_styles(folder):
    for path in folder.glob("*.xlsx"):
        book = load_workbook(path)
        named = {name.removeprefix("settlement ") for name in book.named_styles if name.startswith("settlement ")}
        assert named <= set(STYLES) and {"title", "heading", "money", "code"} <= named
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.value is None or cell.style.startswith("settlement "), (
                        path.name,
                        sheet.title,
                        cell.coordinate,
                    )


def test_colours_stand_out_enough():
    """WCAG: a contrast of at least 4.5 to 1 of every text to its ground."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for name, look in STYLES.items():
        ground, text = light(look.get("bg_color", "#FFFFFF")), light(look.get("font_color", "#000000"))
        assert (max(ground, text) + 0.05) / (min(ground, text) + 0.05) >= 4.5, name


def test_dates_are_dates_money_is_money(folder):
    sheet = load_workbook(folder / "对账单-P001-2023-09.xlsx")["明细账"]
    posted, amount, foreign = sheet["A5"], sheet["I5"], sheet["G10"]
    assert (posted.is_date, posted.number_format) == (True, "yyyy-mm-dd")
    assert (amount.number_format, foreign.number_format) == ("#,##0.00_ ;-#,##0.00_ ;0.00_ ", "#,##0_ ;-#,##0_ ;0_ ")
