"""Portfolios and sites."""

from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django_scopes import ScopedManager

from assets.countries import country_of, validate_country
from assets.models.checked import Checked
from assets.models.ranges import at_least_zero, between
from flexplatform.accounts.models import Organization, validate_time_zone


class Portfolio(Checked):  # type: ignore[django-manager-missing]
    """A named group of sites of one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    time_zone = models.CharField(
        max_length=64,
        default="Europe/Berlin",
        validators=[validate_time_zone],
        help_text="IANA name, such as Europe/Berlin; new sites of the portfolio start with it",
    )

    objects: ClassVar[models.Manager["Portfolio"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="portfolio_name_unique")]

    def __str__(self) -> str:
        return self.name


class Site(Checked):  # type: ignore[django-manager-missing]
    """A place with one grid connection; its limits in kW, None meaning no limit."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=100, help_text="Part of the site's address in the portal")
    address = models.CharField(max_length=300, blank=True)
    latitude = models.FloatField(help_text="Degrees north, WGS 84")
    longitude = models.FloatField(help_text="Degrees east, WGS 84")
    time_zone = models.CharField(
        max_length=64, default="Europe/Berlin", validators=[validate_time_zone], help_text="IANA name"
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[validate_country],
        help_text="ISO 3166 code, such as DE, for its public holidays; empty: that of the time zone",
    )
    import_limit_kw = models.FloatField(null=True, blank=True, help_text="Largest power from the grid; empty: no limit")
    export_limit_kw = models.FloatField(null=True, blank=True, help_text="Largest power to the grid; empty: no limit")
    grid_node = models.CharField(
        max_length=100, blank=True, help_text="Where the site feeds in, as its grid operator says"
    )
    congestion_point = models.CharField(
        max_length=100,
        blank=True,
        help_text="Id of the bottleneck that its flexibility relieves, such as an EA1 address",
    )
    external_id = models.CharField(max_length=100, blank=True, help_text="The site's name in another system")

    objects: ClassVar[models.Manager["Site"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="site_slug_unique"),
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=~models.Q(external_id=""),
                name="site_external_id_unique",
            ),
            *between("site", -90, 90, "latitude"),
            *between("site", -180, 180, "longitude"),
            *at_least_zero("site", "import_limit_kw", "export_limit_kw"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Put a site without a country into that of its time zone; its organization's, where both share the zone."""
        super().clean()
        if not self.country and self.organization_id:
            own = "" if self.time_zone == self.organization.time_zone else country_of(self.time_zone)
            self.country = own or self.organization.country

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)
