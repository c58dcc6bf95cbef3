"""Files that want harm, or come from harm: refused with the reason, at bounded memory, never with a crash."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest

from settlement.io.bank import read_statement, reading
from settlement.io.bank.limits import bank_limits
from tests.io.bank.camt_writer import entry, message
from tests.io.bank.corpus_layouts import CORPUS


def refused(path, code: str = "FILE_UNREADABLE", **options) -> str:
    read = read_statement(path, **options)
    assert (read.lines.num_rows, read.rejected.num_rows, read.is_readable) == (0, 0, False)
    [finding] = read.findings
    assert finding.code == code and path.name in finding.message
    return finding.message


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    "declaration",
    [
        LAUGHS,
        '<!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE Document>",
    ],
    ids=["laughs", "external", "file", "bare"],
)
def test_document_type_declarations(tmp_path, declaration):
    path = tmp_path / "a.xml"
    head, body = message([entry("100.00")], opening="0.00").split("?>", 1)
    path.write_text(f"{head}?>{declaration}{body.replace('<MsgId>M1', '<MsgId>&j;')}", "utf-8")
    assert "DOCTYPE" in refused(path) or "XML" in refused(path)


def test_a_declaration_behind_comments(tmp_path):
    path = tmp_path / "a.xml"
    head, body = message([entry("100.00")], opening="0.00").split("?>", 1)
    path.write_text(f"{head}?><!-- {'x' * 200_000} -->{LAUGHS}{body}", "utf-8")
    refused(path)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.99])
def test_cut_off_xml_gives_no_line(tmp_path, cut):
    path = tmp_path / "a.xml"
    text = message([entry(f"{number}.00") for number in range(1, 50)], opening="0.00")
    path.write_text(text[: int(len(text) * cut)], "utf-8")
    assert "XML" in refused(path)


def test_xml_that_is_no_statement(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<?xml version='1.0'?><Document><Payment/></Document>", "utf-8")
    assert "不是 camt" in refused(path)


def test_zip_bomb(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(CORPUS / "plain_chinese.xlsx") as good,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for item in good.infolist():
            if item.filename == "xl/worksheets/sheet1.xml":
                bomb.writestr(item.filename, b"<worksheet>" + b"0" * 60_000_000)
            else:
                bomb.writestr(item.filename, good.read(item))
    assert path.stat().st_size < 1_000_000
    refused(path)


def test_nul_bytes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes((CORPUS / "plain_english.csv").read_bytes().replace(b"USD", b"U\x00D", 1))
    assert "NUL" in refused(path)
    swift = tmp_path / "a.sta"
    swift.write_bytes(b":20:A\n:25:1\n:60F:C230901USD0,\x00\n:62F:C230901USD0,\n")
    refused(swift)


def test_links_and_paths_out_of_the_inbox(tmp_path):
    inbox, outside = tmp_path / "bank", tmp_path / "secret.csv"
    inbox.mkdir()
    outside.write_bytes((CORPUS / "plain_english.csv").read_bytes())
    link = inbox / "link.csv"
    link.symlink_to(outside)
    assert "符号链接" in refused(link, root=inbox)
    assert "不在该文件夹" in refused(inbox / ".." / "secret.csv", root=inbox)
    assert "不是普通文件" in refused(inbox, root=tmp_path)
    assert "不存在" in refused(inbox / "absent.csv", root=inbox)


@pytest.mark.parametrize("content", [b"", b"   \n\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_files(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    read = read_statement(path)
    assert read.lines.num_rows == 0 and [finding.code for finding in read.findings] in (
        ["FILE_UNREADABLE"],
        ["BNK_HEADER_NOT_FOUND"],
    )


@pytest.mark.parametrize("name", ["icbc_really_excel.ole.csv", "plain_chinese.xlsx", "ccb_corporate.xls"])
def test_cut_off_workbooks(tmp_path, name):
    path = tmp_path / name
    content = (CORPUS / name).read_bytes()
    for share in (0.2, 0.5, 0.9):
        path.write_bytes(content[: int(len(content) * share)])
        read = read_statement(path)
        assert read.findings and not (read.lines.num_rows and not read.findings)


def test_formulas_stay_text_and_are_no_money(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "账号,币种,交易日期,借方发生额,贷方发生额,对方户名\n6222,CNY,2023-09-05,,=1+99,=cmd|'/c calc'!A1\n6222,CNY,2023-09-05,,1.00,=cmd|'/c calc'!A1\n",
        "utf-8",
    )
    read = read_statement(path)
    assert [row["field"] for row in read.rejected.to_pylist()] == ["credit_in"]
    assert read.lines.column("counterparty_name").to_pylist() == ["=cmd|'/c calc'!A1"]


def test_more_lines_than_the_limit_are_refused(tmp_path, monkeypatch):
    """camt while it is streamed, MT940 before its lines are read, a table before its cells are."""
    few = replace(bank_limits(), message_lines=10, table_lines=10)
    monkeypatch.setattr(reading, "bank_limits", lambda: few)
    texts = {
        "a.xml": message([entry(f"{number}.00") for number in range(1, 12)], opening="0.00"),
        "a.sta": ":20:A\n:25:1\n:60F:C230901USD0,\n" + ":61:230905C1,NTRFREF\n" * 11 + ":62F:C230905USD11,\n",
        "a.csv": "账号,币种,交易日期,借方发生额,贷方发生额\n" + "6222,CNY,2023-09-05,,1.00\n" * 11,
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text, "utf-8")
        assert "上限" in refused(path) and "10 行" in refused(path)


def test_a_file_over_the_size_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.write("账号,币种,交易日期,借方发生额,贷方发生额\n".encode())
        stream.truncate(10 * 1024**3)  # sparse: 10 GB that take no disk
    assert "上限" in refused(path)


@pytest.mark.slow
def test_a_large_camt_file_needs_little_memory(tmp_path):
    """Streamed: memory grows with the lines kept, not with the text of the file (some 200 MB here)."""
    path = tmp_path / "a.xml"
    one = entry("1.00").replace("</Ntry>", "<TechInptChanl>" + "x" * 10_000 + "</TechInptChanl></Ntry>")
    before, after = message([entry("1.00", ref="R")], opening="0.00", closing="20000.00").split(entry("1.00", ref="R"))
    with path.open("w") as stream:
        stream.write(before)
        for _ in range(20_000):
            stream.write(one)
        stream.write(after)
    code = (
        "import sys; from pathlib import Path; from settlement.io.bank import read_statement;"
        "read = read_statement(Path(sys.argv[1])); assert read.lines.num_rows == 20_000 and not read.findings, read.findings;"
        # Not ru_maxrss: a child process begins with its parent's.
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert path.stat().st_size > 200_000_000 and int(run.stdout) // 1024 < 400
