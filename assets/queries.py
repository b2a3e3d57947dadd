"""Reads of sites, devices and prices."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet

from assets.models import KINDS, Asset, ElectricVehicle, PriceSeries, Site
from assets.tariffs import spot_prices

HOUR_SECONDS = 3600
MOST_VALUES = 100_000


def devices_by_site(sites: Iterable[Site]) -> dict[int, list[Asset]]:
    """Return the devices of each site by its id, each as a row of its own kind.

    One query per device kind, and one for the stays of vehicles, whatever the number of sites.
    """
    found: dict[int, list[Asset]] = {site.pk: [] for site in sites}
    for model in KINDS.values():
        rows: QuerySet[Any] = model.objects.filter(site__in=list(found)).order_by("name")
        for device in rows.prefetch_related("stays") if model is ElectricVehicle else rows:
            found[device.site_id].append(device)
    return found


def kinds_by_name(site: Site) -> dict[str, str]:
    """Return the kind of each device of a site by its name."""
    return dict(Asset.objects.filter(site=site).values_list("name", "kind"))


def device_label(name: str, kinds: Mapping[str, str]) -> str:
    """Return how people call a device: by its kind, and by its name too where the site has several of the kind."""
    kind = kinds.get(name)
    if kind not in KINDS:
        return name
    label = str(KINDS[kind].LABEL)
    return label if list(kinds.values()).count(kind) == 1 else f"{label} ({name})"


def market_day(day: date, step: timedelta, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the starts of the steps of a local day, in UTC: 92, 96 or 100 quarter-hours."""
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return tuple(start + index * step for index in range((end - start) // step))


def known_prices(
    series: PriceSeries, start: datetime, end: datetime, known_at: datetime | None = None
) -> tuple[timedelta, npt.NDArray[np.float64]]:
    """Return the prices per kWh from `start` to `end` as they were known, NaN where none was received, and their step.

    The step is the longest that holds every price as it was delivered; an hour where there is none.

    Raises:
        ValueError: where that would be more than `MOST_VALUES`.
    """
    received = spot_prices([series.pk], start, end, known_at).get(series.pk, ())
    second = timedelta(seconds=1)
    lengths = [each.step // second for each in received]
    step = math.gcd(*lengths, *((each.start - start) // second for each in received), (end - start) // second)
    step = step if received else math.gcd(HOUR_SECONDS, step)
    count = (end - start) // second // step
    if count > MOST_VALUES:
        raise ValueError(f"{count} values")
    found = np.full(count, np.nan)
    for each, length in zip(received, lengths, strict=True):
        parts, begin = length // step, (each.start - start) // second // step
        low, high = max(begin, 0), min(begin + len(each.values) * parts, count)
        found[low:high] = each.values[(np.arange(low, high) - begin) // parts]
    return step * second, found
