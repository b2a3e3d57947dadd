from dataclasses import fields

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from assets.models import KINDS, Asset, Battery, Generator, HeatPump, ShiftableLoad
from assets.queries import devices_by_site
from flexplatform.accounts.scoping import organization_scope
from optimization.engine.devices import KINDS as ENGINE_KINDS
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, PhotovoltaicFactory, PortfolioFactory, SiteFactory

NAN = float("nan")
SOUND_BATTERY = {"capacity_kwh": 1.0, "charge_power_kw": 1.0, "discharge_power_kw": 1.0}
SERIES = {"yield_kw_per_kw", "ambient_temperature_c", "demand_kw", "reserve_kwh"}


@pytest.mark.parametrize("kind", sorted(ENGINE_KINDS))
def test_every_kind_of_the_engine_has_a_table_with_its_fields(kind: str) -> None:
    columns = {field.name for field in KINDS[kind]._meta.get_fields()}
    assert {field.name for field in fields(ENGINE_KINDS[kind])} - SERIES <= columns


def test_no_kind_is_unknown_to_the_engine() -> None:
    assert set(KINDS) == set(ENGINE_KINDS)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("capacity_kwh", 0),
        ("capacity_kwh", float("inf")),
        ("charge_power_kw", -1),
        ("charge_efficiency", 1.01),
        ("initial_soc_percent", 101),
        ("min_soc_percent", 95),
    ],
)
def test_the_database_refuses_what_no_battery_can_be(people: People, column: str, value: float) -> None:
    site = SiteFactory(organization=people.a)
    with pytest.raises(IntegrityError), transaction.atomic():
        BatteryFactory(site=site, **{column: value})
    with organization_scope(people.a), pytest.raises(ValidationError, match=column):
        Battery(
            site=site, name="b", **{"capacity_kwh": 1, "charge_power_kw": 1, "discharge_power_kw": 1, column: value}
        ).full_clean()


def test_names_are_unique_within_a_site_over_all_kinds(people: People) -> None:
    site = SiteFactory(organization=people.a)
    BatteryFactory(site=site, name="same")
    with pytest.raises(IntegrityError), transaction.atomic():
        PhotovoltaicFactory(site=site, name="same")


def test_a_site_slug_is_unique_within_its_organization_only(people: People) -> None:
    SiteFactory(organization=people.a, slug="home")
    SiteFactory(organization=people.b, slug="home")
    with pytest.raises(IntegrityError), transaction.atomic():
        SiteFactory(organization=people.a, slug="home")


def test_a_site_refuses_a_portfolio_of_another_organization(people: People) -> None:
    foreign = PortfolioFactory(organization=people.b)
    site = SiteFactory.build(organization=people.a, portfolio=foreign)
    with organization_scope(people.a), pytest.raises(ValidationError, match="another organization"):
        site.clean()


@pytest.mark.parametrize(
    "curve", [None, [], [[0, 1]], [[0, 1], [0, 2]], [[0, 1], [5, -1]], [[1, 1], [5, 2]], "text", [[0, NAN], [5, 1]]]
)
def test_a_generator_refuses_a_fuel_curve_without_sense(curve: object) -> None:
    with pytest.raises(ValidationError):
        Generator(name="g", power_kw=5, fuel_curve=curve).clean()


@pytest.mark.parametrize(
    "value",
    [
        "text",
        {"supply_c": [1]},
        {"supply_c": [1], "ambient_c": [1], "electric_kw": [[0]], "heat_kw": [[1]]},
        {"supply_c": [2, 1], "ambient_c": [1], "electric_kw": [[1], [1]], "heat_kw": [[1], [1]]},
    ],
)
def test_a_heat_pump_refuses_a_map_without_sense(value: object) -> None:
    with pytest.raises(ValidationError):
        HeatPump._meta.get_field("performance_map").run_validators(value)


@pytest.mark.parametrize("spans", ["x", [["22:00"]], [["25:00", "06:00"]]])
def test_a_shiftable_load_refuses_spans_without_sense(spans: object) -> None:
    with pytest.raises(ValidationError):
        ShiftableLoad._meta.get_field("forbidden").run_validators(spans)


@pytest.mark.parametrize("count", [1, 3])
def test_devices_load_in_one_query_per_kind(people: People, count: int, django_assert_num_queries: object) -> None:
    sites = [SiteFactory(organization=people.a) for _ in range(count)]
    for site in sites:
        BatteryFactory(site=site)
        ElectricLoadFactory(site=site)
    with organization_scope(people.a):
        with django_assert_num_queries(12):  # type: ignore[operator]
            found = devices_by_site(sites)
        assert {len(devices) for devices in found.values()} == {2}
        assert Asset.objects.count() == 2 * count
