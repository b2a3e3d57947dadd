"""Channels whose readings have left their forecast: they are forecast anew, at most once an hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assets.models import Asset
from assets.queries import devices_by_site
from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from forecasting.engine.grid import Grid
from forecasting.histories import STEP, STEP_SECONDS, origin_of
from forecasting.models import ChannelForecast, ForecastRun
from forecasting.queries import Forecast, forecasts_of_channels
from forecasting.services.own_requests import MOST_BY_ID, request_forecasts
from telemetry.queries import means_of

LOOKED_AT = 4
LEAST_READ = 2
AT_MOST_EVERY = timedelta(hours=1)
# Of the capacity: beyond the first it deviates in any case, below the second never.
FAR_SHARE, NEAR_SHARE = 0.2, 0.05
CHANNELS_AT_ONCE = 1000


@transaction.atomic
def request_deviating(*, organization: Organization, now: datetime | None = None) -> Job | None:
    """Ask for new forecasts of the channels whose last hour was outside of what was expected; None where none was.

    The mean of the last hour is outside of the band of 80 % (and by more than 5 % of the capacity), or further than
    20 % of the capacity from what was expected. The same queries for any number of channels, by the thousand.
    """
    moment = now or timezone.now()
    ready = ChannelForecast.objects.select_for_update(of=("self",)).filter(
        Q(updated_at=None) | Q(updated_at__lte=moment - AT_MOST_EVERY),
        organization=organization,
        enabled=True,
        channel__last_at__gte=moment - AT_MOST_EVERY,
    )
    rows = list(ready.select_related("channel__site", "channel__asset").order_by("pk"))
    found: list[ChannelForecast] = []
    for begin in range(0, len(rows), CHANNELS_AT_ONCE):
        found += _deviating(rows[begin : begin + CHANNELS_AT_ONCE], moment)
    found = found[:MOST_BY_ID]
    if not found:
        return None
    # Noted with the request, so that the next look leaves them alone also while the job waits.
    ChannelForecast.objects.filter(pk__in=[each.pk for each in found]).update(updated_at=moment)
    return request_forecasts(organization=organization, channels=[each.channel_id for each in found])


def _deviating(rows: Sequence[ChannelForecast], now: datetime) -> list[ChannelForecast]:
    end = origin_of(now)
    grid = Grid(end - LOOKED_AT * STEP, STEP, LOOKED_AT)
    runs = ForecastRun.objects.filter(channel__in=[each.channel_id for each in rows])
    # What was known when the hour began: a forecast that was made since knows a part of it.
    expected = forecasts_of_channels(runs, grid, grid.start, quantiles=True)
    measured = means_of([each.channel_id for each in rows], grid.start, STEP_SECONDS, LOOKED_AT)
    devices = _devices(rows)
    found = []
    for own, values in zip(rows, measured, strict=True):
        channel = own.channel
        forecast = expected.get((channel.site_id, (channel.asset_id, channel.quantity)))
        if forecast is not None and _deviates(values, forecast, capacity_of(devices.get(channel.asset_id or 0))):
            found.append(own)
    return found


def _devices(rows: Sequence[ChannelForecast]) -> dict[int, Asset]:
    sites = {each.channel.site_id: each.channel.site for each in rows}
    return {device.pk: device for of_site in devices_by_site(sites.values()).values() for device in of_site}


def capacity_of(device: Asset | None) -> float | None:
    """Return the power of a plant in kW; None for what has no such number."""
    found = getattr(device, "capacity_kw", None)
    return float(found) if found else None


def _deviates(values: "np.typing.NDArray[np.float64]", forecast: Forecast, capacity_kw: float | None) -> bool:
    both = np.isfinite(values) & np.isfinite(forecast.mean)
    if both.sum() < LEAST_READ:
        return False
    came, expected = float(values[both].mean()), float(forecast.mean[both].mean())
    size = capacity_kw or max(abs(came), abs(expected))
    away = abs(came - expected)
    if capacity_kw is not None and away > FAR_SHARE * size:
        return True
    low, high = forecast.quantile(0.1), forecast.quantile(0.9)
    if low is None or high is None:
        return away > FAR_SHARE * size
    inside = float(low[both].mean()) <= came <= float(high[both].mean())
    return not inside and away > NEAR_SHARE * size
