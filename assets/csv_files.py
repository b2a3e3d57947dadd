"""Sites and devices as CSV: which columns there are, and how cells become values and values cells."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from io import StringIO
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from assets.models import KINDS, Asset, Checked, Site
from assets.tables import PARTS, editable_fields
from flexplatform.spreadsheets import guarded, unguarded

LARGEST_FILE = 2_000_000
MOST_ROWS = 1000
DELIMITERS = ",;\t"
DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
TRUE_WORDS = frozenset({"true", "yes", "1"})
FALSE_WORDS = frozenset({"false", "no", "0"})


@dataclass(frozen=True)
class Table:
    """What a file holds: rows of one table."""

    model: type[Checked]

    @property
    def fields(self) -> dict[str, "models.Field[Any, Any] | None"]:
        """The columns in their order; None for a list of rows that belong to the row."""
        own: dict[str, models.Field[Any, Any] | None] = dict(editable_fields(self.model))
        parts = PARTS.get(self.model)
        return {**own, parts.name: None} if parts else own

    @property
    def needed(self) -> list[str]:
        """The columns that a file must have."""
        return ["portfolio", "name", "latitude", "longitude"] if self.model is Site else ["site", "name"]


TABLES: dict[str, Table] = {"site": Table(Site), **{kind: Table(model) for kind, model in KINDS.items()}}


@dataclass(frozen=True)
class Line:
    """A row of a file: its number there, and its cells by column, empty ones left out."""

    number: int
    cells: Mapping[str, str]


def read(data: bytes | str, table: Table) -> list[Line]:
    """Return the rows of a file.

    Raises:
        ValidationError: for a file that is no table, too large, or with columns that are unknown or missing.
    """
    if len(data) > LARGEST_FILE:
        raise ValidationError(f"The file has {len(data)} bytes; allowed: {LARGEST_FILE}.")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise ValidationError("The file is not in UTF-8; allowed: a CSV file in UTF-8.") from error
    heading = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=heading.count)
    try:
        rows = list(csv.reader(StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValidationError(f"The file is no CSV table: {error}.") from error
    if not rows:
        raise ValidationError("The file is empty.")
    columns = [column.strip() for column in rows[0]]
    _check_columns(columns, table)
    lines = [
        Line(number, _cells(columns, row, number, decimal_comma=delimiter == ";"))
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]
    if not lines or len(lines) > MOST_ROWS:
        raise ValidationError(f"The file has {len(lines)} rows; allowed: 1 to {MOST_ROWS}.")
    return lines


def value_of(field: "models.Field[Any, Any] | None", name: str, cell: str) -> Any:
    """Return what a cell stands for.

    Raises:
        ValidationError: by field.
    """
    if field is None or isinstance(field, models.JSONField):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError) as error:
            raise ValidationError(
                {name: f"{name} is {cell[:40]!r}; allowed: JSON, such as [[0, 0], [5, 1.5]]."}
            ) from error
    if isinstance(field, models.BooleanField):
        word = cell.casefold()
        if word not in TRUE_WORDS | FALSE_WORDS:
            raise ValidationError({name: f"{name} is {cell[:40]!r}; allowed: true or false."})
        return word in TRUE_WORDS
    return cell


def write(table: Table, rows: Iterable[Any]) -> str:
    """Return rows as a file that can be read again."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.fields)
    for row in rows:
        writer.writerow([_cell(row, name, field) for name, field in table.fields.items()])
    return text.getvalue()


def _check_columns(columns: list[str], table: Table) -> None:
    unknown = [column for column in columns if column not in table.fields]
    missing = [column for column in table.needed if column not in columns]
    if len(set(columns)) < len(columns):
        raise ValidationError("The heading names a column twice; allowed: each column once.")
    if unknown:
        raise ValidationError(f"The column {unknown[0][:40]!r} is unknown; allowed: {', '.join(table.fields)}.")
    if missing:
        raise ValidationError(f"The column {missing[0]} is missing; needed: {', '.join(table.needed)}.")


def _cells(columns: list[str], row: list[str], number: int, *, decimal_comma: bool) -> dict[str, str]:
    if len(row) > len(columns):
        raise ValidationError(f"Line {number} has {len(row)} cells; allowed: {len(columns)}.")
    cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False)}
    return {name: _plain(cell, decimal_comma=decimal_comma) for name, cell in cells.items() if cell}


def _plain(cell: str, *, decimal_comma: bool) -> str:
    if (text := unguarded(cell)) != cell:
        return text
    return cell.replace(",", ".") if decimal_comma and DECIMAL_COMMA.fullmatch(cell) else cell


def _cell(row: Any, name: str, field: "models.Field[Any, Any] | None") -> str:
    if field is None:
        return json.dumps(list(_parts(row))) if getattr(row, name).all() else ""
    value = getattr(row, name)
    if value is None:
        return ""
    if name == "site":
        return str(value.slug)
    if name == "portfolio":
        value = value.name
    if isinstance(field, models.JSONField):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return value.isoformat()
    text = str(value)
    return guarded(text) if isinstance(value, str) else text


def _parts(row: Asset) -> Iterator[dict[str, Any]]:
    parts = PARTS[type(row)]
    names = [name for name in editable_fields(parts.model) if name != parts.owner]
    for part in getattr(row, parts.name).all():
        values = {name: getattr(part, name) for name in names}
        yield {name: value.isoformat() if isinstance(value, time) else value for name, value in values.items()}
