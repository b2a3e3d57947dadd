"""Devices as senders: what they sign in with, and whether they are there."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django_scopes import ScopedManager

from assets.models import Asset, Checked, Site
from flexplatform.accounts.models import Organization

# What a broker takes for one level of a topic, whatever its version.
NAME = r"[A-Za-z0-9_-]{1,60}"
ALLOWED = "Allowed: 1 to 60 letters, digits, dashes and underscores."


class DeviceCredential(Checked):
    """A user name and password at the broker, for one device or, where `asset` is empty, for all of a site.

    `password` is the hash that mosquitto checks; the clear text is shown once and not stored.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: all of the site"
    )
    name = models.CharField(
        max_length=60,
        validators=[RegexValidator(rf"\A{NAME}\Z", ALLOWED)],
    )
    username = models.CharField(max_length=120, unique=True, editable=False)
    password = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)
    rotated_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["DeviceCredential"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="device_credential_name_unique")]

    def __str__(self) -> str:
        return self.username

    @property
    def is_active(self) -> bool:
        """Whether it opens the broker."""
        return self.revoked_at is None

    def clean(self) -> None:
        """Refuse a device of another site."""
        super().clean()
        if self.asset is not None and self.asset.site_id != self.site_id:
            raise ValidationError({"asset": f"{self.asset} does not stand at {self.site}."})


class DevicePresence(models.Model):
    """Whether a device, or the gateway of a site where `asset` is empty, is connected, as it or its last will said."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    asset = models.ForeignKey(Asset, null=True, on_delete=models.CASCADE, related_name="+")
    online = models.BooleanField()
    changed_at = models.DateTimeField()

    objects: ClassVar[models.Manager["DevicePresence"]] = ScopedManager(organization="organization")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset"], condition=models.Q(asset__isnull=False), name="presence_of_asset_unique"
            ),
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(asset__isnull=True), name="presence_of_site_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset or self.site}: {'online' if self.online else 'offline'}"
