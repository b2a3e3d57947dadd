"""The sites of an organization as columns: what the map needs of ten thousand of them, in one answer."""

from typing import Any

from django.urls import reverse

from assets.appearance import icon_of_kind
from assets.models import KINDS, Asset, Portfolio, Site
from assets.states import NO_PLAN, states, states_of
from flexplatform.accounts.models import Organization

DIGITS = 5


def map_data(organization: Organization) -> dict[str, Any]:
    """Return the sites as one list per column, and the devices that stand elsewhere than their site.

    `kinds` holds a bit per device kind, in the order of the answer's own `kinds`; `state` and `portfolio` are places
    in its lists of these. Coordinates have five digits, about a metre.
    """
    kinds = list(KINDS)
    bits = {kind: 1 << place for place, kind in enumerate(kinds)}
    owned, placed = _devices(organization, bits)
    known, ordered = states_of(organization), list(states)
    places = {state.name: place for place, state in enumerate(ordered)}
    portfolios = list(Portfolio.objects.filter(organization=organization).order_by("name").values_list("pk", "name"))
    of_portfolio = {pk: place for place, (pk, _name) in enumerate(portfolios)}
    found = Site.objects.filter(organization=organization).order_by("name")
    rows = list(found.values_list("pk", "name", "slug", "latitude", "longitude", "portfolio_id"))
    index = {row[0]: place for place, row in enumerate(rows)}
    return {
        "page": reverse("site", args=[organization.slug, "SITE"]),
        "panel": reverse("map_site", args=[organization.slug, "SITE"]),
        "kinds": [{"name": kind, "label": str(KINDS[kind].LABEL), "icon": icon_of_kind(kind)} for kind in kinds],
        "states": [{"name": state.name, "label": str(state.label)} for state in ordered],
        "portfolios": [name for _pk, name in portfolios],
        "sites": {
            "name": [row[1] for row in rows],
            "slug": [row[2] for row in rows],
            "latitude": [round(row[3], DIGITS) for row in rows],
            "longitude": [round(row[4], DIGITS) for row in rows],
            "portfolio": [of_portfolio[row[5]] for row in rows],
            "kinds": [owned.get(row[0], 0) for row in rows],
            "state": [places[known.get(row[0], NO_PLAN).name] for row in rows],
        },
        "devices": {
            "name": [row[1] for row in placed],
            "site": [index[row[0]] for row in placed],
            "kind": [kinds.index(row[2]) for row in placed],
            "latitude": [round(row[3], DIGITS) for row in placed],
            "longitude": [round(row[4], DIGITS) for row in placed],
        },
    }


def _devices(organization: Organization, bits: dict[str, int]) -> tuple[dict[int, int], list[tuple[Any, ...]]]:
    """Return the bits of each site's device kinds by its id, and the devices with a place of their own; two queries."""
    devices = Asset.objects.filter(site__organization=organization, kind__in=bits).order_by()
    owned: dict[int, int] = {}
    for site, kind in devices.values_list("site_id", "kind").distinct():
        owned[site] = owned.get(site, 0) | bits[kind]
    elsewhere = devices.filter(latitude__isnull=False, longitude__isnull=False)
    return owned, list(elsewhere.values_list("site_id", "name", "kind", "latitude", "longitude"))
