"""Reads of what is expected of price series."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from assets.engine.tariff import SpotPrices
from assets.models import PriceSeries, Tariff
from assets.tariffs import Expectation
from flexplatform.accounts.models import Organization
from forecasting.models import PriceForecast
from forecasting.services.own_channels import OWN

# Older ones expected too long ago to plan with.
ISSUED_WITHIN = timedelta(days=7)


def wanted_series(organization: Organization) -> "QuerySet[PriceSeries]":
    """Return the price series that plans need: those that a dynamic tariff refers to."""
    tariffs = Tariff.objects.filter(organization=organization, form=Tariff.Form.DYNAMIC)
    return PriceSeries.objects.filter(organization=organization, pk__in=tariffs.values("price_series"))


def listed_series(organization: Organization) -> "QuerySet[PriceSeries]":
    """Return the series that plans need, with `issued_at`, `start`, `end` and `model` of their newest forecast."""
    newest = PriceForecast.objects.filter(series=OuterRef("pk")).order_by("-issued_at", "-id")
    names = ("issued_at", "start", "end", "model")
    found = {name: Subquery(newest.values(name)[:1]) for name in names}
    return wanted_series(organization).annotate(**found).order_by("name")


def expected_prices(
    series: Collection[int], start: datetime, end: datetime, known_at: datetime | None = None
) -> dict[int, Expectation]:
    """Return what was expected of price series by their id, as known at a time (None: now); one query."""
    moment = known_at or timezone.now()
    rows = PriceForecast.objects.filter(
        series__in=list(series),
        issued_at__lte=moment,
        issued_at__gt=moment - ISSUED_WITHIN,
        start__lt=end,
        end__gt=start,
    )
    found: dict[int, list[PriceForecast]] = defaultdict(list)
    for row in rows.select_related("series").defer("quantiles").order_by("issued_at", "id"):
        found[row.series_id].append(row)
    return {key: _expectation(own) for key, own in found.items()}


def _expectation(rows: list[PriceForecast]) -> Expectation:
    newest = rows[-1]
    told = {
        "series": newest.series.name,
        "by": OWN,
        "model": newest.model,
        "issued_at": newest.issued_at.isoformat(),
        "forecast": newest.pk,
    }
    prices = (SpotPrices(row.start, timedelta(seconds=row.step_seconds), np.asarray(row.mean)) for row in rows)
    return Expectation(tuple(prices), told)
