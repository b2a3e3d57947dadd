"""Forecasts of one site as a file from a person's computer: series on equal steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from forecasting.engine.grid import Grid, Series
from forecasting.services.checks import HOUR, MOST_STEPS
from telemetry.series_files import FIRST_LINE, LARGEST_FILE, TIME, FileProblem, Lines, Wrong, read_lines

__all__ = ["FIRST_LINE", "LARGEST_FILE", "FileProblem", "Table", "Wrong", "read"]


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
    lines = read_lines(data, zone, most=MOST_STEPS)
    return Table(_grid(lines), lines.columns)


def _grid(lines: Lines) -> Grid:
    moments = lines.moments
    step = moments[1] - moments[0]
    if step < timedelta(seconds=1) or HOUR % step:
        message = f"{step} after the line before; allowed: a step that divides the hour."
        raise FileProblem([Wrong(FIRST_LINE + 1, TIME, message)])
    minutes = step.total_seconds() / 60
    wrong = [
        Wrong(number, TIME, f"{lines.written[number - FIRST_LINE]} is not {minutes:g} min after the line before.")
        for number, (before, moment) in enumerate(pairwise(moments), FIRST_LINE + 1)
        if moment - before != step
    ]
    if wrong:
        raise FileProblem(wrong)
    return Grid(moments[0], step, len(moments))
