"""Many orders in one file: every row is answered; a row that is refused changes nothing, the others are taken."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from math import isfinite

from flexmarket.engine.market.refusals import OrderRefused
from flexmarket.models import Order
from flexmarket.trading.ordering import place_order
from flexplatform.accounts.models import Organization
from flexplatform.spreadsheets import unguarded
from telemetry.series_files import DELIMITERS, FileProblem, Wrong, text_of

REFERENCE, OFFER, POWER, PRICE = "reference", "offer", "power_kw", "price_eur_per_kwh"
NEEDED = (REFERENCE, OFFER, POWER)
COLUMNS = (*NEEDED, PRICE)
MOST_ORDERS = 1000
FIRST_LINE = 2
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")


@dataclass(frozen=True)
class RowAnswer:
    """What became of a row: the order, or why there is none, each reason at its column."""

    line: int
    cells: Mapping[str, str]
    order: Order | None = None
    wrong: Sequence[Wrong] = field(default_factory=tuple)

    @property
    def reference(self) -> str:
        """The caller's name for the order."""
        return self.cells.get(REFERENCE, "")


def upload_orders(*, organization: Organization, data: bytes | str) -> list[RowAnswer]:
    """Place the orders of a file (CSV in UTF-8, or the first sheet of an XLSX), one per row, and answer every row.

    Columns are `reference`, `offer` (id or market reference), `power_kw`, and where wanted `price_eur_per_kwh`. The
    same file again gives the same orders.

    Raises:
        FileProblem: for a file that cannot be read; then nothing was ordered.
    """
    rows = read_orders(text_of(data) if isinstance(data, bytes) else data)
    return [_placed(organization, line, cells) for line, cells in rows]


def read_orders(text: str) -> list[tuple[int, Mapping[str, str]]]:
    """Return the number and the cells of each row.

    Raises:
        FileProblem: for a heading that is none, lines of another length, or too few or many rows.
    """
    delimiter = max(DELIMITERS, key=text.lstrip().partition("\n")[0].count)
    try:
        lines = list(csv.reader(StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise FileProblem([Wrong(0, "", f"The file is no CSV table: {error}.")]) from error
    names = [name.strip() for name in lines[0]] if lines else []
    if wrong := list(_about_heading(names)):
        raise FileProblem(wrong)
    body = [(number, line) for number, line in enumerate(lines[1:], FIRST_LINE) if any(map(str.strip, line))]
    wrong = [
        Wrong(number, "", f"{len(line)} cells; allowed: {len(names)}, as in line 1.")
        for number, line in body
        if len(line) != len(names)
    ]
    if not 1 <= len(body) <= MOST_ORDERS:
        wrong.append(Wrong(0, "", f"The file has {len(body)} orders; allowed: 1 to {MOST_ORDERS}."))
    if wrong:
        raise FileProblem(wrong)
    return [
        (number, dict(zip(names, (unguarded(cell.strip()) for cell in line), strict=True))) for number, line in body
    ]


def _about_heading(names: Sequence[str]) -> Iterator[Wrong]:
    for name in NEEDED:
        if name not in names:
            yield Wrong(1, name, f"The column is missing; needed: {', '.join(NEEDED)}.")
    for name in dict.fromkeys(names):
        if name not in COLUMNS:
            yield Wrong(1, name[:40], f"The column is unknown; allowed: {', '.join(COLUMNS)}.")
        elif names.count(name) > 1:
            yield Wrong(1, name, "The heading names the column twice.")


def _placed(organization: Organization, line: int, cells: Mapping[str, str]) -> RowAnswer:
    wrong: list[Wrong] = []
    numbers = {name: _number(cells.get(name, ""), line, name, wrong) for name in (POWER, PRICE)}
    wrong += [Wrong(line, name, "The cell is empty.") for name in NEEDED if not cells[name]]
    if wrong:
        return RowAnswer(line, cells, wrong=wrong)
    request = {name: value for name, value in numbers.items() if value is not None}
    try:
        order = place_order(organization=organization, offer=cells[OFFER], reference=cells[REFERENCE], request=request)
    except OrderRefused as error:
        return RowAnswer(line, cells, wrong=[Wrong(line, _column(each.field), str(each)) for each in error.refusals])
    return RowAnswer(line, cells, order=order)


def _number(cell: str, line: int, column: str, wrong: list[Wrong]) -> float | None:
    if not cell:
        return None
    try:
        number = float(cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        wrong.append(Wrong(line, column, f"{cell[:40]!r} is no number."))
        return None
    return number


def _column(name: str) -> str:
    """Return the column that a reason is about; what is wrong with the offer stands at the offer."""
    return name if name in COLUMNS else OFFER
