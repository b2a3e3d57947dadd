"""What pages of offers and orders ask for."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from flexmarket.board.forms import FIRST_YEAR, LAST_YEAR
from flexmarket.models import STATE_LABELS, MarketOffer, MarketProduct, Order
from flexmarket.trading.offering import SITE, Wanted
from flexmarket.trading.ordering import LONGEST_REFERENCE
from flexplatform.accounts.models import Organization
from optimization.models import ScheduleRun
from telemetry.series_files import LARGEST_FILE

DAY = {"type": "date", "class": "form-control"}
LONGEST_REASON = 500
# Devices whose electric power no plan decides on: there is nothing of them to offer.
NEVER_DECIDED = ("electric_load", "heat_load", "heat_storage", "boiler")


class MarketForm(forms.Form):
    """A form whose widgets look like all others here, and that shows what a service found wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)

    def take(self, error: ValidationError) -> None:
        """Show the errors of a service at the fields that they are about."""
        take(self, error)


def style(form: forms.BaseForm) -> None:
    """Give the widgets of a form their classes."""
    for field in form.fields.values():
        if isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
            field.widget.attrs.setdefault("class", "form-check-input")
        elif isinstance(field.widget, forms.Select):
            field.widget.attrs.setdefault("class", "form-select")
        else:
            field.widget.attrs.setdefault("class", "form-control")


def take(form: forms.BaseForm, error: ValidationError) -> None:
    """Show the errors of a service at the fields that they are about."""
    by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, messages in by_field.items():
        for message in messages:
            form.add_error(name if name in form.fields else None, message)


class OfferFilter(MarketForm):
    """Which offers are shown."""

    product = forms.ModelChoiceField(
        MarketProduct.objects.none(), required=False, label=_("Product"), empty_label=_("all")
    )
    state = forms.ChoiceField(
        required=False, label=_("State"), choices=[("", _("all")), *((s.value, w) for s, w in STATE_LABELS.items())]
    )
    site = forms.CharField(required=False, max_length=100, label=_("Site or portfolio"))
    direction = forms.ChoiceField(
        required=False, label=_("Direction"), choices=[("", _("both")), *MarketOffer.Direction.choices]
    )
    day = forms.DateField(
        required=False, label=_("Local day"), input_formats=["%Y-%m-%d"], widget=forms.DateInput(DAY, "%Y-%m-%d")
    )
    run = forms.IntegerField(required=False, min_value=1, max_value=2**31, widget=forms.HiddenInput)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(organization.time_zone)
        choices: Any = self.fields
        choices["product"].queryset = MarketProduct.objects.filter(organization=organization).order_by("name")

    def clean_day(self) -> Any:
        """Refuse years that no calendar of a market has."""
        day = self.cleaned_data["day"]
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(_("Choose a day between 1970 and 2199."))
        return day

    def applied(self, rows: "QuerySet[MarketOffer]", *, any_state: bool = False) -> "QuerySet[MarketOffer]":
        """Return the offers that the form asks for, after `is_valid`; what was not understood does not count."""
        asked = self.cleaned_data
        same = {name: asked[name] for name in ("product", "direction", "run") if asked.get(name)}
        if asked.get("state") and not any_state:
            same["state"] = asked["state"]
        if name := asked.get("site", "").replace("\0", ""):
            rows = rows.filter(Q(site__name__icontains=name) | Q(portfolio__name__icontains=name))
        if day := asked.get("day"):
            midnight = datetime.combine(day, time(), self.zone)
            same |= {"start__gte": midnight, "start__lt": datetime.combine(day + timedelta(days=1), time(), self.zone)}
        return rows.filter(**same)


class ChangeForm(forms.Form):
    """What shall happen to which offers."""

    SUBMIT, REVOKE = "submit", "revoke"

    action = forms.ChoiceField(choices=[(SUBMIT, SUBMIT), (REVOKE, REVOKE)])
    offers = forms.TypedMultipleChoiceField(coerce=int)
    reason = forms.CharField(required=False, max_length=LONGEST_REASON)

    def __init__(self, chosen: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        numbers = [each for each in chosen if each.isascii() and each.isdigit() and len(each) < 19]
        choices: Any = self.fields["offers"]
        choices.choices = [(each, each) for each in numbers]


class MakeOffersForm(MarketForm):
    """What of a plan is offered on which product."""

    product = forms.ModelChoiceField(MarketProduct.objects.none(), label=_("Product"), empty_label=None)
    whole_site = forms.BooleanField(
        required=False, label=_("The site as a whole"), help_text=_("At its meter, within its limits")
    )
    devices = forms.MultipleChoiceField(
        required=False,
        label=_("Devices, each for itself"),
        widget=forms.CheckboxSelectMultiple,
    )
    directions = forms.MultipleChoiceField(
        label=_("Directions"),
        choices=MarketOffer.Direction.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    submit = forms.BooleanField(required=False, label=_("Put them on the market at once"))
    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    def __init__(self, run: ScheduleRun, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})
        kwargs["initial"] = {"whole_site": True, "directions": list(MarketOffer.Direction), **kwargs["initial"]}
        super().__init__(*args, **kwargs)
        choices: Any = self.fields
        on_sale = MarketProduct.objects.filter(organization=run.organization_id, is_active=True)
        choices["product"].queryset = on_sale.order_by("name")
        deciding = Asset.objects.filter(site=run.site_id).exclude(kind__in=NEVER_DECIDED)
        names = deciding.order_by("name").values_list("name", flat=True)
        choices["devices"].choices = [(name, name) for name in names]

    def clean(self) -> dict[str, Any]:
        """Refuse to offer nothing."""
        given = super().clean() or self.cleaned_data
        if not given.get("whole_site") and not given.get("devices") and "devices" not in self.errors:
            self.add_error("devices", _("Choose the whole site, or at least one device."))
        return given

    @property
    def wanted(self) -> Wanted:
        """What the job shall quantify, after `is_valid`."""
        asked = self.cleaned_data
        subjects = [*([SITE] if asked["whole_site"] else []), *asked["devices"]]
        return Wanted(subjects=subjects, directions=asked["directions"])


class OrderForm(MarketForm):
    """An order of one offer."""

    reference = forms.CharField(
        max_length=LONGEST_REFERENCE, label=_("Reference"), help_text=_("Your name for it; the same twice is one order")
    )
    power_kw = forms.FloatField(
        label=_("Power (kW)"), widget=forms.NumberInput({"step": "any", "min": "0", "inputmode": "decimal"})
    )
    price_eur_per_kwh = forms.FloatField(
        required=False,
        label=_("Price per kWh"),
        help_text=_("Empty: that of the offer; any other is refused"),
        widget=forms.NumberInput({"step": "any", "inputmode": "decimal"}),
    )

    @property
    def request(self) -> dict[str, Any]:
        """The order as the service takes it, after `is_valid`."""
        names = ("power_kw", "price_eur_per_kwh")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name] is not None}


class OrderFilter(MarketForm):
    """Which orders are shown."""

    text = forms.CharField(required=False, max_length=100, label=_("Site, portfolio or reference"))
    state = forms.ChoiceField(required=False, label=_("State"), choices=[("", _("all")), *Order.State.choices])

    def applied(self, rows: "QuerySet[Order]") -> "QuerySet[Order]":
        """Return the orders that the form asks for; what was not understood does not count."""
        asked = self.cleaned_data if self.is_valid() else {}
        if text := asked.get("text", "").replace("\0", ""):
            of_portfolio = Q(offer__portfolio__name__icontains=text)
            rows = rows.filter(Q(reference__icontains=text) | Q(offer__site__name__icontains=text) | of_portfolio)
        return rows.filter(state=asked["state"]) if asked.get("state") else rows


class OrderFileForm(MarketForm):
    """A file with orders."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV in UTF-8 or XLSX, at most 2 MB"),
        widget=forms.FileInput({"accept": ".csv,.xlsx,text/csv"}),
    )

    def content(self) -> bytes:
        """Return what is in the file, at most a byte more than is allowed."""
        return bytes(self.cleaned_data["file"].read(LARGEST_FILE + 1))
