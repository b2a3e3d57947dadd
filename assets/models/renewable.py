"""Photovoltaic and wind plants."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero


class Photovoltaic(Asset):
    """A photovoltaic plant; its yield comes as a series."""

    KIND = "pv"
    LABEL = _("Photovoltaics")

    capacity_kw = models.FloatField(help_text="Rated AC power in kW")
    curtailable = models.BooleanField(default=True, help_text="Whether surplus may be thrown away")

    class Meta:
        verbose_name = "photovoltaic plant"
        constraints = [*at_least_zero("pv", "capacity_kw")]


class Wind(Asset):
    """A wind plant; its yield comes as a series."""

    KIND = "wind"
    LABEL = _("Wind")

    capacity_kw = models.FloatField(help_text="Rated AC power in kW")
    curtailable = models.BooleanField(default=True, help_text="Whether surplus may be thrown away")

    class Meta:
        verbose_name = "wind plant"
        constraints = [*at_least_zero("wind", "capacity_kw")]
