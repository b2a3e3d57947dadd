"""Reads of sites and devices."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from assets.models import KINDS, Asset, ElectricVehicle, Site


def devices_by_site(sites: Iterable[Site]) -> dict[int, list[Asset]]:
    """Return the devices of each site by its id, each as a row of its own kind.

    One query per device kind, and one for the stays of vehicles, whatever the number of sites.
    """
    found: dict[int, list[Asset]] = {site.pk: [] for site in sites}
    for model in KINDS.values():
        rows: QuerySet[Any] = model.objects.filter(site__in=list(found)).order_by("name")
        for device in rows.prefetch_related("stays") if model is ElectricVehicle else rows:
            found[device.site_id].append(device)
    return found
