"""Series of one site as a CSV or XLSX file from a person's computer: a column of times and one column per series."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO, StringIO
from math import isfinite, nan
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from openpyxl import load_workbook

from flexplatform.spreadsheets import WorkbookError, refuse_bombs

LARGEST_FILE = 2_000_000
MOST_COLUMNS = 1000
MOST_LINES = 50_000
TIME = "time"
FIRST_LINE = 2
DELIMITERS = ",;\t"
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
LOCAL_FORMATS = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
TIMES = "a time such as 2026-01-31 12:00 (of the site) or 2026-01-31T12:00:00Z"
ZIPPED = b"PK"

Series = npt.NDArray[np.float64]


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
class Lines:
    """The times of a file as UTC and as they are written, and its series by the name of their column."""

    moments: Sequence[datetime]
    written: Sequence[str]
    columns: Mapping[str, Series]


def text_of(data: bytes) -> str:
    """Return a file as CSV text: a CSV in UTF-8 as it is, of an XLSX its first sheet.

    Raises:
        FileProblem: for any other file.
    """
    if len(data) > LARGEST_FILE:
        raise FileProblem([Wrong(0, "", f"The file has {len(data)} bytes; allowed: {LARGEST_FILE}.")])
    if data.startswith(ZIPPED):
        return _text_of_sheet(data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileProblem([Wrong(0, "", "The file is not in UTF-8; allowed: a CSV file in UTF-8.")]) from None


def read_lines(data: bytes | str, zone: ZoneInfo, *, most: int = MOST_LINES, gaps: bool = False) -> Lines:
    """Return the series of a file; times without an offset are local ones of `zone`. An empty cell is NaN with `gaps`.

    Raises:
        FileProblem: names every line and column that is wrong.
    """
    text = text_of(data) if isinstance(data, bytes) else data
    names, lines, decimal_comma = _cells(text, most)
    wrong: list[Wrong] = []
    written = [line[0].strip() for line in lines]
    moments = list(_moments(written, zone, wrong))
    reader = _NumberReader(wrong, decimal_comma=decimal_comma, gaps=gaps)
    values = [
        [reader.number(cell, number, name) for name, cell in zip(names, line[1:], strict=True)]
        for number, line in enumerate(lines, FIRST_LINE)
    ]
    if wrong:
        raise FileProblem(sorted(wrong, key=lambda each: each.line))
    table = np.array(values, dtype=np.float64)
    return Lines(moments, written, {name: table[:, index] for index, name in enumerate(names)})


def _text_of_sheet(data: bytes) -> str:
    try:
        refuse_bombs(data)
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
        cells = book.worksheets[0].iter_rows(
            max_row=MOST_LINES + FIRST_LINE, max_col=MOST_COLUMNS + 2, values_only=True
        )
        rows = [[_cell_text(cell) for cell in row] for row in cells]
    except WorkbookError as error:
        raise FileProblem([Wrong(0, "", f"The file: {error}.")]) from error
    # openpyxl leaks whatever its parsers raise on a damaged part.
    except Exception as error:
        raise FileProblem([Wrong(0, "", "The file: not an XLSX workbook; allowed: CSV in UTF-8, or XLSX.")]) from error
    # A sheet is a rectangle: what is empty on its right belongs to no column.
    width = max((index for row in rows for index, cell in enumerate(row, 1) if cell), default=0)
    text = StringIO()
    csv.writer(text).writerows(row[:width] for row in rows)
    return text.getvalue()


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)


def _cells(text: str, most: int) -> tuple[list[str], list[list[str]], bool]:
    if len(text) > LARGEST_FILE:
        raise FileProblem([Wrong(0, "", f"The file has {len(text)} bytes; allowed: {LARGEST_FILE}.")])
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
    if not FIRST_LINE <= len(rows) - 1 <= most:
        raise FileProblem([Wrong(0, "", f"The file has {max(len(rows) - 1, 0)} steps; allowed: 2 to {most}.")])
    return names[1:], rows[1:], delimiter != ","


def _check_heading(names: list[str]) -> None:
    if len(names) < 2 or names[0] != TIME:
        raise FileProblem([Wrong(1, "", f"The heading must be {TIME} and the names of one or more series.")])
    if len(names) > MOST_COLUMNS + 1:
        raise FileProblem([Wrong(1, "", f"The file has {len(names) - 1} series; allowed: {MOST_COLUMNS}.")])
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise FileProblem([Wrong(1, name, "The heading names the column twice.") for name in sorted(twice)])


def _moments(cells: list[str], zone: ZoneInfo, wrong: list[Wrong]) -> Iterator[datetime]:
    before: datetime | None = None
    for number, cell in enumerate(cells, FIRST_LINE):
        moment = _moment(cell, zone, before)
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


class _NumberReader:
    """Reads cells as numbers, and notes those that are none."""

    def __init__(self, wrong: list[Wrong], *, decimal_comma: bool, gaps: bool) -> None:
        self.wrong, self.decimal_comma, self.gaps = wrong, decimal_comma, gaps

    def number(self, cell: str, line: int, column: str) -> float:
        text = cell.strip()
        if not text and self.gaps:
            return nan
        if self.decimal_comma and DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            number = nan
        if not isfinite(number):
            self.wrong.append(Wrong(line, column, f"{cell[:40]!r} is no number." if text else "The cell is empty."))
        return number
