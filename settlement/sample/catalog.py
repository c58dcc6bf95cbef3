"""The sample's words and facts, read from ``data/catalog.yaml`` once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml


@cache
def catalog() -> dict:
    """The whole catalog; see the comments in the file."""
    return yaml.safe_load(files("settlement.sample").joinpath("data/catalog.yaml").read_text("utf-8"))


def column(name: str, position: int) -> list:
    """The values at one position of each entry of a list of lists."""
    return [entry[position] for entry in catalog()[name]]
