"""Quotes: what carriers charge us (vendor) and what we charge principals (client), and the two reference tables.

Amounts in minor units of the charge's currency, per unit. Ocean freight is quoted by lane and container type
and changes on 1 July; the rest is quoted in general. Some principals have no quote, some charges never have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from settlement.sample import texts
from settlement.sample.catalog import catalog, column
from settlement.sample.firms import Firms
from settlement.sample.market import as_day
from settlement.sample.texts import NONE
from settlement.sample.world import World

VALID_FROM, RAISED_ON = as_day(date(2022, 7, 1)), as_day(date(2023, 7, 1))
OCEAN_FREIGHT, OWN_CUSTOMS = "O/F", "CUS"
_BOX_PERCENT = (100, 165, 172)  # 20GP, 40GP, 40HQ
_CLIENT_LOCAL = {"THC": 95000, "DOC": 50000, "SEAL": 6000, "VGM": 10000, "TLX": 50000, "TRK": 150000, "CUS": 25000}


@dataclass(frozen=True)
class Tariff:
    """Which principals have quotes at all."""

    has_lane: np.ndarray
    has_local: np.ndarray
    level: np.ndarray  # how dear a principal is, 0 to 4


def tariff_of(world: World) -> Tariff:
    """Drawn once a sample."""
    dice, count = world.dice("tariff"), world.principals
    return Tariff(dice.random(count) < 0.55, dice.random(count) < 0.7, dice.integers(0, 5, count))


def vendor_names() -> list[str]:
    """Carriers first, then local firms; vendors are indices into this list."""
    return [*catalog()["vendors_ocean"], *catalog()["vendors_local"]]


def is_quoted_by_vendor(code: str) -> bool:
    """Pass-through charges (实报实销) and surcharges have no vendor quote."""
    return {row[0]: row[6] for row in catalog()["charges"]}[code] in ("lane", "general")


def ocean_cost(foreign: np.ndarray, box: np.ndarray, vendor: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The carrier's ocean freight a container, USD cents."""
    base = np.array(catalog()["ocean_freight_usd"], np.int64)[foreign] * np.array(_BOX_PERCENT, np.int64)[box]
    return np.where(days >= RAISED_ON, base * 105 // 100, base) // 100 * 100 + vendor * 2_000


def ocean_quote(foreign: np.ndarray, box: np.ndarray, level: np.ndarray, days: np.ndarray) -> np.ndarray:
    """What a principal with a lane quote pays a container, USD cents."""
    base = np.array(catalog()["ocean_freight_usd"], np.int64)[foreign] * np.array(_BOX_PERCENT, np.int64)[box]
    return np.where(days >= RAISED_ON, base * 117 // 100, base * 112 // 100) // 500 * 500 + level * 2_500


def local_cost(code: str, vendor: np.ndarray) -> np.ndarray:
    """A vendor's price a unit of a local charge."""
    return {row[0]: row[4] for row in catalog()["charges"]}[code] + vendor * 500


def local_quote(code: str, level: np.ndarray) -> np.ndarray:
    """A principal's price a unit of a local charge."""
    return _CLIENT_LOCAL[code] + level * 1_000


def vendor_quotes() -> dict[str, pa.Array]:
    """The reference table ``vendor_quotes``."""
    words = catalog()
    carriers = np.arange(len(words["vendors_ocean"]))
    axes = (
        carriers,
        np.arange(len(words["home_ports"])),
        np.arange(len(words["foreign_ports"])),
        np.arange(3),
        np.arange(2),
    )
    carrier, home, foreign, box, half = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    begins = np.where(half == 0, VALID_FROM, RAISED_ON)
    tables = [
        {
            "vendor": texts.pick(vendor_names(), carrier),
            "charge_code": texts.repeat(OCEAN_FREIGHT, len(box)),
            "currency": texts.repeat("USD", len(box)),
            "amount": texts.money(ocean_cost(foreign, box, carrier, begins)),
            "unit_basis": texts.repeat("柜", len(box)),
            "container_type": texts.pick(words["container_types"], box),
            "pol": texts.pick(words["home_ports"], home),
            "pod": texts.pick(words["foreign_ports"], foreign),
            "valid_from": texts.day(begins),
            "valid_to": texts.day(np.where(half == 0, RAISED_ON - 1, NONE)),
        }
    ]
    for code, _, currency, unit, _, _, kind in words["charges"]:
        if kind != "general":
            continue
        vendor = np.arange(len(vendor_names()))
        tables.append(
            {
                "vendor": texts.pick(vendor_names(), vendor),
                "charge_code": texts.repeat(code, len(vendor)),
                "currency": texts.repeat(currency, len(vendor)),
                "amount": texts.money(local_cost(code, vendor)),
                "unit_basis": texts.repeat(unit, len(vendor)),
                "valid_from": texts.day(np.full(len(vendor), VALID_FROM)),
            }
        )
    return stacked(tables)


def client_quotes(firms: Firms, tariff: Tariff, special: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The reference table ``client_quotes``; ``special`` are the quotes made for one order."""
    words = catalog()
    ids = np.flatnonzero(tariff.has_lane)
    axes = (ids, np.arange(2), np.arange(3), np.arange(2))
    principal, place, box, half = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    foreign, home = firms.lane[principal, place], firms.home_port[principal]
    keep = (place == 0) | (firms.lane[principal, 0] != foreign)
    principal, box, half, foreign, home = (values[keep] for values in (principal, box, half, foreign, home))
    begins = np.where(half == 0, VALID_FROM, RAISED_ON)
    tables = [
        {
            "principal_id": texts.take(firms.principal_id, principal),
            "charge_code": texts.repeat(OCEAN_FREIGHT, len(box)),
            "currency": texts.repeat("USD", len(box)),
            "amount": texts.money(ocean_quote(foreign, box, tariff.level[principal], begins)),
            "unit_basis": texts.repeat("柜", len(box)),
            "container_type": texts.pick(words["container_types"], box),
            "pol": texts.pick(words["home_ports"], home),
            "pod": texts.pick(words["foreign_ports"], foreign),
            "valid_from": texts.day(begins),
            "valid_to": texts.day(np.where(half == 0, RAISED_ON - 1, NONE)),
        }
    ]
    local = np.flatnonzero(tariff.has_local)
    units = {row[0]: row[3] for row in words["charges"]}
    for code in _CLIENT_LOCAL:
        tables.append(
            {
                "principal_id": texts.take(firms.principal_id, local),
                "charge_code": texts.repeat(code, len(local)),
                "currency": texts.repeat("CNY", len(local)),
                "amount": texts.money(local_quote(code, tariff.level[local])),
                "unit_basis": texts.repeat(units[code], len(local)),
                "valid_from": texts.day(np.full(len(local), VALID_FROM)),
            }
        )
    return stacked([*tables, special])


def stacked(tables: list[dict[str, pa.Array]]) -> dict[str, pa.Array]:
    """Tables under each other; a column that one of them lacks is absent in its rows."""
    names = list(dict.fromkeys(name for table in tables for name in table))
    sizes = [len(next(iter(table.values()))) for table in tables]
    return {
        name: pa.concat_arrays(
            [
                table[name] if name in table else pa.nulls(size, pa.string())
                for table, size in zip(tables, sizes, strict=True)
            ]
        )
        for name in names
    }


def charge_rows() -> list[list]:
    """The catalog's charges: code, name, currency, unit, base, frequency, kind of quote."""
    return catalog()["charges"]


def codes() -> list[str]:
    """Charge codes, in the catalog's order."""
    return column("charges", 0)
