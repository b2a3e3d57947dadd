"""What the portal asks for: a local day, or everything about a run."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from assets.models import Site
from optimization.engine import SOLVERS
from optimization.engine.horizon import Horizon
from optimization.portfolio_runs import FIRST_YEAR, LAST_YEAR
from optimization.services import LONGEST_SECONDS, REQUEST_GAP, REQUEST_SECONDS

SOLVER_LABELS = {
    "milp": gettext_lazy("Exact (MILP)"),
    "ga": gettext_lazy("Genetic algorithm"),
    "pso": gettext_lazy("Particle swarm"),
}
STEPS = (5, 10, 15, 30, 60)
PERCENT = 100


class PlanForm(forms.Form):
    """A local day to plan, and the key that makes a second click the same request."""

    day = forms.DateField(input_formats=["%Y-%m-%d"])
    key = forms.CharField(max_length=200)

    def clean_day(self) -> object:
        """Refuse years that no calendar of a market has."""
        day = self.cleaned_data["day"]
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError("Choose a day between 1970 and 2199.")
        return day

    @property
    def reason(self) -> str:
        """The first error in words."""
        return next((f"{name}: {errors[0]}" for name, errors in self.errors.items()), "")

    def horizon(self, site: Site) -> Horizon:
        """Return the site's market day in quarter-hours."""
        return Horizon.market_day(self.cleaned_data["day"], site.zone)


class SolverForm(forms.Form):
    """How to search: solver, gap and time."""

    solver = forms.ChoiceField(
        label=gettext_lazy("Solver"),
        choices=[(name, SOLVER_LABELS.get(name, name)) for name in SOLVERS],
        initial="milp",
    )
    gap_percent = forms.FloatField(
        label=gettext_lazy("Gap that is good enough (%)"),
        min_value=0,
        max_value=PERCENT,
        initial=PERCENT * REQUEST_GAP,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    time_limit = forms.FloatField(
        label=gettext_lazy("Time for the solver (s)"),
        min_value=0.1,
        max_value=LONGEST_SECONDS,
        initial=REQUEST_SECONDS,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field.widget, forms.Select) else "form-control"

    @property
    def gap(self) -> float:
        """The gap as a share."""
        return float(self.cleaned_data["gap_percent"] / PERCENT)
