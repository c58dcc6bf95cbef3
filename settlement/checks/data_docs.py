"""The audit's pages: Great Expectations' Data Docs made private, repeatable and readable without a network.

As it builds them, Data Docs load styles, scripts and a logo with a time stamp from half a dozen hosts whenever
somebody opens a page, and show nothing of the index without them. Here every remote reference goes, a page may
load nothing from outside (Content-Security-Policy), a small style sheet stands in, and the index is a plain
table of all months. What does not belong here: what the pages say.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from lxml import html
from lxml.html import builder as E

POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'"
STYLE = "static/style.css"
RESULTS = "results"
# Elements that only advertise, ask, or need scripts that are not there.
_DROPPED = (
    "//script | //link | //footer | //img | //iframe | //*[contains(@class, 'modal')] | //*[contains(@class, 'btn')]"
    " | //div[contains(@class, 'card')][.//strong[text() = 'Actions']]"
    # Versions, fingerprints and the load time of the frame.
    " | //div[starts-with(@id, 'section-1-content-block-3')]"
)
_RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_REMOTE = re.compile(r"^(https?:)?//")
_REMOTE_STYLE = re.compile(r"url\(['\"]?(https?:)?//[^)]*\)")

_CSS = """\
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 2rem auto; max-width: 75rem;
  padding: 0 1rem; color: #1c2733; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
td, th { border: 1px solid #cfd8e3; padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { background: #eef2f7; }
a { color: #0b5cad; }
nav ul, ol.breadcrumb { list-style: none; padding: 0; display: flex; gap: .5rem; flex-wrap: wrap; }
.alert { background: #eef2f7; padding: .5rem .8rem; border-radius: 4px; }
.badge, .text-monospace { font-family: ui-monospace, monospace; background: #f3f5f8; padding: 0 .3rem; }
.cooltip .top { display: none; }
.passed { color: #0a6b2d; font-weight: 600; }
.failed { color: #b3261e; font-weight: 600; }
.fa-check-circle::before, .text-success::before { content: "✓ "; color: #0a6b2d; }
.fa-times::before, .fa-times-circle::before { content: "✗ "; color: #b3261e; }
.fa-exclamation-triangle::before { content: "! "; color: #9a6700; }
"""


def publish_pages(
    built: Path,
    out: Path,
    month: str,
    listed: Sequence[Mapping[str, str | int | bool]],
    measured: Mapping[str, Sequence[Mapping[str, str]]],
) -> Path:
    """Put the pages of a month from ``built`` (a Data Docs site) into ``out``; the index of all months is returned.

    ``listed``: for each suite its name, title, severity, passed, rows, failing. ``measured``: the rows each suite
    looked at, shown on its page. Pages of other months stay.
    """
    for page in sorted(built.rglob("*.html")):
        place = page.relative_to(built).parts
        rows = measured.get(place[1], ()) if place[0] == "validations" else ()
        page.write_text(private_page(page.read_text(encoding="utf-8"), len(place) - 1, rows), encoding="utf-8")
    (out / "static").mkdir(parents=True, exist_ok=True)
    (out / STYLE).write_text(_CSS, encoding="utf-8")
    _replace(built / "expectations", out / "expectations")
    pages = {}
    for suite in sorted(folder.name for folder in (built / "validations").iterdir()):
        _replace(built / "validations" / suite / month, out / "validations" / suite / month)
        pages[suite] = next((out / "validations" / suite / month).rglob("*.html")).relative_to(out).as_posix()
    (out / RESULTS).mkdir(exist_ok=True)
    said = [{**outcome, "page": pages[str(outcome["suite"])]} for outcome in listed]
    text = json.dumps({"month": month, "suites": said}, ensure_ascii=False, indent=1)
    (out / RESULTS / f"{month}.json").write_text(text + "\n", encoding="utf-8")
    index = out / "index.html"
    index.write_text(_index(out), encoding="utf-8")
    return index


def private_page(source: str, depth: int, rows: Sequence[Mapping[str, str]] = ()) -> str:
    """A Data Docs page that loads nothing from outside and is the same each time it is made.

    ``depth``: how deep below the index it lies. ``rows``: the measures, added at the end.
    """
    document = html.document_fromstring(source)
    for element in document.xpath(_DROPPED):
        if element.getparent() is not None:
            element.drop_tree()
    for element in document.iter():
        for attribute in ("href", "src", "data-href"):
            if _REMOTE.match(element.get(attribute, "")):
                del element.attrib[attribute]
        for attribute in [name for name in element.attrib if name.startswith("on")]:
            del element.attrib[attribute]
    head = document.find("head")
    head.insert(0, E.META({"http-equiv": "Content-Security-Policy", "content": POLICY}))
    head.insert(0, E.META(charset="utf-8"))
    head.append(E.LINK(rel="stylesheet", href="../" * depth + STYLE))
    if rows:
        document.find("body").extend(
            [E.H2("度量"), _table(list(rows[0]), [[str(cell) for cell in row.values()] for row in rows])]
        )
    text = _REMOTE_STYLE.sub("none", html.tostring(document, encoding="unicode", doctype="<!DOCTYPE html>"))
    seen: dict[str, str] = {}
    return _RANDOM.sub(lambda found: seen.setdefault(found[0], f"part-{len(seen) + 1}"), text)


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> html.HtmlElement:
    head = E.TR(*[E.TH(name) for name in names])
    return E.TABLE(E.THEAD(head), E.TBODY(*[E.TR(*[E.TD(cell) for cell in row]) for row in rows]))


def _replace(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target)


def _index(out: Path) -> str:
    """All months, the latest first; one line a suite."""
    rows = []
    for file in sorted((out / RESULTS).glob("*.json"), reverse=True):
        month = json.loads(file.read_text(encoding="utf-8"))
        for suite in month["suites"]:
            verdict = (
                E.SPAN("通过", E.CLASS("passed"))
                if suite["passed"]
                else E.SPAN(f"{suite['failing']} 项不符", E.CLASS("failed"))
            )
            link = E.A(suite["title"], href=suite["page"])
            severity = {"error": "错误", "warn": "提示"}[suite["severity"]]
            rows.append([month["month"], link, verdict, severity, str(suite["rows"])])
    document = E.HTML(
        E.HEAD(
            E.META(charset="utf-8"),
            E.META({"http-equiv": "Content-Security-Policy", "content": POLICY}),
            E.TITLE("月结审计"),
            E.LINK(rel="stylesheet", href=STYLE),
        ),
        E.BODY(E.H1("月结审计 · Data Docs"), _table(("月份", "检查", "结果", "不符即为", "度量行数"), rows)),
        lang="zh",
    )
    return html.tostring(document, encoding="unicode", doctype="<!DOCTYPE html>", pretty_print=True)
