"""Series of prices as they were received, such as those of a day-ahead auction."""

from datetime import timedelta
from typing import ClassVar, cast

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django_scopes import ScopedManager

from assets.engine.tariff import Series, SpotPrices
from assets.models.checked import Checked
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField

HOUR_SECONDS = 3600

validate_currency = RegexValidator(r"^[A-Z]{3}\Z", "Use the three capital letters of ISO 4217, such as EUR.")


class PriceSeries(Checked):  # type: ignore[django-manager-missing]
    """A named series of prices per kWh that tariffs refer to; its values come in deliveries."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="EUR", validators=[validate_currency], help_text="ISO 4217 code")
    source = models.CharField(max_length=200, blank=True, help_text="Where its values come from")

    objects: ClassVar[models.Manager["PriceSeries"]] = ScopedManager(organization="organization")

    class Meta:
        verbose_name_plural = "price series"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="price_series_name_unique")]

    def __str__(self) -> str:
        return self.name


class PriceValues(Checked):
    """A delivery of prices per kWh: whole and never changed; a later delivery of the same time replaces it."""

    series = models.ForeignKey(PriceSeries, on_delete=models.CASCADE, related_name="deliveries")
    start = models.DateTimeField()
    end = models.DateTimeField(help_text="End of the last step")
    step_seconds = models.PositiveIntegerField()
    values = SeriesField()
    source = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["PriceValues"]] = ScopedManager(organization="series__organization")

    class Meta:
        verbose_name = "delivery of prices"
        verbose_name_plural = "deliveries of prices"
        ordering = ["received_at", "id"]
        indexes = [models.Index(fields=["series", "end", "start"], name="price_values_of_time")]
        constraints = [
            models.CheckConstraint(
                name="price_values_step_divides_hour",
                condition=models.Q(step_seconds__gte=1, step_seconds__lte=HOUR_SECONDS),
                violation_error_message="step_seconds must divide the hour.",
            ),
            models.CheckConstraint(name="price_values_not_empty", condition=models.Q(end__gt=models.F("start"))),
        ]

    def __str__(self) -> str:
        return f"{self.series} from {self.start:%Y-%m-%d %H:%M} UTC"

    @property
    def tenant_id(self) -> int | None:
        """The id of the series' organization."""
        return self.series.organization_id if self.series_id else None

    @property
    def spot_prices(self) -> SpotPrices:
        """The delivery as the engine reads it."""
        return SpotPrices(self.start, timedelta(seconds=self.step_seconds), cast("Series", self.values))
