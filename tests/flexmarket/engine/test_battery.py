"""Battery offers, computed by hand."""

from typing import Any

import numpy as np
import pytest

from flexmarket.engine.methods import quantify
from flexmarket.engine.opentumflex.battery import BatteryPlan, battery_offers
from flexmarket.engine.opentumflex.offers import Offers
from optimization.engine.devices import Battery
from tests.flexmarket.engine.sites import horizon, planned

PRICE = np.array([0.1, 0.2, 0.3, 0.4])


def offers_of(charge: list[float], energy: list[float], *, grid: list[float] | None = None, **changes: Any) -> Offers:
    data: dict[str, Any] = {
        "charge_kw": np.array(charge),
        "discharge_kw": np.zeros(len(charge)),
        "grid_charge_kw": np.array(grid if grid is not None else [0.0] * len(charge)),
        "energy_kwh": np.array(energy),
        "max_charge_kw": 2.0,
        "max_discharge_kw": 2.0,
        "capacity_kwh": 10.0,
    }
    return battery_offers(BatteryPlan(**(data | changes)), PRICE[: len(charge)], steps_per_hour=1)


def test_extra_charging_replaces_the_dearest_later_purchases() -> None:
    offers = offers_of([0.0, 0.0, 1.0, 2.0], [5.0, 5.0, 6.0, 8.0])
    assert offers.negative_power.tolist() == [2.0, 2.0, 1.0, 0.0]
    assert offers.negative_energy.tolist() == [2.0, 2.0, 1.0, 0.0]
    assert offers.negative_price == pytest.approx([-0.4, -0.4, -0.4, 0.0])


def test_extra_charging_over_two_steps_also_takes_the_cheaper_purchase_in_part() -> None:
    offers = offers_of([0.0, 0.0, 2.0, 2.0], [2.0, 2.0, 4.0, 6.0])
    assert offers.negative_energy[0] == 4.0
    assert offers.negative_price[0] == pytest.approx(-(2 * 0.4 + 2 * 0.3) / 4)


def test_nothing_to_replace_means_no_extra_charging() -> None:
    offers = offers_of([0.0, 0.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0])
    assert not offers.negative_power.any()


def test_feeding_out_leaves_half_a_kwh_and_time_to_recharge() -> None:
    offers = offers_of([0.0, 0.0, 0.0, 0.0], [4.5, 4.5, 4.5, 0.4])
    assert offers.positive_power.tolist() == [2.0, 2.0, 2.0, 0.0]
    assert offers.positive_energy.tolist() == [4.0, 2.0, 2.0, 0.0]
    assert offers.positive_price == pytest.approx([0.25, 0.3, 0.35, 0.0])


def test_grid_charging_can_be_stopped_on_top() -> None:
    offers = offers_of([1.0, 1.0], [0.5, 0.5], grid=[1.0, 1.0])
    assert offers.positive_power.tolist() == [1.0, 1.0]
    assert offers.positive_energy.tolist() == [2.0, 1.0]


def test_powers_below_the_minimum_are_not_offered() -> None:
    offers = offers_of([1.8, 0.0], [0.4, 5.0], grid=[0.4, 0.0], min_power_kw=0.5)
    assert offers.positive_power.tolist() == [0.0, 0.0]
    assert offers.negative_power.tolist() == [0.0, 0.0]


def test_two_batteries_share_the_grid_charging() -> None:
    first = Battery(name="first", capacity_kwh=10, charge_power_kw=4, discharge_power_kw=4)
    second = Battery(name="second", capacity_kwh=10, charge_power_kw=4, discharge_power_kw=4)
    plans = {
        first: {"power_kw": 3.0, "charge_kw": 3.0, "discharge_kw": 0.0, "soc_percent": 5.0},
        second: {"power_kw": 1.0, "charge_kw": 1.0, "discharge_kw": 0.0, "soc_percent": 5.0},
    }
    tables = quantify(*planned(horizon(1), plans, grid_kw=2.0))
    assert tables["first"].positive_power_kw.tolist() == [1.5]
    assert tables["second"].positive_power_kw.tolist() == [0.5]
