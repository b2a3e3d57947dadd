"""The charts of a schedule."""

from collections.abc import Iterator, Mapping

import numpy as np

from assets.appearance import LINE_COLOUR, OTHER_COLOUR, of_kind
from assets.queries import device_label, kinds_by_name
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import SeriesByName

CT_PER_EUR = 100
GAS_KINDS = {"boiler", "chp"}
LOADS = ("electric_load", "heat_load")
PRICES = (
    ("import_eur_per_kwh", "Import", "#0072b2"),
    ("export_eur_per_kwh", "Export", "#e69f00"),
    ("gas_eur_per_kwh", "Gas", "#a0522d"),
)
SIGN_NOTE = "Above zero is consumption, below zero is production."


def schedule_charts(run: ScheduleRun, series: Mapping[str, SeriesByName]) -> ChartPage:
    """Return power, heat, state of charge and prices of a run; `series` by role, charts without content left out."""
    return ChartPage(
        start=run.start,
        step_seconds=run.step_seconds,
        count=run.count,
        zone=run.site.time_zone,
        charts=plan_charts(series, kinds_by_name(run.site)),
    )


def plan_charts(series: Mapping[str, SeriesByName], kinds: Mapping[str, str]) -> list[Chart]:
    """Return power, heat, state of charge and prices; `series` by role, `kinds` by device, empty charts left out."""
    plan, inputs = series[ScheduleSeries.Role.PLAN], series[ScheduleSeries.Role.INPUT]
    baseline = series[ScheduleSeries.Role.BASELINE]
    charts = [_power(plan, baseline, kinds), _heat(plan, kinds), _contents(plan, kinds), _prices(inputs, kinds)]
    return [chart for chart in charts if chart.series]


def _power(plan: SeriesByName, baseline: SeriesByName, kinds: Mapping[str, str]) -> Chart:
    series = list(_bars(plan, kinds, "power_kw"))
    loads = [values["power_kw"] for name, values in plan.items() if kinds.get(name) == "electric_load"]
    if loads:
        series.append(
            ChartSeries(label="Electric demand", values=np.sum(loads, axis=0), colour="#5f6b7a", style="steps")
        )
    series.append(ChartSeries(label="Grid", values=plan[""]["grid_power_kw"], colour=LINE_COLOUR, style="steps"))
    if "grid_power_kw" in baseline.get("", {}):
        uncontrolled = baseline[""]["grid_power_kw"]
        series.append(
            ChartSeries(
                label="Grid without control", values=uncontrolled, colour=OTHER_COLOUR, style="steps", dashed=True
            )
        )
    return Chart(name="power", title="Electric power", unit="kW", series=series, note=SIGN_NOTE)


def _heat(plan: SeriesByName, kinds: Mapping[str, str]) -> Chart:
    series = list(_bars(plan, kinds, "heat_kw"))
    loads = [values["heat_kw"] for name, values in plan.items() if kinds.get(name) == "heat_load"]
    if loads:
        series.append(ChartSeries(label="Heat demand", values=np.sum(loads, axis=0), colour=LINE_COLOUR, style="steps"))
    return Chart(name="heat", title="Heat", unit="kW", series=series, note=SIGN_NOTE)


def _bars(plan: SeriesByName, kinds: Mapping[str, str], quantity: str) -> Iterator[ChartSeries]:
    ranked = sorted(plan, key=lambda name: (kinds.get(name) not in LOADS, name))
    for name in ranked:
        values = plan[name].get(quantity)
        if name and values is not None and _is_used(values):
            yield ChartSeries(
                label=device_label(name, kinds), values=values, colour=of_kind(kinds.get(name, "")), style="bars"
            )


def _contents(plan: SeriesByName, kinds: Mapping[str, str]) -> Chart:
    series = [
        ChartSeries(
            label=device_label(name, kinds), values=content(values), colour=of_kind(kinds.get(name, "")), style="line"
        )
        for name, values in plan.items()
        if "soc_percent" in values
    ]
    return Chart(name="contents", title="State of charge", unit="%", series=series, scale_from=0, scale_to=100)


def content(values: Mapping[str, Series]) -> Series:
    """Return the state of charge with gaps while a vehicle is away."""
    connected = values.get("connected")
    soc_percent = values["soc_percent"]
    return soc_percent if connected is None else np.where(connected > 0, soc_percent, np.nan)


def _prices(inputs: SeriesByName, kinds: Mapping[str, str]) -> Chart:
    stored = inputs.get("", {})
    burns_gas = not GAS_KINDS.isdisjoint(kinds.values())
    series = [
        ChartSeries(label=label, values=stored[name] * CT_PER_EUR, colour=colour, style="steps")
        for name, label, colour in PRICES
        if name in stored and _is_used(stored[name]) and (burns_gas or name != "gas_eur_per_kwh")
    ]
    return Chart(name="prices", title="Energy prices", unit="ct/kWh", series=series)


def _is_used(values: Series) -> bool:
    return bool(np.any(np.abs(values) > 1e-6))
