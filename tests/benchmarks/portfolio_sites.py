"""Many sites of several mixes, made by few statements: each a named scenario with numbers of its own."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from assets.bulk import bulk_create_assets
from assets.models import KINDS, Asset, ElectricVehicle, EvStay, Portfolio, Site, SiteTariff, Tariff, TariffPeriod
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from forecasting.services import Delivery, receive_forecasts
from optimization.engine import Horizon
from optimization.inputs import needed_series, sample_inputs
from optimization.problems import save_devices
from optimization.scenarios import named_scenario
from telemetry.services import Reference

BATCH = 1000
PRICES = (("import", "0.25"), ("export", "0.08"), ("gas", "0.11"), ("fuel", "1.80"))


def make_organization(slug: str, count: int, mixes: Sequence[str], day: date) -> Organization:
    """Store an organization with `count` sites, their devices, tariffs, and forecasts of a day."""
    organization = Organization.objects.create(name=slug, slug=slug)
    with organization_scope(organization), acting("benchmark", Door.COMMAND):
        portfolio = Portfolio.objects.create(organization=organization, name="All")
        tariffs = _tariffs(organization)
        for index, mix in enumerate(mixes):
            share = len(range(index, count, len(mixes)))
            _make_sites(portfolio, mix, share, tariffs, day)
    return organization


def _tariffs(organization: Organization) -> list[Tariff]:
    found = []
    for commodity, price in PRICES:
        values = {"commodity": commodity, "name": commodity, "valid_from": date(2020, 1, 1)}
        tariff = Tariff.objects.create(organization=organization, energy_price_per_kwh=Decimal(price), **values)
        found.append(tariff)
    for hour in range(24):
        price = Decimal("0.05") + Decimal("0.08") * Decimal(str(round(1 + np.sin(hour / 24 * 4 * np.pi), 3)))
        end = (hour + 1) % 24
        TariffPeriod.objects.create(
            tariff=found[0], part="grid_fee", start=f"{hour:02}:00", end=f"{end:02}:00", price_per_kwh=price
        )
    return found


def _make_sites(portfolio: Portfolio, mix: str, count: int, tariffs: list[Tariff], day: date) -> None:
    scenario, organization = named_scenario(mix), portfolio.organization
    place: dict[str, Any] = {"organization": organization, "portfolio": portfolio, "latitude": 48.1, "longitude": 11.5}
    limits = {name: getattr(scenario.connection, name) for name in ("import_limit_kw", "export_limit_kw")}
    slug = mix.replace("_", "-")
    model = Site.objects.create(**place, **limits, name=f"{mix} 0", slug=f"{slug}-0", external_id=mix)
    horizon = Horizon.market_day(day, model.zone)
    rows = save_devices(model, scenario.devices(scenario.sample_series(horizon, model.zone), horizon, model.zone))
    sample = sample_inputs(model, horizon).devices
    Site.objects.filter(pk=model.pk).update(external_id="")
    sites = Site.objects.bulk_create(
        (Site(**place, **limits, name=f"{mix} {n}", slug=f"{slug}-{n}") for n in range(1, count)), batch_size=BATCH
    )
    for row in rows:
        _copy(row, sites)
    sites = [model, *sites]
    SiteTariff.objects.bulk_create(
        (
            SiteTariff(site=site, tariff=tariff, valid_from=date(2020, 1, 1))
            for site in sites
            if len(rows)
            for tariff in tariffs
        ),
        batch_size=BATCH,
    )
    _forecasts(organization, sites, sample, horizon)


def _copy(row: Asset, sites: list[Site]) -> None:
    """Store a copy of a device for each site, of up to a fifth more or less in size."""
    kind = KINDS[row.kind]
    columns = {
        field.attname: getattr(row, field.attname)
        for field in kind._meta.concrete_fields
        if not field.primary_key and field.name not in {"site", "asset_ptr", "id"}
    }
    random = np.random.default_rng(row.pk)
    copies = []
    for site in sites:
        factor = float(random.uniform(0.8, 1.2))
        sized = {name: columns[name] * factor for name in ("capacity_kwh", "capacity_kw") if columns.get(name)}
        copies.append(kind(site=site, **{**columns, **sized}))
    for first in range(0, len(copies), BATCH):
        bulk_create_assets(copies[first : first + BATCH])
    if isinstance(row, ElectricVehicle):
        names = ("weekday", "arrival", "departure", "arrival_soc_percent", "departure_soc_percent", "trip_energy_kwh")
        EvStay.objects.bulk_create(
            (
                EvStay(vehicle_id=copy.pk, **{name: getattr(stay, name) for name in names})
                for stay in row.stays.all()
                for copy in copies
            ),
            batch_size=BATCH,
        )


def _forecasts(organization: Organization, sites: list[Site], sample: Any, horizon: Horizon) -> None:
    random = np.random.default_rng(7)
    devices = {site.pk: [] for site in sites}  # type: ignore[var-annotated]
    for kind in KINDS.values():
        for row in kind.objects.filter(site__in=list(devices)):
            devices[row.site_id].append(row)
    deliveries = [
        Delivery(
            channel=Reference(site=row.site_id, asset=row.pk, quantity=name),
            issued_at=datetime(2026, 11, 20, tzinfo=UTC),
            start=horizon.start,
            step=timedelta(minutes=15),
            values=np.broadcast_to(np.asarray(sample[row.name][name], dtype=float), horizon.count)
            * (random.uniform(0.8, 1.2) if name != "ambient_temperature_c" else 1.0),
            source="benchmark",
        )
        for rows in devices.values()
        for row in rows
        for name in needed_series(row)
    ]
    for first in range(0, len(deliveries), BATCH):
        receive_forecasts(organization=organization, deliveries=deliveries[first : first + BATCH])
