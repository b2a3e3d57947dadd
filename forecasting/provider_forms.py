"""What the portal asks for about providers."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from assets.models import PriceSeries
from flexplatform.accounts.forms import PortalForm
from flexplatform.accounts.models import Organization
from forecasting.models import EURO, price_provider_choices, zone_choices
from forecasting.providers import WITH_KEY


class PriceFeedForm(PortalForm):
    """Prices of which zone, from where, into which series."""

    series = forms.ModelChoiceField(PriceSeries.objects.none(), label=_("Price series"))
    provider = forms.ChoiceField(label=_("Provider"), choices=price_provider_choices)
    zone = forms.ChoiceField(label=_("Bidding zone"), choices=zone_choices)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = PriceSeries.objects.filter(organization=organization, currency=EURO)
        cast("forms.ModelChoiceField[PriceSeries]", self.fields["series"]).queryset = own


class KeyForm(PortalForm):
    """A provider's key; it is never shown again, so the field is always empty."""

    provider = forms.ChoiceField(label=_("Provider"), choices=[(name, each.label) for name, each in WITH_KEY.items()])
    key = forms.CharField(
        label=_("Key"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("It is stored encrypted and not shown again"),
    )
