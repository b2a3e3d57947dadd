"""Stored flexibility offers: one row per run, method and device."""

from typing import ClassVar

from django.db import models
from django_scopes import ScopedManager

from assets.models import Asset
from flexmarket.engine.table import FlexTable
from flexplatform.fields import SeriesField
from optimization.models import ScheduleRun

SERIES = tuple(name for name in FlexTable.__dataclass_fields__ if name not in {"device", "kind"})


class FlexibilityOffers(models.Model):
    """The flexibility table of one device for one run; the columns are those of the engine's `FlexTable`.

    Powers (kW) and energies (kWh) are magnitudes: positive flexibility adds power to the grid, negative takes it off.
    `device` keeps the device's name when its row is deleted.
    """

    run = models.ForeignKey(ScheduleRun, on_delete=models.CASCADE, related_name="offers")
    asset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    device = models.CharField(max_length=100)
    kind = models.CharField(max_length=30)
    method = models.CharField(max_length=40)
    scheduled_power_kw = SeriesField()
    positive_power_kw = SeriesField()
    negative_power_kw = SeriesField()
    positive_energy_kwh = SeriesField()
    negative_energy_kwh = SeriesField()
    positive_price_eur_per_kwh = SeriesField()
    negative_price_eur_per_kwh = SeriesField()
    forecast_price_eur_per_kwh = SeriesField(null=True)

    objects: ClassVar[models.Manager["FlexibilityOffers"]] = ScopedManager(organization="run__organization")

    class Meta:
        verbose_name_plural = "flexibility offers"
        ordering = ["run", "method", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "method", "device"], name="offers_unique")]

    def __str__(self) -> str:
        return f"{self.device} by {self.method}"

    @property
    def table(self) -> FlexTable:
        """The offers as the engine knows them."""
        return FlexTable(**{name: getattr(self, name) for name in FlexTable.__dataclass_fields__})

    @property
    def columns_as_lists(self) -> dict[str, list[float]]:
        """The series by name, as plain numbers."""
        table = self.table
        columns = {name: getattr(table, name) for name in SERIES}
        return {name: values.tolist() for name, values in columns.items() if values is not None}
