"""A statement as a file: CSV, XLSX and PDF with the same lines and totals."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from flexmarket.models import Statement, StatementLine
from flexplatform.spreadsheets import guarded

COLUMNS = (
    "order",
    "product",
    "portfolio",
    "site",
    "asset",
    "start",
    "end",
    "ordered_kwh",
    "delivered_kwh",
    "missing_kwh",
    "unmeasured_steps",
    "payment",
    "penalty",
    "amount",
    "owner_amount",
    "aggregator_amount",
)
SUMMED = COLUMNS[COLUMNS.index("ordered_kwh") :]
# Found without importing matplotlib, which every process would pay for.
FONTS = Path(getattr(find_spec("matplotlib"), "origin", "")).parent / "mpl-data" / "fonts" / "ttf"
# What fits across a page, with the width of each column in mm.
PRINTED = {
    "order": 40,
    "site": 44,
    "start": 30,
    "ordered_kwh": 23,
    "delivered_kwh": 23,
    "missing_kwh": 23,
    "payment": 22,
    "penalty": 22,
    "amount": 22,
    "owner_amount": 24,
}
HEADINGS = {"ordered_kwh": "ordered kWh", "delivered_kwh": "delivered kWh", "missing_kwh": "missing kWh"}
HEADINGS |= {"owner_amount": "owner", "site": "site, device"}
Values = Mapping[str, Any]


@dataclass(frozen=True)
class StatementFile:
    """A file to download."""

    name: str
    media_type: str
    content: bytes


def export_statement(statement: Statement, file_format: str) -> StatementFile:
    """Return a statement as a file.

    Raises:
        LookupError: for a format that is none of `FORMATS`.
    """
    media_type, write = FORMATS[file_format]
    name = f"statement_{statement.month:%Y-%m}_{statement.pk}_v{statement.version}.{file_format}"
    return StatementFile(name, media_type, write(statement, list(_lines(statement))))


def totals_of(lines: Sequence[Values]) -> dict[str, Any]:
    """Return the sums over lines."""
    return {name: sum((line[name] for line in lines), Decimal(0)) for name in SUMMED}


def _lines(statement: Statement) -> Iterator[Values]:
    zone = ZoneInfo(statement.organization.time_zone)
    for line in StatementLine.objects.filter(statement=statement):
        values = {name: getattr(line, name) for name in COLUMNS}
        yield {**values, "start": line.start.astimezone(zone), "end": line.end.astimezone(zone)}


def _csv(statement: Statement, lines: Sequence[Values]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["statement", "month", "version", "state", "currency", *COLUMNS])
    of_statement = [guarded(statement.contract_name), f"{statement.month:%Y-%m}", statement.version, statement.state]
    of_statement.append(statement.currency)
    for line in lines:
        writer.writerow([*of_statement, *(_text(line[name]) for name in COLUMNS)])
    return text.getvalue().encode("utf-8-sig")


def _xlsx(statement: Statement, lines: Sequence[Values]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "statement"
    for label, value in _head(statement):
        sheet.append([label, _cell(value)])
    sheet.append([])
    sheet.append(list(COLUMNS))
    heading = sheet.max_row
    for line in lines:
        sheet.append([_cell(line[name]) for name in COLUMNS])
    totals = totals_of(lines)
    sheet.append(["total", *(_cell(totals.get(name)) for name in COLUMNS[1:])])
    for row in (heading, sheet.max_row):
        for cell in sheet[row]:
            cell.font = Font(bold=True)
    for index, name in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(index)].width = max(len(name) + 2, 14)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _pdf(statement: Statement, lines: Sequence[Values]) -> bytes:
    # Imported here, as it would be an eighth of what every process takes to start.
    from fpdf import FPDF, FontFace

    page = FPDF(orientation="landscape", format="A4")
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        page.add_font("sans", style, FONTS / file)
    page.set_creation_date(statement.closed_at or statement.created_at)
    page.set_title(_plain(f"Statement {statement}"))
    page.add_page()
    page.set_font("sans", "B", 14)
    page.cell(0, 10, _plain(f"Statement: {statement}"), new_x="LMARGIN", new_y="NEXT")
    page.set_font("sans", "", 9)
    for label, value in _head(statement):
        page.cell(50, 6, label)
        page.cell(0, 6, _plain(str(value)), new_x="LMARGIN", new_y="NEXT")
    page.ln(4)
    page.set_font("sans", "", 7.5)
    aligned = ["LEFT" if name in ("order", "site", "start") else "RIGHT" for name in PRINTED]
    with page.table(
        col_widths=tuple(PRINTED.values()), text_align=aligned, headings_style=FontFace(emphasis="BOLD")
    ) as table:
        table.row([HEADINGS.get(name, name) for name in PRINTED])
        for line in lines:
            table.row([_plain(_printed(line, name)) for name in PRINTED])
        totals = totals_of(lines)
        table.row(
            ["total", "", "", *(_printed(totals, name) for name in list(PRINTED)[3:])],
            style=FontFace(emphasis="BOLD"),
        )
    return bytes(page.output())


def _head(statement: Statement) -> Iterator[tuple[str, Any]]:
    yield "Organization", statement.organization.name
    yield "Contract", statement.contract_name
    yield "Month", f"{statement.month:%Y-%m}"
    yield "Version", statement.version
    yield "State", statement.state
    yield "Closed at", f"{statement.closed_at:%Y-%m-%d %H:%M} UTC" if statement.closed_at else "-"
    yield f"Amount ({statement.currency})", statement.amount
    yield f"Owner, {statement.owner_share:.0%}", statement.owner_amount
    yield "Aggregator", statement.aggregator_amount


def _printed(line: Values, name: str) -> str:
    value = line[name]
    if name == "site":
        return f"{value}, {line['asset']}" if line["asset"] else str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{value:,.3f}" if name.endswith("_kwh") else f"{value:,.2f}"
    return str(value)


def _plain(text: str) -> str:
    """Return a text without characters that a line of a PDF cannot have."""
    return "".join(each if each.isprintable() else " " for each in text)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return guarded(value) if isinstance(value, str) else str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return guarded(_plain(value)) if isinstance(value, str) else value


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: dict[str, tuple[str, Callable[[Statement, Sequence[Values]], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "xlsx": (XLSX, _xlsx),
    "pdf": ("application/pdf", _pdf),
}
