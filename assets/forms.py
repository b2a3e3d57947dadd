"""What the portal asks about tariffs: a local day, and where."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from flexplatform.accounts.forms import PortalForm

FIRST_YEAR, LAST_YEAR = 1970, 2199


class PriceDayForm(PortalForm):
    """A local day and one of the time zones where a tariff is used; what is left out is today in the first of them."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, asked: Mapping[str, Any], *, zones: list[str], **kwargs: Any) -> None:
        self.default = datetime.now(ZoneInfo(zones[0])).date(), ZoneInfo(zones[0])
        super().__init__({"day": self.default[0], "zone": zones[0], **asked}, **kwargs)
        cast("forms.ChoiceField", self.fields["zone"]).choices = [(name, name) for name in zones]
        if len(zones) == 1:
            self.fields["zone"].widget = forms.HiddenInput()

    def clean_day(self) -> date:
        """Refuse years that no calendar of a market has."""
        day: date = self.cleaned_data["day"]
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(f"Choose a day between {FIRST_YEAR} and {LAST_YEAR}.")
        return day

    @property
    def chosen(self) -> tuple[date, ZoneInfo]:
        """The day and its time zone; of a question in error, today in the first one."""
        if not self.is_valid():
            return self.default
        return self.cleaned_data["day"], ZoneInfo(self.cleaned_data["zone"])
