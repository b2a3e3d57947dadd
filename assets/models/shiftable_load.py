"""A process of fixed shape that may move in time."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.ranges import is_number

TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def validate_profile(value: Any) -> None:
    """Refuse anything but a list of powers of at least 0."""
    is_numbers = isinstance(value, list) and all(is_number(power) and power >= 0 for power in value)
    if not is_numbers or not value:
        raise ValidationError("A profile is a list of powers in kW of at least 0.")


def validate_spans(value: Any) -> None:
    """Refuse anything but a list of pairs of local times such as ["22:00", "06:00"]."""
    is_spans = isinstance(value, list) and all(
        isinstance(span, list) and len(span) == 2 and all(TIME.fullmatch(str(moment)) for moment in span)
        for span in value
    )
    if not is_spans:
        raise ValidationError('Spans are a list of pairs of local times, such as [["22:00", "06:00"]].')


class ShiftableLoad(Asset):
    """A process that runs once a day; times are the site's local time."""

    KIND = "shiftable_load"
    LABEL = _("Shiftable load")

    class Shift(models.TextChoices):
        """How the process may move."""

        INFLEXIBLE = "inflexible", _("Not at all")
        SHIFTABLE = "shiftable", _("As a whole")
        BREAKABLE = "breakable", _("With breaks")

    profile_kw = models.JSONField(validators=[validate_profile], help_text="One power in kW per step of the process")
    profile_step_minutes = models.PositiveSmallIntegerField(default=15)
    shift = models.CharField(max_length=12, choices=Shift.choices, default=Shift.SHIFTABLE)
    earliest_start = models.TimeField(null=True, blank=True, help_text="Local time; empty: start of the day")
    latest_end = models.TimeField(null=True, blank=True, help_text="Local time; empty: end of the day")
    forbidden = models.JSONField(default=list, blank=True, validators=[validate_spans])

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="shiftable_load_shift_known",
                condition=models.Q(shift__in=["inflexible", "shiftable", "breakable"]),
            ),
            models.CheckConstraint(
                name="shiftable_load_step_divides_hour",
                condition=models.Q(profile_step_minutes__in=[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]),
                violation_error_message="profile_step_minutes must divide the hour.",
            ),
        ]
