"""Gas boiler."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between, positive


class Boiler(Asset):
    """A modulating gas boiler."""

    KIND = "boiler"
    LABEL = _("Gas boiler")

    heat_power_kw = models.FloatField()
    efficiency = models.FloatField(default=0.96, help_text="Heat per gas input; up to 1.1 for condensing boilers")

    class Meta:
        constraints = [
            *at_least_zero("boiler", "heat_power_kw"),
            *positive("boiler", "efficiency"),
            *between("boiler", 0, 1.1, "efficiency"),
        ]
