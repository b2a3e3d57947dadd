"""What the pages of the platform's own forecasts ask for."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models import Site
from flexplatform.accounts.forms import PortalForm
from forecasting.engine.grid import Grid
from forecasting.forms import DayForm, days_grid
from forecasting.model_names import model_label
from forecasting.models import ChannelForecast
from forecasting.own_queries import not_fresh

DAYS = (1, 3, 7)


class OwnFilter(PortalForm):
    """Which channels the list shows."""

    DRIFTED, PROBLEM, STALE, ON, OFF = "drifted", "problem", "stale", "on", "off"
    text = forms.CharField(label=_("Site or device"), required=False, max_length=100)
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[
            ("", _("All kinds")),
            ("electric_load", _("Electric load")),
            ("heat_load", _("Heat load")),
            ("pv", _("PV")),
            ("wind", _("Wind")),
            ("electric_vehicle", _("Electric vehicle")),
        ],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All states")),
            (DRIFTED, _("Much worse than before")),
            (PROBLEM, _("Could not be forecast")),
            (STALE, _("Stale")),
            (ON, _("Switched on")),
            (OFF, _("Switched off")),
        ],
    )

    def applied(self, rows: "QuerySet[ChannelForecast]") -> "QuerySet[ChannelForecast]":
        """Return the `listed` rows that are asked for; what is in error asks for nothing."""
        asked = self.cleaned_data if self.is_bound else {}
        if text := asked.get("text"):
            rows = rows.filter(Q(channel__site__name__icontains=text) | Q(channel__asset__name__icontains=text))
        if kind := asked.get("kind"):
            rows = rows.filter(channel__asset__kind=kind)
        states = {
            self.DRIFTED: Q(drifted=True),
            self.PROBLEM: Q(enabled=True) & ~Q(problem=""),
            self.STALE: not_fresh(),
            self.ON: Q(enabled=True),
            self.OFF: Q(enabled=False),
        }
        return rows.filter(states[asked["state"]]) if asked.get("state") else rows


class ChannelLookForm(DayForm):
    """The first local day, how many, and as known when (empty: now)."""

    days = forms.TypedChoiceField(
        label=_("Days"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[(number, number) for number in DAYS],
        widget=forms.Select({"class": "form-select"}),
    )

    def __init__(self, site: Site, *args: Any, **kwargs: Any) -> None:
        super().__init__(site, *args, **kwargs)
        self.site = site
        self.order_fields(("day", "days", "known_at"))

    @property
    def looked_at(self) -> dict[str, Any]:
        """What is looked at: yesterday and the two days after it, where nothing else is asked for."""
        asked = self.cleaned_data if self.is_valid() else {}
        yesterday = timezone.now().astimezone(self.site.zone).date() - timedelta(days=1)
        return {
            "day": asked.get("day") or yesterday,
            "days": asked.get("days") or 3,
            "known_at": asked.get("known_at"),
        }

    @property
    def grid(self) -> Grid:
        """The quarter-hours that are looked at."""
        asked = self.looked_at
        first: date = asked["day"]
        return days_grid(self.site, first, asked["days"])


class OwnForecastForm(PortalForm):
    """Whether a channel is forecast by the clock, and with which model."""

    enabled = forms.BooleanField(
        label=_("Forecast it by the clock"),
        required=False,
        widget=forms.CheckboxInput({"class": "form-check-input"}),
    )
    forced_model = forms.ChoiceField(label=_("Model"), required=False)

    def __init__(self, own: ChannelForecast, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Those that were tried on the channel; any other can be named over the API.
        tried = sorted({*own.scores_by_model, *filter(None, [own.forced_model])}, key=model_label)
        choices: list[tuple[str, Any]] = [("", _("The best of the back-test"))]
        self.fields["forced_model"].choices = choices + [(name, model_label(name)) for name in tried]  # type: ignore[attr-defined]
