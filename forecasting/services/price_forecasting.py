"""Forecasts of price series: from the end of the received prices on, by the hour, with the LEAR-type model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from assets.models import PriceSeries
from assets.queries import known_prices
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.engine.chain import forecast
from forecasting.engine.grid import Series
from forecasting.engine.models import MODELS
from forecasting.engine.protocol import DAY, Batch, ChannelFacts
from forecasting.models import HOUR_SECONDS, PriceForecast
from forecasting.services.forecasting import Writing, trained

HOUR = timedelta(hours=1)
# As many values of five minutes as one question for prices may have.
HISTORY_DAYS = 340
# The local day of the issue, the one that is auctioned next, and the one after it.
DAYS_AHEAD = 3
DEAD_AFTER = timedelta(days=3)
NO_MODEL = "No model can forecast it yet: it needs 1 day of prices."


@dataclass
class PriceOutcome:
    """How many series have a forecast, and why others have none, by name."""

    forecasts: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def forecast_prices(
    *, organization: Organization, series: Sequence[int], at: datetime, writing: Writing = transaction.atomic
) -> PriceOutcome:
    """Forecast price series as known at a time, and store that; what has a forecast of this time already stays.

    A series that cannot be forecast fails alone; of one whose prices reach further than a forecast, none is made.
    """
    outcome = PriceOutcome()
    for each in PriceSeries.objects.filter(organization=organization, pk__in=series).order_by("pk"):
        if PriceForecast.objects.filter(series=each, issued_at=at).exists():
            outcome.forecasts += 1
            continue
        made = _made(organization, each, at)
        if isinstance(made, str):
            outcome.left_out[each.name] = made
        elif made is not None:
            with writing():
                _store(organization, made)
            outcome.forecasts += 1
    return outcome


def _made(organization: Organization, series: PriceSeries, at: datetime) -> PriceForecast | str | None:
    """Return a forecast that is not stored yet, or why there is none; None where none is needed."""
    zone = ZoneInfo(organization.time_zone)
    end = datetime.combine(at.astimezone(zone).date() + DAYS_AHEAD * DAY, time(), zone).astimezone(UTC)
    try:
        history = _hourly(series, end, at)
    except ValueError:
        return f"Its steps are too short: {HISTORY_DAYS} days of them are too many values."
    known = np.flatnonzero(np.isfinite(history))
    if not len(known):
        return NO_MODEL
    origin = end - (len(history) - int(known[-1]) - 1) * HOUR
    if origin >= end:
        return None
    if origin < at - DEAD_AFTER:
        return f"It has received no price since {origin:%Y-%m-%d %H:%M} UTC, so it is not forecast until it does."
    batch = Batch(
        [ChannelFacts(series.name, "price", organization.time_zone, organization.country)],
        origin,
        HOUR,
        (end - origin) // HOUR,
        history[None, : int(known[-1]) + 1],
    )
    chained = forecast(batch, [""], trained(organization, "price"))
    if not chained.models[0]:
        return chained.problems.get(0, NO_MODEL)
    return PriceForecast(
        organization=organization,
        series=series,
        issued_at=at,
        start=origin,
        end=end,
        step_seconds=HOUR_SECONDS,
        model=chained.models[0],
        version=MODELS[chained.models[0]].version,
        mean=chained.prediction.mean[0],
        quantiles=chained.prediction.quantiles[0].ravel(),
    )


def _hourly(series: PriceSeries, end: datetime, at: datetime) -> Series:
    """Return the hourly means until a time, as known at another; not-a-number where an hour is not known whole.

    Raises:
        ValueError: for steps so short that these are too many values.
    """
    step, values = known_prices(series, end - HISTORY_DAYS * DAY, end, at)
    found: Series = values.reshape(-1, HOUR // step).mean(axis=1)
    return found


def _store(organization: Organization, made: PriceForecast) -> None:
    """Store a forecast, if another job did not do so meanwhile."""
    PriceSeries.objects.select_for_update(of=("self",)).get(pk=made.series_id)
    if PriceForecast.objects.filter(series=made.series_id, issued_at=made.issued_at).exists():
        return
    made.save()
    told = {"series": made.series_id, "model": made.model, "start": made.start.isoformat(), "end": made.end.isoformat()}
    audit.record(organization=organization, action="priceforecast.make", instance=made, after=told)
