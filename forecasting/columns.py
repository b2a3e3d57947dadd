"""How columns of files name what they forecast: `[<site>/]<device>.<quantity>[.p10]`, `site` for the site itself."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telemetry.services import Reference

SITE = "site"
QUANTILE = re.compile(r"\.p([1-9]0)\Z")
SERIES = re.compile(r"(?P<device>.+)\.(?P<quantity>\w+)", re.DOTALL)
ALLOWED = "<device>.<quantity> or site.<quantity>, with .p10 to .p90 for a quantile"


@dataclass(frozen=True)
class Column:
    """What a column is about: the site itself where `device` is empty, the mean where `level` is None.

    `site` is empty where the whole file is about one site.
    """

    device: str
    quantity: str
    level: float | None = None
    site: str = ""

    @property
    def series(self) -> tuple[str, str, str]:
        """What the columns of one forecast share."""
        return self.site, self.device, self.quantity

    @property
    def label(self) -> str:
        """The name of the mean's column within its site."""
        return f"{self.device or SITE}.{self.quantity}"

    def reference(self, site: int | str) -> Reference:
        """Return the channel that the column is about."""
        return Reference(site=site, asset=self.device or None, quantity=self.quantity)


def column_of(name: str, *, with_site: bool = False) -> Column:
    """Return what a column's name says; with `with_site` it begins with a site's slug or external id and a slash.

    Raises:
        ValueError: says what is allowed.
    """
    allowed = f"<site>/{ALLOWED.replace(' or ', ' or <site>/')}" if with_site else ALLOWED
    site, slash, own = name.partition("/") if with_site else ("", "", name)
    quantile = QUANTILE.search(own)
    found = SERIES.fullmatch(QUANTILE.sub("", own))
    if found is None or (with_site and not (site and slash)):
        raise ValueError(f"the column is {name[:80]!r}; allowed: {allowed}.")
    device = "" if found["device"] == SITE else found["device"]
    return Column(device, found["quantity"], int(quantile[1]) / 100 if quantile else None, site)


def grouped(columns: Mapping[str, Column]) -> dict[tuple[str, str, str], dict[float | None, str]]:
    """Return the names of the columns of each forecast by level, None for the mean.

    Raises:
        ValueError: for two columns of the same, or quantiles without a mean.
    """
    found: dict[tuple[str, str, str], dict[float | None, str]] = {}
    for name, column in columns.items():
        levels = found.setdefault(column.series, {})
        if column.level in levels:
            raise ValueError(f"the columns {levels[column.level]!r} and {name!r} are of the same.")
        levels[column.level] = name
    _require_means(found.values())
    return found


def _require_means(forecasts: Iterable[Mapping[float | None, str]]) -> None:
    for levels in forecasts:
        if None not in levels:
            name = next(iter(levels.values()))
            raise ValueError(f"the column {name!r} has quantiles only; needed too: {name.rpartition('.')[0]!r}.")
