"""What an organization sells, on what terms: the product of a market, and who shares in what it earns."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Checked, Portfolio, Site
from assets.models.prices import validate_currency
from flexplatform.accounts.models import Organization

LONGEST_GATE_MINUTES = 7 * 24 * 60
DAY_MINUTES = 24 * 60


def decimal_field(help_text: str, default: int = 0, **options: Any) -> "models.DecimalField[Decimal, Decimal]":
    """Return a column for a number of at least 0 with six decimals."""
    return models.DecimalField(
        max_digits=14,
        decimal_places=6,
        default=Decimal(default),
        validators=[MinValueValidator(Decimal(0))],
        help_text=help_text,
        **options,
    )


def share_field(help_text: str, default: str = "0") -> "models.DecimalField[Decimal, Decimal]":
    """Return a column for a share from 0 to 1."""
    return models.DecimalField(
        max_digits=5,
        decimal_places=4,
        default=Decimal(default),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text=help_text,
    )


class MarketProduct(Checked):  # type: ignore[django-manager-missing]
    """A market's product: when its gate closes, how large an offer has to be, and how delivery is paid.

    The delivery terms are those of USEF's settle phase: what is short of the order costs a penalty, what is above it is
    not paid.
    """

    class BaselineMethod(models.TextChoices):
        """What delivery is measured against."""

        SCHEDULE = "schedule", _("The schedule that the offer was made with")
        FORECAST = "forecast", _("The forecast issued before the order")
        HIGH_5_OF_10 = "high_5_of_10", _("High 5 of 10 days, adjusted on the day")
        ROLLING_5_DAYS = "rolling_5_days", _("Mean of the last five working days")
        METER_BEFORE_AFTER = "meter_before_after", _("Meter before and after the call")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    market = models.CharField(max_length=40, blank=True, help_text="Whose product it is, such as ALF")
    currency = models.CharField(max_length=3, default="EUR", validators=[validate_currency], help_text="ISO 4217 code")
    gate_closure_minutes = models.PositiveIntegerField(
        default=60,
        validators=[MaxValueValidator(LONGEST_GATE_MINUTES)],
        help_text="Before the start of delivery; later orders are refused",
    )
    minimum_power_kw = decimal_field("Least power of an offer and of a call, kW")
    power_step_kw = decimal_field("Offers and calls are multiples of it, kW; 0: any power")
    minimum_minutes = models.PositiveIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(DAY_MINUTES)], help_text="Shortest offer"
    )
    maximum_minutes = models.PositiveIntegerField(
        default=DAY_MINUTES,
        validators=[MinValueValidator(1), MaxValueValidator(DAY_MINUTES)],
        help_text="Longest offer",
    )
    most_calls_per_day = models.PositiveIntegerField(
        default=0, help_text="Of one device or site within a local day; 0: any number"
    )
    rest_minutes = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(DAY_MINUTES)], help_text="Between two calls of one device or site"
    )
    partial_calls = models.BooleanField(default=True, help_text="Whether less than the whole offer can be called")
    margin_share = decimal_field("Added to the cost of a call, as a share of it")
    margin_per_kwh = decimal_field("Added to the cost of a call, per kWh")
    availability_price_per_kw_h = decimal_field("For each kW and hour on offer, called or not")
    baseline_method = models.CharField(
        max_length=20,
        choices=BaselineMethod.choices,
        default=BaselineMethod.SCHEDULE,
        help_text="Delivery is against it",
    )
    tolerance_share = share_field("Share of the order that may be missing without a penalty")
    minimum_delivery_share = share_field("Share of the order below which nothing is paid")
    penalty_per_kwh = decimal_field("For each kWh that is missing beyond the tolerance")
    is_active = models.BooleanField("active", default=True, help_text="Whether new offers can be made")

    objects: ClassVar[models.Manager["MarketProduct"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="market_product_name_unique"),
            models.CheckConstraint(
                name="market_product_durations_ordered",
                condition=models.Q(minimum_minutes__gte=1, maximum_minutes__gte=models.F("minimum_minutes")),
                violation_error_message="maximum_minutes must be at least minimum_minutes.",
            ),
            models.CheckConstraint(
                name="market_product_baseline_known",
                condition=models.Q(
                    baseline_method__in=[
                        "schedule",
                        "forecast",
                        "high_5_of_10",
                        "rolling_5_days",
                        "meter_before_after",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def gate_closure(self) -> timedelta:
        """Time before the start of delivery after which nothing can be ordered."""
        return timedelta(minutes=self.gate_closure_minutes)


class Contract(Checked):
    """How the owner of a site, or of the sites of a portfolio, and the aggregator share what calls earn."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.RESTRICT, related_name="contracts")
    portfolio = models.ForeignKey(Portfolio, null=True, blank=True, on_delete=models.RESTRICT, related_name="contracts")
    owner_share = share_field("Of what the market pays, and of what it charges", default="0.8")
    valid_from = models.DateField(help_text="First local day")
    valid_to = models.DateField(null=True, blank=True, help_text="Last local day; empty: open")

    objects: ClassVar[models.Manager["Contract"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="contract_name_unique"),
            models.CheckConstraint(
                name="contract_of_site_or_portfolio",
                condition=models.Q(site__isnull=False, portfolio=None) | models.Q(site=None, portfolio__isnull=False),
                violation_error_message="A contract is about a site or about a portfolio.",
            ),
            models.CheckConstraint(
                name="contract_validity_ordered",
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")),
                violation_error_message="valid_to must not be before valid_from.",
            ),
            models.CheckConstraint(
                name="contract_share_range", condition=models.Q(owner_share__gte=0, owner_share__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a second contract about the same days."""
        super().clean()
        if self.valid_from is None or self.organization_id is None:
            return
        others = Contract.objects.filter(organization=self.organization_id, site=self.site, portfolio=self.portfolio)
        others = others.exclude(pk=self.pk).filter(models.Q(valid_to=None) | models.Q(valid_to__gte=self.valid_from))
        if self.valid_to is not None:
            others = others.filter(valid_from__lte=self.valid_to)
        if (other := others.first()) is not None:
            raise ValidationError({"valid_from": f"From {self.valid_from} on there is {other} already."})
