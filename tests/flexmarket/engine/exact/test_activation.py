"""A call fixes the called power and plans the rest anew, from the plan or from where the devices really stand."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact import OfferTerms, Promise, activate, offers_of_site
from flexmarket.engine.exact.keeping import Keeper
from flexmarket.engine.offer import Direction, Offer
from optimization.engine import Schedule, SiteProblem, solve, verify
from optimization.engine.devices import Battery
from optimization.engine.resume import rest_of, states_at
from tests.flexmarket.engine.exact.sites import offer_at
from tests.optimization.engine import mixes

UP, DOWN = Direction.POSITIVE, Direction.NEGATIVE
TERMS = OfferTerms(durations=(1, 2))
Planned = tuple[SiteProblem, Schedule]


@pytest.fixture(scope="module")
def house() -> Planned:
    problem = mixes.heat_pump_house(np.random.default_rng(2), 16)
    return problem, solve(problem, gap=1e-4)


def largest(house: Planned, device: str | None, direction: Direction, first: int = 1) -> Offer:
    found = offers_of_site(*house, TERMS)
    offers = found.site if device is None else found.devices[device]
    made = [offer for offer in offers if offer.direction is direction and _step(house, offer) >= first]
    return max(made, key=lambda offer: offer.energy_kwh)


def _step(house: Planned, offer: Offer) -> int:
    return round((offer.start - house[0].horizon.start) / house[0].horizon.step)


def called(house: Planned, offer: Offer) -> slice:
    first = _step(house, offer)
    return slice(first, first + offer.steps)


@pytest.mark.parametrize("device", ["battery", "car", None])
def test_the_meter_moves_by_what_is_called_and_the_past_stays(house: Planned, device: str | None) -> None:
    problem, schedule = house
    offer = largest(house, device, DOWN)
    power = max(offer.least_power_kw, 0.7 * offer.power_kw)
    plan = activate(problem, schedule, offer, power)
    assert not verify(problem, plan)
    change = plan.grid_power_kw - schedule.grid_power_kw
    steps = called(house, offer)
    assert change[steps] == pytest.approx(np.full(offer.steps, power), abs=1e-4)
    assert change[: steps.start] == pytest.approx(np.zeros(steps.start), abs=1e-4)
    for name, series in plan.devices.items():
        if device not in (None, name) and "power_kw" in series:
            assert series["power_kw"][steps] == pytest.approx(schedule.devices[name]["power_kw"][steps], abs=1e-4)


def test_what_follows_may_begin_before_the_call_once_it_is_known(house: Planned) -> None:
    problem, schedule = house
    offer = largest(house, None, UP, first=6)
    late = activate(problem, schedule, offer)
    early = activate(problem, schedule, offer, now=problem.horizon.start)
    assert early.objective_eur <= late.objective_eur + 1e-4
    assert offer.marginal_eur >= late.objective_eur - schedule.objective_eur - 1e-3


def test_a_call_is_planned_from_where_the_devices_really_stand(house: Planned) -> None:
    problem, schedule = house
    offer = largest(house, "battery", DOWN, first=3)
    step = _step(house, offer)
    states = states_at(problem, schedule, step)
    measured = {**states, "battery": {"soc_percent": states["battery"]["soc_percent"] - 5.0}}
    plan = activate(problem, schedule, offer, now=offer.start, states=measured)
    rest = rest_of(problem, step, measured)
    assert plan.horizon == rest.horizon
    assert not verify(rest, plan)
    expected = schedule.devices["battery"]["power_kw"][called(house, offer)] + offer.power_kw
    assert plan.devices["battery"]["power_kw"][: offer.steps] == pytest.approx(expected, abs=1e-5)


def test_the_first_step_too_begins_where_the_devices_really_stand(house: Planned) -> None:
    problem, schedule = house
    offer = next(iter(offers_of_site(problem, schedule, TERMS).devices["battery"]))
    assert _step(house, offer) == 0
    plan = activate(problem, schedule, offer, states={"battery": {"soc_percent": 50.0}})
    battery = problem.device("battery")
    assert isinstance(battery, Battery)
    gained = battery.charge_efficiency * plan.devices["battery"]["charge_kw"][0]
    gained -= plan.devices["battery"]["discharge_kw"][0] / battery.discharge_efficiency
    expected = 50.0 + gained * problem.horizon.step_hours / battery.capacity_kwh * 100
    assert plan.devices["battery"]["soc_percent"][0] == pytest.approx(expected, rel=1e-3)


def test_a_battery_that_is_full_by_now_cannot_be_charged(house: Planned) -> None:
    problem, schedule = house
    offer = largest(house, "battery", DOWN, first=3)
    states = {**states_at(problem, schedule, _step(house, offer)), "battery": {"soc_percent": 100.0}}
    with pytest.raises(OfferError, match=r"order\.power_kw is .*battery can hold"):
        activate(problem, schedule, offer, now=offer.start, states=states)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"power_kw": 1e6}, r"order\.power_kw"),
        ({"power_kw": 0.0}, r"order\.power_kw"),
        ({"power_kw": float("nan")}, r"order\.power_kw"),
        ({"now": timedelta(hours=20)}, "now"),
        ({"now": timedelta(minutes=7)}, "now"),
    ],
)
def test_orders_that_cannot_be_are_refused_by_name(house: Planned, change: dict[str, Any], field: str) -> None:
    problem, schedule = house
    offer = largest(house, "battery", DOWN)
    given = {**change, "now": problem.horizon.start + change["now"]} if "now" in change else change
    with pytest.raises(OfferError, match=f"{field} is"):
        activate(problem, schedule, offer, **given)


def test_an_offer_of_another_plan_is_refused(house: Planned) -> None:
    problem, schedule = house
    offer = largest(house, None, UP)
    called = activate(problem, schedule, offer)
    with pytest.raises(OfferError, match=r"offer\.baseline_id"):
        activate(problem, called, offer)


def test_after_a_call_the_keeper_tells_which_offers_still_hold(house: Planned) -> None:
    problem, schedule = house
    offer = largest(house, "battery", DOWN)
    offers = offers_of_site(problem, schedule, TERMS).devices["battery"]
    before, after = Keeper(problem, schedule), Keeper(problem, activate(problem, schedule, offer))

    def kept(keeper: Keeper, each: Offer) -> bool:
        return keeper.can_keep("battery", each.direction, _step(house, each), each.steps, each.power_kw)

    assert all(kept(before, each) for each in offers)
    assert not all(kept(after, each) for each in offers)
    with pytest.raises(OfferError, match="device is nobody"):
        before.can_keep("nobody", UP, 0, 1, 1.0)
    assert offer_at(offers, UP, 15, 2) is None
    assert not before.can_keep("battery", UP, 15, 2, 0.001)


@pytest.mark.parametrize("first_device", ["battery", None])
def test_an_earlier_call_is_kept_by_a_later_one(house: Planned, first_device: str | None) -> None:
    problem, schedule = house
    first = largest(house, first_device, DOWN, first=8)
    once = activate(problem, schedule, first, now=problem.horizon.start)
    steps = called(house, first)
    power = once.grid_power_kw if first_device is None else once.devices[first_device]["power_kw"]
    promise = Promise(device=first_device, start=first.start, power_kw=power[steps])
    others = [offer for offer in offers_of_site(problem, once, TERMS).devices["car"] if _step(house, offer) >= 1]
    second = max((offer for offer in others if _step(house, offer) < steps.start), key=lambda offer: offer.energy_kwh)
    states = states_at(problem, once, 1)
    now = problem.horizon.start + problem.horizon.step
    plan = activate(problem, once, second, now=now, states=states, promises=[promise])
    assert not verify(rest_of(problem, 1, states), plan)
    held = plan.grid_power_kw if first_device is None else plan.devices[first_device]["power_kw"]
    assert held[steps.start - 1 : steps.stop - 1] == pytest.approx(power[steps], abs=1e-4)
    moved = (
        plan.devices["car"]["power_kw"][_step(house, second) - 1]
        - once.devices["car"]["power_kw"][_step(house, second)]
    )
    assert abs(moved) == pytest.approx(second.power_kw, abs=1e-4)
