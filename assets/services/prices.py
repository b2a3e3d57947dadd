"""Writes of price series and of what they receive."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assets.engine.errors import TariffError
from assets.engine.tariff import SpotPrices, Steps
from assets.models import PriceSeries, PriceValues
from assets.services import rows
from assets.services.rows import Values
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization

UNITS = {"kWh": 1.0, "MWh": 0.001}
HIGHEST_PRICE_PER_KWH = 1000.0
LONGEST = timedelta(days=400)


def create_price_series(*, organization: Organization, values: Values) -> PriceSeries:
    """Make a price series without any values.

    Raises:
        ValidationError: by field.
    """
    return rows.create(PriceSeries(organization=organization), values, organization)


def update_price_series(*, series: PriceSeries, values: Values) -> PriceSeries:
    """Change a price series.

    Raises:
        ValidationError: by field.
    """
    currency = values.get("currency", series.currency)
    if currency != series.currency and series.deliveries.exists():
        raise ValidationError({"currency": f"currency is {currency}; allowed: {series.currency}, as it has values."})
    return rows.update(series, values, series.organization)


def delete_price_series(*, series: PriceSeries) -> None:
    """Delete a price series with its values.

    Raises:
        ValidationError: names tariffs that still refer to it.
    """
    rows.delete(series, series.organization)


@transaction.atomic
def receive_prices(
    *,
    series: PriceSeries,
    start: datetime,
    step: timedelta,
    values: "Sequence[float] | npt.NDArray[np.float64]",
    per: str = "kWh",
    source: str = "",
    received_at: datetime | None = None,
) -> PriceValues:
    """Store a delivery of prices per kWh or per MWh from `start`; what was received before stays readable as known.

    The same delivery twice in a row is stored once.

    Raises:
        ValidationError: by field; also for a value that is no price.
    """
    if per not in UNITS:
        raise ValidationError({"per": f"per is {per!r}; allowed: {', '.join(UNITS)}."})
    prices = _checked(start, step, values, UNITS[per])
    stored = rows.locked(series)
    row = PriceValues(
        series=stored,
        start=start,
        end=start + len(prices.values) * step,
        step_seconds=step // timedelta(seconds=1),
        values=prices.values,
        source=source,
        received_at=received_at or timezone.now(),
    )
    row.full_clean(exclude={"values"})
    newest = PriceValues.objects.filter(series=stored, start__lt=row.end, end__gt=row.start).last()
    same = newest is not None and (newest.start, newest.step_seconds) == (row.start, row.step_seconds)
    if newest is not None and same and np.array_equal(newest.spot_prices.values, prices.values):
        return newest
    row.save()
    audit.record(
        organization=stored.organization,
        action="pricevalues.receive",
        instance=row,
        after={**audit.snapshot(row), "count": len(prices.values)},
    )
    return row


def _checked(
    start: datetime, step: timedelta, values: "Sequence[float] | npt.NDArray[np.float64]", factor: float
) -> SpotPrices:
    try:
        Steps((start,), step, ZoneInfo("UTC"))
        array = np.asarray(values, dtype=np.float64)
    except TariffError as error:
        name = "start" if error.field == "starts" else error.field
        raise ValidationError({name: str(error)}) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ValidationError({"values": "values is no list of numbers; allowed: one number per step."}) from error
    if array.ndim != 1 or not array.size or array.size * step > LONGEST:
        days = LONGEST.days
        raise ValidationError({"values": f"values has {array.size} numbers; allowed: 1 to {days} days of steps."})
    prices = array * factor
    wrong = ~(np.abs(prices) <= HIGHEST_PRICE_PER_KWH)
    if wrong.any():
        index = int(np.argmax(wrong))
        limit = HIGHEST_PRICE_PER_KWH / factor
        message = f"values[{index}] is {array[index]:g}; allowed: -{limit:g} to {limit:g}."
        raise ValidationError({"values": message})
    return SpotPrices(start, step, prices)
