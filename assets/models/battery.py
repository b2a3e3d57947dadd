"""Stationary battery."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between, ordered, positive


class Battery(Asset):
    """A battery at the AC side of its inverter; powers at the AC side, contents inside."""

    KIND = "battery"
    LABEL = _("Battery")

    capacity_kwh = models.FloatField()
    charge_power_kw = models.FloatField()
    discharge_power_kw = models.FloatField()
    charge_efficiency = models.FloatField(default=0.95, help_text="0 to 1")
    discharge_efficiency = models.FloatField(default=0.95, help_text="0 to 1")
    initial_soc_percent = models.FloatField(default=50.0)
    min_soc_percent = models.FloatField(default=10.0)
    max_soc_percent = models.FloatField(default=90.0)
    final_soc_percent = models.FloatField(
        default=50.0, null=True, blank=True, help_text="Wish for the end of the day; empty: none"
    )
    self_discharge_percent_per_day = models.FloatField(default=0.0)
    wear_cost_eur_per_kwh = models.FloatField(default=0.0, help_text="EUR per kWh charged or discharged")

    class Meta:
        verbose_name_plural = "batteries"
        constraints = [
            *positive("battery", "capacity_kwh", "charge_efficiency", "discharge_efficiency"),
            *at_least_zero("battery", "charge_power_kw", "discharge_power_kw", "wear_cost_eur_per_kwh"),
            *between("battery", 0, 1, "charge_efficiency", "discharge_efficiency"),
            *between("battery", 0, 100, "initial_soc_percent", "min_soc_percent", "max_soc_percent"),
            *between("battery", 0, 100, "final_soc_percent", "self_discharge_percent_per_day"),
            ordered("battery", "min_soc_percent", "max_soc_percent"),
        ]
