"""OpenTUMFlex workbook: sheet `properties` with the parameters, sheet `time_series` with the series."""

from io import BytesIO
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment

from flexplatform.spreadsheets import WORKBOOK_ALLOWED, WorkbookError, refuse_bombs
from optimization.scenarios.cells import (
    Row,
    read_headings,
    read_parameters,
    read_series,
    require_headings,
    series_headings,
)
from optimization.scenarios.content import Content
from optimization.scenarios.errors import Collected, InputError, Place
from optimization.scenarios.layout import (
    LABEL_COLUMN,
    PARAMETER_COLUMN,
    PARAMETERS,
    PROPERTIES_SHEET,
    SERIES,
    SERIES_SHEET,
    VALUE_COLUMN,
)

MAX_ROWS = 4000
MAX_COLUMNS = 50


def read(data: bytes, place: Place) -> Content:
    """Return the content of a workbook; column A of the series is ignored, further sheets too.

    Raises:
        InputError: says which sheet, row and column is wrong, and what is allowed.
    """
    tables = tables_of(data, place)
    parameter_rows, series_rows = tables[PROPERTIES_SHEET], tables[SERIES_SHEET]
    parameter_place = Place(file=place.file, sheet=PROPERTIES_SHEET)
    series_place = Place(file=place.file, sheet=SERIES_SHEET)
    wanted = (PARAMETER_COLUMN, VALUE_COLUMN)
    columns = read_headings(parameter_rows[0] if parameter_rows else None, parameter_place, wanted, first=1)
    require_headings(columns, wanted, parameter_rows[0].number, parameter_place)
    found = Collected()
    with found.each():
        parameters = read_parameters(parameter_rows[1:], columns, parameter_place)
    with found.each():
        columns = read_headings(series_rows[0] if series_rows else None, series_place, series_headings(), first=1)
        require_headings(columns, series_headings(required_only=True), series_rows[0].number, series_place)
        series = read_series(series_rows[1:], columns, series_place, labelled=False)
    found.done()
    return Content(parameters, series)


def tables_of(data: bytes, place: Place) -> dict[str, list[Row]]:
    """Return the rows of both sheets as they stand there, by the sheet's name.

    Raises:
        InputError: for what is no such workbook, and for one that unpacks to too much.
    """
    _refuse_bombs(data, place)
    workbook = _opened(data, place)
    try:
        return {name: _sheet(workbook, name, place) for name in (PROPERTIES_SHEET, SERIES_SHEET)}
    finally:
        workbook.close()


def write(content: Content) -> bytes:
    """Return the content as a workbook; comments on the cells say units and what is allowed."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(PROPERTIES_SHEET)
    sheet.append([LABEL_COLUMN, PARAMETER_COLUMN, VALUE_COLUMN])
    for device, parameters in content.parameters.items():
        for name, parameter in parameters.items():
            limits = PARAMETERS[device][name]
            label = _commented(sheet, name, f"{limits.meaning}: {limits.allowed}")
            sheet.append([device, label, _number(sheet, parameter.value)])
    columns = [column for column in SERIES if getattr(content.series, column.field) is not None]
    sheet = workbook.create_sheet(SERIES_SHEET)
    sheet.append([None, *(_commented(sheet, column.heading, column.limits.allowed) for column in columns)])
    values = [getattr(content.series, column.field).tolist() for column in columns]
    for label, numbers in enumerate(zip(*values, strict=True)):
        sheet.append([label, *(_number(sheet, number) for number in numbers)])
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def _number(sheet: Any, value: float) -> Any:
    # openpyxl writes floats with 16 digits, one too few to read the same number back.
    cell = WriteOnlyCell(sheet, value=repr(value))
    cell.data_type = "n"
    return cell


def _commented(sheet: Any, text: str, comment: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text)
    cell.comment = Comment(comment, "FlexPlatform", width=260, height=60)
    return cell


def _refuse_bombs(data: bytes, place: Place) -> None:
    try:
        refuse_bombs(data)
    except WorkbookError as error:
        raise InputError(place, error.problem, error.allowed) from error


def _opened(data: bytes, place: Place) -> Any:
    try:
        return load_workbook(BytesIO(data), read_only=True, data_only=True)
    # openpyxl leaks whatever its parsers raise on a damaged part.
    except Exception as error:
        raise InputError(place, "not an XLSX workbook", WORKBOOK_ALLOWED) from error


def _sheet(workbook: Any, name: str, place: Place) -> list[Row]:
    place = Place(file=place.file, sheet=name)
    if name not in workbook.sheetnames:
        raise InputError(
            Place(file=place.file), f"no sheet {name}", f"the sheets {PROPERTIES_SHEET} and {SERIES_SHEET}"
        )
    rows = []
    try:
        sheet = workbook[name]
        # A wrong declared size must not decide what is read.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > MAX_ROWS or any(cell is not None for cell in cells[MAX_COLUMNS:]):
                raise InputError(place, "too large", f"at most {MAX_ROWS} rows and {MAX_COLUMNS} columns")
            if any(cell is not None for cell in cells):
                rows.append(Row(number, cells))
    except InputError:
        raise
    except Exception as error:
        raise InputError(place, "unreadable", WORKBOOK_ALLOWED) from error
    return rows
