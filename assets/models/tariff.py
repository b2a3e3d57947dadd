"""Tariffs: what a kWh costs, made of an energy price and what comes on top; and which site has which one when."""

from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.engine.tariff import WEEKDAYS
from assets.models.checked import Checked
from assets.models.prices import PriceSeries, validate_currency
from assets.models.ranges import between
from assets.models.site import Site
from flexplatform.accounts.models import Organization

HIGHEST_PRICE = 10_000
ALL_DAYS = "0123456"


def price_field(help_text: str) -> "models.DecimalField[Decimal, Decimal]":
    """Return a column for a price per kWh, 0 by default."""
    return models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0), help_text=help_text)


class Tariff(Checked):  # type: ignore[django-manager-missing]
    """The price of one commodity per kWh (fuel: per litre): energy, grid fee, taxes and levies, and VAT on them."""

    class Commodity(models.TextChoices):
        """What is priced."""

        IMPORT = "import", _("Electricity from the grid")
        EXPORT = "export", _("Electricity to the grid")
        GAS = "gas", _("Gas")
        FUEL = "fuel", _("Fuel (per litre)")

    class Form(models.TextChoices):
        """How the energy price moves."""

        FLAT = "flat", _("Flat")
        TIME_OF_USE = "time_of_use", _("By weekday and hour")
        DYNAMIC = "dynamic", _("From a price series")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    commodity = models.CharField(max_length=10, choices=Commodity.choices)
    currency = models.CharField(max_length=3, default="EUR", validators=[validate_currency], help_text="ISO 4217 code")
    valid_from = models.DateField(help_text="First local day")
    valid_to = models.DateField(null=True, blank=True, help_text="Last local day; empty: open")
    form = models.CharField(max_length=12, choices=Form.choices, default=Form.FLAT)
    energy_price_per_kwh = price_field(
        "Flat: the energy price. Other forms: added to every price, such as the supplier's margin"
    )
    price_series = models.ForeignKey(
        PriceSeries,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="tariffs",
        help_text="Spot prices of a tariff from a price series; empty for the other forms",
    )
    grid_fee_per_kwh = price_field("Flat grid fee; 0 where the grid fee has hours of its own")
    taxes_per_kwh = price_field("Such as electricity tax")
    levies_per_kwh = price_field("Such as the concession fee")
    vat_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(0), help_text="On everything per kWh and per kW"
    )
    capacity_price_per_kw = models.DecimalField(
        max_digits=12, decimal_places=4, default=Decimal(0), help_text="Per kW of the highest import; import only"
    )

    objects: ClassVar[models.Manager["Tariff"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="tariff_name_unique"),
            models.CheckConstraint(
                name="tariff_commodity_known", condition=models.Q(commodity__in=["import", "export", "gas", "fuel"])
            ),
            models.CheckConstraint(
                name="tariff_series_only_if_dynamic",
                condition=models.Q(form="dynamic", price_series__isnull=False)
                | models.Q(form__in=["flat", "time_of_use"], price_series__isnull=True),
                violation_error_message="A price series belongs to the form dynamic, and to no other.",
            ),
            models.CheckConstraint(
                name="tariff_validity_ordered",
                condition=models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=models.F("valid_from")),
                violation_error_message="valid_to must not be before valid_from.",
            ),
            models.CheckConstraint(
                name="tariff_capacity_price_of_import",
                condition=models.Q(capacity_price_per_kw=0) | models.Q(commodity="import"),
                violation_error_message="capacity_price_per_kw must be 0 unless the commodity is import.",
            ),
            *between("tariff", -HIGHEST_PRICE, HIGHEST_PRICE, "energy_price_per_kwh", "grid_fee_per_kwh"),
            *between("tariff", -HIGHEST_PRICE, HIGHEST_PRICE, "taxes_per_kwh", "levies_per_kwh"),
            *between("tariff", 0, 100, "vat_percent"),
            *between("tariff", 0, 100 * HIGHEST_PRICE, "capacity_price_per_kw"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a price series in another currency."""
        super().clean()
        if self.price_series is not None and self.price_series.currency != self.currency:
            message = f"{self.price_series} is in {self.price_series.currency}; allowed: a series in {self.currency}."
            raise ValidationError({"price_series": message})


class TariffPeriod(Checked):
    """A price on some weekdays from `start` to `end` of the local clock; an end at or before the start: next day."""

    class Part(models.TextChoices):
        """What part of the price has hours of its own."""

        ENERGY = "energy", _("Energy")
        GRID_FEE = "grid_fee", _("Grid fee")

    tariff = models.ForeignKey(Tariff, on_delete=models.CASCADE, related_name="periods")
    part = models.CharField(max_length=10, choices=Part.choices, default=Part.ENERGY)
    weekdays = models.CharField(
        max_length=7,
        default=ALL_DAYS,
        validators=[RegexValidator(r"^(?=.)0?1?2?3?4?5?6?\Z", "Use rising digits from 0 (Monday) to 6 (Sunday).")],
        help_text="Digits of the weekdays from 0 (Monday) to 6 (Sunday), such as 01234",
    )
    start = models.TimeField(help_text="Local time, whole minutes")
    end = models.TimeField(help_text="Local time; at or before the start: on the next day")
    price_per_kwh = models.DecimalField(max_digits=12, decimal_places=6)

    objects: ClassVar[models.Manager["TariffPeriod"]] = ScopedManager(organization="tariff__organization")

    class Meta:
        verbose_name = "period"
        ordering = ["tariff", "part", "weekdays", "start"]
        constraints = [
            models.CheckConstraint(
                name="tariff_period_part_known", condition=models.Q(part__in=["energy", "grid_fee"])
            ),
            *between("tariff_period", -HIGHEST_PRICE, HIGHEST_PRICE, "price_per_kwh"),
        ]

    def __str__(self) -> str:
        return f"{self.get_part_display()} {self.start:%H:%M} to {self.end:%H:%M}"

    @property
    def weekday_names(self) -> str:
        """The weekdays in words."""
        if self.weekdays == ALL_DAYS:
            return "every day"
        return ", ".join(WEEKDAYS[int(day)] for day in self.weekdays)

    @property
    def tenant_id(self) -> int | None:
        """The id of the tariff's organization."""
        return self.tariff.organization_id if self.tariff_id else None


class SiteTariff(Checked):
    """A site's tariff for one commodity from one local day to another; a site has at most one at a time."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="tariffs")
    tariff = models.ForeignKey(Tariff, on_delete=models.RESTRICT, related_name="sites")
    valid_from = models.DateField(help_text="First local day")
    valid_to = models.DateField(null=True, blank=True, help_text="Last local day; empty: open")

    objects: ClassVar[models.Manager["SiteTariff"]] = ScopedManager(organization="site__organization")

    class Meta:
        verbose_name = "tariff of a site"
        verbose_name_plural = "tariffs of sites"
        ordering = ["site", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["site", "tariff", "valid_from"], name="site_tariff_unique"),
            models.CheckConstraint(
                name="site_tariff_validity_ordered",
                condition=models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=models.F("valid_from")),
                violation_error_message="valid_to must not be before valid_from.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tariff} from {self.valid_from}"

    @property
    def tenant_id(self) -> int | None:
        """The id of the site's organization."""
        return self.site.organization_id if self.site_id else None

    def clean(self) -> None:
        """Refuse a second tariff for the same commodity at the same time."""
        super().clean()
        if not (self.site_id and self.tariff_id and self.valid_from):
            return
        others = SiteTariff.objects.filter(site=self.site_id, tariff__commodity=self.tariff.commodity)
        still = models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=self.valid_from)
        until = models.Q(valid_from__lte=self.valid_to) if self.valid_to else models.Q()
        other = others.exclude(pk=self.pk).filter(still & until).select_related("tariff").first()
        if other is not None:
            end = other.valid_to or "open end"
            raise ValidationError(
                {
                    "valid_from": f"{self.valid_from} lies in the validity of {other.tariff} "
                    f"({other.valid_from} to {end}); allowed: one tariff for {self.tariff.commodity} at a time."
                }
            )
