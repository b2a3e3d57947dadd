"""What sites pay per step: the rows of their tariffs, put together by the tariff engine."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import Prefetch, Q

from assets.engine.errors import TariffError
from assets.engine.tariff import (
    Component,
    Flat,
    Percent,
    Period,
    Price,
    Series,
    Spot,
    SpotPrices,
    TimeOfUse,
    parts_per_step,
    price_per_step,
)
from assets.models import PriceValues, Site, SiteTariff, Tariff, TariffPeriod

ONE_DAY = timedelta(days=1)
Deliveries = Mapping[int, tuple[SpotPrices, ...]]


@dataclass(frozen=True, eq=False)
class Expectation:
    """Prices of a series that stand in where none was received, the newest last, and what they are, fit for JSON."""

    prices: tuple[SpotPrices, ...]
    told: Mapping[str, Any]


# What is expected of series (by id) from a time to a time, as known at a time (None: now).
Expecting = Callable[[Collection[int], datetime, datetime, datetime | None], Mapping[int, Expectation]]


@dataclass(frozen=True, eq=False)
class SitePrices:
    """What a site pays: a price per step by commodity, only of those that it has tariffs for, and per kW of import.

    `expected` says what stands in for prices that were not received yet, and from when on.
    """

    currency: str = "EUR"
    per_step: Mapping[str, Series] = field(default_factory=dict)
    capacity_price_per_kw: float = 0.0
    expected: tuple[Mapping[str, Any], ...] = ()


def spot_prices(
    series: Iterable[int], start: datetime, end: datetime, known_at: datetime | None = None
) -> dict[int, tuple[SpotPrices, ...]]:
    """Return the deliveries of price series that touch a time, oldest receipt first, by the series' id.

    With `known_at`, only what was received until then. One query, whatever the number of series.
    """
    rows = PriceValues.objects.filter(series__in=list(series), start__lt=end, end__gt=start)
    if known_at is not None:
        rows = rows.filter(received_at__lte=known_at)
    found: dict[int, list[SpotPrices]] = defaultdict(list)
    for row in rows.order_by("received_at", "id"):
        found[row.series_id].append(row.spot_prices)
    return {key: tuple(values) for key, values in found.items()}


def components_of(
    tariff: Tariff, deliveries: Deliveries, stored: Iterable[TariffPeriod] | None = None
) -> tuple[Component, ...]:
    """Return the parts of a tariff, energy first, VAT last; parts that cost nothing are left out.

    `stored` are its periods where they are not yet in the database.

    Raises:
        TariffError: where its periods leave an hour of the week without a price, or with two.
    """
    periods: dict[str, list[TariffPeriod]] = defaultdict(list)
    for period in tariff.periods.all() if stored is None else stored:
        periods[period.part].append(period)
    energy: Price
    added = [("margin", tariff.energy_price_per_kwh)]
    if tariff.form == Tariff.Form.TIME_OF_USE:
        energy = _time_of_use(periods[TariffPeriod.Part.ENERGY])
    elif tariff.form == Tariff.Form.DYNAMIC and tariff.price_series is not None:
        energy = Spot(tariff.price_series.name, deliveries.get(tariff.price_series.pk, ()))
    else:
        energy, added = Flat(float(tariff.energy_price_per_kwh)), []
    found = [Component("energy", energy)]
    if fees := periods[TariffPeriod.Part.GRID_FEE]:
        found.append(Component("grid_fee_by_hour", _time_of_use(fees)))
    added += [("grid_fee", tariff.grid_fee_per_kwh)]
    added += [("taxes", tariff.taxes_per_kwh), ("levies", tariff.levies_per_kwh)]
    found += [Component(name, Flat(float(price))) for name, price in added if price]
    if tariff.vat_percent:
        found.append(Component("vat", Percent(float(tariff.vat_percent))))
    return tuple(found)


def tariff_parts(
    tariff: Tariff, starts_utc: Sequence[datetime], step: timedelta, zone: ZoneInfo, known_at: datetime | None = None
) -> Mapping[str, Series]:
    """Return what each part of one tariff adds per step; their sum is the price.

    Raises:
        TariffError: for a time without price, or with two.
    """
    deliveries: Deliveries = {}
    if tariff.price_series_id and starts_utc:
        deliveries = spot_prices([tariff.price_series_id], min(starts_utc), max(starts_utc) + step, known_at)
    return parts_per_step(components_of(tariff, deliveries), starts_utc, step, zone)


def prices_of_sites(
    sites: Iterable[Site],
    starts_utc: Sequence[datetime],
    step: timedelta,
    known_at: datetime | None = None,
    *,
    errors: dict[int, TariffError] | None = None,
    expecting: Expecting | None = None,
) -> dict[int, SitePrices]:
    """Return the prices of each site by its id, also where it has no tariff at all.

    Four queries, whatever the number of sites; sites of one tariff and time zone share one series. With `errors`,
    a site without a price is left out, and what it lacks is put there by its id. `expecting` is asked for series that
    have not received all prices; what was received goes before it.

    Raises:
        TariffError: names the site and the first time without a tariff or a price.
    """
    rows = {site.pk: site for site in sites}
    assigned: dict[int, dict[str, list[SiteTariff]]] = {pk: defaultdict(list) for pk in rows}
    wanted = _assignments(list(rows), starts_utc)
    for assignment in wanted:
        assigned[assignment.site_id][assignment.tariff.commodity].append(assignment)
    series = {each.tariff.price_series_id for each in wanted} - {None}
    deliveries: Deliveries = {}
    expected: Mapping[int, Expectation] = {}
    if series:
        span = (starts_utc[0], starts_utc[-1] + step)
        deliveries = spot_prices([key for key in series if key], *span, known_at)
        expected = _expected([key for key in series if key], deliveries, span, known_at, expecting)
    shared = _Shared(tuple(starts_utc), step, deliveries, expected)
    found: dict[int, SitePrices] = {}
    for pk, site in rows.items():
        try:
            found[pk] = shared.prices(site, assigned[pk])
        except TariffError as error:
            if errors is None:
                raise
            errors[pk] = error
    return found


def _expected(
    series: Iterable[int],
    deliveries: Deliveries,
    span: tuple[datetime, datetime],
    known_at: datetime | None,
    expecting: Expecting | None,
) -> dict[int, Expectation]:
    """Return what is expected of series that have not received all prices of a time, told from when on."""
    reached = {key: _received_until(deliveries.get(key, ()), span[0]) for key in series}
    lacking = [key for key, until in reached.items() if until < span[1]]
    found = expecting(lacking, *span, known_at) if expecting and lacking else {}
    return {
        key: Expectation(each.prices, {"from": reached[key].isoformat(), **each.told}) for key, each in found.items()
    }


def _received_until(received: Iterable[SpotPrices], start: datetime) -> datetime:
    """Return until when prices were received without a gap."""
    for each in sorted(received, key=lambda each: each.start):
        if each.start > start:
            break
        start = max(start, each.start + len(each.values) * each.step)
    return start


def _assignments(sites: list[int], starts_utc: Sequence[datetime]) -> list[SiteTariff]:
    # A day more on both sides, as local days begin up to 14 hours beside UTC's.
    first, last = starts_utc[0].date() - ONE_DAY, starts_utc[-1].date() + ONE_DAY
    still = Q(valid_to__isnull=True) | Q(valid_to__gte=first)
    found = SiteTariff.objects.filter(still, site__in=sites, valid_from__lte=last)
    # Sites of one tariff share its object, so that its periods are looked up once.
    tariffs = Prefetch("tariff", Tariff.objects.select_related("price_series").prefetch_related("periods"))
    return list(found.prefetch_related(tariffs).order_by("valid_from"))


def _time_of_use(periods: Iterable[TariffPeriod]) -> TimeOfUse:
    return TimeOfUse(
        tuple(
            Period(each.start, each.end, float(each.price_per_kwh), tuple(int(day) for day in each.weekdays))
            for each in periods
        )
    )


class _Shared:
    """The steps of one question, and the series that were already computed for it."""

    def __init__(
        self,
        starts: tuple[datetime, ...],
        step: timedelta,
        deliveries: Deliveries,
        expected: Mapping[int, Expectation],
    ) -> None:
        self._starts, self._step, self._expected = starts, step, expected
        stand_in = {key: (*each.prices, *deliveries.get(key, ())) for key, each in expected.items()}
        self._deliveries = {**deliveries, **stand_in}
        self._series: dict[tuple[int, str], Series] = {}
        self._days: dict[str, list[date]] = {}

    def prices(self, site: Site, assigned: Mapping[str, list[SiteTariff]]) -> SitePrices:
        currencies = {each.tariff.currency for found in assigned.values() for each in found}
        if len(currencies) > 1:
            raise TariffError(f"{site.slug}.tariffs", f"in {', '.join(sorted(currencies))}", "one currency per site")
        per_step = {commodity: self._of_site(site, found) for commodity, found in assigned.items()}
        capacity = [float(each.tariff.capacity_price_per_kw) for each in assigned.get(Tariff.Commodity.IMPORT, ())]
        series = {each.tariff.price_series_id for found in assigned.values() for each in found}
        vat = [1 + float(each.tariff.vat_percent) / 100 for each in assigned.get(Tariff.Commodity.IMPORT, ())]
        return SitePrices(
            currency=next(iter(currencies), "EUR"),
            per_step={commodity: series for commodity, series in per_step.items() if series is not None},
            capacity_price_per_kw=max((price * tax for price, tax in zip(capacity, vat, strict=True)), default=0.0),
            expected=tuple(each.told for key, each in sorted(self._expected.items()) if key in series),
        )

    def _of_site(self, site: Site, assigned: list[SiteTariff]) -> Series | None:
        """Return the price per step from the tariff of each local day; None where no day has a tariff."""
        days = self._local_days(site)
        of_day = {day: next((each for each in assigned if _holds(each, day)), None) for day in set(days)}
        tariffs = [of_day[day] for day in days]
        if not any(tariffs):
            return None
        price = np.empty(len(days))
        for index, found in enumerate(tariffs):
            if found is None:
                name = f"{site.slug}.tariffs"
                commodity = assigned[0].tariff.commodity
                raise TariffError(name, f"without one for {commodity} on {days[index]}", "a tariff for every day")
        for assignment in {each.pk: each for each in tariffs if each}.values():
            mask = np.array([each is not None and each.pk == assignment.pk for each in tariffs])
            price[mask] = self._of_tariff(assignment.tariff, site, mask)
        return price

    def _of_tariff(self, tariff: Tariff, site: Site, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Series:
        key = (tariff.pk, f"{site.time_zone} {mask.tobytes().hex()}")
        if key not in self._series:
            starts = [start for start, wanted in zip(self._starts, mask, strict=True) if wanted]
            try:
                components = components_of(tariff, self._deliveries)
                self._series[key] = price_per_step(components, starts, self._step, site.zone)
            except TariffError as error:
                raise TariffError(f"{tariff.name}.{error.field}", error.value, error.allowed) from error
        return self._series[key]

    def _local_days(self, site: Site) -> list[date]:
        if site.time_zone not in self._days:
            zone = site.zone
            self._days[site.time_zone] = [start.astimezone(zone).date() for start in self._starts]
        return self._days[site.time_zone]


def _holds(assignment: SiteTariff, day: date) -> bool:
    """Return whether both the assignment and its tariff are valid on a local day."""
    return all(
        each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)
        for each in (assignment, assignment.tariff)
    )
