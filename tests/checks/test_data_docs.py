"""The audit's pages load nothing from outside and are the same each time."""

from __future__ import annotations

from settlement.checks.data_docs import private_page

PAGE = """<!DOCTYPE html><html><head><title>x</title>
<link rel="stylesheet" href="https://maxcdn.bootstrapcdn.com/bootstrap.min.css">
<style>.logo { background: url('https://somewhere.example/full_logo.png') 0 0 no-repeat; }</style>
<script src="https://code.jquery.com/jquery.js"></script></head>
<body><img src="https://somewhere.example/logo.png?d=20231001T000000Z"><a href="https://greatexpectations.io">GX</a>
<a href="../index.html">Home</a>
<div id="collapse-8bf2fff0-ccbe-4aa3-ba7a-327e9a9b2b73"></div><a href="#collapse-8bf2fff0-ccbe-4aa3-ba7a-327e9a9b2b73">more</a>
<button class="btn" onclick="go()">Go</button><td onclick="x()">12 fen</td>
<div id="section-1-content-block-3"><table><tr><td>ge_load_time</td><td>20261123T231816Z</td></tr></table></div>
<footer>Subscribe</footer></body></html>"""


def test_nothing_remote_is_left_and_a_policy_forbids_it():
    page = private_page(PAGE, depth=2)
    assert "http://" not in page
    assert "https://" not in page
    assert "script" not in page
    assert "default-src 'none'" in page
    assert 'href="../../static/style.css"' in page
    assert 'href="../index.html"' in page
    assert "onclick" not in page
    assert "12 fen" in page


def test_no_clock_and_nothing_random_stays():
    page = private_page(PAGE, depth=1)
    assert "ge_load_time" not in page
    assert page.count("collapse-part-1") == 2
    other = PAGE.replace("8bf2fff0-ccbe-4aa3-ba7a-327e9a9b2b73", "11111111-2222-3333-4444-555555555555")
    assert private_page(other.replace("231816", "999999"), depth=1) == page


def test_the_measures_stand_on_the_page_as_text():
    page = private_page(PAGE, 1, [{"measure": "<b>rows</b>", "left": "9007199254740993"}])
    assert "&lt;b&gt;rows&lt;/b&gt;" in page
    assert "<td>9007199254740993</td>" in page
