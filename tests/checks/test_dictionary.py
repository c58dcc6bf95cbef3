"""docs/data-dictionary.md says what the program says."""

from __future__ import annotations

import re

from settlement.checks.dictionary import PAGE, data_dictionary
from settlement.checks.mart_schemas import mart_tables
from settlement.io.layouts import layouts


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == data_dictionary(), "run: python -m settlement.checks.dictionary"


def test_every_table_and_every_column_is_on_the_page():
    sections = re.split(r"^### ", data_dictionary(), flags=re.MULTILINE)[1:]
    named = [
        (section.splitlines()[0], set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)))
        for section in sections
    ]
    expected = [(table.name, set(table.schema.names)) for table in mart_tables().values()]
    expected += [(layout.name, {field.name for field in layout.fields}) for layout in layouts().values()]
    assert dict(named) == dict(expected)
    assert len(named) == len(expected)


def test_every_published_column_is_explained():
    assert not [
        (table.name, column.name) for table in mart_tables().values() for column in table.columns if not column.zh
    ]
