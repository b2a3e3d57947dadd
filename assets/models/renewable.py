"""Photovoltaic and wind plants."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between, positive


class Photovoltaic(Asset):
    """A photovoltaic plant; its yield comes as a series, or from its place, its tilt and the weather."""

    KIND = "pv"
    LABEL = _("Photovoltaics")

    capacity_kw = models.FloatField(help_text="Rated AC power in kW")
    curtailable = models.BooleanField(default=True, help_text="Whether surplus may be thrown away")
    peak_power_kw = models.FloatField(
        null=True, blank=True, help_text="Peak power of the modules (DC); empty: as the rated power"
    )
    tilt_degrees = models.FloatField(null=True, blank=True, help_text="0 lies flat, 90 stands upright; empty: 35")
    azimuth_degrees = models.FloatField(
        null=True, blank=True, help_text="Where the modules look: 90 is east, 180 south, 270 west; empty: 180"
    )

    class Meta:
        verbose_name = "photovoltaic plant"
        constraints = [
            *at_least_zero("pv", "capacity_kw"),
            *positive("pv", "peak_power_kw"),
            *between("pv", 0, 90, "tilt_degrees"),
            *between("pv", 0, 360, "azimuth_degrees"),
        ]


class Wind(Asset):
    """A wind plant; its yield comes as a series, or from its hub height, its power curve and the weather."""

    KIND = "wind"
    LABEL = _("Wind")

    capacity_kw = models.FloatField(help_text="Rated AC power in kW")
    curtailable = models.BooleanField(default=True, help_text="Whether surplus may be thrown away")
    hub_height_m = models.FloatField(null=True, blank=True, help_text="Above the ground; empty: 100 m")
    cut_in_m_per_s = models.FloatField(
        null=True, blank=True, help_text="Wind speed at the hub from which it makes power; empty: 3"
    )
    rated_m_per_s = models.FloatField(
        null=True, blank=True, help_text="Wind speed at the hub from which it makes its rated power; empty: 12.5"
    )
    cut_out_m_per_s = models.FloatField(
        null=True, blank=True, help_text="Wind speed at the hub above which it stands still; empty: 25"
    )

    class Meta:
        verbose_name = "wind plant"
        constraints = [
            *at_least_zero("wind", "capacity_kw"),
            *between("wind", 5, 300, "hub_height_m"),
            *between("wind", 0.5, 8, "cut_in_m_per_s"),
            *between("wind", 9, 20, "rated_m_per_s"),
            *between("wind", 20, 50, "cut_out_m_per_s"),
        ]
