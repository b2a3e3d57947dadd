"""What was measured, planned and forecast around a call, as baselines and delivery look at it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from flexmarket.engine.baselines import Evidence
from flexmarket.engine.baselines.calendar import is_working
from flexmarket.models import MarketOffer, Order
from forecasting.queries import newest_forecast
from optimization.engine import Horizon
from optimization.engine.series import Series
from telemetry.models import Channel, Rollup
from telemetry.models.channel import QUARTER_HOUR_SECONDS

DAYS_BEFORE = 45
QUARTER = timedelta(seconds=QUARTER_HOUR_SECONDS)
# A quarter-hour of which less was measured says nothing for sure.
LEAST_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Meter:
    """The quarter-hours that a channel measured, by their start; kW."""

    channel: Channel | None
    values: Mapping[datetime, float]

    def over(self, horizon: Horizon) -> Series:
        """Return the mean of each step, kW; NaN where a part of it was not measured."""
        parts = max(horizon.step // QUARTER, 1)
        found = np.full((horizon.count, parts), np.nan)
        for index, moment in enumerate(horizon.times):
            first = moment - timedelta(seconds=moment.timestamp() % QUARTER_HOUR_SECONDS)
            for part in range(parts):
                found[index, part] = self.values.get(first + part * QUARTER, np.nan)
        mean: Series = found.mean(axis=1)
        return mean


def channel_of(offer: MarketOffer) -> Channel | None:
    """Return the channel that measures what was offered: the device's power, or the site's meter."""
    channels = Channel.objects.filter(organization=offer.organization_id, site=offer.site)
    if offer.asset_id is None:
        return channels.filter(asset=None, quantity="grid_power_kw").first()
    return channels.filter(asset=offer.asset_id, quantity="power_kw").first()


def least_count(channel: Channel) -> float:
    """Return how many readings a quarter-hour of a channel needs to say something."""
    return max(1.0, LEAST_SHARE * QUARTER_HOUR_SECONDS / channel.resolution_seconds)


def meter_of(channel: Channel | None, start: datetime, end: datetime) -> Meter:
    """Return what a channel measured between two times; one query."""
    if channel is None:
        return Meter(None, {})
    least = least_count(channel)
    rows = Rollup.objects.filter(channel=channel, start__gte=start, start__lt=end).values_list(
        "start", "count", "total"
    )
    return Meter(channel, {moment: total / count for moment, count, total in rows if count >= least})


def evidence_of(order: Order) -> Evidence:
    """Return what there is about the day of a call; a few queries."""
    offer = order.offer
    zone, step = offer.zone, timedelta(seconds=offer.step_seconds)
    day = offer.start.astimezone(zone).date()
    country = offer.site.country if offer.site is not None else ""
    today = Horizon.market_day(day, zone, step)
    before = [day - timedelta(days=number) for number in range(1, DAYS_BEFORE + 1)]
    channel = channel_of(offer)
    meter = meter_of(channel, Horizon.market_day(before[-1], zone).start, today.end)
    first = round((offer.start - today.start) / step)
    plan = np.full(today.count, np.nan)
    plan[first : first + offer.count] = np.asarray(offer.baseline_kw)
    forecast = newest_forecast(channel, today, order.received_at) if channel else None
    called = called_days(offer, before[-1], day)
    return Evidence(
        today_kw=meter.over(today),
        days_kw=np.array([_like(meter, each, today, zone) for each in before]),
        day_is_working=np.array([is_working(each, country) for each in before]),
        day_is_usable=np.array([each not in called for each in before]),
        is_working=is_working(day, country),
        first=first,
        count=offer.count,
        step_hours=step / timedelta(hours=1),
        plan_kw=plan,
        forecast_kw=forecast.mean if forecast else None,
    )


def called_days(offer: MarketOffer, first: date, last: date) -> set[date]:
    """Return the local days from `first` to before `last` on which something of the site was called; one query."""
    zone = offer.zone
    since = datetime.combine(first, datetime.min.time(), zone).astimezone(UTC)
    until = datetime.combine(last, datetime.min.time(), zone).astimezone(UTC)
    orders = Order.objects.filter(offer__site=offer.site, offer__start__gte=since, offer__start__lt=until)
    starts: Iterable[datetime] = orders.exclude(state=Order.State.FAILED).values_list("offer__start", flat=True)
    return {start.astimezone(zone).date() for start in starts}


def _like(meter: Meter, day: date, today: Horizon, zone: ZoneInfo) -> Series:
    """Return a day at the times of the local clock that `today` has; NaN where the clock did not show a time."""
    horizon = Horizon.market_day(day, zone, today.step)
    values = meter.over(horizon)
    by_clock = {moment.astimezone(zone).time(): value for moment, value in zip(horizon.times, values, strict=True)}
    return np.array([by_clock.get(moment.astimezone(zone).time(), np.nan) for moment in today.times])
