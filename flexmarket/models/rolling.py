"""Whether plans of the day are renewed as it goes on."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django_scopes import ScopedManager

from assets.models import Checked, Site
from flexplatform.accounts.models import Organization

DAY_MINUTES = 24 * 60


class RollingOperation(Checked):
    """How often, and on what deviation, plans are renewed: of a site, or of all that say nothing of their own."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: all other sites"
    )
    enabled = models.BooleanField(default=True)
    interval_minutes = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(15), MaxValueValidator(DAY_MINUTES)],
        help_text="At least so often the rest of the day is looked at again",
    )
    deviation_percent = models.FloatField(
        default=5.0,
        validators=[MinValueValidator(0.5), MaxValueValidator(100.0)],
        help_text="A state of charge that is so far from the plan is looked at without waiting",
    )

    objects: ClassVar[models.Manager["RollingOperation"]] = ScopedManager(organization="organization")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(site=None), name="rolling_of_organization_unique"
            ),
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(site__isnull=False), name="rolling_of_site_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site or self.organization}: {'renewed' if self.enabled else 'not renewed'}"
