"""What the platform's own models are given: repaired readings, weather as it was known, and facts of each channel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from assets.models import Asset, Site
from assets.queries import devices_by_site
from forecasting.engine import protocol
from forecasting.engine.grid import Grid, Series
from forecasting.engine.protocol import DAY, Batch, ChannelFacts
from forecasting.engine.quality import Quality, Rules, checked
from forecasting.facts import channel_facts
from forecasting.models import ChannelForecast
from forecasting.weather import weather_of
from telemetry.queries import means_of

STEP = timedelta(minutes=15)
STEP_SECONDS = 900
HISTORY_DAYS = 120
# Models train on the weather as it was forecast this long ahead: about the middle of what they are asked for.
LEAD = timedelta(hours=12)
INPUTS: Mapping[str, tuple[str, ...]] = {
    "load": (protocol.TEMPERATURE, protocol.IRRADIANCE),
    "heat": (protocol.TEMPERATURE, protocol.IRRADIANCE),
    "pv": (protocol.IRRADIANCE, protocol.TEMPERATURE, protocol.WIND_SPEED_10M),
    "wind": (protocol.WIND_SPEED_100M, protocol.WIND_SPEED_10M),
    "ev": (),
}


@dataclass(frozen=True, eq=False)
class Known:
    """One channel with what was known of it; `quality` is None where nothing was ever measured."""

    own: ChannelForecast
    facts: ChannelFacts
    values: Series
    quality: Quality | None

    @property
    def is_dead(self) -> bool:
        """Whether it was measured once and tells nothing any more."""
        return self.quality is not None and self.quality.dead


@dataclass(frozen=True, eq=False)
class Histories:
    """Channels over the days until an origin, and the weather of their sites until the end of what is forecast.

    `unfit` are channels that no model is for, or whose device is gone, with the reason.
    """

    origin: datetime
    known: list[Known]
    unfit: dict[int, str] = field(default_factory=dict)
    weather: Mapping[int, Mapping[str, Series]] = field(default_factory=dict)
    steps_ahead: int = 0

    def batch(self, some: Sequence[Known], horizon: int) -> Batch:
        """Return some channels of one kind as models take them."""
        history = np.stack([each.values for each in some])
        reach = history.shape[1] + horizon
        inputs = {
            name: np.stack([self._input(each, name)[:reach] for each in some])
            for name in INPUTS[some[0].facts.kind]
            if any(name in self.weather.get(each.own.channel.site_id, {}) for each in some)
        }
        return Batch([each.facts for each in some], self.origin, STEP, horizon, history, inputs)

    def _input(self, known: Known, name: str) -> Series:
        found = self.weather.get(known.own.channel.site_id, {}).get(name)
        return np.full(len(known.values) + self.steps_ahead, np.nan) if found is None else found


def origin_of(moment: datetime) -> datetime:
    """Return the begin of the quarter-hour that a moment is in, in UTC."""
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def steps_ahead(origin: datetime, zone: ZoneInfo) -> int:
    """Return the quarter-hours from an origin to the end of the local day after it: 97 to 196."""
    day = origin.astimezone(zone).date() + 2 * DAY
    return (datetime.combine(day, time(), zone).astimezone(UTC) - origin) // STEP


def histories_of(
    channels: Sequence[ChannelForecast], origin: datetime, known_at: datetime, days: int = HISTORY_DAYS
) -> Histories:
    """Return what was known of channels at an origin; a fixed number of queries, whatever their number.

    The channels came with their sites, and the sites with their organizations.
    """
    sites = {each.channel.site_id: each.channel.site for each in channels}
    devices = {row.pk: row for rows in devices_by_site(sites.values()).values() for row in rows}
    steps = days * (DAY // STEP)
    grid = Grid(origin - steps * STEP, STEP, steps)
    values = means_of([each.channel_id for each in channels], grid.start, STEP_SECONDS, steps)
    found = Histories(origin, [])
    for own, series in zip(channels, values, strict=True):
        facts = facts_of(own, devices)
        if facts is None:
            found.unfit[own.pk] = f"No model is for {own.channel.quantity} of {own.channel.owner}."
        else:
            found.known.append(_known(own, facts, series))
    ahead = max((steps_ahead(origin, site.zone) for site in sites.values()), default=0)
    weather = _weather(list(sites.values()), grid, ahead, known_at)
    return Histories(origin, found.known, found.unfit, weather, ahead)


def facts_of(own: ChannelForecast, devices: Mapping[int, Asset]) -> ChannelFacts | None:
    """Return what the engine is told of a channel; None for what it has no model for."""
    device = devices.get(own.channel.asset_id or 0)
    return None if device is None else channel_facts(own.channel, device)


def _known(own: ChannelForecast, facts: ChannelFacts, series: Series) -> Known:
    if not np.isfinite(series).any():
        return Known(own, facts, series, None)
    # What was never measured before the first value is no gap.
    first = int(np.isfinite(series).argmax())
    quality = checked(series[first:], STEP, Rules(kind=facts.kind))
    return Known(own, facts, np.concatenate([series[:first], quality.repaired]), quality)


def _weather(sites: Sequence[Site], grid: Grid, ahead: int, known_at: datetime) -> dict[int, dict[str, Series]]:
    """Return weather over the history as it was forecast then, and ahead as it is known now; two queries."""
    coming = weather_of(sites, Grid(grid.end, STEP, ahead), known_at) if ahead else {}
    past = weather_of(sites, grid, known_at, lead=LEAD)
    found: dict[int, dict[str, Series]] = {}
    for site in sites:
        before, after = past.get(site.pk, {}), coming.get(site.pk, {})
        found[site.pk] = {
            name: np.concatenate([before.get(name, _nothing(grid.count)), after.get(name, _nothing(ahead))])
            for name in {*before, *after}
        }
    return found


def _nothing(count: int) -> Series:
    return np.full(count, np.nan)


def by_kind(known: Sequence[Known]) -> Iterator[tuple[str, ZoneInfo, list[Known]]]:
    """Yield channels that can be forecast together: of one kind, in one time zone."""
    groups: dict[tuple[Any, ...], list[Known]] = {}
    for each in known:
        groups.setdefault((each.facts.kind, each.facts.time_zone), []).append(each)
    for (kind, zone), members in groups.items():
        yield kind, ZoneInfo(zone), members
