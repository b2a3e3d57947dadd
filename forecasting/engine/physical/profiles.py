"""Standard load profiles of BDEW through demandlib, for what has no history: so much a year, spread as usual.

Parameters of the device: `annual_demand_kwh`, and `standard_profile`, one of `PROFILES` (h0: a household, moving with
the season). Public holidays of the country count as Sundays; the profile is in the wall-clock time of the site.
"""

from collections.abc import Container, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.engine.grid import Grid, Series
from forecasting.engine.physical.base import Expected, Inputs, Physical, Z, number
from forecasting.engine.protocol import ChannelFacts, ForecastError

PROFILES = ("h0", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "l0", "l1", "l2")
# The profile that moves with the season within a season.
DYNAMIC = "h0"
SUNDAY = 7
# Last day (month, day) of each, as BDEW has them.
SEASONS = (
    ((3, 20), "winter"),
    ((5, 14), "transition"),
    ((9, 14), "summer"),
    ((10, 31), "transition"),
    ((12, 31), "winter"),
)
QUARTER = timedelta(minutes=15)
QUARTERS_PER_HOUR = 4
# Assumed: how far single steps of a household lie from its profile (of the logarithm), less for larger customers.
HOUSEHOLD_KWH, HOUSEHOLD_SPREAD, LEAST_SPREAD, MOST_SPREAD = 3500.0, 0.7, 0.08, 0.9


def expect(channel: ChannelFacts, inputs: Inputs, grid: Grid, issued_at: datetime) -> Expected | None:
    """Return the power in kW; needs the annual demand.

    Raises:
        ForecastError: for an unknown profile.
    """
    annual = number(channel, "annual_demand_kwh")
    if not annual:
        return None
    name = str(channel.device.get("standard_profile") or "h0")
    if name not in PROFILES:
        raise ForecastError(f"standard_profile: {name!r} of {channel.name!r} is none of {', '.join(PROFILES)}.")
    mean = annual * _shares(name, channel.time_zone, channel.country, grid)
    spread = np.clip(HOUSEHOLD_SPREAD * (annual / HOUSEHOLD_KWH) ** -0.25, LEAST_SPREAD, MOST_SPREAD)
    # Log-normal with the profile as its mean.
    factors = np.exp(Z * spread - spread**2 / 2)
    return Expected(mean, mean * factors[:, None])


@lru_cache(maxsize=256)
def _shares(profile: str, time_zone: str, country: str, grid: Grid) -> Series:
    """Return the power of each step in kW per kWh a year."""
    quarters = max(grid.step // QUARTER, 1)
    zone = ZoneInfo(time_zone)
    first = [grid.start + index * grid.step for index in range(grid.count)]
    values = np.zeros((grid.count, quarters))
    for column in range(quarters):
        local = [(start + column * QUARTER).astimezone(zone) for start in first]
        values[:, column] = [_of_year(each.year, country)[profile][_place(each)] for each in local]
    shares: Series = values.mean(axis=1) * QUARTERS_PER_HOUR
    return shares


def _place(local: datetime) -> int:
    """Return the quarter-hour of the year by the wall clock."""
    return (local.timetuple().tm_yday - 1) * 96 + local.hour * 4 + local.minute // 15


@lru_cache(maxsize=16)
def _of_year(year: int, country: str) -> Mapping[str, Series]:
    """Return the shares of a year's energy per quarter-hour, by profile; each adds up to 1.

    From demandlib's table, not by its `ElecSlp`: that turns every warning of the process into an error, and so fails
    with pandas 3.
    """
    from demandlib.bdew.elec_slp import dynamisation_function

    days = pd.date_range(datetime(year, 1, 1), datetime(year, 12, 31))
    free = _holidays(year, country)
    kinds = [(_season(day), SUNDAY if day.date() in free else day.isoweekday()) for day in days]
    found = {name: np.concatenate([_table()[kind][name] for kind in kinds]) for name in PROFILES if name != DYNAMIC}
    quarters = pd.date_range(days[0], periods=len(days) * 96, freq=QUARTER)
    found[DYNAMIC] = np.concatenate([_table()[kind][DYNAMIC] for kind in kinds]) * dynamisation_function(
        quarters
    ).to_numpy(dtype=np.float64)
    return {name: values / values.sum() for name, values in found.items()}


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[str, int], Mapping[str, Series]]:
    """Return the quarter-hours of each season and day of the week (1 to 7), by profile."""
    table = pd.read_csv(str(files("demandlib.bdew") / "bdew_data" / "selp_series.csv"))
    return {
        (str(season), int(str(weekday))): {name: part[name].to_numpy(dtype=np.float64) for name in PROFILES}
        for (season, weekday), part in table.groupby(["period", "weekday"])
    }


def _season(day: datetime) -> str:
    return next(season for end, season in SEASONS if (day.month, day.day) <= end)


def _holidays(year: int, country: str) -> Container[date]:
    import holidays

    known = country in holidays.list_supported_countries()
    return holidays.country_holidays(country, years=year) if known else ()


LOAD = Physical("standard_profile", frozenset({"load"}), expect)
