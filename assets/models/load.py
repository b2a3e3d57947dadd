"""Inflexible electric and heat load."""

from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset


class ElectricLoad(Asset):
    """Electric demand that must be met; it comes as a series."""

    KIND = "electric_load"
    LABEL = _("Electric load")


class HeatLoad(Asset):
    """Heat demand; it comes as a series."""

    KIND = "heat_load"
    LABEL = _("Heat load")
