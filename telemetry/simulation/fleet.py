"""Sites of an organization as simulated ones, with the channels that they will fill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone

from assets.models import Asset, Battery, ElectricLoad, Photovoltaic, Portfolio, Site
from assets.queries import devices_by_site
from flexplatform.accounts.models import Organization
from telemetry.engine.topics import SITE, asset_level
from telemetry.services import Reference, ensure_channels
from telemetry.services.channels import update_channel
from telemetry.simulation.engine.electric_vehicle import Stay
from telemetry.simulation.engine.site import KINDS, SimulatedSite, made
from telemetry.simulation.engine.surroundings import Device, Weather

SLUG, NAME, PORTFOLIO = "simulation", "Simulation", "Simulated sites"
STAY_FIELDS = ("weekday", "arrival", "departure", "arrival_soc_percent", "trip_energy_kwh")
CAPACITIES = ("capacity_kw", "charge_power_kw", "rated_power_kw", "electric_power_kw", "power_kw")
# A household's demand for so many kW of devices.
DEVICES_PER_HOUSEHOLD_KW = 20.0
# What a grid connection of many households has for each of them, as they do not peak at once.
SHARED_CONNECTION_KW, CONNECTION_PER_HOUSEHOLD_KW = 200.0, 2.0
STALE_AFTER_STEPS, SHORTEST_STALE_SECONDS = 6, 30


@dataclass(frozen=True)
class Member:
    """A site of the platform with its simulation; `levels` are its devices' names in topics."""

    site: Site
    assets: Sequence[Asset]
    simulated: SimulatedSite
    levels: dict[str, str]


def fleet_of(sites: Iterable[Site]) -> list[Member]:
    """Return the sites with all their devices; `sites` come with their organization."""
    rows = list(sites)
    devices = devices_by_site(rows)
    return [_member(site, devices[site.pk]) for site in rows]


def _member(site: Site, rows: Sequence[Asset]) -> Member:
    assets = [row for row in rows if row.kind in KINDS]
    random = Random(site.pk)  # noqa: S311
    installed = sum(getattr(row, name, 0.0) or 0.0 for row in assets for name in CAPACITIES)
    connection = site.import_limit_kw or 0.0
    behind_it = connection / CONNECTION_PER_HOUSEHOLD_KW if connection >= SHARED_CONNECTION_KW else 0.0
    scale = max(1.0, installed / DEVICES_PER_HOUSEHOLD_KW, behind_it)
    simulated = SimulatedSite(
        devices={row.name: _device(row, scale) for row in assets},
        weather=Weather(site.latitude, site.longitude, random),
        zone=site.zone,
        random=random,
    )
    levels = {row.name: asset_level(row.name, row.pk) for row in assets}
    return Member(site, assets, simulated, {**levels, "": SITE})


def _device(row: Any, scale: float) -> Device:
    own: dict[str, Any] = {"scale": scale}
    if row.kind == "electric_vehicle":
        own["stays"] = [Stay(**{name: getattr(stay, name) for name in STAY_FIELDS}) for stay in row.stays.all()]
    return made(row.kind, row, **own)


@transaction.atomic
def make_channels(organization: Organization, members: Sequence[Member], seconds: float) -> int:
    """Make the channels that readings every so many seconds will fill, and return how many these are.

    Those that never were stale become so after a few readings that are missing.
    """
    references = []
    for member in members:
        by_name = {asset.name: asset for asset in member.assets}
        for name, values in member.simulated.step(timezone.now(), 1.0, {}).items():
            asset = by_name[name].pk if name else None
            references += [Reference(site=member.site.pk, asset=asset, quantity=quantity) for quantity in values]
    stale = max(round(STALE_AFTER_STEPS * seconds), SHORTEST_STALE_SECONDS)
    for channel in ensure_channels(organization=organization, references=references):
        if channel.stale_after_seconds is None:
            update_channel(channel=channel, stale_after_seconds=stale)
    return len(references)


@transaction.atomic
def sites_to_load(count: int) -> tuple[Organization, list[Site]]:
    """Return an organization of its own with at least so many simulated sites, made where they are missing."""
    organization, _ = Organization.objects.get_or_create(slug=SLUG, defaults={"name": NAME})
    portfolio, _ = Portfolio.objects.get_or_create(organization=organization, name=PORTFOLIO)
    known = Site.objects.filter(organization=organization).count()
    for number in range(known, count):
        site: Any = Site.objects.create(
            organization=organization,
            portfolio=portfolio,
            name=f"Simulated site {number}",
            slug=f"simulated-{number}",
            latitude=48 + number % 97 / 100,
            longitude=11 + number % 89 / 100,
        )
        Battery(site=site, name="battery", capacity_kwh=10, charge_power_kw=5, discharge_power_kw=5).save()
        Photovoltaic(site=site, name="pv", capacity_kw=8).save()
        ElectricLoad(site=site, name="load").save()
    sites = Site.objects.filter(organization=organization).select_related("organization").order_by("pk")
    return organization, list(sites[:count])
