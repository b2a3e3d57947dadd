"""What sites show on pages of the portal."""

from typing import Any

from django.db.models import QuerySet

from assets.models import Asset, Portfolio, Site
from assets.states import states
from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest


def site_map(_request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return whether there is anything to show on the map, and its states as a legend."""
    return {"has_sites": Site.objects.filter(organization=organization).exists(), "states": list(states)}


def devices(_request: TenantRequest, site: Site) -> dict[str, QuerySet[Asset]]:
    """Return the devices of a site."""
    return {"devices": Asset.objects.filter(site=site).order_by("kind", "name")}


def portfolios(organization: Organization) -> QuerySet[Portfolio]:
    """Return the portfolios to filter by."""
    return Portfolio.objects.filter(organization=organization).order_by("name")
