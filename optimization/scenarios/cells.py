"""From the cells of a table to checked parameters and series; the same for CSV and XLSX."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from optimization.engine.series import as_series
from optimization.scenarios.errors import Collected, InputError, Place, shown
from optimization.scenarios.layout import (
    PARAMETER_COLUMN,
    PARAMETERS,
    SERIES,
    SERIES_BY_HEADING,
    VALUE_COLUMN,
    Limits,
)
from optimization.scenarios.series import DayGrid, SiteSeries

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
WHOLE_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Row:
    """A row of a table: its number as a spreadsheet shows it, and its cells (None or "" where empty)."""

    number: int
    cells: Sequence[object]

    def cell(self, index: int) -> object:
        """Return a cell, None beyond the end of the row; text without outer blanks, None where nothing is left."""
        value = self.cells[index] if index < len(self.cells) else None
        if isinstance(value, str):
            return value.strip() or None
        return value


@dataclass(frozen=True)
class Parameter:
    """A device parameter and where it stands."""

    value: float
    place: Place


DeviceParameters = Mapping[str, Mapping[str, Parameter]]


def read_number(value: object, limits: Limits, place: Place) -> float:
    """Return a cell as a number; text with a decimal point or a decimal comma counts as one.

    Raises:
        InputError: for an empty cell, anything that is no number, and a number outside `limits`.
    """
    if value is None:
        raise InputError(place, "empty", limits.allowed)
    if isinstance(value, bool):
        raise InputError(place, f"{value} is not a number", limits.allowed)
    if isinstance(value, str):
        if not NUMBER.fullmatch(value):
            raise InputError(place, f"{shown(value)} is not a number", limits.allowed)
        value = float(value.replace(",", "."))
    if not isinstance(value, int | float):
        raise InputError(place, f"{shown(str(value))} is not a number", limits.allowed)
    number = float(value)
    if not limits.holds(number):
        raise InputError(place, f"{number:g} is out of range", limits.allowed)
    return number


def read_headings(row: Row | None, place: Place, known: Sequence[str], *, first: int) -> dict[str, int]:
    """Return the index of each heading of the first row; headings left of `first` (the labels) do not count.

    Raises:
        InputError: for a missing first row, an unknown heading, or one that stands there twice.
    """
    allowed = f"the headings {', '.join(known)}"
    if row is None:
        raise InputError(place, "empty", allowed)
    found: dict[str, int] = {}
    for index in range(first, len(row.cells)):
        heading = row.cell(index)
        if heading is None:
            continue
        text = str(heading)
        if text not in known:
            raise InputError(place.at(row.number), f"unknown heading {shown(text)}", allowed)
        if text in found:
            raise InputError(place.at(row.number, text), "this heading stands there twice", "each heading once")
        found[text] = index
    return found


def require_headings(found: Mapping[str, int], wanted: Sequence[str], row: int, place: Place) -> None:
    """Refuse a first row that lacks a heading.

    Raises:
        InputError: names the first missing heading.
    """
    for heading in wanted:
        if heading not in found:
            raise InputError(place.at(row), f"no column {heading}", f"the headings {', '.join(wanted)}")


def read_parameters(rows: Sequence[Row], columns: Mapping[str, int], place: Place) -> DeviceParameters:
    """Return the parameters of the rows in which parameter or value is filled; the device is the first cell.

    Raises:
        InputError: for an unknown device or parameter, a bad number, or a parameter given twice.
    """
    devices: dict[str, dict[str, Parameter]] = {}
    found = Collected()
    for row in rows:
        name, value = row.cell(columns[PARAMETER_COLUMN]), row.cell(columns[VALUE_COLUMN])
        if name is None and value is None:
            continue
        with found.each():
            _read_parameter(row, name, value, devices, place)
    found.done()
    return devices


def _read_parameter(
    row: Row, name: object, value: object, devices: dict[str, dict[str, Parameter]], place: Place
) -> None:
    device = row.cell(0)
    if device is None or str(device) not in PARAMETERS:
        problem = "no device" if device is None else f"unknown device {shown(str(device))}"
        raise InputError(place.at(row.number), problem, ", ".join(PARAMETERS))
    known = PARAMETERS[str(device)]
    if name is None or str(name) not in known:
        problem = "empty" if name is None else f"unknown parameter {shown(str(name))} of device {device}"
        raise InputError(place.at(row.number, PARAMETER_COLUMN), problem, ", ".join(known))
    here = place.at(row.number, VALUE_COLUMN)
    given = devices.setdefault(str(device), {})
    if str(name) in given:
        first = given[str(name)].place.row
        raise InputError(here, f"{device} {name} stands there twice, first in row {first}", "each parameter once")
    given[str(name)] = Parameter(read_number(value, known[str(name)], here), here)


def read_series(rows: Sequence[Row], columns: Mapping[str, int], place: Place, *, labelled: bool) -> SiteSeries:
    """Return the series of the rows in which any series cell is filled, in the order of the rows.

    `labelled`: the first cell counts the rows from 0 or 1; where it does, none may be missing or stand there twice.

    Raises:
        InputError: for a bad or missing number, a wrong count of rows, or rows out of order.
    """
    filled = [row for row in rows if any(row.cell(index) is not None for index in columns.values())]
    if not filled:
        raise InputError(place, "no rows of series", "96 rows, one per 15 minutes of the day")
    if labelled:
        _check_labels(filled, place)
    grid_place = place.at(filled[-1].number)
    found = Collected()
    with found.each():
        DayGrid.of(len(filled), grid_place)
    values: dict[str, Any] = {}
    for heading, index in columns.items():
        numbers = []
        for row in filled:
            with found.each():
                limits = SERIES_BY_HEADING[heading].limits
                numbers.append(read_number(row.cell(index), limits, place.at(row.number, heading)))
        values[SERIES_BY_HEADING[heading].field] = as_series(np.array(numbers), heading)
    found.done()
    return SiteSeries(place=grid_place, **values)


def _check_labels(rows: Sequence[Row], place: Place) -> None:
    labels = [str(label) if (label := row.cell(0)) is not None else "" for row in rows]
    first_row: dict[str, int] = {}
    for row, label in zip(rows, labels, strict=True):
        if label and label in first_row:
            problem = f"the row label {shown(label)} stands there twice, first in row {first_row[label]}"
            raise InputError(place.at(row.number), problem, "each row once")
        first_row[label] = row.number
    if all(WHOLE_NUMBER.fullmatch(label) for label in labels):
        for row, label, expected in zip(rows, labels, count(int(labels[0])), strict=False):
            if int(label) != expected:
                allowed = f"{expected}, so that no row is missing"
                raise InputError(place.at(row.number), f"the row label is {label}", allowed)


def series_headings(*, required_only: bool = False) -> tuple[str, ...]:
    """Return the headings of the series in the order of the layout."""
    return tuple(column.heading for column in SERIES if column.required or not required_only)
