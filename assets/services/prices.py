"""Writes of price series and of what they receive."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
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
MOST_DELIVERIES = 1000
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Delivery:
    """Prices per kWh or per MWh for a series, named by its id or its name, from `start` on."""

    series: int | str
    start: datetime
    step: timedelta
    values: "Sequence[float] | npt.NDArray[np.float64]"
    per: str = "kWh"
    source: str = ""


@dataclass(frozen=True, eq=False)
class Checked:
    """A delivery in prices per kWh that may be stored."""

    start: datetime
    end: datetime
    step_seconds: int
    values: npt.NDArray[np.float64]
    source: str

    def row(self, series: PriceSeries | None, received_at: datetime) -> PriceValues:
        """Return the row that it becomes."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        return PriceValues(series=series, received_at=received_at, **columns)


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
    checked = _checked_delivery(Delivery(series.pk, start, step, values, per, source))
    return _store([(rows.locked(series), checked)], received_at)[0]


@transaction.atomic
def receive_deliveries(
    *, organization: Organization, deliveries: "Sequence[Delivery]", received_at: datetime | None = None
) -> list[PriceValues]:
    """Store deliveries of many series, all of them or none, and return them in their order; as `receive_prices`.

    The number of queries grows with the size of an INSERT only, never by one per series. Each delivery has an audit
    event of its own, so that the trail of a series is complete whichever way its prices came.

    Raises:
        ValidationError: names index and field of all that is wrong, such as `deliveries[17].values`.
    """
    if not 0 < len(deliveries) <= MOST_DELIVERIES:
        message = f"deliveries has {len(deliveries)} entries; allowed: 1 to {MOST_DELIVERIES}."
        raise ValidationError({"deliveries": message})
    errors: dict[str, list[str]] = {}
    named = _named_series(organization, deliveries)
    pairs: list[tuple[PriceSeries, Checked]] = []
    for index, delivery in enumerate(deliveries):
        try:
            series = named.get(delivery.series)
            if series is None:
                allowed = f"the id or the name of a price series of {organization.name}"
                raise ValidationError({"series": f"series is {delivery.series}; allowed: {allowed}."})
            pairs.append((series, _checked_delivery(delivery)))
        except ValidationError as error:
            errors |= {f"deliveries[{index}].{name}": found for name, found in error.message_dict.items()}
    errors = errors or _overlapping(pairs)
    if errors:
        raise ValidationError(errors)
    return _store(pairs, received_at)


def _named_series(organization: Organization, deliveries: "Sequence[Delivery]") -> dict[int | str, PriceSeries]:
    """Return the series of the deliveries by id and by name, held until the end of the transaction."""
    wanted = {delivery.series for delivery in deliveries}
    ids = [each for each in wanted if isinstance(each, int) and 0 < each <= LARGEST_ID]
    names = [each for each in wanted if isinstance(each, str)]
    found = PriceSeries.objects.filter(organization=organization).filter(Q(pk__in=ids) | Q(name__in=names))
    series = list(found.order_by("pk").select_for_update(of=("self",)))
    return {each.pk: each for each in series} | {each.name: each for each in series}


def _overlapping(pairs: "list[tuple[PriceSeries, Checked]]") -> dict[str, list[str]]:
    """Return what is wrong with deliveries of one series for the same time, as their order would decide."""
    order = sorted(range(len(pairs)), key=lambda index: (pairs[index][0].pk, pairs[index][1].start))
    errors = {}
    for before, index in pairwise(order):
        (series, first), (other, second) = pairs[before], pairs[index]
        if series.pk == other.pk and second.start < first.end:
            later, earlier = max(before, index), min(before, index)
            message = f"{series} has these times in deliveries[{earlier}] too; allowed: each time once."
            errors[f"deliveries[{later}].start"] = [message]
    return errors


def _store(pairs: "list[tuple[PriceSeries, Checked]]", received_at: datetime | None) -> list[PriceValues]:
    """Store what is new of checked deliveries, with its audit events, in statements of many rows each."""
    moment = received_at or timezone.now()
    known = _stored_alike(pairs)
    stored = [known.get(index) or checked.row(series, moment) for index, (series, checked) in enumerate(pairs)]
    new = [row for row in stored if row.pk is None]
    PriceValues.objects.bulk_create(new)
    if new:
        audit.record_many(
            organization=new[0].series.organization,
            action="pricevalues.receive",
            rows=[(row, None, {**audit.snapshot(row), "count": len(row.values)}) for row in new],
        )
    return stored


def _stored_alike(pairs: "list[tuple[PriceSeries, Checked]]") -> dict[int, PriceValues]:
    """Return, by index, the stored delivery that says just the same and that nothing newer replaced."""
    first, last = min(checked.start for _, checked in pairs), max(checked.end for _, checked in pairs)
    touching = PriceValues.objects.filter(series__in={series.pk for series, _ in pairs}, start__lt=last, end__gt=first)
    spans: dict[int, list[PriceValues]] = defaultdict(list)
    for row in touching.defer("values").order_by("received_at", "id"):
        spans[row.series_id].append(row)
    newest: dict[int, int] = {}
    for index, (series, checked) in enumerate(pairs):
        overlap = [row for row in spans[series.pk] if row.start < checked.end and row.end > checked.start]
        if overlap and (overlap[-1].start, overlap[-1].step_seconds) == (checked.start, checked.step_seconds):
            newest[index] = overlap[-1].pk
    found = PriceValues.objects.select_related("series").in_bulk(newest.values()) if newest else {}
    return {
        index: found[pk] for index, pk in newest.items() if np.array_equal(found[pk].values, pairs[index][1].values)
    }


def _checked_delivery(delivery: "Delivery") -> "Checked":
    if delivery.per not in UNITS:
        raise ValidationError({"per": f"per is {delivery.per!r}; allowed: {', '.join(UNITS)}."})
    prices = _checked(delivery.start, delivery.step, delivery.values, UNITS[delivery.per])
    try:
        end = delivery.start + len(prices.values) * delivery.step
    except OverflowError as error:
        raise ValidationError({"start": f"start is {delivery.start}; allowed: a time of this age."}) from error
    seconds = delivery.step // timedelta(seconds=1)
    checked = Checked(delivery.start, end, seconds, prices.values, delivery.source)
    checked.row(None, timezone.now()).clean_fields(exclude={"values", "series"})
    return checked


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
