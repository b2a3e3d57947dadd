"""The charts of a schedule."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.appearance import LINE_COLOUR, OTHER_COLOUR, of_kind
from assets.queries import device_label, kinds_by_name
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from optimization.engine.series import Series
from optimization.measured_charts import MeasuredByName, forecast_charts, grid_measured
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import SeriesByName

CT_PER_EUR = 100
GAS_KINDS = {"boiler", "chp"}
LOADS = ("electric_load", "heat_load")
PRICES = (
    ("import_eur_per_kwh", gettext_lazy("Import"), "--fp-kind-electric_vehicle"),
    ("export_eur_per_kwh", gettext_lazy("Export"), "--fp-kind-pv"),
    ("gas_eur_per_kwh", gettext_lazy("Gas"), "--fp-kind-boiler"),
)
SIGN_NOTE = gettext_lazy("Above zero is consumption, below zero is production.")
MEASURED_COLOUR = "--fp-measured"
LIMIT_COLOUR = "--fp-state-failed"
NOTHING: SeriesByName = {}


def schedule_charts(
    run: ScheduleRun, series: Mapping[str, SeriesByName], measured: MeasuredByName = NOTHING
) -> ChartPage:
    """Return power, heat, state of charge, prices and forecasts of a run, beside what was measured since.

    `series` by role; charts without content are left out.
    """
    kinds = kinds_by_name(run.site)
    charts = [
        _with_limits(chart, run) if chart.name == "power" else chart for chart in plan_charts(series, kinds, measured)
    ]
    return ChartPage(
        start=run.start,
        step_seconds=run.step_seconds,
        count=run.count,
        zone=run.site.time_zone,
        charts=[*charts, *forecast_charts(run, series, kinds, measured)],
    )


def plan_charts(
    series: Mapping[str, SeriesByName], kinds: Mapping[str, str], measured: MeasuredByName = NOTHING
) -> list[Chart]:
    """Return power, heat, state of charge and prices; `series` by role, `kinds` by device, empty charts left out."""
    plan, inputs = series[ScheduleSeries.Role.PLAN], series[ScheduleSeries.Role.INPUT]
    baseline = series[ScheduleSeries.Role.BASELINE]
    charts = [
        _power(plan, baseline, kinds, measured),
        _heat(plan, kinds),
        _contents(plan, kinds, measured),
        _prices(inputs, kinds),
    ]
    return [chart for chart in charts if chart.series]


def _with_limits(chart: Chart, run: ScheduleRun) -> Chart:
    """Return the chart with the limits of the grid connection that the plan was made with."""
    given = {
        _("Import limit"): run.parameters.get("import_limit_kw"),
        _("Export limit"): run.parameters.get("export_limit_kw"),
    }
    signs = (1.0, -1.0)
    lines = [
        ChartSeries(
            label=label, values=np.full(run.count, sign * limit), colour=LIMIT_COLOUR, style="steps", dashed=True
        )
        for (label, limit), sign in zip(given.items(), signs, strict=True)
        if limit is not None
    ]
    return replace(chart, series=[*chart.series, *lines])


def _power(plan: SeriesByName, baseline: SeriesByName, kinds: Mapping[str, str], measured: MeasuredByName) -> Chart:
    series = list(_bars(plan, kinds, "power_kw"))
    loads = [values["power_kw"] for name, values in plan.items() if kinds.get(name) == "electric_load"]
    if loads:
        series.append(
            ChartSeries(label=_("Electric demand"), values=np.sum(loads, axis=0), colour="--fp-text", style="steps")
        )
    series.append(ChartSeries(label=_("Grid"), values=plan[""]["grid_power_kw"], colour=LINE_COLOUR, style="steps"))
    if "grid_power_kw" in baseline.get("", {}):
        uncontrolled = baseline[""]["grid_power_kw"]
        series.append(
            ChartSeries(
                label=_("Grid without control"), values=uncontrolled, colour=OTHER_COLOUR, style="steps", dashed=True
            )
        )
    if (grid := grid_measured(plan, measured)) is not None:
        series.append(ChartSeries(label=_("Grid, measured"), values=grid, colour=MEASURED_COLOUR, style="steps"))
    return Chart(name="power", title=_("Electric power"), unit="kW", series=series, note=str(SIGN_NOTE))


def _heat(plan: SeriesByName, kinds: Mapping[str, str]) -> Chart:
    series = list(_bars(plan, kinds, "heat_kw"))
    loads = [values["heat_kw"] for name, values in plan.items() if kinds.get(name) == "heat_load"]
    if loads:
        demand = np.sum(loads, axis=0)
        series.append(ChartSeries(label=_("Heat demand"), values=demand, colour=LINE_COLOUR, style="steps"))
    return Chart(name="heat", title=_("Heat"), unit="kW", series=series, note=str(SIGN_NOTE))


def _bars(plan: SeriesByName, kinds: Mapping[str, str], quantity: str) -> Iterator[ChartSeries]:
    ranked = sorted(plan, key=lambda name: (kinds.get(name) not in LOADS, name))
    for name in ranked:
        values = plan[name].get(quantity)
        if name and values is not None and _is_used(values):
            yield ChartSeries(
                label=device_label(name, kinds), values=values, colour=of_kind(kinds.get(name, "")), style="bars"
            )


def _contents(plan: SeriesByName, kinds: Mapping[str, str], measured: MeasuredByName) -> Chart:
    series = [
        ChartSeries(
            label=device_label(name, kinds), values=content(values), colour=of_kind(kinds.get(name, "")), style="line"
        )
        for name, values in plan.items()
        if "soc_percent" in values
    ]
    series += [
        ChartSeries(
            label=_("{device}, measured").format(device=device_label(name, kinds)),
            values=values["soc_percent"],
            colour=of_kind(kinds.get(name, "")),
            style="line",
            dashed=True,
        )
        for name, values in measured.items()
        if "soc_percent" in values
    ]
    return Chart(name="contents", title=_("State of charge"), unit="%", series=series, scale_from=0, scale_to=100)


def content(values: Mapping[str, Series]) -> Series:
    """Return the state of charge with gaps while a vehicle is away."""
    connected = values.get("connected")
    soc_percent = values["soc_percent"]
    return soc_percent if connected is None else np.where(connected > 0, soc_percent, np.nan)


def _prices(inputs: SeriesByName, kinds: Mapping[str, str]) -> Chart:
    stored = inputs.get("", {})
    burns_gas = not GAS_KINDS.isdisjoint(kinds.values())
    series = [
        ChartSeries(label=str(label), values=stored[name] * CT_PER_EUR, colour=colour, style="steps")
        for name, label, colour in PRICES
        if name in stored and _is_used(stored[name]) and (burns_gas or name != "gas_eur_per_kwh")
    ]
    return Chart(name="prices", title=_("Energy prices"), unit="ct/kWh", series=series)


def _is_used(values: Series) -> bool:
    return bool(np.any(np.abs(values) > 1e-6))
