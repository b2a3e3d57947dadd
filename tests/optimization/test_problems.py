from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from assets.models import EvStay
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon, Prices, ProblemError
from optimization.engine.devices import Device, ElectricLoad, Generator, HeatPump, Shift, ShiftableLoad
from optimization.engine.devices.heat_pump_map import TYPICAL_AIR_WATER, HeatPumpMap
from optimization.problems import SiteInputs, build_problem, device_series, save_devices
from optimization.scenarios import SCENARIOS, named_scenario
from tests.conftest import People
from tests.factories import ElectricLoadFactory, SiteFactory

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
