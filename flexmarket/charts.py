"""The charts of offers."""

from collections.abc import Iterable, Mapping

import numpy as np

from assets.queries import device_label, kinds_by_name
from flexmarket.engine.table import FlexTable, aggregate
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from optimization.engine.series import Series
from optimization.models import ScheduleRun

POSITIVE_COLOUR = "#0072b2"
NEGATIVE_COLOUR = "#e69f00"
CT_PER_EUR = 100


def offer_charts(run: ScheduleRun, tables: Iterable[FlexTable]) -> ChartPage:
    """Return one chart of offered power and price per device, and one of all devices where there are several."""
    return ChartPage(
        start=run.start,
        step_seconds=run.step_seconds,
        count=run.count,
        zone=run.site.time_zone,
        charts=table_charts(tables, kinds_by_name(run.site)),
    )


def table_charts(tables: Iterable[FlexTable], kinds: Mapping[str, str]) -> list[Chart]:
    """Return the charts of flexibility tables; `kinds` by device."""
    offering = [table for table in tables if table.offers_anything]
    charts = [table_chart(table, device_label(table.device, kinds)) for table in offering]
    return [table_chart(aggregate(offering), "All devices"), *charts] if len(offering) > 1 else charts


def table_chart(table: FlexTable, title: str) -> Chart:
    """Return offered power and price over the day."""
    return Chart(
        name=f"offers-{table.device}",
        title=f"Offers: {title}",
        unit="kW",
        right_unit="ct/kWh",
        series=[
            ChartSeries(label="Positive", values=table.positive_power_kw, colour=POSITIVE_COLOUR, style="bars"),
            ChartSeries(label="Negative", values=-table.negative_power_kw, colour=NEGATIVE_COLOUR, style="bars"),
            _price(table.positive_price_eur_per_kwh, table.positive_power_kw, "Price, positive", "#003f63"),
            _price(table.negative_price_eur_per_kwh, table.negative_power_kw, "Price, negative", "#8a5a00"),
        ],
    )


def _price(price: Series, power: Series, label: str, colour: str) -> ChartSeries:
    """Return a price line with gaps where no power is offered."""
    values = np.where(power > 0, price * CT_PER_EUR, np.nan)
    return ChartSeries(label=label, values=values, colour=colour, style="steps", axis="right")
