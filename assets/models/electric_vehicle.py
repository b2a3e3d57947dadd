"""Electric vehicle and the pattern of its stays."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models.asset import Asset
from assets.models.checked import Checked
from assets.models.ranges import at_least_zero, between, ordered, positive


class ElectricVehicle(Asset):  # type: ignore[django-manager-missing]
    """A car and its charger; a discharge power above 0 allows vehicle-to-grid."""

    KIND = "electric_vehicle"
    LABEL = _("Electric vehicle")

    capacity_kwh = models.FloatField()
    charge_power_kw = models.FloatField()
    discharge_power_kw = models.FloatField(default=0.0, help_text="More than 0 allows vehicle-to-grid")
    charge_efficiency = models.FloatField(default=0.95, help_text="0 to 1")
    discharge_efficiency = models.FloatField(default=0.95, help_text="0 to 1")
    min_charge_power_kw = models.FloatField(default=0.0, help_text="Least power while it charges")
    min_soc_percent = models.FloatField(default=0.0)
    max_soc_percent = models.FloatField(default=100.0)
    wear_cost_eur_per_kwh = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            *positive("ev", "capacity_kwh", "charge_efficiency", "discharge_efficiency"),
            *at_least_zero("ev", "charge_power_kw", "discharge_power_kw", "wear_cost_eur_per_kwh"),
            *at_least_zero("ev", "min_charge_power_kw"),
            *between("ev", 0, 1, "charge_efficiency", "discharge_efficiency"),
            *between("ev", 0, 100, "min_soc_percent", "max_soc_percent"),
            ordered("ev", "min_soc_percent", "max_soc_percent"),
            ordered("ev", "min_charge_power_kw", "charge_power_kw"),
        ]


class Weekday(models.IntegerChoices):
    """Days as `datetime.weekday` counts them."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class EvStay(Checked):
    """A stay at the charger that comes back every day, or every week on `weekday`; times are the site's local time.

    A departure at or before the arrival means the next day.
    """

    vehicle = models.ForeignKey(ElectricVehicle, on_delete=models.CASCADE, related_name="stays")
    weekday = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=Weekday.choices, help_text="Day of the arrival; empty: every day"
    )
    arrival = models.TimeField(help_text="Local time")
    departure = models.TimeField(help_text="Local time; at or before the arrival: on the next day")
    arrival_soc_percent = models.FloatField(
        null=True, blank=True, help_text="Empty: what the stay before left, less the energy of the trip"
    )
    departure_soc_percent = models.FloatField(null=True, blank=True, help_text="Wish; empty: none")
    trip_energy_kwh = models.FloatField(null=True, blank=True, help_text="Used on the trip before this stay")

    objects: ClassVar[models.Manager["EvStay"]] = ScopedManager(organization="vehicle__site__organization")

    class Meta:
        verbose_name = "stay at the charger"
        verbose_name_plural = "stays at the charger"
        ordering = ["vehicle", "weekday", "arrival"]
        constraints = [
            *between("stay", 0, 100, "arrival_soc_percent", "departure_soc_percent"),
            *at_least_zero("stay", "trip_energy_kwh"),
            models.CheckConstraint(
                name="stay_content_known",
                condition=models.Q(arrival_soc_percent__isnull=False) | models.Q(trip_energy_kwh__isnull=False),
                violation_error_message="Give arrival_soc_percent or trip_energy_kwh.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.arrival:%H:%M} to {self.departure:%H:%M}"

    @property
    def tenant_id(self) -> int | None:
        """The id of the vehicle's organization."""
        return self.vehicle.tenant_id if self.vehicle_id else None
