"""OpenTUMFlex CSV: `;` between fields, parameters and series in one table, any line ending, decimal point or comma."""

import csv
import re
from io import StringIO

from optimization.scenarios.cells import (
    DeviceParameters,
    Row,
    read_headings,
    read_parameters,
    read_series,
    require_headings,
    series_headings,
)
from optimization.scenarios.content import Content
from optimization.scenarios.errors import Collected, InputError, Place
from optimization.scenarios.layout import PARAMETER_COLUMN, SERIES, VALUE_COLUMN

SEPARATOR = ";"
# A Windows text-mode artefact ends the lines of the original with CR CR LF.
LINE_END = re.compile(r"\r*\n|\r")
MAX_LINES = 4000
# The original's forecast-only files head the two parameter columns like this.
FORECAST_ONLY_HEADINGS = {"0": PARAMETER_COLUMN, "1": VALUE_COLUMN}


def read(data: bytes, place: Place) -> Content:
    """Return the content of a CSV file; columns are found by their heading, the two blocks may stand in any order.

    Raises:
        InputError: says which row and column is wrong, and what is allowed.
    """
    rows = rows_of(data, place)
    known = (PARAMETER_COLUMN, VALUE_COLUMN, *series_headings())
    columns = read_headings(rows[0] if rows else None, place, known, first=1)
    series_columns = {name: index for name, index in columns.items() if name in series_headings()}
    require_headings(series_columns, series_headings(required_only=True), rows[0].number, place)
    _refuse_unheaded(rows[1:], set(columns.values()) | {0}, place)
    parameters: DeviceParameters = {}
    found = Collected()
    if PARAMETER_COLUMN in columns or VALUE_COLUMN in columns:
        require_headings(columns, (PARAMETER_COLUMN, VALUE_COLUMN), rows[0].number, place)
        with found.each():
            parameters = read_parameters(rows[1:], columns, place)
    with found.each():
        series = read_series(rows[1:], series_columns, place, labelled=True)
    found.done()
    return Content(parameters, series)


def rows_of(data: bytes, place: Place) -> list[Row]:
    """Return the rows of a CSV file as they stand there.

    Raises:
        InputError: for what is no such table.
    """
    return _rows(_decoded(data, place), place)


def tables_of(data: bytes, place: Place) -> dict[str, list[Row]]:
    """Return the file's one table, which has no name; raises as `rows_of`."""
    return {"": rows_of(data, place)}


def write(content: Content) -> bytes:
    """Return the content as CSV in the original's order of columns, lines ending with CR LF."""
    columns = [column for column in SERIES if getattr(content.series, column.field) is not None]
    file = StringIO()
    writer = csv.writer(file, delimiter=SEPARATOR, lineterminator="\r\n")
    writer.writerow(["", PARAMETER_COLUMN, VALUE_COLUMN, *(column.heading for column in columns)])
    for device, parameters in content.parameters.items():
        for name, parameter in parameters.items():
            writer.writerow([device, name, repr(parameter.value), *("" for _ in columns)])
    values = [getattr(content.series, column.field).tolist() for column in columns]
    for label, numbers in enumerate(zip(*values, strict=True)):
        writer.writerow([label, "", "", *map(repr, numbers)])
    return file.getvalue().encode()


def _decoded(data: bytes, place: Place) -> str:
    allowed = "text in UTF-8 (in a spreadsheet: save as CSV UTF-8)"
    if b"\0" in data:
        raise InputError(place, "not text", allowed)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = len(LINE_END.findall(data[: error.start].decode("latin-1"))) + 1
        raise InputError(place.at(row), f"unreadable byte 0x{data[error.start]:02X}", allowed) from error


def _rows(text: str, place: Place) -> list[Row]:
    lines = LINE_END.split(text, maxsplit=MAX_LINES)
    if len(lines) > MAX_LINES:
        raise InputError(place, "too many lines", f"at most {MAX_LINES} lines")
    if SEPARATOR not in text and text.strip():
        raise InputError(place.at(1), "no ; in the file", "fields separated by ;")
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            cells = next(csv.reader([line], delimiter=SEPARATOR, strict=True), [])
        except csv.Error as error:
            raise InputError(place.at(number), f"unreadable ({error})", "fields separated by ;") from error
        if any(cell.strip() for cell in cells):
            rows.append(Row(number, cells))
    if rows:
        rows[0] = Row(rows[0].number, [FORECAST_ONLY_HEADINGS.get(str(cell), cell) for cell in rows[0].cells])
    return rows


def _refuse_unheaded(rows: list[Row], headed: set[int], place: Place) -> None:
    for row in rows:
        for index in range(len(row.cells)):
            if index not in headed and row.cell(index) is not None:
                problem = f"a value in field {index + 1}, which has no heading"
                raise InputError(place.at(row.number), problem, "values under a heading")
