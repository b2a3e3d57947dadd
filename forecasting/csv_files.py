"""Forecasts of one site as a CSV file from a person's computer: a column of times and one column per series."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from math import isfinite
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.engine.grid import Grid, Series
from forecasting.services.checks import HOUR, MOST_STEPS

LARGEST_FILE = 2_000_000
MOST_COLUMNS = 1000
TIME = "time"
FIRST_LINE = 2
DELIMITERS = ",;\t"
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
LOCAL_FORMATS = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
TIMES = "a time such as 2026-01-31 12:00 (of the site) or 2026-01-31T12:00:00Z"


@dataclass(frozen=True)
class Wrong:
    """Something that is wrong with a file: where, and why. Line 0 is the file as a whole."""

    line: int
    column: str
    message: str


class FileProblem(ValueError):  # noqa: N818
    """A file that cannot be read, with everything that is wrong with it."""

    def __init__(self, found: Sequence[Wrong]) -> None:
        super().__init__("; ".join(each.message for each in found))
        self.found = tuple(found)


@dataclass(frozen=True, eq=False)
class Table:
    """The series of a file by the name of their column; the first step is line 2."""

    grid: Grid
    columns: Mapping[str, Series]


def read(data: bytes | str, zone: ZoneInfo) -> Table:
    """Return the series of a file; times without an offset are local ones of `zone`.

    Raises:
        FileProblem: names every line and column that is wrong.
    """
    names, lines, decimal_comma = _cells(data)
    wrong: list[Wrong] = []
    grid = _grid([line[0] for line in lines], zone, wrong)
    values = [
        [
            _number(cell, number, name, wrong, decimal_comma=decimal_comma)
            for name, cell in zip(names, line[1:], strict=True)
        ]
        for number, line in enumerate(lines, FIRST_LINE)
    ]
    if wrong or grid is None:
        raise FileProblem(sorted(wrong, key=lambda each: each.line))
    table = np.array(values, dtype=np.float64)
    return Table(grid, {name: table[:, index] for index, name in enumerate(names)})


def _cells(data: bytes | str) -> tuple[list[str], list[list[str]], bool]:
    if len(data) > LARGEST_FILE:
        raise FileProblem([Wrong(0, "", f"The file has {len(data)} bytes; allowed: {LARGEST_FILE}.")])
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise FileProblem([Wrong(0, "", "The file is not in UTF-8; allowed: a CSV file in UTF-8.")]) from None
    delimiter = max(DELIMITERS, key=text.lstrip().partition("\n")[0].count)
    try:
        rows = [row for row in csv.reader(StringIO(text), delimiter=delimiter, strict=True) if any(map(str.strip, row))]
    except csv.Error as error:
        raise FileProblem([Wrong(0, "", f"The file is no CSV table: {error}.")]) from error
    names = [name.strip() for name in rows[0]] if rows else []
    _check_heading(names)
    wrong = [
        Wrong(number, "", f"{len(row)} cells; allowed: {len(names)}, as in line 1.")
        for number, row in enumerate(rows[1:], FIRST_LINE)
        if len(row) != len(names)
    ]
    if wrong:
        raise FileProblem(wrong)
    if not FIRST_LINE <= len(rows) - 1 <= MOST_STEPS:
        raise FileProblem([Wrong(0, "", f"The file has {max(len(rows) - 1, 0)} steps; allowed: 2 to {MOST_STEPS}.")])
    return names[1:], rows[1:], delimiter != ","


def _check_heading(names: list[str]) -> None:
    if len(names) < 2 or names[0] != TIME:
        raise FileProblem([Wrong(1, "", f"The heading must be {TIME} and the names of one or more series.")])
    if len(names) > MOST_COLUMNS + 1:
        raise FileProblem([Wrong(1, "", f"The file has {len(names) - 1} series; allowed: {MOST_COLUMNS}.")])
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise FileProblem([Wrong(1, name, "The heading names the column twice.") for name in sorted(twice)])


def _grid(cells: list[str], zone: ZoneInfo, wrong: list[Wrong]) -> Grid | None:
    moments = list(_moments(cells, zone, wrong))
    if wrong:
        return None
    step = moments[1] - moments[0]
    if step < timedelta(seconds=1) or HOUR % step:
        wrong.append(
            Wrong(FIRST_LINE + 1, TIME, f"{step} after the line before; allowed: a step that divides the hour.")
        )
        return None
    for number, (before, moment) in enumerate(pairwise(moments), FIRST_LINE + 1):
        if moment - before != step:
            minutes = step.total_seconds() / 60
            wrong.append(
                Wrong(number, TIME, f"{cells[number - FIRST_LINE]} is not {minutes:g} min after the line before.")
            )
    return Grid(moments[0], step, len(moments))


def _moments(cells: list[str], zone: ZoneInfo, wrong: list[Wrong]) -> Iterator[datetime]:
    before: datetime | None = None
    for number, cell in enumerate(cells, FIRST_LINE):
        moment = _moment(cell.strip(), zone, before)
        if moment is None:
            wrong.append(Wrong(number, TIME, f"{cell[:40]!r} is no time here; allowed: {TIMES}."))
        else:
            before = moment
            yield moment


def _moment(cell: str, zone: ZoneInfo, before: datetime | None) -> datetime | None:
    """Return a time; of the hour that the clock shows twice the second one where the first was there already."""
    found = _parsed(cell)
    if found is None or not 1 < found.year < 9999:
        return None
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    moment = found.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != found:
        return None
    if before is not None and moment <= before:
        return found.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return moment


def _parsed(cell: str) -> datetime | None:
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        pass
    for layout in LOCAL_FORMATS:
        try:
            return datetime.strptime(cell, layout)
        except ValueError:
            continue
    return None


def _number(cell: str, line: int, column: str, wrong: list[Wrong], *, decimal_comma: bool) -> float:
    text = cell.strip()
    if decimal_comma and DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        wrong.append(Wrong(line, column, f"{cell[:40]!r} is no number." if cell.strip() else "The cell is empty."))
    return number
