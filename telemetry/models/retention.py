"""How long single readings stay."""

from typing import ClassVar

from django.db import models
from django_scopes import ScopedManager

from assets.models import Checked
from flexplatform.accounts.models import Organization

# Two days are what the newest partitions hold; ten years is what nobody waits for.
FEWEST_DAYS, MOST_DAYS = 2, 3660


class Retention(Checked):
    """How many days an organization keeps single readings and refused messages; quarter-hours stay.

    An organization without a row, or with an empty field, keeps them as `TELEMETRY_READING_DAYS` and
    `TELEMETRY_LETTER_DAYS` say.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="+")
    reading_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days that single readings stay; empty: the platform's own"
    )
    letter_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days that refused messages stay; empty: the platform's own"
    )

    objects: ClassVar[models.Manager["Retention"]] = ScopedManager(organization="organization")

    class Meta:
        verbose_name_plural = "retention"
        constraints = [
            models.CheckConstraint(
                name=f"retention_{name}_range",
                condition=models.Q(**{f"{name}__isnull": True})
                | models.Q(**{f"{name}__gte": FEWEST_DAYS, f"{name}__lte": MOST_DAYS}),
                violation_error_message=f"{name} must be between {FEWEST_DAYS} and {MOST_DAYS}.",
            )
            for name in ("reading_days", "letter_days")
        ]

    def __str__(self) -> str:
        return f"Retention of {self.organization}"
