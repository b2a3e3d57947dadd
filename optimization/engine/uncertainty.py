"""How far forecasts may be wrong together over a day, and what a battery keeps back so that it does not run dry.

Paths are drawn from the quantiles of each forecast by a Gaussian copula: in step t the share u(t) = Phi(z(t)) of the
distribution comes, with z(t) = rho z(t-1) + sqrt(1 - rho²) e(t), so that what begins low stays low for a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, sqrt
from statistics import NormalDist

import numpy as np

from optimization.engine.horizon import Horizon
from optimization.engine.series import Series

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))
SEED = 7
SCENARIOS = 200
# How long an error lasts: after so long it has fallen to 1/e of what it was.
LASTS = timedelta(hours=3)
TINY_KWH = 1e-9


@dataclass(frozen=True, eq=False)
class Uncertain:
    """What a device takes in kW, below zero what it makes: as planned with, and its nine quantiles (9, steps)."""

    planned_kw: Series
    quantiles_kw: Series


def scenario_errors(forecasts: Sequence[Uncertain], horizon: Horizon, count: int = SCENARIOS) -> Series:
    """Return how much more than planned a site takes, (scenarios, steps) in kW; the same draw for the same question.

    The errors of different devices are independent of each other.
    """
    draw = np.random.default_rng(SEED)
    total = np.zeros((count, horizon.count))
    for each in forecasts:
        total += _paths(each.quantiles_kw, horizon, count, draw) - each.planned_kw
    return total


def reserve_kwh(
    errors_kw: Series, horizon: Horizon, share: float, *, charge_efficiency: float, discharge_efficiency: float
) -> Series:
    """Return the least content beyond its lowest level, at the end of each step, that suffices in a share of scenarios.

    A battery that covers the errors E_s(t) = sum dt (e+ / eta_d - eta_c e-) keeps R(t) = k max(Q_share E(t), 0), where
    k is the least factor of at least 1 for which E_s(t) <= R(t) holds in all steps together in that share.
    """
    inside = np.maximum(errors_kw, 0.0) / discharge_efficiency + np.minimum(errors_kw, 0.0) * charge_efficiency
    drawn: Series = np.cumsum(inside, axis=1) * horizon.step_hours
    apart = np.maximum(np.quantile(drawn, share, axis=0), 0.0)
    # Where single steps need nothing, the largest need of the day so far is the measure.
    shape = np.maximum(apart, TINY_KWH + 0.05 * apart.max(initial=0.0))
    needed = np.max(drawn / shape, axis=1)
    factor = max(float(np.quantile(needed, share, method="higher")), 1.0) if apart.any() else 0.0
    found: Series = factor * shape if factor else apart
    return found


def _paths(quantiles: Series, horizon: Horizon, count: int, draw: np.random.Generator) -> Series:
    """Return equally likely paths (count, steps) of a forecast."""
    rho = exp(-(horizon.step / LASTS))
    z = np.empty((count, horizon.count))
    z[:, 0] = draw.standard_normal(count)
    for step in range(1, horizon.count):
        z[:, step] = rho * z[:, step - 1] + sqrt(1 - rho**2) * draw.standard_normal(count)
    return _at(quantiles, z)


def _at(quantiles: Series, z: Series) -> Series:
    """Return the values of a distribution by its nine quantiles; beyond the outer ones it goes on as straight."""
    places = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    lower = np.clip(np.searchsorted(places, z) - 1, 0, len(LEVELS) - 2)
    # Beyond twice the outer level nothing is known: a straight line would go anywhere.
    inside = np.clip(z, 2 * places[0], 2 * places[-1])
    share = (inside - places[lower]) / (places[lower + 1] - places[lower])
    step = np.arange(z.shape[1])
    below, above = quantiles[lower, step], quantiles[lower + 1, step]
    found: Series = below + share * (above - below)
    # What only takes never makes, and the other way round.
    low, high = (0.0 if quantiles.min() >= 0 else -np.inf), (0.0 if quantiles.max() <= 0 else np.inf)
    return np.clip(found, low, high)
