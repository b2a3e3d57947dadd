"""Import of a site's readings from a file: all of it or nothing, with what is wrong in each cell."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assets.models import Site
from telemetry.batches import ReadingBatch
from telemetry.columns import CHANNEL
from telemetry.engine.native import LARGEST_NUMBER, wrong_time
from telemetry.engine.topics import SITE
from telemetry.models import Channel
from telemetry.models.moments import microseconds
from telemetry.quantities import QUANTITIES, Quantity
from telemetry.series_files import FIRST_LINE, TIME, FileProblem, Lines, Wrong, read_lines
from telemetry.services.channels import ensure_channels
from telemetry.services.deliveries import CONSUMPTION, PRODUCTION
from telemetry.services.readings import Stored, store_readings
from telemetry.services.references import Reference

ALLOWED = "<device>.<quantity> or site.<quantity>"
PREFIX = "columns"
MOST_SHOWN = 200
NOTHING = Stored(0, 0, 0)


@dataclass(frozen=True)
class ReadingImport:
    """What an import does, by column, or what is wrong; `done` only where it was not just a preview."""

    columns: tuple[str, ...]
    lines: Lines | None
    stored: Stored
    wrong: tuple[Wrong, ...]
    done: bool

    @property
    def shown(self) -> tuple[Wrong, ...]:
        """The first things that are wrong."""
        return self.wrong[:MOST_SHOWN]

    @property
    def unshown(self) -> int:
        """How many more there are."""
        return max(len(self.wrong) - MOST_SHOWN, 0)


def import_readings(*, site: Site, data: bytes | str, sign: str = CONSUMPTION, preview: bool = False) -> ReadingImport:
    """Store the readings of a file, or say what is wrong with it; with `preview` nothing is stored.

    `sign` says what directed values above zero are in the file. An empty cell is no reading.
    """
    try:
        lines = read_lines(data, site.zone, gaps=True)
        references = _references(site, lines)
        _check(lines, references, sign)
    except FileProblem as problem:
        return ReadingImport((), None, NOTHING, problem.found, done=False)
    names = tuple(lines.columns)
    try:
        stored = _receive(site, lines, list(references.values()), sign, preview=preview)
    except ValidationError as error:
        return ReadingImport(names, lines, NOTHING, tuple(_explained(error, names)), done=False)
    return ReadingImport(names, lines, stored, (), done=not preview)


@transaction.atomic
def _receive(site: Site, lines: Lines, references: list[Reference], sign: str, *, preview: bool) -> Stored:
    channels = ensure_channels(organization=site.organization, references=references, prefix=PREFIX)
    stored = store_readings(batch=_batch(lines, channels, sign))
    if preview:
        transaction.set_rollback(True)
    return stored


def _references(site: Site, lines: Lines) -> dict[str, Reference]:
    found: dict[str, Reference] = {}
    wrong: list[Wrong] = []
    for name in lines.columns:
        parts = CHANNEL.fullmatch(name)
        if parts is None:
            wrong.append(Wrong(1, name, f"The heading is {name[:80]!r}; allowed: {ALLOWED}."))
            continue
        device = None if parts["device"] == SITE else parts["device"]
        found[name] = Reference(site=site.pk, asset=device, quantity=parts["quantity"])
    if wrong:
        raise FileProblem(wrong)
    return found


def _check(lines: Lines, references: dict[str, Reference], sign: str) -> None:
    """Refuse times and values that no reading has, each at its cell.

    Raises:
        FileProblem: for all of them.
    """
    wrong = list(_wrong_times(lines))
    for name, reference in references.items():
        quantity = QUANTITIES.get(reference.quantity)
        if quantity is not None:
            wrong += _wrong_values(name, lines, quantity, _factor(quantity, sign))
    if wrong:
        raise FileProblem(sorted(wrong, key=lambda each: each.line))


def _wrong_times(lines: Lines) -> Iterator[Wrong]:
    now_us = microseconds(timezone.now())
    for number, moment in enumerate(lines.moments, FIRST_LINE):
        if problem := wrong_time(microseconds(moment), now_us):
            yield Wrong(number, TIME, problem.replace("ts is", "The time is", 1))


def _wrong_values(name: str, lines: Lines, quantity: Quantity, factor: float) -> Iterator[Wrong]:
    values = lines.columns[name] * factor
    outside = (values < quantity.lowest) | (values > quantity.highest) | (np.abs(values) > LARGEST_NUMBER)
    for index in np.flatnonzero(outside).tolist():
        given = lines.columns[name][index]
        yield Wrong(index + FIRST_LINE, name, f"{given:g}; allowed: {quantity.allowed(factor)}.")


def _factor(quantity: Quantity, sign: str) -> float:
    """Return the file's sign for what it can make sense for: power and heat, but no demand."""
    return -1.0 if sign == PRODUCTION and quantity.directed and quantity.lowest < 0 else 1.0


def _batch(lines: Lines, channels: list[Channel], sign: str) -> ReadingBatch:
    times = np.array([microseconds(moment) for moment in lines.moments], dtype=np.int64)
    parts = []
    for channel, series in zip(channels, lines.columns.values(), strict=True):
        there = ~np.isnan(series)
        count = int(there.sum())
        # Adding zero turns the -0.0 of a turned zero into 0.0.
        values = series[there] * _factor(QUANTITIES[channel.quantity], sign) + 0.0
        parts.append((np.full(count, channel.pk, dtype=np.int64), times[there], values))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    received = np.full(len(columns[0]), microseconds(timezone.now()), dtype=np.int64)
    return ReadingBatch(columns[0], columns[1], columns[2], received)


def _explained(error: ValidationError, names: tuple[str, ...]) -> Iterator[Wrong]:
    for field, messages in error.message_dict.items():
        index = field.removeprefix(f"{PREFIX}[").partition("]")[0]
        yield from (Wrong(1, names[int(index)], message) for message in messages)
