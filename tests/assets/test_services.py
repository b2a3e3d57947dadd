from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from assets import services
from assets.models import KINDS, Asset, Battery, ElectricVehicle, Site, SiteTariff, Tariff, history_of
from assets.tariffs import spot_prices
from flexplatform.accounts import audit
from flexplatform.accounts.audit import NoActorError
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import (
    START,
    BatteryFactory,
    PortfolioFactory,
    PriceSeriesFactory,
    SiteFactory,
    SiteTariffFactory,
    TariffFactory,
)

HOUR = timedelta(hours=1)
NEEDED: dict[str, dict[str, Any]] = {
    "pv": {"capacity_kw": 3},
    "wind": {"capacity_kw": 3},
    "battery": {"capacity_kwh": 5, "charge_power_kw": 3, "discharge_power_kw": 3},
    "electric_vehicle": {"capacity_kwh": 40, "charge_power_kw": 11},
    "heat_pump": {"rated_power_kw": 4},
    "chp": {"electric_power_kw": 2},
    "boiler": {"heat_power_kw": 6},
    "heat_storage": {"capacity_kwh": 15},
    "generator": {"power_kw": 5, "fuel_curve": [[0, 0], [5, 1.5]]},
    "electric_load": {},
    "heat_load": {},
    "shiftable_load": {"profile_kw": [1, 2]},
}
STAY = {"arrival": "18:00", "departure": "07:00", "arrival_soc_percent": 40}
WHOLE_DAY = {"start": "00:00", "end": "00:00", "price_per_kwh": "0.3"}


@pytest.fixture(autouse=True)
def _as_alice(people: People) -> Iterator[None]:
    with organization_scope(people.a), audit.acting(people.alice, Door.API):
        yield


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a, slug="home")
    return row


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def refused(verb: Any, **arguments: Any) -> dict[str, list[str]]:
    before = (AuditEvent.objects.count(), Asset.objects.count(), Site.objects.count(), Tariff.objects.count())
    with pytest.raises(ValidationError) as refusal:
        verb(**arguments)
    assert before == (
        AuditEvent.objects.count(),
        Asset.objects.count(),
        Site.objects.count(),
        Tariff.objects.count(),
    )
    return refusal.value.message_dict if hasattr(refusal.value, "error_dict") else {"": refusal.value.messages}


def test_a_portfolio_lives_its_life(people: People) -> None:
    portfolio = services.create_portfolio(organization=people.a, values={"name": "North"})
    portfolio = services.update_portfolio(portfolio=portfolio, values={"name": "South"})
    same = services.update_portfolio(portfolio=portfolio, values={"name": "South"})
    services.delete_portfolio(portfolio=same)
    assert actions() == ["portfolio.create", "portfolio.change", "portfolio.delete"]
    event = AuditEvent.objects.get(action="portfolio.change")
    assert (event.before, event.after, event.user) == ({"name": "North"}, {"name": "South"}, people.alice)
    assert [row.history_type for row in history_of(type(same)).all()] == ["-", "~", "+"]
    assert history_of(type(same)).first().history_user == people.alice


def test_a_portfolio_with_sites_stays(site: Site) -> None:
    found = refused(services.delete_portfolio, portfolio=site.portfolio)
    assert f"still used by {site.name}" in found[""][0]


def test_a_site_starts_with_a_slug_and_the_zone_of_its_portfolio(people: People, site: Site) -> None:
    lisbon = PortfolioFactory(organization=people.a, time_zone="Europe/Lisbon")
    values = {"name": "Home", "portfolio": lisbon.pk, "latitude": 38.7, "longitude": -9.1}
    made = services.create_site(organization=people.a, values=values)
    assert (made.slug, made.time_zone) == ("home-2", "Europe/Lisbon")
    assert services.update_site(site=made, values={"grid_node": "N1", "import_limit_kw": 30}).grid_node == "N1"
    services.delete_site(site=made)
    assert actions() == ["site.create", "site.change", "site.delete"]


@pytest.mark.parametrize(
    ("values", "country"),
    [
        ({}, "DE"),
        ({"time_zone": "Europe/Vienna"}, "AT"),
        ({"time_zone": "America/Indiana/Vevay"}, "US"),
        ({"time_zone": "UTC"}, "DE"),
        ({"time_zone": "Europe/Vienna", "country": "CH"}, "CH"),
    ],
)
def test_a_site_without_a_country_is_in_that_of_its_time_zone(
    people: People, site: Site, values: dict[str, str], country: str
) -> None:
    told = {"name": "Home", "portfolio": site.portfolio_id, "latitude": 38.7, "longitude": -9.1, **values}
    made = services.create_site(organization=people.a, values=told)
    assert made.country == country
    assert services.update_site(site=made, values={"country": "LU", "time_zone": "Europe/Lisbon"}).country == "LU"
    assert services.update_site(site=made, values={"country": ""}).country == "PT"


def test_a_site_in_the_zone_of_its_organization_is_in_its_country(people: People, site: Site) -> None:
    people.a.country = "LU"
    told = {"name": "Home", "portfolio": site.portfolio_id, "latitude": 49.6, "longitude": 6.1}
    assert services.create_site(organization=people.a, values=told).country == "LU"


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"latitude": 91}, "latitude", "latitude must be between -90 and 90. Given: 91"),
        ({"latitude": "north"}, "latitude", "“north” value must be a float"),
        ({"latitude": None}, "latitude", "cannot be null"),
        ({"longitude": float("nan")}, "longitude", "longitude is nan; allowed: a finite number"),
        ({"longitude": float("inf")}, "longitude", "longitude is inf"),
        ({"time_zone": "Mars/Base"}, "time_zone", "Mars/Base is not an IANA time zone"),
        ({"country": "de"}, "country", "de is no country; allowed: two capital letters of ISO 3166-1"),
        ({"country": "XX"}, "country", "XX is no country"),
        ({"name": "a\0b"}, "name", "character 0"),
        ({"name": ""}, "name", "cannot be blank"),
        ({"slug": "home"}, "slug", "already exists"),
        ({"external_id": "known"}, "external_id", "violated"),
        ({"portfolio": 10**30}, "portfolio", "allowed: the id of a portfolio of A"),
        ({"portfolio": "x"}, "portfolio", "portfolio is x"),
        ({"portfolio": None}, "portfolio", "cannot be null"),
        ({"colour": "red"}, "colour", "colour is no field here; allowed: portfolio, name, slug"),
        ({"organization": 1}, "organization", "no field"),
    ],
)
def test_a_site_without_sense_is_refused_by_field(
    people: People, site: Site, values: dict[str, Any], field: str, message: str
) -> None:
    services.update_site(site=site, values={"external_id": "known"})
    good = {"name": "New", "portfolio": site.portfolio, "latitude": 48, "longitude": 11}
    found = refused(services.create_site, organization=people.a, values={**good, **values})
    assert message in " ".join(found[field])


@pytest.mark.parametrize("as_id", [True, False])
def test_rows_of_others_are_refused(people: People, site: Site, as_id: bool) -> None:
    portfolio, tariff = PortfolioFactory(organization=people.b), TariffFactory(organization=people.b)
    foreign = SiteFactory(organization=people.b)
    battery = BatteryFactory(site=site)

    def given(row: Any) -> Any:
        return row.pk if as_id else row

    assert "allowed" in refused(services.update_site, site=site, values={"portfolio": given(portfolio)})["portfolio"][0]
    assert "allowed" in refused(services.update_asset, asset=battery, values={"site": given(foreign)})["site"][0]
    found = refused(services.assign_tariff, site=site, tariff=given(tariff), valid_from=date(2026, 1, 1))
    assert "allowed: the id of a tariff of A" in found["tariff"][0]
    assert "does not exist" in refused(services.update_site, site=foreign, values={"name": "mine"})[""][0]
    assert "does not exist" in refused(services.delete_site, site=foreign)[""][0]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_device_of_each_kind_lives_its_life(site: Site, kind: str) -> None:
    made = services.create_asset(site=site, kind=kind, values={"name": "device", **NEEDED[kind]})
    assert isinstance(made, KINDS[kind])
    shared = Asset.objects.get(pk=made.pk)
    assert services.update_asset(asset=shared, values={"name": "renamed", "latitude": 48}).name == "renamed"
    services.delete_asset(asset=shared)
    name = KINDS[kind]._meta.model_name
    assert actions() == [f"{name}.create", f"{name}.change", f"{name}.delete"]
    assert [row.history_type for row in history_of(KINDS[kind]).all()] == ["-", "~", "+"]


def test_every_kind_is_tried() -> None:
    assert set(NEEDED) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "values", "field", "message"),
    [
        ("reactor", {}, "kind", "kind is 'reactor'; allowed: pv, wind"),
        ("battery", {"charge_efficiency": 2}, "charge_efficiency", "between 0 and 1. Given: 2"),
        ("battery", {"min_soc_percent": 95}, "min_soc_percent", "must not be above max_soc_percent"),
        ("battery", {"capacity_kwh": None}, "capacity_kwh", "cannot be null"),
        ("battery", {"stays": []}, "stays", "no field"),
        ("generator", {"fuel_curve": [[1, 0], [5, 1]]}, "fuel_curve", "first point must be at min_power_kw"),
        ("generator", {"fuel_curve": "steep"}, "fuel_curve", "list of at least two points"),
        ("shiftable_load", {"shift": "sideways"}, "shift", "Allowed: inflexible, shiftable, breakable"),
        ("shiftable_load", {"profile_step_minutes": 7}, "profile_step_minutes", "must divide the hour"),
        ("electric_vehicle", {"stays": [STAY, {**STAY, "arrival": "25:00"}]}, "stays[1].arrival", "25:00"),
        ("electric_vehicle", {"stays": [{**STAY, "colour": 1}]}, "stays[0].colour", "no field here"),
        ("electric_vehicle", {"stays": [{"arrival": "18:00"}]}, "stays[0].departure", "cannot be null"),
        ("electric_vehicle", {"stays": "always"}, "stays", "allowed: a list of objects"),
        ("electric_vehicle", {"stays": [{**STAY, "weekday": 8}]}, "stays[0].weekday", "Allowed: 0, 1, 2"),
    ],
)
def test_a_device_without_sense_is_refused_by_field(
    site: Site, kind: str, values: dict[str, Any], field: str, message: str
) -> None:
    given = {"name": "device", **NEEDED.get(kind, {}), **values}
    found = refused(services.create_asset, site=site, kind=kind, values=given)
    assert message in " ".join(found[field])


def test_stays_are_replaced_as_a_whole(site: Site) -> None:
    values = {"name": "car", **NEEDED["electric_vehicle"], "stays": [STAY]}
    car = services.create_asset(site=site, kind="electric_vehicle", values=values)
    services.update_asset(asset=car, values={"stays": [STAY]})
    assert actions() == ["electricvehicle.create"]
    services.update_asset(asset=car, values={"stays": [{**STAY, "weekday": day} for day in (0, 1)]})
    services.update_asset(asset=car, values={"capacity_kwh": 50})
    stays = ElectricVehicle.objects.get(pk=car.pk).stays
    assert list(stays.values_list("weekday", "arrival")) == [(0, time(18)), (1, time(18))]
    event = AuditEvent.objects.filter(action="electricvehicle.change").order_by("pk").first()
    assert event is not None
    assert event.before == {"stays": [{**event.before["stays"][0], "weekday": None}]}
    assert len(event.after["stays"]) == 2


def test_a_copy_has_devices_stays_and_tariffs(site: Site) -> None:
    values = {"name": "car", **NEEDED["electric_vehicle"], "stays": [STAY]}
    services.create_asset(site=site, kind="electric_vehicle", values=values)
    BatteryFactory(site=site, capacity_kwh=7)
    SiteTariffFactory(site=site)
    services.update_site(site=site, values={"external_id": "first", "import_limit_kw": 30})
    made = services.copy_site(site=site, values={"name": "Second", "latitude": 50})
    assert (made.slug, made.external_id, made.import_limit_kw, made.latitude) == ("second", "", 30, 50)
    assert Battery.objects.get(site=made).capacity_kwh == 7
    assert ElectricVehicle.objects.get(site=made).stays.count() == 1
    assert SiteTariff.objects.filter(site=made).count() == 1
    assert Asset.objects.filter(site=site).count() == 2
    assert "name" in refused(services.copy_site, site=site, values={})
    assert "latitude" in refused(services.copy_site, site=site, values={"name": "Third", "latitude": 99})


def test_several_sites_change_together_or_not_at_all(people: People, site: Site) -> None:
    other = SiteFactory(organization=people.a, name="Other")
    services.change_sites(sites=[site, other], values={"import_limit_kw": 20, "export_limit_kw": None})
    assert set(Site.objects.values_list("import_limit_kw", flat=True)) == {20}
    found = refused(services.change_sites, sites=[site, other], values={"slug": "same"})
    assert "Other: slug: " in found[""][0]
    assert not Site.objects.filter(slug="same").exists()


def test_a_tariff_lives_its_life(people: People, site: Site) -> None:
    values: dict[str, Any] = {"name": "Night", "commodity": "import", "valid_from": "2026-01-01"}
    tariff = services.create_tariff(
        organization=people.a, values={**values, "form": "time_of_use", "periods": [WHOLE_DAY]}
    )
    assert tariff.periods.count() == 1
    changed = services.update_tariff(tariff=tariff, values={"form": "flat", "periods": [], "vat_percent": "19"})
    assert changed.vat_percent == Decimal(19)
    assignment = services.assign_tariff(site=site, tariff=changed, valid_from=date(2026, 1, 1))
    assert "still used by" in refused(services.delete_tariff, tariff=changed)[""][0]
    services.unassign_tariff(assignment=assignment)
    services.delete_tariff(tariff=changed)
    assert actions() == ["tariff.create", "tariff.change", "sitetariff.create", "sitetariff.delete", "tariff.delete"]


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"form": "time_of_use"}, "periods", "no price on Monday at 00:00"),
        ({"form": "time_of_use", "periods": [WHOLE_DAY, WHOLE_DAY]}, "periods", "two prices on Monday at 00:00"),
        ({"form": "flat", "periods": [WHOLE_DAY]}, "periods", "form is flat; allowed with energy periods: time_of_use"),
        ({"form": "dynamic"}, "form", "belongs to the form dynamic"),
        (
            {"grid_fee_per_kwh": 1, "periods": [{**WHOLE_DAY, "part": "grid_fee"}]},
            "grid_fee_per_kwh",
            "allowed: 0, or no periods",
        ),
        ({"periods": [{**WHOLE_DAY, "start": "00:00:30"}]}, "periods", "whole minute"),
        ({"periods": [{**WHOLE_DAY, "price_per_kwh": "dear"}]}, "periods[0].price_per_kwh", "dear"),
        ({"energy_price_per_kwh": "1e9"}, "energy_price_per_kwh", "digits"),
        ({"valid_from": "yesterday"}, "valid_from", "yesterday"),
    ],
)
def test_a_tariff_without_sense_is_refused_by_field(
    people: People, values: dict[str, Any], field: str, message: str
) -> None:
    good: dict[str, Any] = {"name": "T", "commodity": "import", "valid_from": "2026-01-01", "form": "time_of_use"}
    found = refused(services.create_tariff, organization=people.a, values={**good, **values})
    assert message in " ".join(found[field])


def test_a_price_series_receives_prices_once_and_keeps_what_it_knew(people: People) -> None:
    series = services.create_price_series(organization=people.a, values={"name": "Day-ahead"})
    first = services.receive_prices(series=series, start=START, step=HOUR, values=[100, -20], per="MWh")
    again = services.receive_prices(series=series, start=START, step=HOUR, values=[0.1, -0.02])
    assert again == first
    later = services.receive_prices(series=series, start=START, step=HOUR, values=[0.3])
    found = spot_prices([series.pk], START, START + HOUR)[series.pk]
    assert [prices.values.tolist() for prices in found] == [[0.1, -0.02], [0.3]]
    known = spot_prices([series.pk], START, START + HOUR, known_at=first.received_at)[series.pk]
    assert len(known) == 1
    assert actions() == ["priceseries.create", "pricevalues.receive", "pricevalues.receive"]
    assert services.update_price_series(series=series, values={"source": "EPEX"}).source == "EPEX"
    assert (
        "allowed: EUR"
        in refused(services.update_price_series, series=series, values={"currency": "CHF"})["currency"][0]
    )
    TariffFactory(organization=people.a, name="Spot", form="dynamic", price_series=series)
    assert "still used by Spot" in refused(services.delete_price_series, series=series)[""][0]
    Tariff.objects.all().delete()
    services.delete_price_series(series=series)
    assert later.pk


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        ({"values": []}, "values", "0 numbers; allowed: 1 to 400 days"),
        ({"values": [1.0, float("nan")]}, "values", "values[1] is nan; allowed: -1000 to 1000"),
        ({"values": [1e9], "per": "MWh"}, "values", "allowed: -1e+06 to 1e+06"),
        ({"values": ["dear"]}, "values", "no list of numbers"),
        ({"values": [[1.0], [1.0, 2.0]]}, "values", "no list of numbers"),
        ({"values": np.ones((2, 2))}, "values", "4 numbers"),
        ({"step": timedelta(minutes=7)}, "step", "divide the hour"),
        ({"start": START.replace(tzinfo=None)}, "start", "times with a time zone"),
        ({"per": "barrel"}, "per", "allowed: kWh, MWh"),
        ({"source": "x" * 201}, "source", "at most 200"),
    ],
)
def test_prices_without_sense_are_refused_by_field(
    people: People, arguments: dict[str, Any], field: str, message: str
) -> None:
    series = PriceSeriesFactory(organization=people.a)
    good = {"series": series, "start": START, "step": HOUR, "values": [0.1]}
    found = refused(services.receive_prices, **{**good, **arguments})
    assert message in " ".join(found[field])


def test_a_write_that_nobody_answers_for_is_not_made(people: People, site: Site) -> None:
    token = audit._acting.set(None)
    try:
        with pytest.raises(NoActorError):
            services.update_site(site=site, values={"name": "Nobody's"})
    finally:
        audit._acting.reset(token)
    assert not Site.objects.filter(name="Nobody's").exists()
