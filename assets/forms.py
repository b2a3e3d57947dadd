"""What the portal asks about tariffs: a local day, and where."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from flexplatform.accounts.forms import PortalForm

FIRST_YEAR, LAST_YEAR = 1970, 2199


class PriceDayForm(PortalForm):
    """A local day and one of the time zones where a tariff is used; what is left out is today in the first of them."""

    day = forms.DateField(
        label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    zone = forms.ChoiceField(label="Time zone", required=False)

    def __init__(self, *args: Any, zones: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zones = zones
        self.fields["zone"].choices = [(name, name) for name in zones]  # type: ignore[attr-defined]
        if len(zones) == 1:
            self.fields["zone"].widget = forms.HiddenInput()

    def clean_day(self) -> date | None:
        """Refuse years that no calendar of a market has."""
        day: date | None = self.cleaned_data["day"]
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(f"Choose a day between {FIRST_YEAR} and {LAST_YEAR}.")
        return day

    @property
    def chosen(self) -> tuple[date, ZoneInfo]:
        """The day and its time zone; of an answer in error, today in the first one."""
        given = self.cleaned_data if self.is_valid() else {}
        zone = ZoneInfo(given.get("zone") or self.zones[0])
        return given.get("day") or datetime.now(zone).date(), zone
