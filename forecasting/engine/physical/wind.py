"""Wind by windpowerlib: the wind at the hub, and what the turbine's power curve makes of it.

Parameters of the device: `capacity_kw`, `hub_height_m` (100), and the curve by its `cut_in_m_per_s` (3),
`rated_m_per_s` (12.5) and `cut_out_m_per_s` (25), rising with the cube of the speed in between. Inputs: wind
at 100 m, else at 10 m. As the curve is no straight line, the error of the wind is drawn, so that a storm near the
cut-out is full power or none.
"""

from datetime import datetime

import numpy as np

from forecasting.engine.grid import Grid, Series
from forecasting.engine.physical.base import DRAWS, Expected, Inputs, Physical, from_draws, lead_days, number
from forecasting.engine.protocol import WIND_SPEED_10M, WIND_SPEED_100M, ChannelFacts

HUB_M, CUT_IN, RATED, CUT_OUT = 100.0, 3.0, 12.5, 25.0
# Farmland with few trees.
ROUGHNESS_M = 0.15
# Assumed: the error of a forecast of wind speed, a part that is always there, a share of the speed, and its growth.
LEAST_ERROR, ERROR_SHARE, GROWTH_PER_DAY = 0.6, 0.10, 0.25
# Assumed, where no weather is known: a year's mean at 100 m, Rayleigh distributed.
MEAN_M_PER_S = 6.0


def expect(channel: ChannelFacts, inputs: Inputs, grid: Grid, issued_at: datetime) -> Expected | None:
    """Return the power in kW, production above zero; needs a capacity."""
    capacity = number(channel, "capacity_kw")
    if capacity is None:
        return None
    speed = _at_hub(channel, inputs, grid)
    error = (LEAST_ERROR + ERROR_SHARE * speed) * (1 + GROWTH_PER_DAY * lead_days(grid, issued_at))
    drawn = np.where(np.isfinite(speed), np.maximum(speed + DRAWS[:, None] * error, 0.0), _any_weather()[:, None])
    return from_draws(_power(channel, drawn, capacity), capacity)


def _at_hub(channel: ChannelFacts, inputs: Inputs, grid: Grid) -> Series:
    from windpowerlib.wind_speed import hellman

    hub = number(channel, "hub_height_m", HUB_M)
    nothing = np.full(grid.count, np.nan)
    high, low = inputs.get(WIND_SPEED_100M, nothing), inputs.get(WIND_SPEED_10M, nothing)
    from_high = hellman(high, 100.0, hub, roughness_length=ROUGHNESS_M)
    from_low = hellman(low, 10.0, hub, roughness_length=ROUGHNESS_M)
    speed: Series = np.where(np.isfinite(from_high), from_high, from_low)
    return speed


def _power(channel: ChannelFacts, speed: Series, capacity: float) -> Series:
    from windpowerlib.power_output import power_curve

    cut_in = number(channel, "cut_in_m_per_s", CUT_IN) or CUT_IN
    rated = number(channel, "rated_m_per_s", RATED) or RATED
    cut_out = number(channel, "cut_out_m_per_s", CUT_OUT) or CUT_OUT
    rising = np.linspace(cut_in, rated, 20)
    share = (rising**3 - cut_in**3) / (rated**3 - cut_in**3)
    speeds = np.array([*rising, cut_out])
    powers = np.array([*share, 1.0]) * capacity
    # Speeds below and above the curve make nothing.
    found: Series = power_curve(speed.ravel(), speeds, powers).reshape(speed.shape)
    return found


def _any_weather() -> Series:
    """Return equally likely speeds of a year: Rayleigh distributed, as nearly everywhere."""
    share = (np.arange(len(DRAWS)) + 0.5) / len(DRAWS)
    speeds: Series = 2 / np.sqrt(np.pi) * MEAN_M_PER_S * np.sqrt(-np.log(1 - share))
    return speeds


WIND = Physical("physical_wind", frozenset({"wind"}), expect, sign=-1.0)
