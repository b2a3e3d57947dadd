"""What the portal asks for about forecasts, in words of the site."""

from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models import Site
from forecasting.csv_files import LARGEST_FILE
from forecasting.engine.grid import Grid
from forecasting.services.checks import CONSUMPTION, EARLIEST, LATEST, PRODUCTION
from telemetry.models import Channel

QUARTER_HOUR = timedelta(minutes=15)
LOCAL_TIME = "%Y-%m-%dT%H:%M"
LOCAL_TIMES = [LOCAL_TIME, "%Y-%m-%dT%H:%M:%S"]


class LocalTimeField(forms.Field):
    """A time of the site's clock."""

    widget = forms.DateTimeInput(format=LOCAL_TIME, attrs={"type": "datetime-local", "class": "form-control"})

    def __init__(self, site: Site, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.site = site

    def to_python(self, value: Any) -> datetime | None:
        """Return the time with the site's zone.

        Raises:
            ValidationError: for what is no time, or too far away.
        """
        for layout in LOCAL_TIMES if value else ():
            try:
                found = datetime.strptime(str(value), layout).replace(tzinfo=self.site.zone)
            except ValueError:
                continue
            if EARLIEST < found < LATEST:
                return found
        if value:
            raise forms.ValidationError(f"{str(value)[:40]} is no time; allowed: such as 2026-01-31T12:00.")
        return None

    def prepare_value(self, value: Any) -> Any:
        """Return the time on the site's clock."""
        return value.astimezone(self.site.zone).strftime(LOCAL_TIME) if isinstance(value, datetime) else value


class DayForm(forms.Form):
    """A local day, and as known when (empty: now)."""

    day = forms.DateField(
        required=False, label=_("Day"), widget=forms.DateInput({"type": "date", "class": "form-control"}, "%Y-%m-%d")
    )

    def __init__(self, site: Site, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["known_at"] = LocalTimeField(site, required=False, label=_("As known at"))

    def clean_day(self) -> date | None:
        """Refuse days that no forecast can be of.

        Raises:
            ValidationError: with the days that are allowed.
        """
        day: date | None = self.cleaned_data["day"]
        if day is not None and not EARLIEST.year <= day.year < LATEST.year:
            raise forms.ValidationError(f"Choose a day from {EARLIEST.year} to {LATEST.year - 1}.")
        return day


class LookForm(DayForm):
    """Which channel of a site, which local day, and as known when."""

    channel = forms.ModelChoiceField(Channel.objects.none(), required=False, widget=forms.HiddenInput)

    def __init__(self, site: Site, *args: Any, **kwargs: Any) -> None:
        super().__init__(site, *args, **kwargs)
        cast("forms.ModelChoiceField[Channel]", self.fields["channel"]).queryset = Channel.objects.filter(site=site)


class ImportForm(forms.Form):
    """A file with forecasts, or the text of the file that was just shown."""

    file = forms.FileField(
        required=False,
        help_text=f"CSV in UTF-8, at most {LARGEST_FILE // 1_000_000} MB",
        widget=forms.FileInput({"class": "form-control", "accept": ".csv,text/csv"}),
    )
    text = forms.CharField(required=False, widget=forms.HiddenInput, strip=False, max_length=LARGEST_FILE)
    source = forms.CharField(
        max_length=100,
        help_text=_("Who made the forecasts"),
        widget=forms.TextInput({"class": "form-control"}),
    )
    sign = forms.ChoiceField(
        label=_("Production in the file is"),
        choices=[(CONSUMPTION, "below zero, as everywhere here"), (PRODUCTION, "above zero")],
        widget=forms.Select({"class": "form-select"}),
    )

    def __init__(self, site: Site, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["issued_at"] = LocalTimeField(
            site,
            initial=timezone.now,
            label=_("Issued at"),
            help_text=_("When they were made; from then on they are known"),
        )

    def clean(self) -> dict[str, Any]:
        """Take the text from the file where there is one.

        Raises:
            ValidationError: for no file, a large one, or one that is not in UTF-8.
        """
        given = super().clean() or {}
        file = given.get("file")
        if file is not None:
            if file.size > LARGEST_FILE:
                raise forms.ValidationError({"file": f"The file has {file.size} bytes; allowed: {LARGEST_FILE}."})
            try:
                given["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError({"file": "The file is not in UTF-8; allowed: a CSV in UTF-8."}) from error
        if not given.get("text"):
            raise forms.ValidationError({"file": "Choose a CSV file that is not empty."})
        return given


def day_grid(site: Site, day: date) -> Grid:
    """Return the site's local day in quarter-hours."""
    return days_grid(site, day, 1)


def days_grid(site: Site, first: date, days: int) -> Grid:
    """Return some of the site's local days in quarter-hours."""
    start, end = (
        datetime.combine(day, time(), site.zone).astimezone(EARLIEST.tzinfo)
        for day in (first, first + timedelta(days=days))
    )
    return Grid(start, QUARTER_HOUR, (end - start) // QUARTER_HOUR)
