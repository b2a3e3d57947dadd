"""Two plans side by side: their figures with differences, and their power and contents in one picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from django.utils.translation import gettext as _

from assets.appearance import of_kind
from assets.queries import device_label
from flexplatform.portal.charts import Chart, ChartSeries
from optimization.charts import SIGN_NOTE, content
from optimization.engine.series import Series
from optimization.models import ScheduleRun
from optimization.queries import SeriesByName

BEFORE_COLOUR, AFTER_COLOUR = "--fp-other", "--fp-positive"
Better = Literal["lower", "higher", "neither"]
SAME = 1e-9
DIGITS_OF_ID = 18


@dataclass(frozen=True)
class Figure:
    """A number of a plan; `better` says which direction a person wishes for."""

    name: str
    label: str
    unit: str
    value: float
    better: Better = "lower"


@dataclass(frozen=True)
class Compared:
    """A figure of two plans; None where a plan does not have it."""

    name: str
    label: str
    unit: str
    before: float | None
    after: float | None
    better: Better

    @property
    def difference(self) -> float | None:
        """The second value less the first one."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> Literal["better", "worse", "same"]:
        """Whether the second plan is better in this figure."""
        difference = self.difference or 0.0
        if self.better == "neither" or abs(difference) < SAME:
            return "same"
        return "better" if (difference < 0) == (self.better == "lower") else "worse"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of two plans: what it is called, its steps and its series by device ("" for the site)."""

    label: str
    step_seconds: float
    plan: SeriesByName
    kinds: Mapping[str, str]


def figures_of_run(run: ScheduleRun, plan: SeriesByName) -> list[Figure]:
    """Return the figures of a stored schedule."""
    return plan_figures(
        costs={name: float(value) for name, value in run.cost_by_cause_eur.items()},
        total_eur=float(run.total_cost_eur),
        baseline_eur=float(run.baseline_cost_eur),
        co2_kg=run.co2_kg,
        unmet=len(run.unmet),
        grid_power_kw=plan[""]["grid_power_kw"],
        step_hours=run.step_seconds / 3600,
    )


def plan_figures(
    *,
    costs: Mapping[str, float],
    total_eur: float,
    baseline_eur: float,
    co2_kg: float,
    unmet: int,
    grid_power_kw: Series,
    step_hours: float,
) -> list[Figure]:
    """Return what people compare plans by: costs, CO2, energy and peaks at the meter, wishes that are not held."""
    imported, exported = np.clip(grid_power_kw, 0, None), np.clip(-grid_power_kw, 0, None)
    return [
        Figure("total_cost_eur", _("Cost"), "EUR", total_eur),
        Figure("baseline_cost_eur", _("Cost without control"), "EUR", baseline_eur, "neither"),
        Figure("saving_eur", _("Saving"), "EUR", baseline_eur - total_eur, "higher"),
        *_causes(costs),
        Figure("co2_kg", _("CO₂"), "kg", co2_kg),
        Figure("import_kwh", _("Energy from the grid"), "kWh", float(imported.sum() * step_hours), "neither"),
        Figure("export_kwh", _("Energy to the grid"), "kWh", float(exported.sum() * step_hours), "neither"),
        Figure("import_peak_kw", _("Highest import"), "kW", float(imported.max(initial=0))),
        Figure("export_peak_kw", _("Highest export"), "kW", float(exported.max(initial=0)), "neither"),
        Figure("unmet_wishes", _("Steps with an unmet wish"), "", float(unmet)),
    ]


def compared(before: Sequence[Figure], after: Sequence[Figure]) -> list[Compared]:
    """Return the figures of both plans by name, in the order of the first one."""
    left, right = {each.name: each for each in before}, {each.name: each for each in after}
    return [
        Compared(
            name,
            figure.label,
            figure.unit,
            left[name].value if name in left else None,
            right[name].value if name in right else None,
            figure.better,
        )
        for name, figure in {**left, **right}.items()
    ]


def overlaid(before: Side, after: Side) -> list[Chart]:
    """Return the grid power and the contents of both plans; none where their steps differ in length."""
    if before.step_seconds != after.step_seconds:
        return []
    power = [
        _line(_("Grid, {plan}").format(plan=side.label), side.plan[""]["grid_power_kw"], colour, dashed=dashed)
        for side, colour, dashed in ((before, BEFORE_COLOUR, True), (after, AFTER_COLOUR, False))
    ]
    charts = [Chart(name="power", title=_("Grid power"), unit="kW", series=power, note=str(SIGN_NOTE))]
    contents = [*_contents(before, dashed=True), *_contents(after, dashed=False)]
    if contents:
        charts.append(
            Chart(name="contents", title=_("State of charge"), unit="%", series=contents, scale_from=0, scale_to=100)
        )
    return charts


def _causes(costs: Mapping[str, float]) -> Iterator[Figure]:
    labels = {
        "import_eur": _("Import"),
        "export_eur": _("Export"),
        "gas_eur": _("Gas"),
        "fuel_eur": _("Fuel"),
        "wear_eur": _("Wear"),
        "start_eur": _("Starts"),
        "peak_eur": _("Peak"),
    }
    for name, value in costs.items():
        if value:
            yield Figure(name, labels.get(name, name), "EUR", value)


def _contents(side: Side, *, dashed: bool) -> Iterator[ChartSeries]:
    for name, values in side.plan.items():
        if "soc_percent" in values:
            label = f"{device_label(name, side.kinds)}, {side.label}"
            colour = of_kind(side.kinds.get(name, ""))
            yield ChartSeries(label=label, values=content(values), colour=colour, style="line", dashed=dashed)


def _line(label: str, values: Series, colour: str, *, dashed: bool) -> ChartSeries:
    return ChartSeries(label=label, values=values, colour=colour, style="steps", dashed=dashed)


def chosen_pair(asked: Mapping[str, str]) -> tuple[int, int] | None:
    """Return the ids that `before` and `after` name; None for what are no ids."""
    texts = asked.get("before", ""), asked.get("after", "")
    if any(not text.isascii() or not text.isdigit() or len(text) > DIGITS_OF_ID for text in texts):
        return None
    return int(texts[0]), int(texts[1])
