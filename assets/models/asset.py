"""The row that every device shares."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models.checked import Checked
from assets.models.ranges import between
from assets.models.site import Site
from flexplatform.registry import Text


class Asset(Checked):
    """A device of a site; each kind's own table extends this row by typed columns.

    A kind names itself in `KIND` (as the engine does) and in `LABEL` (as people do).
    """

    KIND: ClassVar[str] = ""
    LABEL: ClassVar[Text] = _("Device")

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="assets")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30, editable=False)
    latitude = models.FloatField(null=True, blank=True, help_text="Degrees north; empty: the site's")
    longitude = models.FloatField(null=True, blank=True, help_text="Degrees east; empty: the site's")

    objects: ClassVar[models.Manager["Asset"]] = ScopedManager(organization="site__organization")

    class Meta:
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="asset_name_unique"),
            *between("asset", -90, 90, "latitude"),
            *between("asset", -180, 180, "longitude"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tenant_id(self) -> int | None:
        """The id of the site's organization."""
        return self.site.organization_id if self.site_id else None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row with the kind of its table."""
        self.kind = self.KIND or self.kind
        super().save(*args, **kwargs)
