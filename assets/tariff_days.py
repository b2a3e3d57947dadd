"""What a tariff costs on one local day: its parts per step, as rows and as a chart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from assets.appearance import LINE_COLOUR
from assets.engine.tariff import Series
from assets.models import Tariff
from assets.queries import market_day
from assets.tariffs import tariff_parts
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries

QUARTER_HOUR = timedelta(minutes=15)
ORDINARY_DAY = timedelta(days=1)
PARTS: dict[str, tuple[str, str]] = {
    "energy": ("Energy", "#0072b2"),
    "margin": ("On top of the energy price", "#56b4e9"),
    "grid_fee_by_hour": ("Grid fee by hour", "#e69f00"),
    "grid_fee": ("Grid fee", "#e69f00"),
    "taxes": ("Taxes", "#cc79a7"),
    "levies": ("Levies", "#009e73"),
    "vat": ("VAT", "#b8bec6"),
}


def components(tariff: Tariff) -> Iterator[tuple[str, str]]:
    """Yield what a tariff is made of: the names of its parts, and each with its unit."""
    per = "l" if tariff.commodity == Tariff.Commodity.FUEL else "kWh"
    if tariff.price_series is not None:
        yield "Energy", tariff.price_series.name
    margin = "Energy" if tariff.form == Tariff.Form.FLAT else PARTS["margin"][0]
    for name, value in (
        (margin, tariff.energy_price_per_kwh),
        ("Grid fee", tariff.grid_fee_per_kwh),
        ("Taxes", tariff.taxes_per_kwh),
        ("Levies", tariff.levies_per_kwh),
    ):
        if value or name == "Energy":
            yield name, f"{value.normalize():f} {tariff.currency}/{per}"
    if tariff.vat_percent:
        yield "VAT", f"{tariff.vat_percent.normalize():f} %"
    if tariff.capacity_price_per_kw:
        yield "Highest import", f"{tariff.capacity_price_per_kw.normalize():f} {tariff.currency}/kW"


@dataclass(frozen=True)
class PriceRow:
    """Steps in a row that cost the same: local start and end, what each part adds, and the price."""

    start: str
    end: str
    parts: tuple[float, ...]
    price: float


@dataclass(frozen=True, eq=False)
class TariffDay:
    """The parts of a tariff per step of a local day, in `unit`; their sum is the price."""

    starts: tuple[datetime, ...]
    step: timedelta
    zone: ZoneInfo
    parts: Mapping[str, Series]
    unit: str

    @property
    def labels(self) -> list[str]:
        """What the parts are called."""
        return [PARTS[name][0] for name in self.parts]

    @property
    def price(self) -> Series:
        """The price per step."""
        return np.sum(list(self.parts.values()), axis=0)

    @property
    def has_clock_change(self) -> bool:
        """Whether the day is shorter or longer than others."""
        return len(self.starts) * self.step != ORDINARY_DAY

    def rows(self) -> Iterator[PriceRow]:
        """Yield the day from midnight to midnight, steps of equal parts as one row."""
        table = np.array(list(self.parts.values()))
        changes = np.flatnonzero(np.any(np.diff(table, axis=1) != 0, axis=0)) + 1
        bounds = [0, *(int(change) for change in changes), len(self.starts)]
        for first, end in pairwise(bounds):
            parts = tuple(float(value) for value in table[:, first])
            yield PriceRow(
                self._local(self.starts[first]), self._local(self.starts[end - 1] + self.step), parts, sum(parts)
            )

    def chart(self) -> ChartPage:
        """Return the parts as bars, the price as a line."""
        bars = [
            ChartSeries(label=PARTS[name][0], values=values, colour=PARTS[name][1], style="bars")
            for name, values in self.parts.items()
        ]
        line = ChartSeries(label="Price", values=self.price, colour=LINE_COLOUR, style="steps")
        return ChartPage(
            start=self.starts[0],
            step_seconds=self.step.total_seconds(),
            count=len(self.starts),
            zone=self.zone.key,
            charts=[Chart(name="price", title="Price", unit=self.unit, series=[*bars, line])],
        )

    def _local(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{local:%H:%M %Z}" if self.has_clock_change else f"{local:%H:%M}"


def tariff_day(tariff: Tariff, day: date, zone: ZoneInfo) -> TariffDay:
    """Return what a tariff costs on a local day, in quarter-hours.

    Raises:
        TariffError: names the first time without a price.
    """
    starts = market_day(day, QUARTER_HOUR, zone)
    factor, unit = _unit(tariff)
    parts = tariff_parts(tariff, starts, QUARTER_HOUR, zone)
    return TariffDay(starts, QUARTER_HOUR, zone, {name: values * factor for name, values in parts.items()}, unit)


def _unit(tariff: Tariff) -> tuple[float, str]:
    amount = "l" if tariff.commodity == Tariff.Commodity.FUEL else "kWh"
    return (100.0, f"ct/{amount}") if tariff.currency == "EUR" else (1.0, f"{tariff.currency}/{amount}")
