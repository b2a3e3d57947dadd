"""Heat demand by degree days: what a building loses when it is colder outside than its heating limit, and hot water.

Parameters of the device: `annual_demand_kwh`, `heating_limit_c` (15) and `hot_water_share` (0.15 of the annual demand,
spread evenly). Input: temperature; a building follows its mean over the last 24 hours.

    demand = annual (1 - share) / degree_hours(reference year) * max(limit - mean of 24 h, 0) + annual share / 8760

The reference year is a cosine: 9.5 °C on average and 9 K up and down, as in Central Europe; half a year later in the
south.
"""

from datetime import datetime
from functools import lru_cache

import numpy as np

from forecasting.engine.grid import Grid, Series
from forecasting.engine.physical.base import (
    DAY,
    DRAWS,
    Expected,
    Inputs,
    Physical,
    draws,
    from_draws,
    lead_days,
    number,
)
from forecasting.engine.protocol import TEMPERATURE, ChannelFacts

HOURS = 8760.0
LIMIT_C, HOT_WATER_SHARE = 15.0, 0.15
MEAN_C, AMPLITUDE_K, COLDEST_DAY = 9.5, 9.0, 20
# Assumed: the error of a forecast of a day's mean temperature and its growth; how far a day lies from the reference
# year; and the share by which people and controls make any two days differ.
LEAST_ERROR_K, GROWTH_K_PER_DAY, ANY_DAY_K, HABIT = 0.8, 0.5, 4.0, 0.20
HABITS = draws(8)


def expect(channel: ChannelFacts, inputs: Inputs, grid: Grid, issued_at: datetime) -> Expected | None:
    """Return the heat in kW; needs the annual demand."""
    annual = number(channel, "annual_demand_kwh")
    if annual is None:
        return None
    limit = number(channel, "heating_limit_c", LIMIT_C) or 0.0
    share = number(channel, "hot_water_share", HOT_WATER_SHARE) or 0.0
    south = channel.latitude is not None and channel.latitude < 0
    told = _mean_of_a_day(inputs.get(TEMPERATURE), grid)
    known = np.isfinite(told)
    outside = np.where(known, told, _reference_c(_day_of_year(grid), south=south))
    error = np.where(known, LEAST_ERROR_K + GROWTH_K_PER_DAY * lead_days(grid, issued_at), ANY_DAY_K)
    loss = annual * (1 - share) / max(degree_hours(limit), 1.0)
    by_weather = loss * np.maximum(limit - (outside + DRAWS[:, None] * error), 0.0) + annual * share / HOURS
    by_habit = 1 + HABIT * HABITS[:, None, None]
    return from_draws((by_habit * by_weather).reshape(-1, grid.count))


@lru_cache(maxsize=64)
def degree_hours(limit_c: float) -> float:
    """Return the kelvin-hours below the heating limit in the reference year."""
    days = np.maximum(limit_c - _reference_c(np.arange(365.0), south=False), 0.0)
    return float(days.sum() * 24)


def _reference_c(day: Series, *, south: bool) -> Series:
    coldest = COLDEST_DAY + (365 / 2 if south else 0)
    swing = np.cos(2 * np.pi * (day - coldest) / 365)
    return np.asarray(MEAN_C - AMPLITUDE_K * swing, dtype=np.float64)


def _day_of_year(grid: Grid) -> Series:
    begin = datetime(grid.start.year, 1, 1, tzinfo=grid.start.tzinfo)
    return np.asarray((grid.start - begin) / DAY + np.arange(grid.count) * (grid.step / DAY), dtype=np.float64)


def _mean_of_a_day(values: Series | None, grid: Grid) -> Series:
    """Return the mean of the 24 hours that end with each step, of what is known of them."""
    if values is None:
        return np.full(grid.count, np.nan)
    steps = max(DAY // grid.step, 1)
    known = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    end = np.arange(1, grid.count + 1)
    begin = np.maximum(end - steps, 0)
    held = count[end] - count[begin]
    mean: Series = np.where(held > 0, (total[end] - total[begin]) / np.maximum(held, 1), np.nan)
    return mean


HEAT = Physical("degree_days", frozenset({"heat"}), expect)
