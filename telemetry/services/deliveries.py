"""Readings that are sent as series: of many channels at once, all of them or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from flexplatform.accounts.models import Organization
from telemetry.batches import ReadingBatch, Values
from telemetry.engine.native import LARGEST_NUMBER, wrong_time
from telemetry.models import Channel
from telemetry.models.moments import MICROSECOND, microseconds
from telemetry.quantities import QUANTITIES, Quantity
from telemetry.services.channels import ensure_channels
from telemetry.services.readings import Stored, store_readings
from telemetry.services.references import Reference

PREFIX = "readings"
CONSUMPTION, PRODUCTION = "consumption", "production"
SIGNS = (CONSUMPTION, PRODUCTION)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadingSeries:
    """Readings of a channel in equal steps; a value belongs to the time at which its step begins.

    `unit` empty means the quantity's own; `sign` says what directed values above zero are.
    """

    channel: Reference
    start: datetime
    step: timedelta
    values: Values
    unit: str = ""
    sign: str = CONSUMPTION


@dataclass(frozen=True)
class Received:
    """The channels of the series, in order, and how many readings were new or known."""

    channels: tuple[Channel, ...]
    stored: Stored


@transaction.atomic
def receive_readings(*, organization: Organization, series: Sequence[ReadingSeries], prefix: str = PREFIX) -> Received:
    """Store series of readings of an organization; channels that do not exist yet are made.

    Raises:
        ValidationError: by `<prefix>[i].<field>`, for everything that is wrong; then nothing is stored.
    """
    now_us = microseconds(timezone.now())
    channels = ensure_channels(organization=organization, references=[each.channel for each in series], prefix=prefix)
    errors: dict[str, str] = {}
    parts: list[ReadingBatch] = []
    for index, (each, channel) in enumerate(zip(series, channels, strict=True)):
        problem = _problem(each, QUANTITIES[channel.quantity], now_us)
        if problem is not None:
            errors[f"{prefix}[{index}].{problem[0]}"] = problem[1]
        elif not errors:
            parts.append(_batch(each, channel, now_us))
    if errors:
        raise ValidationError(errors)
    columns = ("channels", "times_us", "values", "received_us")
    batch = ReadingBatch(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))
    return Received(tuple(channels), store_readings(batch=batch))


def _problem(series: ReadingSeries, quantity: Quantity, now_us: int) -> tuple[str, str] | None:
    """Return the first field that is wrong, and why."""
    if series.unit and series.unit not in quantity.units:
        return "unit", f"unit is {series.unit}; allowed for {quantity.name}: {', '.join(quantity.units)}."
    if series.sign == PRODUCTION and not quantity.directed:
        return "sign", f"sign is {PRODUCTION}; {quantity.name} has no direction; allowed: {CONSUMPTION}."
    factor = _factor(series, quantity)
    converted = series.values * factor
    fits = np.abs(converted) <= LARGEST_NUMBER
    fits &= (converted >= quantity.lowest) & (converted <= quantity.highest)
    if not fits.all():
        index = int(np.flatnonzero(~fits)[0])
        return "values", f"values[{index}] is {series.values[index]:g}; allowed: {quantity.allowed(factor)}."
    first_us = microseconds(series.start)
    last_us = first_us + (len(series.values) - 1) * (series.step // MICROSECOND)
    if problem := wrong_time(first_us, now_us):
        return "start", problem.replace("ts is", "the first time is", 1)
    if problem := wrong_time(last_us, now_us):
        return "start", problem.replace("ts is", "the last time is", 1)
    return None


def _factor(series: ReadingSeries, quantity: Quantity) -> float:
    factor = quantity.units[series.unit] if series.unit else 1.0
    return -factor if series.sign == PRODUCTION else factor


def _batch(series: ReadingSeries, channel: Channel, now_us: int) -> ReadingBatch:
    count = len(series.values)
    times = microseconds(series.start) + np.arange(count, dtype=np.int64) * (series.step // MICROSECOND)
    # Adding zero turns the -0.0 of a converted zero into 0.0.
    values = series.values * _factor(series, QUANTITIES[channel.quantity]) + 0.0
    same = np.full(count, channel.pk, dtype=np.int64)
    return ReadingBatch(same, times, values, np.full(count, now_us, dtype=np.int64))
