"""The filter of the offers board."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import KINDS, Portfolio
from flexmarket.board.selection import DIRECTIONS, Wanted, newest_day
from flexmarket.engine.exporters import EXPORTERS
from flexmarket.method_words import METHOD_CHOICES
from flexmarket.queries import DEFAULT_METHOD
from flexplatform.accounts.models import Organization

FIRST_YEAR, LAST_YEAR = 1970, 2199


class BoardForm(forms.Form):
    """Which offers to look at."""

    day = forms.DateField(
        required=False,
        label=gettext_lazy("Local day"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    method = forms.ChoiceField(required=False, label=gettext_lazy("Method"), choices=METHOD_CHOICES)
    market = forms.ChoiceField(required=False, label=gettext_lazy("Market"))
    portfolio = forms.ModelChoiceField(
        Portfolio.objects.none(), required=False, label=gettext_lazy("Portfolio"), empty_label=gettext_lazy("all")
    )
    site = forms.CharField(required=False, max_length=100, label=gettext_lazy("Site"))
    kind = forms.ChoiceField(required=False, label=gettext_lazy("Kind"))
    device = forms.CharField(required=False, max_length=100, label=gettext_lazy("Device"))
    direction = forms.ChoiceField(required=False, label=gettext_lazy("Direction"))

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields
        choices["portfolio"].queryset = Portfolio.objects.filter(organization=organization).order_by("name")
        choices["market"].choices = [(name, name.upper()) for name in sorted(EXPORTERS)]
        choices["kind"].choices = [("", _("all")), *((name, model.LABEL) for name, model in KINDS.items())]
        words = {"positive": _("more power to the grid"), "negative": _("less power to the grid")}
        choices["direction"].choices = [("", _("both")), *((name, words[name]) for name in DIRECTIONS)]
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field.widget, forms.Select) else "form-control"

    def clean_day(self) -> Any:
        """Refuse years that no calendar of a market has."""
        day = self.cleaned_data["day"]
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(_("Choose a day between 1970 and 2199."))
        return day

    def wanted(self, organization: Organization) -> Wanted:
        """Return the selection, after `is_valid`; what was not understood does not count."""
        asked = self.cleaned_data
        zone = ZoneInfo(organization.time_zone)
        portfolio = asked.get("portfolio")
        return Wanted(
            day=asked.get("day") or newest_day(organization, zone),
            zone=zone,
            portfolio=portfolio.pk if portfolio else None,
            site=asked.get("site", ""),
            kind=asked.get("kind", ""),
            device=asked.get("device", ""),
            method=asked.get("method") or DEFAULT_METHOD,
        )
