"""The charts of offers."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from django.utils.translation import gettext as _

from assets.queries import device_label, kinds_by_name
from flexmarket.board.selection import DIRECTIONS, Board
from flexmarket.engine.table import FlexTable, aggregate
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from optimization.engine.series import Series
from optimization.models import ScheduleRun

CT_PER_EUR = 100
SHOWN = tuple(
    f"{direction}_{what}" for what in ("power_kw", "energy_kwh", "price_eur_per_kwh") for direction in DIRECTIONS
)


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
    return [table_chart(aggregate(offering), _("All devices")), *charts] if len(offering) > 1 else charts


def table_chart(table: FlexTable, title: str) -> Chart:
    """Return offered power and price over the day."""
    columns = {name: getattr(table, name) for name in SHOWN}
    return Chart(
        name=f"offers-{table.device}",
        title=_("Offers: {title}").format(title=title),
        unit="kW",
        right_unit="ct/kWh",
        series=_series(columns, DIRECTIONS),
    )


def board_chart(board: Board, directions: Sequence[str]) -> Chart:
    """Return the power on offer of many devices over the day, with the mean price of each direction."""
    columns = {f"{each}_power_kw": board.total(each, "power_kw") for each in directions}
    columns |= {f"{each}_price_eur_per_kwh": board.mean_price(each) for each in directions}
    title = _("Power on offer, all devices together")
    return Chart(name="board", title=title, unit="kW", right_unit="ct/kWh", series=_series(columns, directions))


def _series(columns: Mapping[str, Series], directions: Sequence[str]) -> list[ChartSeries]:
    """Return power as bars, negative below zero, then prices as lines with gaps where no power is offered."""
    labels = {
        "positive": (_("Positive"), _("Price, positive"), _("Energy, positive (kWh)")),
        "negative": (_("Negative"), _("Price, negative"), _("Energy, negative (kWh)")),
    }
    bars, lines = [], []
    for each in directions:
        power, price = columns[f"{each}_power_kw"], columns[f"{each}_price_eur_per_kwh"]
        shown = -power if each == "negative" else power
        bars.append(ChartSeries(label=labels[each][0], values=shown, colour=f"--fp-{each}", style="bars"))
        ct = np.where(power > 0, price * CT_PER_EUR, np.nan)
        colour = f"--fp-{each}-price"
        lines.append(ChartSeries(label=labels[each][1], values=ct, colour=colour, style="steps", axis="right"))
        energy = columns.get(f"{each}_energy_kwh")
        if energy is not None:
            shown = -energy if each == "negative" else energy
            label = labels[each][2]
            lines.append(ChartSeries(label=label, values=shown, colour=f"--fp-{each}", style="steps", hidden=True))
    return [*bars, *lines]
