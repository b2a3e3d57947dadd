"""Vehicles at their chargers: when they come and go and what they charge, by day type, as expected and with a band.

What is known are sessions; without any, those of a commuter who charges at home are assumed. Days are drawn from the
sessions of their type whole, so that a late arrival keeps its short stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from forecasting.engine.grid import Grid, Series
from forecasting.engine.protocol import LEVELS, Batch, ChannelFacts, Prediction, crossing_free

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORKDAY, WEEKEND = "workday", "weekend"
DRAWS = 400
SEED = 7
CHARGE_POWER_KW = 11.0
# A pause shorter than this is part of a session.
LONGEST_PAUSE = timedelta(minutes=45)
CHARGING_KW = 0.3
LEAST_SESSIONS = 5


@dataclass(frozen=True)
class Session:
    """A stay at the charger: hours after local midnight of the day of arrival, how long, and the energy charged."""

    arrival_hour: float
    duration_hours: float
    energy_kwh: float


@dataclass(frozen=True)
class DayType:
    """The sessions of a kind of day, and the share of such days that have one."""

    sessions: tuple[Session, ...]
    share_of_days: float


Pattern = Mapping[str, DayType]

# Assumed: a commuter at home, about 13,000 km a year.
COMMUTER: Pattern = {
    WORKDAY: DayType(
        tuple(
            Session(arrival, 31.0 - arrival, energy)
            for arrival in (16.5, 17.25, 18.0, 18.75, 20.5)
            for energy in (4.0, 7.0, 9.0, 14.0)
        ),
        0.75,
    ),
    WEEKEND: DayType(
        tuple(
            Session(arrival, duration, energy)
            for arrival, duration in ((12.0, 4.0), (15.0, 17.0), (18.0, 15.0), (21.0, 12.0))
            for energy in (3.0, 8.0, 15.0)
        ),
        0.6,
    ),
}


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is expected of a charger: the share of each step plugged in, and the power of charging at once.

    `connected` and `power_kw` are means, the others (9, steps) quantiles; `energy_kwh` has the nine quantiles of what
    is charged over the whole time.
    """

    connected: Series
    connected_quantiles: Series
    power_kw: Series
    power_quantiles: Series
    energy_kwh: Series


def day_type(day: date) -> str:
    """Return the type of a local day."""
    return WEEKEND if day.weekday() >= 5 else WORKDAY


def learned(stays: Sequence[tuple[datetime, datetime, float]], zone: ZoneInfo, days: Sequence[date]) -> Pattern:
    """Return the pattern of stays (arrival, departure, energy in kWh) that were seen on local days.

    A day type with fewer than `LEAST_SESSIONS` is taken from the commuter.
    """
    found: dict[str, list[Session]] = {WORKDAY: [], WEEKEND: []}
    with_session: dict[str, set[date]] = {WORKDAY: set(), WEEKEND: set()}
    for arrival, departure, energy in stays:
        local = arrival.astimezone(zone)
        day = local.date()
        hour = (arrival - _midnight(day, zone)) / HOUR
        found[day_type(day)].append(Session(hour, (departure - arrival) / HOUR, energy))
        with_session[day_type(day)].add(day)
    pattern = {}
    for name, sessions in found.items():
        seen = sum(day_type(day) == name for day in days)
        enough = len(sessions) >= LEAST_SESSIONS and seen
        share = min(len(with_session[name]) / seen, 1.0) if seen else 0.0
        pattern[name] = DayType(tuple(sessions), share) if enough else COMMUTER[name]
    return pattern


def outlook(pattern: Pattern, grid: Grid, zone: ZoneInfo, charge_power_kw: float = CHARGE_POWER_KW) -> Outlook:
    """Return what a pattern makes of a time; the same question has the same answer."""
    # The draws are the same each time, as a forecast must not change by itself.
    generator = np.random.default_rng(SEED)
    connected, power = np.zeros((DRAWS, grid.count)), np.zeros((DRAWS, grid.count))
    hours = np.asarray(np.arange(grid.count + 1) * (grid.step / HOUR), dtype=np.float64)
    first = grid.start.astimezone(zone).date() - DAY
    last = grid.end.astimezone(zone).date()
    for number in range((last - first).days + 1):
        day = first + number * DAY
        kind = pattern[day_type(day)]
        midnight = (_midnight(day, zone) - grid.start) / HOUR
        happens = (generator.random(DRAWS) < kind.share_of_days)[:, None]
        chosen = generator.integers(0, len(kind.sessions), DRAWS)
        table: Series = np.array([(each.arrival_hour, each.duration_hours, each.energy_kwh) for each in kind.sessions])
        duration, energy_kwh = table[:, 1], table[:, 2]
        begin: Series = np.asarray(midnight + table[:, 0], dtype=np.float64)
        charged: Series = np.minimum(energy_kwh / charge_power_kw, duration)
        connected += happens * _overlap(hours, begin, begin + duration)[chosen]
        power += happens * _overlap(hours, begin, begin + charged)[chosen] * charge_power_kw
    np.minimum(connected, 1.0, out=connected)
    np.minimum(power, charge_power_kw, out=power)
    energy = power.sum(axis=1) * (grid.step / HOUR)
    return Outlook(
        connected.mean(axis=0),
        np.quantile(connected, LEVELS, axis=0),
        power.mean(axis=0),
        np.quantile(power, LEVELS, axis=0),
        np.quantile(energy, LEVELS),
    )


def stays_in(power_kw: Series, grid: Grid) -> list[tuple[datetime, datetime, float]]:
    """Return the sessions that a history of charging power shows: from the first to the last step that charges."""
    charging = np.flatnonzero(np.nan_to_num(power_kw) > CHARGING_KW)
    if not len(charging):
        return []
    pause = max(LONGEST_PAUSE // grid.step, 0)
    cuts = np.flatnonzero(np.diff(charging) > pause + 1) + 1
    return [
        (
            grid.start + int(steps[0]) * grid.step,
            grid.start + (int(steps[-1]) + 1) * grid.step,
            float(np.nansum(power_kw[steps[0] : steps[-1] + 1]) * (grid.step / HOUR)),
        )
        for steps in np.split(charging, cuts)
    ]


@dataclass(frozen=True)
class EvStays:
    """Charging power of single vehicles by their sessions; the share plugged in where `quantity` is `connected`.

    Parameters of the device: `charge_power_kw` (11) and `quantity`. No history is needed.
    """

    name: str = "ev_stays"
    version: str = "1"
    kinds: frozenset[str] = frozenset({"ev"})
    minimum_history_days: float = 0.0
    fit_every_days: int = 7

    def fit(self, batch: Batch) -> "FittedEvStays":
        """Learn the sessions of each vehicle from its history."""
        found = {}
        for row, channel in enumerate(batch.channels):
            known = np.isfinite(batch.history[row])
            if known.any() and not _of_connection(channel):
                stays = stays_in(batch.history[row], batch.known_grid)
                found[channel.name] = learned(stays, channel.zone, _local_days(batch, channel, known))
        return FittedEvStays(found)


@dataclass(frozen=True)
class FittedEvStays:
    """The patterns of vehicles by the names of their channels."""

    patterns: Mapping[str, Pattern] = field(default_factory=dict)

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every vehicle."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for row, channel in enumerate(batch.channels):
            told = channel.device.get("charge_power_kw", CHARGE_POWER_KW)
            charge_power_kw = float(told) or CHARGE_POWER_KW
            pattern = self.patterns.get(channel.name, COMMUTER)
            expected = outlook(pattern, batch.grid, channel.zone, charge_power_kw)
            plugged = _of_connection(channel)
            found.mean[row] = expected.connected if plugged else expected.power_kw
            found.quantiles[row] = expected.connected_quantiles if plugged else expected.power_quantiles
        return crossing_free(found.mean, found.quantiles)


EV = EvStays()


def _of_connection(channel: ChannelFacts) -> bool:
    return channel.device.get("quantity") == "connected"


def _local_days(batch: Batch, channel: ChannelFacts, known: npt.NDArray[np.bool_]) -> list[date]:
    grid = batch.known_grid
    per_day: dict[date, int] = {}
    for index in np.flatnonzero(known).tolist():
        day = (grid.start + index * grid.step).astimezone(channel.zone).date()
        per_day[day] = per_day.get(day, 0) + 1
    return [day for day, steps in per_day.items() if steps >= batch.steps_per_day // 2]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _overlap(edges: Series, begin: Series, end: Series) -> Series:
    """Return the share of each step that lies between two times, a row per pair."""
    inside = np.minimum(edges[1:], end[:, None]) - np.maximum(edges[:-1], begin[:, None])
    inside = np.clip(inside, 0.0, None)
    share: Series = inside / (edges[1:] - edges[:-1])
    return share
