"""What a delivered forecast must be like."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.engine.grid import Series
from forecasting.models import LEVELS
from telemetry.quantities import Quantity
from telemetry.services import Reference

CONSUMPTION, PRODUCTION = "consumption", "production"
SIGNS = (CONSUMPTION, PRODUCTION)
HOUR = timedelta(hours=1)
MOST_STEPS = 12_000
CLOCKS_DIFFER = timedelta(minutes=5)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Numbers = Sequence[float] | npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A forecast as somebody sends it: one value per step, and quantiles by level (0.1 to 0.9) where there are any.

    `unit` (default: the quantity's own) and `sign` (what values above zero are: consumption or production) are those
    of the given numbers. Without `known_until`, nothing is said but that it is not later than `issued_at`.
    """

    channel: Reference
    issued_at: datetime
    start: datetime
    step: timedelta
    values: Numbers
    quantiles: Mapping[Any, Numbers] | None = None
    unit: str = ""
    sign: str = CONSUMPTION
    known_until: datetime | None = None
    source: str
    model: str = ""
    version: str = ""
    scores: Mapping[str, float] | None = None

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.start + len(self.values) * self.step


@dataclass(frozen=True, eq=False)
class Values:
    """The checked values as they are stored: in the quantity's unit, consumption above zero, one row per quantile."""

    mean: Series
    quantiles: Series | None


class FieldErrors(Exception):  # noqa: N818
    """What is wrong, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = dict(errors)


def checked_values(delivery: Delivery, quantity: Quantity, now: datetime) -> Values:
    """Return the values of a delivery as they are stored.

    Raises:
        FieldErrors: names every field that is wrong, its value and what is allowed.
    """
    errors = dict(_of_times(delivery, now)) | dict(_of_words(delivery, quantity))
    if errors:
        raise FieldErrors(errors)
    factor = quantity.units[delivery.unit or quantity.unit] * (-1 if delivery.sign == PRODUCTION else 1)
    mean = _series("values", delivery.values, factor, quantity)
    if not delivery.quantiles:
        return Values(mean, None)
    return Values(mean, _quantiles(delivery.quantiles, len(mean), factor, quantity))


def wrong_steps(series: Series, quantity: Quantity) -> list[int]:
    """Return the steps whose stored value would be no number, or none that the quantity can have."""
    wrong = ~np.isfinite(series) | (series < quantity.lowest) | (series > quantity.highest)
    found: list[int] = np.flatnonzero(wrong).tolist()
    return found


def _of_times(delivery: Delivery, now: datetime) -> Iterator[tuple[str, str]]:
    times = {"issued_at": delivery.issued_at, "start": delivery.start, "known_until": delivery.known_until}
    wrong = dict(_impossible(times))
    yield from wrong.items()
    step = delivery.step
    whole = step >= timedelta(seconds=1) and not step % timedelta(seconds=1) and not HOUR % step
    if not whole:
        yield "step", f"step is {step.total_seconds():g} s; allowed: whole seconds that divide the hour."
    if wrong:
        return
    if delivery.issued_at > now + CLOCKS_DIFFER:
        yield "issued_at", f"issued_at is {delivery.issued_at.isoformat()}; allowed: not later than now."
    if delivery.known_until is not None and delivery.known_until > delivery.issued_at:
        yield "known_until", f"known_until is {delivery.known_until.isoformat()}; allowed: not later than issued_at."
    if whole and (delivery.start - EPOCH) % step:
        yield "start", f"start is {delivery.start.isoformat()}; allowed: a whole multiple of the step."


def _impossible(times: Mapping[str, datetime | None]) -> Iterator[tuple[str, str]]:
    for name, moment in times.items():
        if moment is None:
            continue
        if moment.tzinfo is None:
            yield name, f"{name} is {moment.isoformat()}; allowed: a time with a time zone."
        elif not EARLIEST <= moment <= LATEST:
            yield name, f"{name} is {moment.isoformat()}; allowed: {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}."


def _of_words(delivery: Delivery, quantity: Quantity) -> Iterator[tuple[str, str]]:
    if delivery.unit and delivery.unit not in quantity.units:
        yield "unit", f"unit is {delivery.unit!r}; allowed: {', '.join(quantity.units)}."
    if delivery.sign not in SIGNS:
        yield "sign", f"sign is {delivery.sign!r}; allowed: {', '.join(SIGNS)}."
    elif delivery.sign == PRODUCTION and not quantity.directed:
        yield "sign", f"sign is {PRODUCTION}; allowed for {quantity.name}: {CONSUMPTION}, as it has no direction."
    try:
        count = len(delivery.values)
    except TypeError:
        return
    if not 1 <= count <= MOST_STEPS:
        yield "values", f"values has {count} numbers; allowed: 1 to {MOST_STEPS}."


def _series(field: str, given: Numbers, factor: float, quantity: Quantity) -> Series:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise FieldErrors({field: f"{field} is no list of numbers; allowed: one number per step."}) from error
    if array.ndim != 1:
        raise FieldErrors({field: f"{field} is no list of numbers; allowed: one number per step."})
    series = array * factor + 0.0
    for index in wrong_steps(series, quantity):
        message = f"{field}[{index}] is {array[index]:g}; allowed: {quantity.allowed(factor)}."
        raise FieldErrors({field: message})
    return series


def _quantiles(given: Mapping[Any, Numbers], count: int, factor: float, quantity: Quantity) -> Series:
    table = np.full((len(LEVELS), count), np.nan)
    for name, numbers in given.items():
        field = f"quantiles.{name}"
        level = _level(name)
        if level is None:
            raise FieldErrors({field: f"the quantile is {name!r}; allowed: 0.1, 0.2 .. 0.9."})
        row = _series(field, numbers, factor, quantity)
        if len(row) != count:
            raise FieldErrors({field: f"{field} has {len(row)} numbers; allowed: {count}, as many as values."})
        # What is a low production for its sender is a high (less negative) power here.
        table[LEVELS.index(level) if factor > 0 else len(LEVELS) - 1 - LEVELS.index(level)] = row
    _require_order(table)
    return table


def _require_order(table: Series) -> None:
    present = [index for index in range(len(LEVELS)) if not np.isnan(table[index, 0])]
    for lower, higher in pairwise(present):
        crossing = table[lower] > table[higher]
        if crossing.any():
            step = int(np.argmax(crossing))
            names = f"{LEVELS[lower]} and {LEVELS[higher]}"
            raise FieldErrors({"quantiles": f"quantiles {names} cross at step {step}; allowed: in order."})


def _level(name: Any) -> float | None:
    try:
        level = float(name)
    except (TypeError, ValueError):
        return None
    return next((each for each in LEVELS if abs(each - level) < 1e-9), None)
