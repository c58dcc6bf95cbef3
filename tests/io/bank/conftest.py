"""Where the real files lie, and how their expected values are read."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml

REAL = Path(__file__).resolve().parents[3].parent / "shared/data/bank"


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real statements; skips where it is absent."""
    if not REAL.is_dir():
        pytest.skip("../shared/data/bank is absent: real statements are not in the repository")
    return REAL


class _IgnoringTags(yaml.SafeLoader):
    """Reads the expected values of wolph/mt940, which carry Python object tags, as plain data."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node):
    if isinstance(node, yaml.MappingNode):
        mapping: dict = {}
        yield mapping
        mapping.update(loader.construct_mapping(node, deep=True))
    elif isinstance(node, yaml.SequenceNode):
        sequence: list = []
        yield sequence
        sequence.extend(loader.construct_sequence(node, deep=True))
    else:
        yield loader.construct_scalar(node)


_IgnoringTags.add_multi_constructor("tag:yaml.org,2002:python/", _plain)


def expected_transactions(path: Path) -> list[dict]:
    """The transactions of a wolph/mt940 .yml: amount, currency, booked_on, value_on as that library gives them."""
    content = yaml.load(path.read_text("utf-8"), _IgnoringTags)
    found = []
    for item in content if isinstance(content, list) else content["transactions"]:
        data = item.get("data", item)
        amount = data.get("amount") or {}
        found.append(
            {
                "amount": amount.get("amount", [None])[0],
                "currency": amount.get("currency"),
                "value_on": _day(data.get("date")),
                "booked_on": _day(data.get("entry_date") or data.get("guessed_entry_date") or data.get("date")),
            }
        )
    return found


def _day(packed) -> datetime.date | None:
    if packed is None:
        return None
    raw = packed[0] if isinstance(packed, list) else packed
    return datetime.date(raw[0] * 256 + raw[1], raw[2], raw[3])
