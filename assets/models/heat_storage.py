"""Heat store."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between, ordered, positive


class HeatStorage(Asset):
    """A hot-water store between the heat producers and the heat load."""

    KIND = "heat_storage"
    LABEL = _("Heat storage")

    capacity_kwh = models.FloatField()
    charge_power_kw = models.FloatField(null=True, blank=True, help_text="Empty: limited by the producers only")
    discharge_power_kw = models.FloatField(null=True, blank=True, help_text="Empty: limited by the load only")
    initial_soc_percent = models.FloatField(default=60.0)
    min_soc_percent = models.FloatField(default=10.0)
    max_soc_percent = models.FloatField(default=90.0)
    final_soc_percent = models.FloatField(
        default=50.0, null=True, blank=True, help_text="Wish for the end of the day; empty: none"
    )
    loss_percent_per_day = models.FloatField(default=0.0, help_text="Share of the content")
    empty_temperature_c = models.FloatField(default=18.0)
    full_temperature_c = models.FloatField(default=50.0)
    useful_temperature_c = models.FloatField(default=20.0, help_text="Lowest temperature the load can use")

    class Meta:
        constraints = [
            *positive("heat_storage", "capacity_kwh"),
            *at_least_zero("heat_storage", "charge_power_kw", "discharge_power_kw"),
            *between("heat_storage", 0, 100, "initial_soc_percent", "min_soc_percent", "max_soc_percent"),
            *between("heat_storage", 0, 100, "final_soc_percent", "loss_percent_per_day"),
            ordered("heat_storage", "min_soc_percent", "max_soc_percent"),
            models.CheckConstraint(
                name="heat_storage_temperatures_ordered",
                condition=models.Q(empty_temperature_c__lt=models.F("full_temperature_c")),
                violation_error_message="empty_temperature_c must be below full_temperature_c.",
            ),
        ]
