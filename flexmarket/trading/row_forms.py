"""Forms of rows that services write: products, contracts, and rules of rolling operation."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from assets.models import Portfolio, Site
from flexmarket.models import Contract, MarketProduct, RollingOperation
from flexmarket.trading.forms import DAY, style, take
from flexplatform.accounts.models import Organization


class RowForm(forms.ModelForm):
    """A row that a service writes: the form reads the values, the service checks them."""

    GROUPS: ClassVar[tuple[tuple[Any, tuple[str, ...]], ...]]

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        style(self)

    def _post_clean(self) -> None:
        """Leave checking to the service."""

    def groups(self) -> Iterator[tuple[Any, list[forms.BoundField]]]:
        """Yield the titles of the form's parts with their fields."""
        for title, names in self.GROUPS:
            yield title, [self[name] for name in names]

    def take(self, error: ValidationError) -> None:
        """Show the errors of a service at the fields that they are about."""
        take(self, error)


class ProductForm(RowForm):
    """The terms of a market's product."""

    GROUPS = (
        (_("Market"), ("name", "market", "currency", "gate_closure_minutes", "is_active")),
        (
            _("Offers"),
            (
                "minimum_power_kw",
                "power_step_kw",
                "minimum_minutes",
                "maximum_minutes",
                "most_calls_per_day",
                "rest_minutes",
                "partial_calls",
            ),
        ),
        (_("Price"), ("margin_share", "margin_per_kwh", "availability_price_per_kw_h")),
        (
            _("Delivery"),
            ("baseline_method", "tolerance_share", "minimum_delivery_share", "penalty_per_kwh"),
        ),
    )

    class Meta:
        model = MarketProduct
        fields = (
            "name",
            "market",
            "currency",
            "gate_closure_minutes",
            "is_active",
            "minimum_power_kw",
            "power_step_kw",
            "minimum_minutes",
            "maximum_minutes",
            "most_calls_per_day",
            "rest_minutes",
            "partial_calls",
            "margin_share",
            "margin_per_kwh",
            "availability_price_per_kw_h",
            "baseline_method",
            "tolerance_share",
            "minimum_delivery_share",
            "penalty_per_kwh",
        )
        labels: ClassVar[dict[str, Any]] = {
            "name": _("Name"),
            "market": _("Market"),
            "currency": _("Currency"),
            "gate_closure_minutes": _("Gate closure (min)"),
            "is_active": _("On sale"),
            "minimum_power_kw": _("Least power (kW)"),
            "power_step_kw": _("Power step (kW)"),
            "minimum_minutes": _("Shortest call (min)"),
            "maximum_minutes": _("Longest call (min)"),
            "most_calls_per_day": _("Most calls a day"),
            "rest_minutes": _("Rest between calls (min)"),
            "partial_calls": _("Parts can be called"),
            "margin_share": _("Margin, share of the cost"),
            "margin_per_kwh": _("Margin per kWh"),
            "availability_price_per_kw_h": _("Availability price per kW and hour"),
            "baseline_method": _("Baseline"),
            "tolerance_share": _("Tolerance, share of the order"),
            "minimum_delivery_share": _("Least delivery, share of the order"),
            "penalty_per_kwh": _("Penalty per kWh"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "name": "",
            "market": _("Whose product it is, such as ALF"),
            "currency": _("ISO 4217 code"),
            "gate_closure_minutes": _("Before the start of delivery; later orders are refused"),
            "is_active": _("New offers can be made"),
            "minimum_power_kw": _("Of an offer and of a call"),
            "power_step_kw": _("Offers and calls are multiples of it; 0: any power"),
            "minimum_minutes": "",
            "maximum_minutes": "",
            "most_calls_per_day": _("Of one device or site within a local day; 0: any number"),
            "rest_minutes": _("Of one device or site"),
            "partial_calls": _("Less than the whole offer can be called"),
            "margin_share": _("Added to the cost of a call; 0.1 is 10 %"),
            "margin_per_kwh": _("Added to the cost of a call"),
            "availability_price_per_kw_h": _("For what is on offer, called or not"),
            "baseline_method": _("What delivery is measured against"),
            "tolerance_share": _("May be missing without a penalty; 0.05 is 5 %"),
            "minimum_delivery_share": _("Below it nothing is paid"),
            "penalty_per_kwh": _("For what is missing beyond the tolerance"),
        }


class ContractForm(RowForm):
    """How owner and aggregator share."""

    site = forms.ModelChoiceField(
        Site.objects.none(),
        required=False,
        label=_("Site"),
        help_text=_("A contract is about a site or about a portfolio"),
    )
    portfolio = forms.ModelChoiceField(
        Portfolio.objects.none(),
        required=False,
        label=_("Portfolio"),
        help_text=_("A site's own contract goes before that of its portfolio"),
    )

    GROUPS = ((_("Contract"), ("name", "site", "portfolio", "owner_share", "valid_from", "valid_to")),)

    class Meta:
        model = Contract
        # What refers to rows of an organization is asked for above: its choices need the organization.
        fields = ("name", "owner_share", "valid_from", "valid_to")
        labels: ClassVar[dict[str, Any]] = {
            "name": _("Name"),
            "owner_share": _("Share of the owner"),
            "valid_from": _("First day"),
            "valid_to": _("Last day"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "owner_share": _("Of what the market pays, and of what it charges; 0.8 is 80 %"),
            "valid_from": "",
            "valid_to": _("Empty: open"),
        }
        widgets: ClassVar[dict[str, Any]] = {
            "valid_from": forms.DateInput(DAY, "%Y-%m-%d"),
            "valid_to": forms.DateInput(DAY, "%Y-%m-%d"),
        }

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        row = kwargs.get("instance")
        if row is not None:
            kwargs["initial"] = {"site": row.site_id, "portfolio": row.portfolio_id, **kwargs.get("initial", {})}
        super().__init__(organization, *args, **kwargs)
        choices: Any = self.fields
        choices["site"].queryset = Site.objects.filter(organization=organization).order_by("name")
        choices["portfolio"].queryset = Portfolio.objects.filter(organization=organization).order_by("name")


class RollingForm(RowForm):
    """How often, and on what deviation, plans are renewed."""

    site = forms.ModelChoiceField(
        Site.objects.none(), required=False, label=_("Site"), empty_label=_("all other sites")
    )

    GROUPS = ((_("Renewed plans"), ("site", "interval_minutes", "deviation_percent", "enabled")),)

    class Meta:
        model = RollingOperation
        # What refers to rows of an organization is asked for above: its choices need the organization.
        fields = ("interval_minutes", "deviation_percent", "enabled")
        labels: ClassVar[dict[str, Any]] = {
            "interval_minutes": _("Interval (min)"),
            "deviation_percent": _("Deviation (%)"),
            "enabled": _("Plans are renewed"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "interval_minutes": _("At least so often the rest of the day is looked at again"),
            "deviation_percent": _("A state of charge so far from the plan is looked at without waiting"),
            "enabled": "",
        }

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        row = kwargs.get("instance")
        if row is not None:
            kwargs["initial"] = {"site": row.site_id, **kwargs.get("initial", {})}
        super().__init__(organization, *args, **kwargs)
        choices: Any = self.fields["site"]
        choices.queryset = Site.objects.filter(organization=organization).order_by("name")
