"""Combined heat and power unit."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between, positive


class Chp(Asset):
    """A gas engine that makes power and heat, on/off or modulating; efficiencies are shares of the gas input."""

    KIND = "chp"
    LABEL = _("Combined heat and power")

    electric_power_kw = models.FloatField()
    electric_efficiency = models.FloatField(default=0.30, help_text="0 to 1")
    thermal_efficiency = models.FloatField(default=0.65, help_text="0 to 1")
    modulating = models.BooleanField(default=False)
    min_power_fraction = models.FloatField(default=0.5, help_text="Lowest power while modulating, 0 to 1")
    min_run_minutes = models.FloatField(default=0.0)
    min_rest_minutes = models.FloatField(default=0.0)
    start_cost_eur = models.FloatField(default=0.0)
    initially_on = models.BooleanField(default=False)
    initial_minutes = models.FloatField(null=True, blank=True, help_text="In that state for; empty: long enough")

    class Meta:
        verbose_name = "combined heat and power unit"
        constraints = [
            *positive("chp", "electric_power_kw", "electric_efficiency"),
            *between("chp", 0, 1, "electric_efficiency", "thermal_efficiency", "min_power_fraction"),
            *at_least_zero("chp", "min_run_minutes", "min_rest_minutes", "start_cost_eur", "initial_minutes"),
            models.CheckConstraint(
                name="chp_total_efficiency_range",
                condition=models.Q(thermal_efficiency__lte=1.2 - models.F("electric_efficiency")),
                violation_error_message="electric_efficiency and thermal_efficiency must not exceed 1.2 together.",
            ),
        ]
