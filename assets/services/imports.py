"""Import of sites and devices from files: all rows or none, with what is wrong in each row."""

from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction

from assets.csv_files import TABLES, Line, Table, read, value_of
from assets.models import Asset, Checked, Portfolio, Site
from assets.services import rows
from assets.services.devices import create_asset
from assets.services.sites import create_site, described
from flexplatform.accounts.models import Organization


@dataclass(frozen=True)
class ImportedRow:
    """What happens to a row of a file: `create`, `change` or `keep`, or why nothing can."""

    line: int
    name: str
    action: str
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Import:
    """What an import does, row by row; `done` only where every row is right and it was not just a preview."""

    rows: tuple[ImportedRow, ...]
    done: bool

    @property
    def wrong(self) -> tuple[ImportedRow, ...]:
        """The rows with errors."""
        return tuple(row for row in self.rows if row.errors)

    def count(self, action: str) -> int:
        """Return how many rows have this action."""
        return sum(row.action == action for row in self.rows)


def import_csv(*, organization: Organization, table: str, data: bytes | str, preview: bool = False) -> Import:
    """Import a file of sites (`table` is "site") or of the devices of one kind.

    A site is known again by its external id, else by its slug; a device by its site's slug and its name. Empty cells
    of new rows take the default, those of known rows change nothing. Nothing is written for a preview, or where any
    row is wrong.

    Raises:
        ValidationError: for a file that is no such table at all.
    """
    if table not in TABLES:
        raise ValidationError({"table": f"table is {table!r}; allowed: {', '.join(TABLES)}."})
    lines = read(data, TABLES[table])
    with transaction.atomic():
        found = tuple(_import_line(organization, TABLES[table], line) for line in lines)
        done = not preview and not any(row.errors for row in found)
        if not done:
            transaction.set_rollback(True)
    return Import(found, done)


def _import_line(organization: Organization, table: Table, line: Line) -> ImportedRow:
    name = line.cells.get("name", "")
    try:
        with transaction.atomic():
            values = {column: value_of(table.fields[column], column, cell) for column, cell in line.cells.items()}
            write = _write_site if table.model is Site else _write_device
            return ImportedRow(line.number, name, write(organization, table, values))
    except ValidationError as error:
        return ImportedRow(line.number, name, "refuse", tuple(described(error)))


def _write_site(organization: Organization, _table: Table, values: dict[str, Any]) -> str:
    if "portfolio" in values:
        portfolio = Portfolio.objects.filter(organization=organization, name=values["portfolio"]).first()
        if portfolio is None:
            names = ", ".join(Portfolio.objects.filter(organization=organization).values_list("name", flat=True)[:10])
            raise ValidationError({"portfolio": f"portfolio is {values['portfolio']}; allowed: {names or 'none yet'}."})
        values["portfolio"] = portfolio
    sites = Site.objects.filter(organization=organization)
    known = None
    if values.get("external_id"):
        known = sites.filter(external_id=values["external_id"]).first()
    elif values.get("slug"):
        known = sites.filter(slug=values["slug"]).first()
    if known is not None:
        return _change(known, values, organization)
    create_site(organization=organization, values=values)
    return "create"


def _write_device(organization: Organization, table: Table, values: dict[str, Any]) -> str:
    slug = values.pop("site", "")
    site = Site.objects.filter(organization=organization, slug=slug).first()
    if site is None:
        raise ValidationError({"site": f"site is {slug!r}; allowed: the slug of a site of {organization.name}."})
    devices: Any = table.model._default_manager
    known = devices.filter(site=site, name=values.get("name", "")).first()
    if known is not None:
        return _change(known, values, organization)
    create_asset(site=site, kind=cast("type[Asset]", table.model).KIND, values=values)
    return "create"


def _change(row: Checked, values: dict[str, Any], organization: Organization) -> str:
    before = rows.state(row)
    return "keep" if rows.state(rows.update(row, values, organization)) == before else "change"
