"""Photovoltaics by pvlib: where the sun stands, what reaches the tilted surface, what the modules make of it.

Parameters of the device: `capacity_kw` (AC), `peak_power_kw` (of the modules; default: the capacity), `tilt_degrees`
(35) and `azimuth_degrees` (180, south). Inputs: global irradiance, and temperature and wind at 10 m where known; direct
and diffuse irradiance follow from the global one (Erbs). Steps without weather get the clear sky times a share that
nobody knows: the band then is that of Central European weather over a year.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from forecasting.engine.grid import Grid, Series
from forecasting.engine.physical.base import Expected, Inputs, Physical, Z, lead_days, number
from forecasting.engine.protocol import IRRADIANCE, TEMPERATURE, WIND_SPEED_10M, ChannelFacts

TILT, AZIMUTH = 35.0, 180.0
HOUR = timedelta(hours=1)
# Dirt, wiring, mismatch and age (PVWatts' default), and the inverter.
SYSTEM, INVERTER = 0.86, 0.96
PER_KELVIN = -0.004
MILD_C, BREEZE_M_PER_S = 10.0, 2.0
DIMMEST_W_PER_M2 = 20.0
MOST_OF_CLEAR = 1.15
# Assumed: the error of a forecast of the clear-sky index, least under a clear sky and a closed one, and its growth.
LEAST_ERROR, ERROR_BETWEEN, GROWTH_PER_DAY = 0.07, 0.55, 0.15
# Assumed, where no weather is known: quantiles 0.1 to 0.9 of the clear-sky index, and its mean.
ANY_WEATHER = np.array([0.12, 0.22, 0.33, 0.45, 0.57, 0.70, 0.82, 0.92, 1.00])
MEAN_OF_ANY = 0.57


class Sky(NamedTuple):
    """Where the sun stands at the middle of each step, and the irradiance of a clear sky."""

    zenith: Series
    azimuth: Series
    extra: Series
    clear: Series
    day_of_year: Series


def expect(channel: ChannelFacts, inputs: Inputs, grid: Grid, issued_at: datetime) -> Expected | None:
    """Return the power in kW, production above zero; needs a place and a capacity."""
    capacity = number(channel, "capacity_kw")
    if capacity is None or channel.latitude is None or channel.longitude is None:
        return None
    sky = _sky(round(channel.latitude, 1), round(channel.longitude, 1), grid)
    index = _clear_sky_index(inputs.get(IRRADIANCE), sky, grid)
    known = np.isfinite(index)
    error = (LEAST_ERROR + ERROR_BETWEEN * index * np.maximum(1.1 - index, 0)) * (
        1 + GROWTH_PER_DAY * lead_days(grid, issued_at)
    )
    mean = np.where(known, index, MEAN_OF_ANY)
    levels = np.where(known, index + Z[:, None] * error, ANY_WEATHER[:, None])
    levels = np.clip(levels, 0.02, MOST_OF_CLEAR)
    power = [_power(channel, inputs, sky, each, capacity, grid) for each in (mean, *levels)]
    return Expected(power[0], np.sort(power[1:], axis=0), capacity)


def _clear_sky_index(ghi: Series | None, sky: Sky, grid: Grid) -> Series:
    """Return irradiance as a share of the clear sky's; hourly values that hold for shorter steps are of the hour."""
    if ghi is None:
        return np.full(grid.count, np.nan)
    clear = sky.clear
    if _held_by_the_hour(ghi, grid):
        steps = HOUR // grid.step
        clear = np.repeat(clear.reshape(-1, steps).mean(axis=1), steps)
    return np.clip(ghi / np.maximum(clear, DIMMEST_W_PER_M2), 0.0, MOST_OF_CLEAR)


def _held_by_the_hour(values: Series, grid: Grid) -> bool:
    steps = HOUR // grid.step
    if steps < 2 or grid.count % steps or grid.start.minute or grid.start.second:
        return False
    hours = values.reshape(-1, steps)
    return bool(np.array_equal(hours, np.repeat(hours[:, :1], steps, axis=1), equal_nan=True))


def _power(channel: ChannelFacts, inputs: Inputs, sky: Sky, index: Series, capacity: float, grid: Grid) -> Series:
    from pvlib import irradiance, pvsystem, temperature

    ghi = index * sky.clear
    split = irradiance.erbs(ghi, sky.zenith, sky.day_of_year)
    tilt, azimuth = number(channel, "tilt_degrees", TILT), number(channel, "azimuth_degrees", AZIMUTH)
    on_plane = irradiance.get_total_irradiance(
        tilt, azimuth, sky.zenith, sky.azimuth, split["dni"], ghi, split["dhi"], sky.extra, model="haydavies"
    )["poa_global"]
    light = np.where(sky.zenith < 90, np.nan_to_num(np.maximum(on_plane, 0.0)), 0.0)
    air, wind = _known(inputs, TEMPERATURE, MILD_C, grid), _known(inputs, WIND_SPEED_10M, BREEZE_M_PER_S, grid)
    cell = temperature.pvsyst_cell(light, air, np.maximum(wind, 0.0))
    peak = number(channel, "peak_power_kw", capacity)
    direct_current = pvsystem.pvwatts_dc(light, cell, peak, PER_KELVIN)
    power: Series = np.clip(direct_current * SYSTEM * INVERTER, 0.0, capacity)
    return power


def _known(inputs: Inputs, name: str, otherwise: float, grid: Grid) -> Series:
    values = inputs.get(name)
    return np.full(grid.count, otherwise) if values is None else np.where(np.isfinite(values), values, otherwise)


@lru_cache(maxsize=256)
def _sky(latitude: float, longitude: float, grid: Grid) -> Sky:
    import pandas as pd
    from pvlib import clearsky, irradiance, solarposition

    times = pd.date_range(grid.start + grid.step / 2, periods=grid.count, freq=grid.step)
    sun = solarposition.get_solarposition(times, latitude, longitude)
    zenith = sun["apparent_zenith"]
    clear = clearsky.haurwitz(zenith)["ghi"].to_numpy()
    extra = irradiance.get_extra_radiation(times).to_numpy()
    day = times.day_of_year.to_numpy()
    return Sky(zenith.to_numpy(), sun["azimuth"].to_numpy(), extra, clear, day)


PV = Physical("physical_pv", frozenset({"pv"}), expect, sign=-1.0)
