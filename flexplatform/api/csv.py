"""Series as CSV: a column `time` and one column per series, the same shape in requests and answers."""

import csv
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import IO, Any

import numpy as np
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer

from flexplatform.api.series import SeriesTable, TableResponse, plain
from flexplatform.spreadsheets import guarded, unguarded

MEDIA_TYPE = "text/csv"
TIME = "time"
HEADER_LINES = 1


class CsvRenderer(BaseRenderer):
    """Writes the table of a `TableResponse`; errors stay problem+json."""

    media_type = MEDIA_TYPE
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the text of the table."""
        response = (renderer_context or {}).get("response")
        if not isinstance(response, TableResponse):
            return JSONRenderer().render(data, accepted_media_type, renderer_context)
        return csv_of(response.table).encode()


class CsvParser(BaseParser):
    """Reads a body into a `SeriesTable`; the column names are the names of the series."""

    media_type = MEDIA_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the `SeriesTable`.

        Raises:
            ValidationError: names line and column.
        """
        return table_of(stream.read())


def csv_of(table: SeriesTable) -> str:
    """Return the table as CSV with times in UTC."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([TIME, *map(guarded, table.columns)])
    columns = [plain(values) for values in table.columns.values()]
    for moment, *values in zip(table.moments(), *columns, strict=True):
        writer.writerow([moment.isoformat().replace("+00:00", "Z"), *values])
    return text.getvalue()


def table_of(data: bytes) -> SeriesTable:
    """Return the table of a CSV file with a column `time` and one column per series.

    Raises:
        ValidationError: names line and column; also for fewer than two lines, as they would not tell the step.
    """
    try:
        lines = [line for line in csv.reader(StringIO(data.decode("utf-8-sig")), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValidationError({"csv": f"The body is no CSV in UTF-8: {error}."}) from error
    names = [unguarded(name.strip()) for name in lines[0]] if lines else []
    if len(names) < 2 or names[0] != TIME or not all(names) or len(set(names)) < len(names):
        raise ValidationError({"line 1": f"line 1 must be {TIME} and the different names of one or more series."})
    body = lines[HEADER_LINES:]
    for number, line in enumerate(body, 1 + HEADER_LINES):
        if len(line) != len(names):
            raise ValidationError({f"line {number}": f"{len(line)} cells; allowed: {len(names)}, as in line 1."})
    start, step = _steps([line[0] for line in body])
    values = _numbers(names[1:], [line[1:] for line in body])
    return SeriesTable(start, step, dict(zip(names[1:], values.T, strict=True)))


def _steps(cells: list[str]) -> tuple[datetime, int]:
    moments = [_moment(cell, number) for number, cell in enumerate(cells, 1 + HEADER_LINES)]
    if len(moments) < 2:
        raise ValidationError({TIME: "There are fewer than two times; allowed: two or more, as they tell the step."})
    step = moments[1] - moments[0]
    for number, (before, moment) in enumerate(itertools.pairwise(moments), 2 + HEADER_LINES):
        if moment - before != step or step < timedelta(seconds=1) or step % timedelta(seconds=1):
            rule = "times that rise by the same number of whole seconds"
            raise ValidationError({f"line {number}, {TIME}": f"{cells[number - 2]} breaks the steps; allowed: {rule}."})
    return moments[0], step // timedelta(seconds=1)


def _moment(cell: str, number: int) -> datetime:
    try:
        found = parse_datetime(cell.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1 < found.year < 9999:
        message = f"{cell} is no time; allowed: a time such as 2026-01-31T12:00:00Z."
        raise ValidationError({f"line {number}, {TIME}": message})
    return found.astimezone(UTC)


def _numbers(names: list[str], rows: list[list[str]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array(rows, dtype=object).astype(np.float64)
    except ValueError:
        for number, row in enumerate(rows, 1 + HEADER_LINES):
            for name, cell in zip(names, row, strict=True):
                _number(cell, f"line {number}, {name}")
        raise


def _number(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise ValidationError({where: f"{cell or 'nothing'} is no number."}) from error
