"""EV offers, computed by hand."""

from datetime import timedelta

import numpy as np
import pytest

from flexmarket.engine.methods import quantify
from flexmarket.engine.opentumflex.electric_vehicle import stay_offers, stay_rows
from optimization.engine.devices import ElectricVehicle, Stay
from tests.flexmarket.engine.sites import START, horizon, planned


def car(*hours: tuple[float, float]) -> ElectricVehicle:
    stays = [
        Stay(
            arrival=START + timedelta(hours=arrival),
            departure=START + timedelta(hours=departure),
            arrival_soc_percent=20,
        )
        for arrival, departure in hours
    ]
    return ElectricVehicle(name="car", capacity_kwh=40, charge_power_kw=10, stays=tuple(stays))


def test_charging_can_stop_where_later_steps_can_make_up_for_it() -> None:
    price = np.array([0.30, 0.28, 0.20, 0.10, 0.40])
    offers = stay_offers(np.array([10.0, 10.0, 0.0, 0.0, 0.0]), 10.0, price, steps_per_hour=1)
    assert offers.positive_power.tolist() == [10.0, 10.0, 0.0, 0.0, 0.0]
    assert offers.positive_energy.tolist() == [20.0, 10.0, 0.0, 0.0, 0.0]
    # Two steps: the two cheapest from the last step of the offer on.
    assert offers.positive_price[0] == pytest.approx((0.10 + 0.20) / 2 * 1.3)
    assert offers.positive_price[1] == pytest.approx(0.10 * 1.3)


def test_charging_can_come_earlier_up_to_what_is_planned() -> None:
    price = np.array([0.30, 0.28, 0.20, 0.10])
    offers = stay_offers(np.array([0.0, 0.0, 6.0, 0.0]), 10.0, price, steps_per_hour=1)
    assert offers.negative_power.tolist() == [6.0, 6.0, 0.0, 0.0]
    assert offers.negative_energy.tolist() == [6.0, 6.0, 0.0, 0.0]
    assert offers.negative_price[0] == pytest.approx(-0.7 * 0.30)


def test_a_plan_that_never_drops_offers_power_but_no_energy() -> None:
    offers = stay_offers(np.array([5.0, 5.0]), 10.0, np.array([0.3, 0.3]), steps_per_hour=1)
    assert offers.positive_power.tolist() == [5.0, 5.0]
    assert offers.positive_energy.tolist() == [0.0, 0.0]
    assert offers.positive_price.tolist() == [0.0, 0.0]


def test_plan_and_offer_that_just_reach_the_remaining_energy_are_kept() -> None:
    offers = stay_offers(np.array([4.0, 6.0, 0.0, 0.0]), 10.0, np.full(4, 0.3), steps_per_hour=1)
    assert offers.negative_power[0] == 6.0
    assert offers.negative_energy[0] == 6.0


def test_rows_reach_from_arrival_to_the_departure_slot_and_stay_in_the_horizon() -> None:
    assert stay_rows(car((1, 3), (5, 8)), horizon(8)) == [slice(1, 4), slice(5, 8)]
    assert stay_rows(car((1.5, 3.5)), horizon(8)) == [slice(2, 4)]
    assert stay_rows(car((1, 3), (3, 5)), horizon(8)) == [slice(1, 3), slice(3, 6)]
    assert stay_rows(car((-5, -2), (-1, 2), (6, 20), (30, 40)), horizon(8)) == [slice(0, 3), slice(6, 8)]
    assert stay_rows(car((1.2, 1.9)), horizon(8)) == []


def test_outside_its_stays_a_car_offers_nothing() -> None:
    vehicle = car((1, 3))
    plan = {"power_kw": [0, 10, 0, 0, 0], "charge_kw": [0, 10, 0, 0, 0]}
    table = quantify(*planned(horizon(5), {vehicle: plan}, import_price=0.28449))["car"]
    assert table.scheduled_power_kw.tolist() == [0.0, 10.0, 0.0, 0.0, 0.0]
    assert table.positive_power_kw.tolist() == [0.0, 10.0, 0.0, 0.0, 0.0]
    assert table.forecast_price_eur_per_kwh is not None
    assert table.forecast_price_eur_per_kwh.tolist() == [0.28449, 0.284, 0.284, 0.284, 0.28449]


def test_discharging_into_the_house_is_not_offered_but_shown() -> None:
    vehicle = car((0, 4))
    plan = {"power_kw": [-3, 0, 5, 0], "charge_kw": [0, 0, 5, 0]}
    table = quantify(*planned(horizon(4), {vehicle: plan}))["car"]
    assert table.scheduled_power_kw.tolist() == [-3.0, 0.0, 5.0, 0.0]
    assert table.positive_power_kw.tolist() == [0.0, 0.0, 5.0, 0.0]


def test_powers_that_rounding_changes_most_still_give_possible_offers() -> None:
    """3 decimals of a tiny power or of a maximum with more decimals may not offer more than there is."""
    trickle = stay_offers(np.append(np.full(20, 0.0014), 0.0), 3.66666, np.full(21, 0.3), steps_per_hour=4)
    assert trickle.positive_power[0] == 0.001
    assert trickle.positive_energy[0] == 0.0
    idle = stay_offers(np.array([0.0, 0.0, 0.0, 2.0, 0.0]), 3.66666, np.full(5, 0.3), steps_per_hour=1)
    assert idle.negative_energy[0] == 2.0


def test_noise_in_the_remaining_energy_offers_nothing() -> None:
    offers = stay_offers(np.array([0.1, 0.2, 0.3, 0.0, 0.0]), 0.7, np.full(5, 0.3), steps_per_hour=1)
    assert offers.negative_power[3:].tolist() == [0.0, 0.0]
    assert offers.negative_energy[2] == 0.0
