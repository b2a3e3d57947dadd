"""What of an organization is reflected in a FlexMeasures server: where to, as whom, under which ids, how far."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Asset, Checked, Site
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField


class FlexMeasuresServer(Checked):
    """The server that an organization is reflected in, and how the last push went; its secret lies elsewhere."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="+")
    enabled = models.BooleanField(default=False, help_text="Whether it is kept up to date by the clock")
    url = models.CharField(max_length=200, help_text="Address of the server, such as https://fm.example.com")
    email = models.EmailField(blank=True, help_text="The account to sign in as; empty: the secret is a token")
    pushed_at = models.DateTimeField(null=True, editable=False, help_text="When all was last up to date there")
    failed_at = models.DateTimeField(null=True, editable=False, help_text="When a push last failed")
    error = models.TextField(blank=True, editable=False, help_text="What went wrong then")

    objects: ClassVar[models.Manager["FlexMeasuresServer"]] = ScopedManager(organization="organization")

    def __str__(self) -> str:
        return self.url

    @property
    def is_failing(self) -> bool:
        """Whether the last push failed."""
        return self.failed_at is not None and (self.pushed_at is None or self.failed_at > self.pushed_at)


class FlexMeasuresLink(models.Model):  # type: ignore[django-manager-missing]
    """A site or device and the FlexMeasures asset that it is; the row goes with the site or device."""

    class Kind(models.TextChoices):
        """What is linked."""

        SITE = "site", _("Site")
        DEVICE = "device", _("Device")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    asset = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    remote_id = models.PositiveBigIntegerField(null=True, help_text="Id of the asset there; empty: not made yet")
    described = models.JSONField(default=dict, help_text="What the asset there was last told to be")
    tried_at = models.DateTimeField(null=True, help_text="When it was last pushed, well or not")
    pushed_at = models.DateTimeField(null=True, help_text="When it was last up to date there")
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, help_text="Why the last push failed; empty: it did not")

    objects: ClassVar[models.Manager["FlexMeasuresLink"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["site__name", "site", "-kind", "asset__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(asset__isnull=True), name="flexmeasures_site_once"
            ),
            models.UniqueConstraint(
                fields=["asset"], condition=models.Q(asset__isnull=False), name="flexmeasures_device_once"
            ),
            models.CheckConstraint(
                name="flexmeasures_kind_fits",
                condition=models.Q(kind="site", asset__isnull=True) | models.Q(kind="device", asset__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.asset}" if self.asset else str(self.site)


class FlexMeasuresSensor(models.Model):
    """A sensor there, and what it was last told: `values` from `start` on in quarter-hours, nan where nothing."""

    link = models.ForeignKey(FlexMeasuresLink, on_delete=models.CASCADE, related_name="sensors")
    name = models.CharField(max_length=60, help_text="Its name there")
    remote_id = models.PositiveBigIntegerField(help_text="Id of the sensor there")
    start = models.DateTimeField(null=True, help_text="Start of what was told")
    values = SeriesField(null=True)
    pushed_until = models.DateTimeField(null=True, help_text="End of the last value that was told")
    believed_at = models.DateTimeField(null=True, help_text="Belief time of what was told last")

    objects: ClassVar[models.Manager["FlexMeasuresSensor"]] = ScopedManager(organization="link__organization")

    class Meta:
        ordering = ["link", "name"]
        constraints = [models.UniqueConstraint(fields=["link", "name"], name="flexmeasures_sensor_once")]

    def __str__(self) -> str:
        return f"{self.link}.{self.name}"
