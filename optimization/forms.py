"""What the portal asks for: a local day, or everything about a run."""

from datetime import UTC, date, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import Portfolio, Site
from flexplatform.accounts.models import Organization
from optimization.caution import CAUTION
from optimization.engine import SOLVERS
from optimization.engine.horizon import HOUR, Horizon
from optimization.engine.solvers import HEURISTICS
from optimization.options import GOAL, SEARCH
from optimization.portfolio_runs import FIRST_YEAR, LAST_YEAR
from optimization.services import LONGEST_HORIZON, LONGEST_SECONDS, REQUEST_GAP, REQUEST_SECONDS

QUARTER = timedelta(minutes=15)
LOCAL_MINUTE = "%Y-%m-%dT%H:%M"
SOLVER_LABELS = {
    "milp": gettext_lazy("Exact (MILP)"),
    "ga": gettext_lazy("Genetic algorithm"),
    "pso": gettext_lazy("Particle swarm"),
}
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


class StartForm(SolverForm):
    """What to plan: a site, a portfolio or all sites; a local day or a window; how, and towards which goal."""

    site = forms.CharField(
        required=False,
        max_length=100,
        label=gettext_lazy("Site"),
        help_text=gettext_lazy("Empty: all sites of the portfolio"),
        widget=forms.TextInput({"list": "sites", "autocomplete": "off"}),
    )
    portfolio = forms.ModelChoiceField(
        Portfolio.objects.none(), required=False, label=gettext_lazy("Portfolio"), empty_label=gettext_lazy("all")
    )
    day = forms.DateField(
        required=False,
        label=gettext_lazy("Local day"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    start = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Or a window from"),
        input_formats=[LOCAL_MINUTE, f"{LOCAL_MINUTE}:%S"],
        widget=forms.DateTimeInput({"type": "datetime-local", "step": "900"}, LOCAL_MINUTE),
    )
    hours = forms.FloatField(
        required=False, label=gettext_lazy("Hours"), min_value=0.25, max_value=LONGEST_HORIZON / HOUR, initial=24
    )
    cost_weight = forms.FloatField(required=False, label=gettext_lazy("Weight of cost"), min_value=0, initial=1)
    co2_eur_per_kg = forms.FloatField(
        required=False, label=gettext_lazy("Price of CO₂ (EUR/kg)"), min_value=0, initial=0
    )
    forecast_quantile = forms.FloatField(
        required=False, label=gettext_lazy("Quantile of the forecasts"), min_value=0.1, max_value=0.9
    )
    reserve_share = forms.FloatField(
        required=False, label=gettext_lazy("Reserve for this share of scenarios"), min_value=0.5, max_value=0.99
    )
    seed = forms.IntegerField(required=False, label=gettext_lazy("Seed"), min_value=0)
    evaluations = forms.IntegerField(required=False, label=gettext_lazy("Plans to look at"), min_value=1)
    population = forms.IntegerField(required=False, label=gettext_lazy("Plans in a generation"), min_value=4)
    block_minutes = forms.FloatField(required=False, label=gettext_lazy("Decides every (min)"), min_value=1)
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        choices: Any = self.fields["portfolio"]
        choices.queryset = Portfolio.objects.filter(organization=organization).order_by("name")

    @property
    def search_fields(self) -> list[forms.BoundField]:
        """The fields that only a heuristic needs."""
        return [self[name] for name in SEARCH]

    @property
    def goal_fields(self) -> list[forms.BoundField]:
        """The fields of the goal."""
        return [self[name] for name in GOAL]

    @property
    def caution_fields(self) -> list[forms.BoundField]:
        """The fields of how careful a plan is."""
        return [self[name] for name in CAUTION]

    def clean_site(self) -> Site | None:
        """Return the site of this name or short name."""
        text = self.cleaned_data["site"].strip()
        if not text:
            return None
        own = Site.objects.filter(organization=self.organization)
        found = own.filter(Q(slug=text) | Q(name=text)).order_by("pk").first()
        if found is None:
            told = {"text": text, "organization": self.organization}
            raise forms.ValidationError(_("%(text)s is no site of %(organization)s.") % told)
        return found

    def clean(self) -> dict[str, Any]:
        """Take either a day or a window."""
        asked = super().clean() or self.cleaned_data
        if not self.errors and not asked.get("day") and not asked.get("start"):
            self.add_error("day", _("Choose a day, or a window."))
        return asked

    @property
    def when(self) -> date | Horizon:
        """The local day, or the window in quarter-hours."""
        asked = self.cleaned_data
        start = asked.get("start")
        if start is None:
            day: date = asked["day"]
            return day
        hours = asked.get("hours") or 24
        return Horizon(start.astimezone(UTC), QUARTER, max(round(hours * HOUR / QUARTER), 1))

    @property
    def options(self) -> dict[str, Any]:
        """Goal and search, as far as they differ from what holds anyway."""
        asked = self.cleaned_data
        found = {name: asked.get(name) for name in CAUTION}
        found |= {name: asked.get(name) for name in GOAL if asked.get(name) != self.fields[name].initial}
        if asked["solver"] in HEURISTICS:
            found |= {name: asked.get(name) for name in SEARCH}
        return {name: value for name, value in found.items() if value is not None}

    def with_key(self, key: str) -> None:
        """Give the form that is shown again a new key."""
        self.data = {**self.data, "key": key}
