"""Prices of one day pasted into the administration: every line is checked, then all are stored or none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from assets.configuration.base import ConfiguredAdmin
from assets.forms import FIRST_YEAR, LAST_YEAR
from assets.models import PriceSeries
from assets.queries import market_day
from assets.services import receive_prices
from assets.services.prices import HIGHEST_PRICE_PER_KWH, UNITS
from assets.services.sites import described
from flexplatform.accounts.models import Membership, validate_time_zone
from flexplatform.accounts.permissions import CHANGE_PRICES

STEPS_MINUTES = (60, 30, 15, 5)
LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class PastedLine:
    """A line of the text: its number, the time and value as pasted, and what is wrong with them."""

    number: int
    time: str
    value: str
    error: str = ""


class PriceEntryForm(forms.Form):
    """A day of prices as text, one `time;value` per line."""

    day = forms.DateField(help_text="Local day, such as 2027-01-31")
    time_zone = forms.CharField(max_length=64, validators=[validate_time_zone], help_text="Of the day and of the times")
    step = forms.TypedChoiceField(coerce=int, choices=[(each, f"{each} minutes") for each in STEPS_MINUTES])
    per = forms.ChoiceField(label="Price per", choices=[(each, each) for each in UNITS], initial="MWh")
    source = forms.CharField(max_length=200, required=False, help_text="Where the prices come from")
    text = forms.CharField(
        label="Prices",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 26, "cols": 40}),
        help_text="One line per step from midnight to midnight, such as 00:00;85.20. "
        "The hour that comes twice in autumn has its lines twice; the one that spring skips has none",
    )

    def clean_day(self) -> date:
        """Refuse years that no calendar of a market has."""
        day: date = self.cleaned_data["day"]
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(f"Choose a day between {FIRST_YEAR} and {LAST_YEAR}.")
        return day

    @property
    def length(self) -> timedelta:
        """The length of a step."""
        return timedelta(minutes=self.cleaned_data["step"])

    @property
    def starts(self) -> tuple[datetime, ...]:
        """The start of each step of the day."""
        given = self.cleaned_data
        return market_day(given["day"], self.length, ZoneInfo(given["time_zone"]))

    def lines(self) -> list[PastedLine]:
        """Return the lines of the text, and the first that is missing at its end."""
        zone = ZoneInfo(self.cleaned_data["time_zone"])
        expected = [f"{start.astimezone(zone):%H:%M}" for start in self.starts]
        return list(_checked(self.cleaned_data["text"], expected, UNITS[self.cleaned_data["per"]]))


class PriceEntryAdmin(ConfiguredAdmin):
    """A table of price series that take pasted prices."""

    change_form_template = "admin/assets/price_series_change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Return the other addresses and that of the entry."""
        entry = path(
            "<int:series>/prices/", self.admin_site.admin_view(self.entry_view), name="assets_priceseries_entry"
        )
        return [entry, *super().get_urls()]

    def entry_view(self, request: HttpRequest, series: int) -> HttpResponse:
        """Show what is wrong with each line; store the day when asked to and every line is right."""
        found = self.get_object(request, str(series))
        if found is None or not _may_enter(request, found):
            raise PermissionDenied
        initial = {"time_zone": found.organization.time_zone, "step": 60, "source": found.source}
        form = PriceEntryForm(request.POST or None, initial=initial)
        lines: list[PastedLine] = []
        if request.method == "POST" and form.is_valid():
            lines = form.lines()
            if "store" in request.POST and not any(line.error for line in lines) and _stored(found, form, lines):
                self.message_user(request, f"{len(lines)} prices of {form.cleaned_data['day']} were stored.")
                return redirect("admin:assets_priceseries_change", found.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Prices of {found}",
            "opts": self.model._meta,
            "series": found,
            "form": form,
            "lines": lines,
            "wrong": [line for line in lines if line.error],
        }
        return TemplateResponse(request, "admin/assets/price_entry.html", context)


def _stored(series: PriceSeries, form: PriceEntryForm, lines: list[PastedLine]) -> bool:
    given = form.cleaned_data
    try:
        receive_prices(
            series=series,
            start=form.starts[0],
            step=form.length,
            values=[_number(line.value) for line in lines],
            per=given["per"],
            source=given["source"],
        )
    except ValidationError as error:
        form.add_error(None, described(error))
        return False
    return True


def _may_enter(request: HttpRequest, series: PriceSeries) -> bool:
    if getattr(request.user, "is_superuser", False):
        return True
    own = Membership.objects.filter(user=request.user.pk, organization=series.organization_id, is_active=True)
    return any(membership.may(CHANGE_PRICES) for membership in own)


def _checked(text: str, expected: list[str], factor: float) -> Iterator[PastedLine]:
    pasted = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for index, (number, line) in enumerate(pasted):
        time, _, value = (part.strip() for part in line.partition(";" if ";" in line else "\t"))
        wanted = expected[index] if index < len(expected) else None
        yield PastedLine(number, time, value, _wrong(time, value, wanted, HIGHEST_PRICE_PER_KWH / factor))
    if missing := expected[len(pasted) :]:
        later = f" and {len(missing) - 1} later times" if len(missing) > 1 else ""
        yield PastedLine(0, missing[0], "", f"There is no line for {missing[0]}{later}; the day has {len(expected)}.")


def _wrong(time: str, value: str, wanted: str | None, highest: float) -> str:
    if wanted is None:
        return "The day has ended before this line."
    if time != wanted:
        return f"time is {time[:40]!r}; allowed here: {wanted}."
    try:
        number = _number(value)
    except ValueError:
        return f"value is {value[:40]!r}; allowed: a number such as 85.20."
    return "" if abs(number) <= highest else f"value is {value[:40]}; allowed: -{highest:g} to {highest:g}."


def _number(value: str) -> float:
    """Return a number with a decimal point or comma."""
    return float(value.replace(",", "."))
