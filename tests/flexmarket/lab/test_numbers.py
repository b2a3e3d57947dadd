"""Numbers of a problem by name, and the problem with some of them changed."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flexmarket.lab.numbers import Change, changed, numbers_of
from optimization.engine import Horizon, ProblemError, SiteProblem
from optimization.scenarios import SCENARIOS

ZONE = ZoneInfo("Europe/Berlin")
HORIZON = Horizon.market_day(date(2026, 11, 22), ZONE)


def problem_of(name: str) -> SiteProblem:
    scenario = SCENARIOS[name]
    return scenario.problem(scenario.sample_series(HORIZON, ZONE), HORIZON, ZONE)


@pytest.fixture
def apartment() -> SiteProblem:
    return problem_of("apartment")


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_number_can_be_given_back_as_it_is(name: str) -> None:
    problem = problem_of(name)
    numbers = numbers_of(problem)
    assert len({number.name for number in numbers}) == len(numbers) > 15
    for number in numbers:
        value: Any = number.value.isoformat() if hasattr(number.value, "isoformat") else number.value
        again = {each.name: each.value for each in numbers_of(changed(problem, {number.name: value}))}
        assert again == {each.name: each.value for each in numbers}


def test_changes_reach_devices_limits_times_and_series(apartment: SiteProblem) -> None:
    other = changed(
        apartment,
        {
            "bat.capacity_kwh": 10.0,
            "ev.stays[0].departure_soc_percent": 60.0,
            "ev.stays[0].departure": "2026-11-22T07:30:00+01:00",
            "connection.import_limit_kw": 12.0,
            "hp.modulating": True,
            "scale:load.demand_kw": 1.5,
            "scale:prices.import_eur_per_kwh": 2.0,
            "objective.co2_eur_per_kg": 0.2,
        },
    )
    battery: Any = other.device("bat")
    car: Any = other.device("ev")
    load: Any = other.device("load")
    before: Any = apartment.device("load")
    pump: Any = other.device("hp")
    assert battery.capacity_kwh == 10
    assert (car.stays[0].departure_soc_percent, car.stays[0].departure.hour) == (60, 6)
    assert car.stays[1].departure_soc_percent == 100
    assert other.connection.import_limit_kw == 12
    assert pump.modulating is True
    np.testing.assert_allclose(load.demand_kw, 1.5 * before.demand_kw)
    np.testing.assert_allclose(other.price("import_eur_per_kwh"), 2 * apartment.price("import_eur_per_kwh"))
    assert other.objective.co2_eur_per_kg == 0.2


def test_a_limit_can_be_taken_away() -> None:
    assert changed(problem_of("colony"), {"connection.import_limit_kw": None}).connection.import_limit_kw is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("bat.capacity_kwh", -1.0, "bat.capacity_kwh is -1"),
        ("bat.capacity_kwh", None, "bat.capacity_kwh is empty; allowed: a number"),
        ("bat.capacity_kwh", "much", "bat.capacity_kwh is 'much'; allowed: a number"),
        ("bat.capacity_kwh", float("nan"), "bat.capacity_kwh is nan"),
        ("bat.initial_soc_percent", 105.0, "bat.initial_soc_percent is 105"),
        ("bat.colour", 1.0, "bat.colour is 1.0; allowed: a number of this scenario"),
        ("hp.modulating", 1.0, "hp.modulating is 1.0; allowed: true or false"),
        ("ev.stays[0].arrival", "noon", "ev.stays[0].arrival is 'noon'; allowed: a time"),
        ("ev.stays[0].arrival", "2026-11-22T07:00:00", "ev.stays[0].arrival is"),
        ("ev.stays[7].arrival", "2026-11-22T07:00:00Z", "allowed: a number of this scenario"),
        ("scale:load.demand_kw", -1.0, "scale:load.demand_kw is -1.0; allowed: 0 to 1000"),
    ],
)
def test_what_cannot_be_is_refused_by_name(apartment: SiteProblem, name: str, value: Change, told: str) -> None:
    with pytest.raises(ProblemError) as caught:
        changed(apartment, {name: value})
    assert told in str(caught.value)
