"""Channels: what is known of a site or device over time, one quantity each."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django_scopes import ScopedManager

from assets.models import Asset, Checked, Site
from flexplatform.accounts.models import Organization
from telemetry.quantities import QUANTITIES, quantities_of

QUARTER_HOUR_SECONDS = 900
LONGEST_SECONDS = 366 * 24 * 3600


def quantity_choices() -> list[tuple[str, str]]:
    """Return the registered quantities; a function, so that a new one needs no migration."""
    return [(name, name) for name in QUANTITIES]


class Channel(Checked):  # type: ignore[django-manager-missing]
    """A quantity of a device, or of the site where `asset` is empty; measurements and forecasts belong to it.

    `unit` and `sign` say how its values are stored, and follow from the quantity.
    """

    class Sign(models.TextChoices):
        """What the sign of a value means."""

        CONSUMPTION = "consumption", "Positive is consumption, negative is production"
        NONE = "none", "No direction"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: the site"
    )
    quantity = models.CharField(max_length=60, choices=quantity_choices)
    unit = models.CharField(max_length=20, editable=False)
    sign = models.CharField(max_length=20, choices=Sign.choices, editable=False)
    resolution_seconds = models.PositiveIntegerField(
        default=QUARTER_HOUR_SECONDS, help_text="Usual distance of its values, in seconds"
    )
    stale_after_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Age at which its last value says nothing any more; empty: never"
    )
    last_value = models.FloatField(null=True, blank=True, editable=False)
    last_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Channel"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["site", "asset", "quantity"]
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "quantity"], condition=models.Q(asset__isnull=False), name="channel_of_asset_unique"
            ),
            models.UniqueConstraint(
                fields=["site", "quantity"], condition=models.Q(asset__isnull=True), name="channel_of_site_unique"
            ),
            models.CheckConstraint(name="channel_sign_known", condition=models.Q(sign__in=["consumption", "none"])),
            models.CheckConstraint(
                name="channel_resolution_range",
                condition=models.Q(resolution_seconds__gte=1, resolution_seconds__lte=24 * 3600),
                violation_error_message="resolution_seconds must be between 1 and 86400.",
            ),
            models.CheckConstraint(
                name="channel_stale_after_range",
                condition=models.Q(stale_after_seconds__isnull=True)
                | models.Q(stale_after_seconds__gte=1, stale_after_seconds__lte=LONGEST_SECONDS),
                violation_error_message=f"stale_after_seconds must be between 1 and {LONGEST_SECONDS}.",
            ),
            models.CheckConstraint(
                name="channel_last_value_has_time",
                condition=models.Q(last_value__isnull=True, last_at__isnull=True)
                | models.Q(last_value__isnull=False, last_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.label}"

    @property
    def label(self) -> str:
        """The channel's name within its site, such as `pv.power_kw` or `site.grid_power_kw`."""
        return f"{self.asset.name if self.asset else 'site'}.{self.quantity}"

    @property
    def resolution(self) -> timedelta:
        """Usual distance of its values."""
        return timedelta(seconds=self.resolution_seconds)

    def is_stale(self, now: datetime) -> bool:
        """Return whether the last value is too old to say anything; a channel without one is not stale."""
        if self.last_at is None or self.stale_after_seconds is None:
            return False
        return now - self.last_at > timedelta(seconds=self.stale_after_seconds)

    def follow_quantity(self) -> None:
        """Take unit and sign from the quantity, where that is known."""
        found = QUANTITIES.get(self.quantity)
        if found is not None:
            self.unit = found.unit
            self.sign = self.Sign.CONSUMPTION if found.directed else self.Sign.NONE

    def clean(self) -> None:
        """Refuse a device of another site, and a quantity that the device or the site does not have."""
        super().clean()
        if self.asset is not None and self.asset.site_id != self.site_id:
            raise ValidationError({"asset": f"{self.asset} does not stand at {self.site}."})
        found = QUANTITIES.get(self.quantity)
        kind = self.asset.kind if self.asset is not None else None
        if found is not None and not found.fits(kind):
            allowed = ", ".join(each.name for each in quantities_of(kind))
            raise ValidationError({"quantity": f"quantity is {self.quantity}; allowed for {self.owner}: {allowed}."})
        self.follow_quantity()

    @property
    def owner(self) -> str:
        """What the channel is of, in words."""
        return self.asset.kind if self.asset is not None else "a site"
