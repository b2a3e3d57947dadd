"""What sites show on pages of the portal."""

from typing import Any

from assets.models import KINDS, Asset, Site
from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest


def site_map(_request: TenantRequest, _organization: Organization) -> dict[str, Any]:
    """Return whether there is anything to show on the map."""
    return {"has_sites": Site.objects.exists()}


def devices(_request: TenantRequest, site: Site) -> dict[str, Any]:
    """Return the devices of a site with the label and colour of their kind."""
    found = Asset.objects.filter(site=site).order_by("kind", "name")
    return {
        "devices": [
            {
                "name": device.name,
                "label": KINDS[device.kind].LABEL,
                "kind": device.kind,
            }
            for device in found
        ]
    }
