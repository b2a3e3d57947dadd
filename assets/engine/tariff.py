"""Prices per step from the parts of a tariff: flat, by the local clock, or from spot prices; then percentages on top.

Every step gets one price: the mean over the time that it covers. The clock is the local one, so a day of 23 or 25
hours has 92 or 100 quarter-hours and the hour that comes twice costs the same twice.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from assets.engine.errors import TariffError

Series: TypeAlias = npt.NDArray[np.float64]

HOUR = timedelta(hours=1)
MINUTE_SECONDS = 60
DAY_MINUTES = 24 * 60
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY = tuple(range(len(WEEKDAYS)))
ONE_PRICE = "one price for every hour of the week"


@dataclass(frozen=True)
class Steps:
    """The steps that prices are asked for: their starts in UTC, their common length, and the local clock.

    Raises:
        TariffError: for a start without time zone, or a step that is not whole seconds or does not divide the hour.
    """

    starts: tuple[datetime, ...]
    step: timedelta
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.step <= timedelta(0) or HOUR % self.step or self.step % timedelta(seconds=1):
            raise TariffError("step", self.step, "whole seconds that divide the hour, such as 15 minutes")
        for start in self.starts:
            if start.tzinfo is None:
                raise TariffError("starts", start.isoformat(), "times with a time zone")

    @property
    def seconds(self) -> int:
        """Length of a step in seconds."""
        return int(self.step.total_seconds())


class Price(Protocol):
    """A price per kWh (of fuel: per litre)."""

    def per_step(self, steps: Steps) -> Series:
        """Return the mean price of each step."""


@dataclass(frozen=True)
class Flat:
    """The same price at any time."""

    price: float

    def __post_init__(self) -> None:
        _require_finite("price", self.price)

    def per_step(self, steps: Steps) -> Series:
        """Return the price once per step."""
        return np.full(len(steps.starts), self.price, dtype=np.float64)


@dataclass(frozen=True)
class Period:
    """A price from `start` to `end` of the local clock on some weekdays (Monday is 0).

    An end at or before the start lies on the next day, so 00:00 to 00:00 is the whole day.
    """

    start: time
    end: time
    price: float
    weekdays: tuple[int, ...] = EVERY_DAY

    def __post_init__(self) -> None:
        _require_finite("price", self.price)
        for name in ("start", "end"):
            moment: time = getattr(self, name)
            if moment.second or moment.microsecond:
                raise TariffError(name, moment.isoformat(), "a whole minute")
        if not self.weekdays or set(self.weekdays) - set(EVERY_DAY):
            raise TariffError("weekdays", list(self.weekdays), "at least one of 0 (Monday) to 6 (Sunday)")

    def minutes(self) -> list[int]:
        """Return the minutes of the week that the period covers."""
        first, end = _minute(self.start), _minute(self.end)
        length = (end - first) % DAY_MINUTES or DAY_MINUTES
        week = DAY_MINUTES * len(WEEKDAYS)
        return [
            (day * DAY_MINUTES + first + minute) % week
            for day in sorted(set(self.weekdays))
            for minute in range(length)
        ]


@dataclass(frozen=True)
class TimeOfUse:
    """Prices by weekday and local time.

    Raises:
        TariffError: names the first minute of the week without a price, or with two.
    """

    periods: tuple[Period, ...]
    _week: Series = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        week = np.full(DAY_MINUTES * len(WEEKDAYS), np.nan)
        for period in self.periods:
            minutes = period.minutes()
            taken = ~np.isnan(week[minutes])
            if taken.any():
                raise TariffError("periods", f"two prices on {_named(minutes[int(np.argmax(taken))])}", ONE_PRICE)
            week[minutes] = period.price
        if np.isnan(week).any():
            raise TariffError("periods", f"no price on {_named(int(np.argmax(np.isnan(week))))}", ONE_PRICE)
        object.__setattr__(self, "_week", week)

    def per_step(self, steps: Steps) -> Series:
        """Return the price by the local clock, its mean where a step spans a change of price."""
        local = [start.astimezone(steps.zone) for start in steps.starts]
        offsets = {moment.minute * MINUTE_SECONDS + moment.second for moment in local}
        changes = (np.flatnonzero(np.diff(self._week)) + 1) * MINUTE_SECONDS
        part = math.gcd(steps.seconds, int(HOUR.total_seconds()), *offsets, *(int(change) for change in changes))
        moments = [
            (start + timedelta(seconds=offset)).astimezone(steps.zone)
            for start in (each.astimezone(UTC) for each in steps.starts)
            for offset in range(0, steps.seconds, part)
        ]
        minutes = [moment.weekday() * DAY_MINUTES + moment.hour * 60 + moment.minute for moment in moments]
        return _mean_of_parts(self._week[minutes], len(steps.starts))


@dataclass(frozen=True, eq=False)
class SpotPrices:
    """Prices as they were received: one value per step of their own, from `start`."""

    start: datetime
    step: timedelta
    values: Series

    def __post_init__(self) -> None:
        Steps((self.start,), self.step, ZoneInfo("UTC"))
        values = np.array(self.values, dtype=np.float64).reshape(-1)
        if not np.isfinite(values).all():
            raise TariffError("values", "a value that is no number", "finite numbers")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, eq=False)
class Spot:
    """Prices from a price series; `received` is in the order of receipt, and what came later replaces.

    Raises:
        TariffError: (when asked for steps) names the first moment without a price.
    """

    name: str
    received: tuple[SpotPrices, ...]

    def per_step(self, steps: Steps) -> Series:
        """Return the mean of the spot prices that each step covers."""
        if not steps.starts:
            return np.zeros(0)
        first = min(steps.starts)
        offsets = [_seconds(start - first) for start in steps.starts]
        shifts = [_seconds(prices.start - first) for prices in self.received]
        lengths = [_seconds(prices.step) for prices in self.received]
        part = math.gcd(steps.seconds, *offsets, *shifts, *lengths)
        known = np.full((max(offsets) + steps.seconds) // part, np.nan)
        for prices, shift, length in zip(self.received, shifts, lengths, strict=True):
            fine = np.repeat(prices.values, length // part)
            begin = shift // part
            low, high = max(begin, 0), min(begin + len(fine), len(known))
            if low < high:
                known[low:high] = fine[low - begin : high - begin]
        parts = np.arange(steps.seconds // part)
        found = known[(np.array(offsets)[:, None] // part + parts[None, :]).reshape(-1)]
        if np.isnan(found).any():
            index = int(np.argmax(np.isnan(found)))
            moment = steps.starts[index // len(parts)] + timedelta(seconds=part * (index % len(parts)))
            local = moment.astimezone(steps.zone)
            raise TariffError(self.name, f"without a price at {local:%Y-%m-%d %H:%M %Z}", "one price for every step")
        return _mean_of_parts(found, len(steps.starts))


@dataclass(frozen=True)
class Percent:
    """A share of everything that comes before it, such as value added tax."""

    percent: float

    def __post_init__(self) -> None:
        _require_finite("percent", self.percent)


@dataclass(frozen=True)
class Component:
    """A named part of a price."""

    name: str
    price: Price | Percent


def parts_per_step(
    components: Sequence[Component], starts_utc: Sequence[datetime], step: timedelta, zone: ZoneInfo
) -> Mapping[str, Series]:
    """Return what each component adds to the price of each step, by the component's name.

    Raises:
        TariffError: names the component's field that gives no price or two, or a name that comes twice.
    """
    steps = Steps(tuple(starts_utc), step, zone)
    parts: dict[str, Series] = {}
    total = np.zeros(len(steps.starts))
    for component in components:
        if component.name in parts:
            raise TariffError("components", f"two named {component.name}", "a name of its own for each component")
        price = component.price
        part = total * (price.percent / 100) if isinstance(price, Percent) else price.per_step(steps)
        parts[component.name] = part
        total = total + part
    return parts


def price_per_step(
    components: Sequence[Component], starts_utc: Sequence[datetime], step: timedelta, zone: ZoneInfo
) -> Series:
    """Return the price of each step, the sum of its components.

    Raises:
        TariffError: as `parts_per_step`.
    """
    total = np.zeros(len(starts_utc))
    for part in parts_per_step(components, starts_utc, step, zone).values():
        total = total + part
    return total


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _named(minute: int) -> str:
    day, rest = divmod(minute, DAY_MINUTES)
    return f"{WEEKDAYS[day]} at {rest // 60:02d}:{rest % 60:02d}"


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)


def _mean_of_parts(values: Series, count: int) -> Series:
    parts = values.reshape(count, -1) if count else values.reshape(0, 1)
    # A mean of equal values may differ from them in the last digit.
    return np.where(np.ptp(parts, axis=1) == 0, parts[:, 0], parts.mean(axis=1)) if count else np.zeros(0)


def _require_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise TariffError(name, value, "a finite number")
