"""Inflexible electric and heat load."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between


class ElectricLoad(Asset):
    """Electric demand that must be met; it comes as a series, or from a standard profile while there is no history."""

    class Profile(models.TextChoices):
        """Standard load profiles of BDEW."""

        HOUSEHOLD = "h0", _("H0 household")
        BUSINESS = "g0", _("G0 business in general")
        WORKDAYS = "g1", _("G1 business on workdays, 8 to 18 h")
        EVENINGS = "g2", _("G2 business mostly in the evening")
        CONTINUOUS = "g3", _("G3 business that never stops")
        SHOP = "g4", _("G4 shop or hairdresser")
        BAKERY = "g5", _("G5 bakery")
        WEEKENDS = "g6", _("G6 business at weekends")
        FARM = "l0", _("L0 farm in general")
        DAIRY_FARM = "l1", _("L1 farm with dairy cattle")
        OTHER_FARM = "l2", _("L2 other farm")

    KIND = "electric_load"
    LABEL = _("Electric load")

    annual_demand_kwh = models.FloatField(
        null=True, blank=True, help_text="In kWh a year; forecasts begin with it while there is no history"
    )
    standard_profile = models.CharField(
        max_length=2, blank=True, choices=Profile.choices, help_text="How it is spread over the year; empty: H0"
    )

    class Meta:
        constraints = [
            *at_least_zero("load", "annual_demand_kwh"),
            models.CheckConstraint(
                name="load_standard_profile_known",
                condition=models.Q(
                    standard_profile__in=["", "h0", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "l0", "l1", "l2"]
                ),
            ),
        ]


class HeatLoad(Asset):
    """Heat demand; it comes as a series, or from degree days while there is no history."""

    KIND = "heat_load"
    LABEL = _("Heat load")

    annual_demand_kwh = models.FloatField(
        null=True, blank=True, help_text="Heat in kWh a year; forecasts begin with it while there is no history"
    )
    heating_limit_c = models.FloatField(
        null=True, blank=True, help_text="Outside temperature from which it is heated; empty: 15 °C"
    )
    hot_water_share = models.FloatField(
        null=True, blank=True, help_text="Share of the annual demand that is hot water, 0 to 1; empty: 0.15"
    )

    class Meta:
        constraints = [
            *at_least_zero("heat_load", "annual_demand_kwh"),
            *between("heat_load", 0, 25, "heating_limit_c"),
            *between("heat_load", 0, 1, "hot_water_share"),
        ]
