"""What holds for the offers of every site: true cost, rising prices, margins, nested durations, wishes, coupling."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact import OfferTerms, activate, offers_of_devices, offers_of_site
from flexmarket.engine.methods import quantify
from flexmarket.engine.offer import Direction, OfferSet
from optimization.engine import GridConnection, Schedule, SiteProblem, solve, verify
from optimization.engine.devices import Battery, Chp, ElectricLoad, HeatLoad, HeatStorage, Photovoltaic
from tests.flexmarket.engine.exact.by_pyomo import cost_with_call
from tests.flexmarket.engine.exact.sites import EXACT, offer_at, offers_of, powers, site
from tests.flexmarket.engine.sites import planned
from tests.optimization.engine import mixes

UP, DOWN = Direction.POSITIVE, Direction.NEGATIVE
Planned = tuple[SiteProblem, Schedule]


def random_house(seed: int, count: int = 8) -> Planned:
    """Return a load, a roof and two batteries with random prices."""
    random = np.random.default_rng(seed)
    devices = [
        ElectricLoad(name="load", demand_kw=random.uniform(0.5, 4, count)),
        Photovoltaic(name="roof", capacity_kw=5, yield_kw_per_kw=random.random(count)),
        *(
            Battery(
                name=name,
                capacity_kwh=float(random.uniform(3, 9)),
                charge_power_kw=3,
                discharge_power_kw=3,
                charge_efficiency=float(random.uniform(0.8, 1)),
                wear_cost_eur_per_kwh=0.01,
            )
            for name in ("first", "second")
        ),
    ]
    price = random.uniform(0.1, 0.5, count)
    return site(*devices, count=count, import_price=price, export_price=0.3 * price)


def house_with_chp() -> Planned:
    return site(
        Chp(name="chp", electric_power_kw=3, electric_efficiency=0.3, thermal_efficiency=0.6, min_run_minutes=120),
        HeatStorage(name="tank", capacity_kwh=20, initial_soc_percent=50, final_soc_percent=50),
        HeatLoad(name="heat", demand_kw=[3, 2, 4, 3, 2, 3]),
        ElectricLoad(name="load", demand_kw=1.5),
        Battery(name="bat", capacity_kwh=5, charge_power_kw=2, discharge_power_kw=2, wear_cost_eur_per_kwh=0.01),
        count=6,
        import_price=[0.2, 0.3, 0.4, 0.3, 0.2, 0.3],
        gas_eur_per_kwh=0.07,
    )


def some(offers: OfferSet, seed: int, count: int = 6) -> list[Any]:
    order = np.random.default_rng(seed).permutation(len(offers))
    return [offers.offers[place] for place in order[:count]]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_cost_is_that_of_the_best_day_with_the_call_less_the_plan(seed: int) -> None:
    problem, schedule = random_house(seed)
    found = offers_of_site(problem, schedule, OfferTerms(durations=(1, 3)))
    for offers in (found.devices["first"], found.devices["roof"], found.site):
        for offer in some(offers, seed):
            full = cost_with_call(problem, schedule, offer, offer.power_kw)
            assert offer.marginal_eur == pytest.approx(full - schedule.objective_eur, abs=2e-4)
            assert cost_with_call(problem, schedule, offer, offer.power_kw + 0.002) == float("inf")


def test_the_cost_of_a_device_that_switches_is_that_of_the_best_states() -> None:
    problem, schedule = house_with_chp()
    offers = offers_of_devices(problem, schedule, OfferTerms(durations=(1, 2)))["chp"]
    assert len(offers) > 3
    for offer in offers:
        full = cost_with_call(problem, schedule, offer, offer.power_kw)
        assert offer.marginal_eur == pytest.approx(full - schedule.objective_eur, abs=3e-3)


@pytest.mark.parametrize("seed", [3, 4])
def test_prices_rise_and_pay_for_every_part_of_an_offer(seed: int) -> None:
    problem, schedule = random_house(seed)
    found = offers_of_site(problem, schedule, OfferTerms(durations=(2,)))
    several = 0
    for offers in (*found.devices.values(), found.site):
        for offer in some(offers, seed, 4):
            several += len(offer.prices) > 1
            price = [step.price_eur_per_kwh for step in offer.prices]
            assert price == sorted(price)
            for share in (0.25, 0.6, 1.0):
                power = share * offer.power_kw
                cost = cost_with_call(problem, schedule, offer, power) - schedule.objective_eur
                assert offer.payment_eur(power) >= cost - 2e-4
                assert offer.payment_eur(power) <= cost + 0.05 * offer.marginal_eur + 0.02
    assert several


def test_the_operators_margin_is_added_to_every_step() -> None:
    house = random_house(5)
    plain = offers_of_devices(*house, OfferTerms(durations=(2,)))["first"]
    dear = offers_of_devices(*house, OfferTerms(durations=(2,), margin_share=0.5, margin_eur_per_kwh=0.02))["first"]
    for cheap, more in zip(plain, dear, strict=True):
        assert more.marginal_eur == pytest.approx(cheap.marginal_eur, abs=1e-6)
        assert more.power_kw == cheap.power_kw
        for one, other in zip(cheap.prices, more.prices, strict=True):
            assert other.price_eur_per_kwh == pytest.approx(1.5 * one.price_eur_per_kwh + 0.02, abs=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_every_offer_is_nested_activates_and_misses_nothing(seed: int) -> None:
    problem, schedule = random_house(seed, count=6)
    found = offers_of_site(problem, schedule, OfferTerms(durations=(1, 2, 4)))
    for offers in (*found.devices.values(), found.site):
        for direction in Direction:
            one, two, four = (powers(offers, direction, steps) for steps in (1, 2, 4))
            assert all(short >= middle >= long for short, middle, long in zip(one, two, four, strict=True))
        for offer in some(offers, seed, 5):
            share = np.random.default_rng(seed).uniform(0.1, 1.0)
            power = max(offer.least_power_kw, share * offer.power_kw)
            plan = activate(problem, schedule, offer, power)
            assert not verify(problem, plan)
            assert not plan.unmet
            assert offer.payment_eur(power) >= plan.objective_eur - schedule.objective_eur - 1e-4


def test_offers_cost_nothing_less_than_nothing() -> None:
    """Calls that would save money are slack of the plan, not flexibility: here of a plan that does nothing at all."""
    battery = Battery(name="bat", capacity_kwh=10, charge_power_kw=5, discharge_power_kw=5, final_soc_percent=None)
    still = {"charge_kw": 0.0, "discharge_kw": 0.0, "power_kw": 0.0, "energy_kwh": 5.0, "soc_percent": 50.0}
    load = ElectricLoad(name="load", demand_kw=2.0)
    problem, schedule = planned(site(battery, load)[0].horizon, {battery: still, load: {"power_kw": 2.0}}, grid_kw=2.0)
    offers = offers_of_devices(problem, schedule)["bat"]
    assert len(offers) > 0
    assert min(offer.marginal_eur for offer in offers) >= 0


def test_a_wish_that_the_plan_misses_is_missed_no_more() -> None:
    """The battery begins below its band and cannot reach it at once; it may not be kept from it any longer."""
    low = Battery(name="bat", capacity_kwh=10, charge_power_kw=2, discharge_power_kw=2, initial_soc_percent=0,
                  min_soc_percent=50, final_soc_percent=None, charge_efficiency=1.0)  # fmt: skip
    problem, schedule = site(low, ElectricLoad(name="load", demand_kw=1.0), count=5)
    assert len(schedule.unmet) == 2
    offers = offers_of_devices(problem, schedule, OfferTerms(durations=(1,)))["bat"]
    assert powers(offers, UP, 1)[:3] == pytest.approx([0.0, 0.0, 0.0], abs=0.001)
    for offer in offers:
        assert sum(each.amount for each in activate(problem, schedule, offer).unmet) <= 4.0 + 1e-3


def two_batteries(limit_kw: float) -> Planned:
    given = {
        "capacity_kwh": 10,
        "charge_power_kw": 5,
        "discharge_power_kw": 5,
        "final_soc_percent": None,
        "wear_cost_eur_per_kwh": 1.0,
    }
    return site(
        Battery(name="one", **given),
        Battery(name="two", **given),
        ElectricLoad(name="load", demand_kw=1.0),
        connection=GridConnection(import_limit_kw=limit_kw),
        minutes=15,
    )


def test_a_site_offers_what_its_connection_lets_through_not_the_sum_of_its_devices() -> None:
    found = offers_of_site(*two_batteries(8.0), OfferTerms(durations=(1,)))
    alone = [powers(found.devices[name], DOWN, 1)[0] for name in ("one", "two")]
    assert alone == [5.0, 5.0]
    assert powers(found.site, DOWN, 1)[0] == 7.0
    wide = offers_of_site(*two_batteries(20.0), OfferTerms(durations=(1,)))
    assert powers(wide.site, DOWN, 1)[0] == 10.0


def test_a_site_is_cheaper_than_its_devices_because_all_may_help() -> None:
    problem, schedule = random_house(7)
    found = offers_of_site(problem, schedule, OfferTerms(durations=(1,)))
    for offers in found.devices.values():
        for offer in offers:
            first = round((offer.start - problem.horizon.start) / problem.horizon.step)
            whole = offer_at(found.site, offer.direction, first, 1)
            assert whole is not None
            assert whole.power_kw >= offer.power_kw
            assert whole.payment_eur(offer.power_kw) <= offer.payment_eur(offer.power_kw) * 1.05 + 0.01


@pytest.mark.parametrize("mix", ["heat_pump_house", "everything", "colony"])
def test_sites_of_every_kind_activate_every_offer(mix: str) -> None:
    problem = getattr(mixes, mix)(np.random.default_rng(3), 12)
    schedule = solve(problem, gap=1e-4)
    found = offers_of_site(problem, schedule, OfferTerms(durations=(1, 3)))
    offers = [offer for of_one in (*found.devices.values(), found.site) for offer in of_one]
    assert len({offer.kind for offer in offers}) > 3
    for offer in offers:
        plan = activate(problem, schedule, offer)
        assert not verify(problem, plan)
        extra = plan.objective_eur - schedule.objective_eur
        assert offer.marginal_eur >= extra - 1e-3 * abs(schedule.objective_eur)


def test_the_table_has_the_alternative_of_the_largest_energy() -> None:
    house = random_house(6)
    offers = offers_of(house, "first", durations=(1, 2, 4, 8))
    table = quantify(*house, "exact")["first"]
    assert table.scheduled_power_kw == pytest.approx(offers.baseline_kw)
    for first in range(8):
        for direction in Direction:
            known = [offer_at(offers, direction, first, steps) for steps in (1, 2, 4, 8)]
            best = max((offer.energy_kwh for offer in known if offer is not None), default=0.0)
            assert getattr(table, f"{direction}_energy_kwh")[first] == best
    assert set(quantify(*house, "exact")) == {"roof", "first", "second"}


def test_a_schedule_that_is_no_plan_is_refused() -> None:
    battery = Battery(name="bat", capacity_kwh=10, charge_power_kw=5, discharge_power_kw=5)
    wrong = {"charge_kw": 50.0, "discharge_kw": 0.0, "power_kw": 50.0, "energy_kwh": 5.0, "soc_percent": 50.0}
    problem, schedule = planned(site(battery)[0].horizon, {battery: wrong})
    with pytest.raises(OfferError, match="schedule is not a plan of this site"):
        offers_of_devices(problem, schedule)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("durations", ()),
        ("durations", (0,)),
        ("margin_share", -0.1),
        ("margin_eur_per_kwh", float("nan")),
        ("least_power_kw", 0.0),
        ("price_steps", 0),
    ],
)
def test_wrong_terms_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(OfferError, match=f"{field} is"):
        OfferTerms(**{field: value})


def test_planning_to_the_gap_of_the_tests_is_exact() -> None:
    assert random_house(1)[1].gap <= EXACT
