"""Heat pump."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, between, is_number, positive

MAP_FIELDS = ("supply_c", "ambient_c", "electric_kw", "heat_kw")


def validate_performance_map(value: Any) -> None:
    """Refuse a performance map whose tables do not fit its temperatures."""
    if not isinstance(value, dict) or set(value) != set(MAP_FIELDS):
        raise ValidationError(f"A performance map is an object with {', '.join(MAP_FIELDS)}.")
    for field in ("supply_c", "ambient_c"):
        if not _numbers(value[field]) or value[field] != sorted(set(value[field])):
            raise ValidationError(f"{field} must be a list of rising temperatures.")
    for field in ("electric_kw", "heat_kw"):
        rows = value[field]
        fits = isinstance(rows, list) and len(rows) == len(value["supply_c"])
        if not fits or any(not _numbers(row) or len(row) != len(value["ambient_c"]) or min(row) <= 0 for row in rows):
            raise ValidationError(f"{field} must have a row per supply and a positive value per ambient temperature.")


def _numbers(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(is_number(value) for value in values)


class HeatPump(Asset):
    """A heat pump, on/off or modulating; `rated_power_kw` is its electric power at +2 °C ambient."""

    KIND = "heat_pump"
    LABEL = _("Heat pump")

    rated_power_kw = models.FloatField(help_text="Electric power at +2 °C ambient")
    supply_temperature_c = models.FloatField(default=45.0)
    modulating = models.BooleanField(default=False)
    min_power_fraction = models.FloatField(default=0.3, help_text="Lowest power while modulating, 0 to 1")
    min_run_minutes = models.FloatField(default=0.0)
    min_rest_minutes = models.FloatField(default=0.0)
    initially_on = models.BooleanField(default=False)
    initial_minutes = models.FloatField(null=True, blank=True, help_text="In that state for; empty: long enough")
    performance_map = models.JSONField(
        null=True, blank=True, validators=[validate_performance_map], help_text="Empty: a typical air-water heat pump"
    )

    class Meta:
        constraints = [
            *positive("hp", "rated_power_kw"),
            *between("hp", 10, 75, "supply_temperature_c"),
            *between("hp", 0, 1, "min_power_fraction"),
            *at_least_zero("hp", "min_run_minutes", "min_rest_minutes", "initial_minutes"),
        ]
