"""Import of a site's forecasts from a file: all of it or nothing, with what is wrong in each line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from assets.models import Site
from forecasting.columns import Column, column_of, grouped
from forecasting.csv_files import FIRST_LINE, FileProblem, Table, Wrong, read
from forecasting.engine.grid import Grid
from forecasting.models import ForecastRun
from forecasting.services.checks import CONSUMPTION, PRODUCTION, Delivery, wrong_steps
from forecasting.services.deliveries import PREFIX, receive_forecasts
from telemetry.quantities import QUANTITIES

MOST_SHOWN = 200


@dataclass(frozen=True)
class Import:
    """What an import does: its forecasts by column, or what is wrong; `done` only where it was not just a preview."""

    columns: tuple[str, ...]
    grid: Grid | None
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


def import_forecasts(
    *,
    site: Site,
    data: bytes | str,
    issued_at: datetime,
    source: str,
    sign: str = CONSUMPTION,
    preview: bool = False,
) -> Import:
    """Store the forecasts of a file, or say what is wrong with it; with `preview` nothing is stored.

    `sign` says what directed values above zero are in the file: consumption or production.
    """
    try:
        table = read(data, site.zone)
        deliveries = list(_deliveries(site, table, issued_at, source, sign))
    except FileProblem as problem:
        return Import((), None, problem.found, done=False)
    names = tuple(name for name, _ in deliveries)
    try:
        _receive(site, [delivery for _, delivery in deliveries], preview=preview)
    except ValidationError as error:
        return Import(names, table.grid, tuple(_explained(error, names)), done=False)
    return Import(names, table.grid, (), done=not preview)


@transaction.atomic
def _receive(site: Site, deliveries: list[Delivery], *, preview: bool) -> list[ForecastRun]:
    runs = receive_forecasts(organization=site.organization, deliveries=deliveries)
    if preview:
        transaction.set_rollback(True)
    return runs


def _deliveries(
    site: Site, table: Table, issued_at: datetime, source: str, sign: str
) -> Iterator[tuple[str, Delivery]]:
    columns = _columns(table)
    try:
        forecasts = grouped(columns)
    except ValueError as error:
        raise FileProblem([Wrong(1, "", f"In the heading {error}")]) from error
    signs = {name: _sign(columns[levels[None]], sign) for levels in forecasts.values() for name in levels.values()}
    wrong = [each for name, column in columns.items() for each in _out_of_range(table, name, column, signs[name])]
    if wrong:
        raise FileProblem(sorted(wrong, key=lambda each: each.line))
    for levels in forecasts.values():
        mean = levels[None]
        yield (
            mean,
            Delivery(
                channel=columns[mean].reference(site.pk),
                issued_at=issued_at,
                start=table.grid.start,
                step=table.grid.step,
                values=table.columns[mean],
                quantiles={level: table.columns[name] for level, name in levels.items() if level is not None},
                sign=signs[mean],
                source=source,
            ),
        )


def _columns(table: Table) -> Mapping[str, Column]:
    found: dict[str, Column] = {}
    wrong: list[Wrong] = []
    for name in table.columns:
        try:
            found[name] = column_of(name)
        except ValueError as error:
            wrong.append(Wrong(1, name, f"In the heading {error}"))
    if wrong:
        raise FileProblem(wrong)
    return found


def _sign(column: Column, sign: str) -> str:
    """Return the file's sign for what it can make sense for: power and heat, but no demand."""
    quantity = QUANTITIES.get(column.quantity)
    turned = quantity is not None and quantity.directed and quantity.lowest < 0
    return PRODUCTION if sign == PRODUCTION and turned else CONSUMPTION


def _out_of_range(table: Table, name: str, column: Column, sign: str) -> Iterator[Wrong]:
    quantity = QUANTITIES.get(column.quantity)
    if quantity is None:
        return
    factor = -1.0 if sign == PRODUCTION else 1.0
    series = table.columns[name]
    for step in wrong_steps(series * factor, quantity):
        yield Wrong(step + FIRST_LINE, name, f"{series[step]:g}; allowed: {quantity.allowed(factor)}.")


def _explained(error: ValidationError, names: tuple[str, ...]) -> Iterator[Wrong]:
    if not hasattr(error, "error_dict"):
        yield from (Wrong(0, "", message) for message in error.messages)
        return
    for field, messages in error.message_dict.items():
        index = field.removeprefix(f"{PREFIX}[").partition("]")[0]
        column = names[int(index)] if field.startswith(f"{PREFIX}[") else ""
        yield from (Wrong(1 if column else 0, column, message) for message in messages)
