"""Diesel or other distributed generator."""

from itertools import pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import at_least_zero, is_number, ordered, positive


def validate_fuel_curve(value: Any) -> None:
    """Refuse anything but two or more points [kW, litres per hour] of rising power and no negative fuel."""
    is_points = isinstance(value, list) and all(
        isinstance(point, list) and len(point) == 2 and all(is_number(number) for number in point) for point in value
    )
    if not is_points or len(value) < 2:
        raise ValidationError("A fuel curve is a list of at least two points [kW, litres per hour].")
    if any(low[0] >= high[0] for low, high in pairwise(value)) or any(point[1] < 0 for point in value):
        raise ValidationError("A fuel curve needs rising powers and fuel of at least 0.")


class Generator(Asset):
    """A generator that runs between `min_power_kw` and `power_kw` or stands still."""

    KIND = "generator"
    LABEL = _("Generator")

    power_kw = models.FloatField()
    min_power_kw = models.FloatField(default=0.0)
    fuel_curve = models.JSONField(
        validators=[validate_fuel_curve], help_text="Points [kW, litres per hour] from min_power_kw to power_kw"
    )
    ramp_kw_per_minute = models.FloatField(null=True, blank=True, help_text="Empty: no limit")
    start_cost_eur = models.FloatField(default=0.0)
    min_run_minutes = models.FloatField(default=0.0)
    min_rest_minutes = models.FloatField(default=0.0)
    initially_on = models.BooleanField(default=False)
    initial_minutes = models.FloatField(null=True, blank=True, help_text="In that state for; empty: long enough")
    initial_power_kw = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            *positive("generator", "power_kw", "ramp_kw_per_minute"),
            *at_least_zero("generator", "min_power_kw", "start_cost_eur", "min_run_minutes", "min_rest_minutes"),
            *at_least_zero("generator", "initial_minutes", "initial_power_kw"),
            ordered("generator", "min_power_kw", "power_kw"),
            ordered("generator", "initial_power_kw", "power_kw"),
        ]

    def clean(self) -> None:
        """Refuse a fuel curve that does not span the generator's powers."""
        super().clean()
        try:
            validate_fuel_curve(self.fuel_curve)
        except ValidationError as error:
            raise ValidationError({"fuel_curve": error.messages}) from error
        if [self.fuel_curve[0][0], self.fuel_curve[-1][0]] != [self.min_power_kw, self.power_kw]:
            raise ValidationError({"fuel_curve": "The first point must be at min_power_kw, the last at power_kw."})
