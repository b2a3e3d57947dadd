"""Input as a person sees it in a spreadsheet: cells, and at each cell what is wrong with it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flexmarket.models import Scenario
from optimization.scenarios import InputError, SiteSeries
from optimization.scenarios.cells import DeviceParameters, Row
from optimization.scenarios.layout import PARAMETERS, SERIES

MOST_ROWS = 400
MOST_ERRORS = 200
LONGEST_CELL = 40


@dataclass(frozen=True)
class Cell:
    """The text of a cell, and what is wrong with it."""

    text: str
    wrong: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table: its number as a spreadsheet shows it, its cells, what is wrong with it as a whole."""

    number: int
    cells: Sequence[Cell]
    wrong: str = ""


@dataclass(frozen=True)
class InputTable:
    """A table of the input; `unshown` rows are left out."""

    title: str
    headings: Sequence[str]
    lines: Sequence[Line]
    unshown: int = 0


@dataclass(frozen=True)
class Parameter:
    """A parameter of a device with what it means and what it may be."""

    device: str
    name: str
    value: float
    unit: str
    meaning: str
    allowed: str


@dataclass(frozen=True)
class Checked:
    """What was found in a refused file."""

    errors: Sequence[InputError]
    tables: Sequence[InputTable] = field(default_factory=list)

    @property
    def shown(self) -> Sequence[InputError]:
        """The first errors."""
        return self.errors[:MOST_ERRORS]

    @property
    def unshown(self) -> int:
        """How many more there are."""
        return max(len(self.errors) - MOST_ERRORS, 0)


def checked_tables(tables: Mapping[str, Sequence[Row]], error: InputError) -> Checked:
    """Return the rows of a refused file with every error at its cell."""
    ordered = sorted(error.all, key=lambda each: _row(each) or 0)
    return Checked(ordered, [_table(name, rows, ordered) for name, rows in tables.items() if rows])


def parameters_of(given: DeviceParameters) -> list[Parameter]:
    """Return the parameters of a file with what each means."""
    return [
        Parameter(device, name, parameter.value, limits.unit, limits.meaning, limits.allowed)
        for device, values in given.items()
        for name, parameter in values.items()
        for limits in (PARAMETERS[device][name],)
    ]


def series_table(series: SiteSeries, scenario: Scenario) -> InputTable:
    """Return the series of a scenario by local time, one row per step of its day."""
    horizon, zone = scenario.horizon, scenario.zone
    fitted = series.on(horizon, zone)
    columns = [(each, getattr(fitted, each.field)) for each in SERIES if getattr(fitted, each.field) is not None]
    headings = [each.heading + (f" ({each.limits.unit})" if each.limits.unit else "") for each, _values in columns]
    times = [f"{moment.astimezone(zone):%H:%M}" for moment in horizon.times]
    lines = [
        Line(step, [Cell(time), *(Cell(f"{values[step]:.5g}") for _column, values in columns)])
        for step, time in enumerate(times)
    ]
    return InputTable("", ["time", *headings], lines)


def _table(name: str, rows: Sequence[Row], errors: Sequence[InputError]) -> InputTable:
    headings = ["" if (cell := rows[0].cell(index)) is None else str(cell) for index in range(len(rows[0].cells))]
    of_cells: dict[tuple[int, str], str] = {}
    of_rows: dict[int, str] = defaultdict(str)
    for error in errors:
        number, column = _row(error), _column(error)
        if number is None or _sheet(error) != name:
            continue
        told = f"{error.problem}; allowed: {error.allowed}"
        if column in headings:
            of_cells.setdefault((number, column), told)
        else:
            of_rows[number] = of_rows[number] or told
    wrong = {number for number, _ in of_cells} | set(of_rows)
    shown = [row for index, row in enumerate(rows) if index < MOST_ROWS or row.number in wrong][:MOST_ROWS]
    lines = []
    for row in shown:
        cells = [_cell(row, index, of_cells.get((row.number, heading), "")) for index, heading in enumerate(headings)]
        lines.append(Line(row.number, cells, of_rows[row.number]))
    return InputTable(name, headings, lines, len(rows) - len(shown))


def _cell(row: Row, index: int, wrong: str) -> Cell:
    value = row.cell(index)
    text = "" if value is None else str(value)
    return Cell(text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…", wrong)


def _row(error: InputError) -> int | None:
    return None if isinstance(error.place, str) else error.place.row


def _column(error: InputError) -> str:
    return "" if isinstance(error.place, str) else error.place.column or ""


def _sheet(error: InputError) -> str:
    return "" if isinstance(error.place, str) else error.place.sheet or ""
