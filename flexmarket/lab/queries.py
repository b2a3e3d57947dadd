"""Reads of scenarios and their runs."""

from collections import defaultdict
from typing import cast

from django.db.models import Count, OuterRef, QuerySet, Subquery

from flexmarket.engine.table import FlexTable
from flexmarket.models import Scenario, ScenarioRun, ScenarioSeries
from optimization.engine.series import Series
from optimization.queries import SeriesByName


def scenarios_newest_first() -> QuerySet[Scenario]:
    """Return the scenarios without their files, each with `run_count` and `newest_run`."""
    newest = ScenarioRun.objects.filter(scenario=OuterRef("pk")).order_by("-id")
    counted = Scenario.objects.defer("file").annotate(
        run_count=Count("runs"), newest_run=Subquery(newest.values("pk")[:1])
    )
    # Grouping drops the order of the model.
    return counted.order_by("-id")


def runs_of(scenario: Scenario) -> QuerySet[ScenarioRun]:
    """Return the runs of a scenario with their jobs, newest first."""
    return ScenarioRun.objects.filter(scenario=scenario).select_related("job")


def series_by_role(run: ScenarioRun) -> dict[str, SeriesByName]:
    """Return every series of a run by role, device name ("" for the site) and quantity."""
    found: dict[str, SeriesByName] = {role: defaultdict(dict) for role in ScenarioSeries.Role.values}
    for row in ScenarioSeries.objects.filter(run=run).order_by("id"):
        found[row.role][row.device][row.quantity] = cast("Series", row.values)
    return found


def tables_of(run: ScenarioRun, series: dict[str, SeriesByName]) -> list[FlexTable]:
    """Return the flexibility tables of a run."""
    return [
        FlexTable(device=name, kind=run.summary["kinds"].get(name, ""), **columns)
        for name, columns in series[ScenarioSeries.Role.OFFERS].items()
    ]
