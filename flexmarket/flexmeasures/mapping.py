"""How our words, units, signs and times are FlexMeasures' words, units, signs and times; nobody else knows these.

Power: here and in the tables it is positive for consumption. FlexMeasures keeps the numbers that it is given, and
takes them for production-positive unless the sensor says `consumption_is_positive`. So every power sensor says it,
and no number changes its sign.
State of charge: ours stands at the end of its interval. The sensor there is instantaneous, so a value goes to that end.
Belief time: of a schedule when the run was made, of a forecast when it was issued, of a price as its schedule's.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from assets.models import Asset, Site
from forecasting.engine.grid import Grid, Piece, Series, fitted

STEP = timedelta(minutes=15)
HORIZON_STEPS = 8 * 96
DECIMALS = 6
SITE_TYPE, OTHER_TYPE = "building", "process"
TYPES = {
    "pv": "solar",
    "wind": "wind",
    "battery": "battery",
    "electric_vehicle": "one-way_evse",
    "heat_storage": "heat-storage",
    "electric_load": "building",
    "heat_load": "building",
}


@dataclass(frozen=True)
class SensorKind:
    """A sensor of an asset: its name, unit, and whether its values are directed power or stand at moments."""

    name: str
    unit: str
    power: bool = False
    instantaneous: bool = False


POWER = SensorKind("power", "kW", power=True)
POWER_FORECAST = SensorKind("power forecast", "kW", power=True)
AVAILABLE_FORECAST = SensorKind("available power forecast", "kW", power=True)
SOC = SensorKind("state of charge", "%", instantaneous=True)
IMPORT_PRICE = SensorKind("import price", "EUR/kWh")
EXPORT_PRICE = SensorKind("export price", "EUR/kWh")

PLANNED = {"grid_power_kw": POWER, "power_kw": POWER, "soc_percent": SOC}
FORECAST = {
    "grid_power_kw": POWER_FORECAST,
    "power_kw": POWER_FORECAST,
    "demand_kw": POWER_FORECAST,
    "available_power_kw": AVAILABLE_FORECAST,
    "yield_kw_per_kw": AVAILABLE_FORECAST,
}
PRICES = {"import_eur_per_kwh": IMPORT_PRICE, "export_eur_per_kwh": EXPORT_PRICE}
KINDS = {each.name: each for each in (POWER, POWER_FORECAST, AVAILABLE_FORECAST, SOC, IMPORT_PRICE, EXPORT_PRICE)}


@dataclass(frozen=True, eq=False)
class Told:
    """A series as it is known here since `believed_at`: steps of one length from `start` on."""

    start: datetime
    step: timedelta
    values: Series
    believed_at: datetime


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a sensor shall hold: a value (nan: nothing) and a belief time, in seconds since 1970, for each quarter."""

    start: datetime
    values: Series
    believed: Series


@dataclass(frozen=True, eq=False)
class Stretch:
    """Values without a gap that are believed since one time; `replaces` says whether another was posted before."""

    start: datetime
    values: Series
    believed_at: datetime
    replaces: bool


def site_asset(site: Site, types: Mapping[str, int]) -> dict[str, Any]:
    """Return a site as an asset there; `types` are its ids of generic asset types by name."""
    return {
        "name": site.name,
        "generic_asset_type_id": _type(types, SITE_TYPE),
        "latitude": site.latitude,
        "longitude": site.longitude,
        "external_id": f"{site.organization.slug}:site:{site.pk}",
    }


def device_asset(site: Site, asset: Asset, types: Mapping[str, int], parent: int) -> dict[str, Any]:
    """Return a device as an asset there, a child of the site's; it stands at the site where it has no own place."""
    return {
        "name": asset.name,
        "generic_asset_type_id": _type(types, TYPES.get(asset.kind, OTHER_TYPE)),
        "latitude": site.latitude if asset.latitude is None else asset.latitude,
        "longitude": site.longitude if asset.longitude is None else asset.longitude,
        "external_id": f"{site.organization.slug}:device:{asset.pk}",
        "parent_asset_id": parent,
    }


def sensor(kind: SensorKind, asset: int, time_zone: str) -> dict[str, Any]:
    """Return a sensor of an asset there."""
    attributes = {"consumption_is_positive": True} if kind.power else {}
    return {
        "name": kind.name,
        "unit": kind.unit,
        "event_resolution": "PT0M" if kind.instantaneous else "PT15M",
        "generic_asset_id": asset,
        "timezone": time_zone,
        "attributes": json.dumps(attributes),
    }


def forecast_power(quantity: str, values: Series, capacity_kw: float) -> Series:
    """Return a forecast as power in kW, positive for consumption; a yield is production per kW of capacity."""
    return -capacity_kw * values if quantity == "yield_kw_per_kw" else values


def charts(sensors: Mapping[str, int]) -> str:
    """Return which of a site's sensors its page there shows, one chart per unit."""
    by_unit: dict[str, list[int]] = {}
    for name, remote in sorted(sensors.items()):
        by_unit.setdefault(KINDS[name].unit, []).append(remote)
    titles = {"kW": "Power", "EUR/kWh": "Prices", "%": "State of charge"}
    return json.dumps([{"title": titles[unit], "plots": [{"sensors": ids}]} for unit, ids in by_unit.items()])


def window(now: datetime) -> Grid:
    """Return the quarter-hours that are kept up to date: from the current one on, as far as any schedule reaches."""
    seconds = int(now.timestamp()) // int(STEP.total_seconds()) * int(STEP.total_seconds())
    return Grid(datetime.fromtimestamp(seconds, UTC), STEP, HORIZON_STEPS)


def wanted(kind: SensorKind, told: Iterable[Told], grid: Grid) -> Wanted:
    """Return what holds for each quarter-hour: the value of the series that is believed last."""
    values, believed = np.full(grid.count, np.nan), np.full(grid.count, np.nan)
    for each in sorted(told, key=lambda piece: piece.believed_at):
        laid = _at_ends(each, grid) if kind.instantaneous else _laid(each, grid)
        known = ~np.isnan(laid)
        values[known], believed[known] = laid[known], each.believed_at.timestamp()
    return Wanted(grid.start, values.round(DECIMALS), believed)


def posted_on(grid: Grid, start: datetime | None, values: Series | None) -> Series:
    """Return what was posted before on other steps; nan where nothing was."""
    if start is None or values is None:
        return np.full(grid.count, np.nan)
    return _laid(Told(start, STEP, values, start), grid)


def changes(new: Wanted, posted: Series) -> Iterator[Stretch]:
    """Yield what has to be posted: values that differ from those posted, cut where a gap or another belief is."""
    differs = ~np.isnan(new.values) & ~np.isclose(new.values, posted, rtol=0, atol=10**-DECIMALS / 2)
    steps = [int(step) for step in np.flatnonzero(differs)]
    cuts = [0, *(place for place, (a, b) in enumerate(pairwise(steps), 1) if b != a + 1 or _other(new, a, b))]
    for first, last in pairwise([*cuts, len(steps)]):
        part = steps[first:last]
        if part:
            believed = datetime.fromtimestamp(float(new.believed[part[0]]), UTC)
            replaces = not bool(np.isnan(posted[part]).all())
            yield Stretch(new.start + part[0] * STEP, new.values[part], believed, replaces)


def posting(kind: SensorKind, stretch: Stretch, believed_at: datetime) -> dict[str, Any]:
    """Return a stretch as it is posted to a sensor."""
    start = stretch.start + STEP if kind.instantaneous else stretch.start
    return {
        "values": [float(value) for value in stretch.values],
        "start": start.isoformat(),
        "duration": f"PT{len(stretch.values) * 15}M",
        "unit": kind.unit,
        "prior": believed_at.isoformat(),
    }


def _laid(told: Told, grid: Grid) -> Series:
    (laid,) = fitted(Piece(0, told.start, told.step, np.asarray(told.values, float)[np.newaxis]), grid)
    return laid


def _at_ends(told: Told, grid: Grid) -> Series:
    """Return contents at the end of steps in the quarter-hours that end with these, whatever the steps' length."""
    laid, step, quarter = np.full(grid.count, np.nan), told.step.total_seconds(), STEP.total_seconds()
    ends = (told.start - grid.start).total_seconds() + step * np.arange(1, len(told.values) + 1)
    places = np.rint(ends / quarter).astype(int) - 1
    used = (ends % quarter == 0) & (places >= 0) & (places < grid.count)
    laid[places[used]] = np.asarray(told.values, float)[used]
    return laid


def _other(new: Wanted, first: int, second: int) -> bool:
    return bool(new.believed[first] != new.believed[second])


def _type(types: Mapping[str, int], name: str) -> int:
    found = types.get(name, types.get(OTHER_TYPE, next(iter(types.values()), None)))
    if found is None:
        raise ValueError("The server knows no types of assets.")
    return found
