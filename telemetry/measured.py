"""What was measured at a site, beside what was planned for it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from assets.models import Site
from telemetry.models import Channel, Rollup
from telemetry.models.channel import QUARTER_HOUR_SECONDS

Series = npt.NDArray[np.float64]
SHOWN = ("grid_power_kw", "power_kw", "heat_kw", "soc_percent")


def means_of_site(
    site: Site, start: datetime, step_seconds: int, count: int, quantities: Collection[str] = SHOWN
) -> Mapping[str, Mapping[str, Series]]:
    """Return the mean of each step by device name ("" for the site) and quantity; NaN where nothing was measured.

    From the quarter-hour roll-ups, by two queries for any number of devices; a shorter step has that of its
    quarter-hour.
    """
    columns = ("id", "asset__name", "quantity")
    channels = Channel.objects.filter(site=site, quantity__in=quantities, last_at__gte=start).values_list(*columns)
    owner = {pk: (device or "", quantity) for pk, device, quantity in channels}
    if not owner:
        return {}
    end = start + timedelta(seconds=step_seconds * count)
    quarters = -(-count * step_seconds // QUARTER_HOUR_SECONDS)
    sums = {pk: np.zeros((2, quarters)) for pk in owner}
    rows = Rollup.objects.filter(channel__in=list(owner), start__gte=start, start__lt=end)
    for pk, moment, number, total in rows.values_list("channel_id", "start", "count", "total"):
        sums[pk][:, int((moment - start).total_seconds()) // QUARTER_HOUR_SECONDS] += number, total
    found: dict[str, dict[str, Series]] = {}
    for pk, (numbers, totals) in sums.items():
        if numbers.any():
            device, quantity = owner[pk]
            found.setdefault(device, {})[quantity] = _in_steps(numbers, totals, step_seconds, count)
    return found


def _in_steps(numbers: Series, totals: Series, step_seconds: int, count: int) -> Series:
    """Return the means of quarter-hours in steps of another length."""
    if step_seconds > QUARTER_HOUR_SECONDS:
        whole = step_seconds // QUARTER_HOUR_SECONDS
        numbers, totals = (np.add.reduceat(each, np.arange(0, len(each), whole)) for each in (numbers, totals))
    mean = np.divide(totals, numbers, out=np.full(len(numbers), np.nan), where=numbers > 0)
    if step_seconds < QUARTER_HOUR_SECONDS:
        mean = np.repeat(mean, QUARTER_HOUR_SECONDS // step_seconds)
    return mean[:count]
