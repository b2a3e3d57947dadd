"""Reads of sites and devices."""

from collections.abc import Iterable, Mapping
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


def kinds_by_name(site: Site) -> dict[str, str]:
    """Return the kind of each device of a site by its name."""
    return dict(Asset.objects.filter(site=site).values_list("name", "kind"))


def device_label(name: str, kinds: Mapping[str, str]) -> str:
    """Return how people call a device: by its kind, and by its name too where the site has several of the kind."""
    kind = kinds.get(name)
    if kind not in KINDS:
        return name
    label = KINDS[kind].LABEL
    return label if list(kinds.values()).count(kind) == 1 else f"{label} ({name})"
