"""The charts of a run, and of two runs in one picture."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.utils.translation import gettext as _

from flexmarket.charts import table_charts
from flexmarket.lab.queries import series_by_role, tables_of
from flexmarket.models import ScenarioRun, ScenarioSeries
from flexplatform.portal.charts import Chart, ChartPage
from optimization.charts import plan_charts
from optimization.comparison import Compared, Figure, Side, compared, overlaid, plan_figures
from optimization.engine.series import Series
from optimization.queries import SeriesByName


def run_charts(run: ScenarioRun) -> ChartPage:
    """Return power, heat, contents and prices of a solved run, then the offers of each device."""
    series = series_by_role(run)
    kinds = run.summary["kinds"]
    return _page(run, [*plan_charts(series, kinds), *table_charts(tables_of(run, series), kinds)])


def overlaid_charts(before: ScenarioRun, after: ScenarioRun) -> ChartPage:
    """Return grid power and contents of two solved runs of one scenario."""
    return _page(before, overlaid(_side(before), _side(after)))


def compared_runs(before: ScenarioRun, after: ScenarioRun) -> list[Compared]:
    """Return the figures of two solved runs side by side, those of the offers too."""
    return compared(_figures(before), _figures(after))


def _figures(run: ScenarioRun) -> list[Figure]:
    summary = run.summary
    return [
        *plan_figures(
            costs={f"{name}_eur": value for name, value in summary["cost_by_cause_eur"].items()},
            total_eur=summary["total_cost_eur"],
            baseline_eur=summary["baseline_cost_eur"],
            co2_kg=summary["co2_kg"],
            unmet=len(summary["unmet"]),
            grid_power_kw=_grid(run),
            step_hours=run.scenario.step_minutes / 60,
        ),
        *_offered(summary["offers"]),
    ]


def _offered(offers: Mapping[str, Any]) -> Iterator[Figure]:
    words = {"positive": _("{device}: more power to the grid, up to"), "negative": _("{device}: less, up to")}
    for name, table in offers.items():
        for direction, text in words.items():
            if table[direction]["steps"]:
                power_kw = table[direction]["max_power_kw"]
                yield Figure(f"{name}_{direction}_kw", text.format(device=name), "kW", power_kw, "higher")


def _grid(run: ScenarioRun) -> Series:
    rows = ScenarioSeries.objects.filter(run=run, role=ScenarioSeries.Role.PLAN, device="", quantity="grid_power_kw")
    return cast("Series", rows.values_list("values", flat=True).get())


def _side(run: ScenarioRun) -> Side:
    plan: SeriesByName = series_by_role(run)[ScenarioSeries.Role.PLAN]
    return Side(label=run.label, step_seconds=run.scenario.step_minutes * 60, plan=plan, kinds=run.summary["kinds"])


def _page(run: ScenarioRun, charts: list[Chart]) -> ChartPage:
    horizon = run.scenario.horizon
    seconds = horizon.step.total_seconds()
    zone = run.scenario.time_zone
    return ChartPage(start=horizon.start, step_seconds=seconds, count=horizon.count, zone=zone, charts=charts)
