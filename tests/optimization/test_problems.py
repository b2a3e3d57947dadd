from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from assets.bulk import bulk_create_assets
from assets.models import Battery, ElectricVehicle, EvStay, Photovoltaic, Site, SiteTariff
from assets.models import ElectricLoad as ElectricLoadRow
from flexplatform.accounts.models import Organization
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon, Prices, ProblemError
from optimization.engine.devices import Device, ElectricLoad, Generator, HeatPump, Shift, ShiftableLoad
from optimization.engine.devices.heat_pump_map import TYPICAL_AIR_WATER, HeatPumpMap
from optimization.problems import SiteInputs, build_problem, device_series, load_sites, save_devices
from optimization.scenarios import SCENARIOS, named_scenario
from tests.conftest import People
from tests.factories import (
    ElectricLoadFactory,
    PortfolioFactory,
    PriceSeriesFactory,
    PriceValuesFactory,
    SiteFactory,
    SiteTariffFactory,
    TariffFactory,
)

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 22)
PRICES = Prices(import_eur_per_kwh=0.3)


def assert_same(one: Device, other: Device) -> None:
    assert type(one) is type(other)
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs, field.name


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_survives_the_way_through_the_tables(people: People, name: str) -> None:
    scenario = named_scenario(name)
    horizon = Horizon.market_day(DAY, BERLIN)
    problem = scenario.problem(scenario.sample_series(horizon, BERLIN), horizon, BERLIN)
    site = SiteFactory(
        organization=people.a,
        import_limit_kw=scenario.connection.import_limit_kw,
        export_limit_kw=scenario.connection.export_limit_kw,
    )
    with organization_scope(people.a):
        save_devices(site, problem.devices)
        again = build_problem(site, horizon, SiteInputs.of(problem))
    assert again.connection == problem.connection
    for device in problem.devices:
        assert_same(device, again.device(device.name))


def test_the_extras_of_a_kind_survive_too(people: People) -> None:
    horizon = Horizon.market_day(DAY, BERLIN)
    at = datetime(2026, 11, 22, tzinfo=BERLIN)
    own_map = HeatPumpMap((35.0, 45.0), (-7.0, 2.0), ((1.0, 1.1), (1.2, 1.3)), ((3.0, 3.5), (3.0, 3.4)))
    devices: tuple[Device, ...] = (
        Generator(name="g", power_kw=5, min_power_kw=1, fuel_curve=((1.0, 0.4), (5.0, 1.5)), initial_minutes=30),
        HeatPump(name="hp", rated_power_kw=2, ambient_temperature_c=5, performance_map=own_map),
        ShiftableLoad(
            name="wash",
            profile_kw=[1.0, 2.0],
            shift=Shift.BREAKABLE,
            earliest_start=at + timedelta(hours=6),
            latest_end=at + timedelta(hours=20),
            forbidden=((at + timedelta(hours=12), at + timedelta(hours=13)),),
        ),
    )
    site = SiteFactory(organization=people.a)
    inputs = SiteInputs(prices=PRICES, devices={device.name: device_series(device) for device in devices})
    with organization_scope(people.a):
        save_devices(site, devices)
        problem = build_problem(site, horizon, inputs)
    assert_same(devices[0], problem.device("g"))
    pump, wash = problem.device("hp"), problem.device("wash")
    assert isinstance(pump, HeatPump)
    assert pump.performance_map.heat_kw == own_map.heat_kw
    assert pump.performance_map is not TYPICAL_AIR_WATER
    assert isinstance(wash, ShiftableLoad)
    assert (wash.earliest_start, wash.latest_end) == (at + timedelta(hours=6), at + timedelta(hours=20))
    assert devices[2].forbidden[0] in wash.forbidden  # type: ignore[attr-defined]
    np.testing.assert_array_equal(wash.profile_kw, [1.0, 2.0])


def test_a_weekly_stay_over_midnight_becomes_the_stays_of_the_day(people: People) -> None:
    site = SiteFactory(organization=people.a)
    with organization_scope(people.a):
        scenario = named_scenario("ev")
        horizon = Horizon.market_day(DAY, BERLIN)
        problem = scenario.problem(scenario.sample_series(horizon, BERLIN), horizon, BERLIN)
        save_devices(site, problem.devices)
        stay, other = EvStay.objects.order_by("arrival")
        other.delete()
        stay.weekday, stay.arrival, stay.departure = 5, datetime(2026, 1, 1, 22).time(), datetime(2026, 1, 1, 7).time()
        stay.save()
        (found,) = build_problem(site, horizon, SiteInputs.of(problem)).device("ev").stays  # type: ignore[attr-defined]
        monday = Horizon.market_day(DAY + timedelta(days=1), BERLIN)
        assert build_problem(site, monday, SiteInputs.of(problem)).device("ev").stays == ()  # type: ignore[attr-defined]
    assert found.arrival == datetime(2026, 11, 21, 21, tzinfo=UTC)
    assert found.departure == datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_a_missing_series_is_named(people: People) -> None:
    site = SiteFactory(organization=people.a)
    ElectricLoadFactory(site=site)
    with organization_scope(people.a), pytest.raises(ProblemError, match=r"load\.demand_kw is missing"):
        build_problem(site, Horizon.market_day(DAY, BERLIN), SiteInputs(prices=PRICES))


def test_device_series_are_what_no_row_holds() -> None:
    assert list(device_series(ElectricLoad(name="load", demand_kw=[1.0]))) == ["demand_kw"]
    assert device_series(ShiftableLoad(name="wash", profile_kw=[1.0])) == {}


LOADING_QUERIES = 17  # 12 device kinds, stays, tariffs of sites, the tariffs, their periods, deliveries of prices


@pytest.mark.parametrize("count", [1, 3, 300])
def test_loading_costs_one_query_per_table_whatever_the_number_of_sites(
    people: People, count: int, django_assert_num_queries: Any
) -> None:
    horizon = Horizon.market_day(DAY, BERLIN)
    with organization_scope(people.a):
        sites = many_sites(people.a, count)
        with django_assert_num_queries(LOADING_QUERIES):
            loaded = load_sites(sites, horizon)
        inputs = SiteInputs(devices={"load": {"demand_kw": 1.0}, "pv": {"yield_kw_per_kw": 0.5}})
        with django_assert_num_queries(0):
            problems = [loaded.problem(site, inputs) for site in sites]
    assert len(problems) == count
    for problem in problems:
        assert {device.kind for device in problem.devices} == {"battery", "electric_load", "electric_vehicle", "pv"}
        assert problem.device("car").stays  # type: ignore[attr-defined]
        np.testing.assert_allclose(problem.price("import_eur_per_kwh"), 0.35)
        np.testing.assert_allclose(problem.price("gas_eur_per_kwh"), 0.08)


def many_sites(organization: Organization, count: int) -> list[Site]:
    """Store sites with a battery, a load, PV, a car with a stay, a dynamic and a flat tariff each."""
    portfolio = PortfolioFactory(organization=organization)
    series = PriceSeriesFactory(organization=organization)
    PriceValuesFactory(series=series)
    dynamic = TariffFactory(
        organization=organization, form="dynamic", price_series=series, energy_price_per_kwh=Decimal("0.25")
    )
    gas = TariffFactory(organization=organization, commodity="gas", energy_price_per_kwh=Decimal("0.08"))
    sites = Site.objects.bulk_create(
        SiteFactory.build(organization=organization, portfolio=portfolio) for _ in range(count)
    )
    for model, name, columns in (
        (Battery, "battery", {"capacity_kwh": 5, "charge_power_kw": 3, "discharge_power_kw": 3}),
        (ElectricLoadRow, "load", {}),
        (Photovoltaic, "pv", {"capacity_kw": 3}),
        (ElectricVehicle, "car", {"capacity_kwh": 40, "charge_power_kw": 11}),
    ):
        bulk_create_assets([model(site=site, name=name, **columns) for site in sites])
    at_night = {"arrival": time(18), "departure": time(7), "arrival_soc_percent": 40}
    EvStay.objects.bulk_create(EvStay(vehicle=car, **at_night) for car in ElectricVehicle.objects.all())
    SiteTariff.objects.bulk_create(
        SiteTariff(site=site, tariff=tariff, valid_from=DAY) for site in sites for tariff in (dynamic, gas)
    )
    return sites


def test_given_prices_win_over_tariffs_and_none_is_named(people: People) -> None:
    horizon = Horizon.market_day(DAY, BERLIN)
    site = SiteFactory(organization=people.a, slug="home")
    with organization_scope(people.a):
        with pytest.raises(ProblemError, match=r"home.tariffs is without one for import"):
            build_problem(site, horizon, SiteInputs())
        SiteTariffFactory(
            site=site, tariff=TariffFactory(organization=people.a, capacity_price_per_kw=5, commodity="import")
        )
        assert build_problem(site, horizon, SiteInputs()).price("import_eur_per_kwh")[0] == 0.3
        given = SiteInputs(prices=Prices(import_eur_per_kwh=0.9, export_eur_per_kwh=0.1))
        assert build_problem(site, horizon, given).price("import_eur_per_kwh")[0] == 0.9
        priced = load_sites([site], horizon).with_tariffs(site, given)
    assert priced.prices is not None
    problem_prices = (priced.prices.import_eur_per_kwh, priced.prices.export_eur_per_kwh)
    assert [float(series[0]) for series in problem_prices] == [0.3, 0.1]  # type: ignore[index]
    assert priced.prices.peak_eur_per_kw == 5


def test_a_gap_in_the_tariffs_is_a_problem_with_a_name(people: People) -> None:
    site = SiteFactory(organization=people.a, slug="home")
    tariff = TariffFactory(
        organization=people.a, name="Spot", form="dynamic", price_series=PriceSeriesFactory(organization=people.a)
    )
    SiteTariffFactory(site=site, tariff=tariff)
    with organization_scope(people.a), pytest.raises(ProblemError, match=r"Spot\.Day-ahead \d+ is without a price"):
        build_problem(site, Horizon.market_day(DAY, BERLIN), SiteInputs())
