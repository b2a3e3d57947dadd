"""How well each baseline method would have met the meter of a site on days without a call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.utils import timezone

from assets.models import Site
from flexmarket.engine.baselines import BASELINES, Accuracy, Evidence, accuracy
from flexmarket.engine.baselines.calendar import is_working
from flexmarket.models import Order
from flexmarket.settlement.evidence import DAYS_BEFORE, QUARTER, Meter, meter_of
from forecasting.queries import newest_forecast
from optimization.engine import Horizon
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from telemetry.models import Channel

DAYS = 14
# Each day is judged at these hours of the local clock, an hour each.
HOURS = (8, 12, 17, 20)
HOUR_STEPS = 4
ByClock = Mapping[time, float]


@dataclass(frozen=True)
class MethodAccuracy:
    """A baseline method, where it comes from, and how well it met the site's meter; None where it could not be made."""

    name: str
    source: str
    found: Accuracy | None


def accuracy_of(site: Site) -> list[MethodAccuracy]:
    """Return how each method would have done over the last days without a call; a fixed number of queries."""
    cases = evidence_of_site(site)
    return [MethodAccuracy(method.name, method.source, accuracy(method, cases)) for method in BASELINES.values()]


def evidence_of_site(site: Site) -> list[Evidence]:
    """Return the evidence of the last `DAYS` days without a call, one per hour in `HOURS`."""
    today = timezone.now().astimezone(site.zone).date()
    judged = [today - timedelta(days=number) for number in range(1, DAYS + 1)]
    known = [today - timedelta(days=number) for number in range(1, DAYS + DAYS_BEFORE + 1)]
    channel = Channel.objects.filter(site=site, asset=None, quantity="grid_power_kw").first()
    if channel is None:
        return []
    first, last = Horizon.market_day(known[-1], site.zone, QUARTER), Horizon.market_day(judged[0], site.zone, QUARTER)
    meter = meter_of(channel, first.start, last.end)
    clocks = {day: _by_clock(meter, site, day) for day in known}
    called = _called(site, first.start, last.end)
    plans = _plans(site, Horizon.market_day(judged[-1], site.zone, QUARTER).start, last.end)
    found: list[Evidence] = []
    for day in judged:
        if day not in called:
            found += _of_day(site, day, meter, clocks, called, _plan(plans, site, day), channel)
    return found


def _of_day(
    site: Site,
    day: date,
    meter: Meter,
    clocks: Mapping[date, ByClock],
    called: set[date],
    plan: Series,
    channel: Channel,
) -> list[Evidence]:
    horizon = Horizon.market_day(day, site.zone, QUARTER)
    before = [day - timedelta(days=number) for number in range(1, DAYS_BEFORE + 1)]
    times = [moment.astimezone(site.zone).time() for moment in horizon.times]
    measured = meter.over(horizon)
    days = np.array([[clocks[each].get(at, np.nan) for at in times] for each in before])
    forecast = newest_forecast(channel, horizon, horizon.start)
    working = np.array([is_working(each, site.country) for each in before])
    usable = np.array([each not in called for each in before])
    return [
        Evidence(
            today_kw=measured,
            days_kw=days,
            day_is_working=working,
            day_is_usable=usable,
            is_working=is_working(day, site.country),
            first=times.index(time(hour)),
            count=HOUR_STEPS,
            step_hours=QUARTER / timedelta(hours=1),
            plan_kw=plan if not np.isnan(plan).all() else None,
            forecast_kw=forecast.mean if forecast else None,
        )
        for hour in HOURS
    ]


def _by_clock(meter: Meter, site: Site, day: date) -> ByClock:
    horizon = Horizon.market_day(day, site.zone, QUARTER)
    values = meter.over(horizon)
    return {moment.astimezone(site.zone).time(): float(v) for moment, v in zip(horizon.times, values, strict=True)}


def _called(site: Site, start: datetime, end: datetime) -> set[date]:
    orders = Order.objects.filter(offer__site=site, offer__start__gte=start, offer__start__lt=end)
    starts = orders.exclude(state=Order.State.FAILED).values_list("offer__start", flat=True)
    return {moment.astimezone(site.zone).date() for moment in starts}


def _plans(site: Site, start: datetime, end: datetime) -> Sequence[tuple[ScheduleRun, Series]]:
    """Return the plans that were made before the time they begin at, the newest last; two queries."""
    runs = ScheduleRun.objects.filter(site=site, start__gte=start - timedelta(days=1), start__lt=end)
    found = {run.pk: run for run in runs.order_by("created_at", "id") if run.created_at <= run.start}
    rows = ScheduleSeries.objects.filter(
        run__in=list(found), role=ScheduleSeries.Role.PLAN, device="", quantity="grid_power_kw"
    )
    values = {row.run_id: np.asarray(row.values) for row in rows}
    return [(run, values[pk]) for pk, run in found.items() if pk in values]


def _plan(plans: Sequence[tuple[ScheduleRun, Series]], site: Site, day: date) -> Series:
    """Return the planned grid power of a day, kW; NaN where no plan covers a quarter-hour."""
    horizon = Horizon.market_day(day, site.zone, QUARTER)
    found = np.full(horizon.count, np.nan)
    quarters = np.arange(horizon.count) * QUARTER.total_seconds()
    for run, values in plans:
        seconds = (horizon.start - run.start.astimezone(UTC)).total_seconds() + quarters
        steps = np.floor(seconds / run.step_seconds).astype(int)
        inside = (steps >= 0) & (steps < len(values))
        found[inside] = values[steps[inside]]
    return found
