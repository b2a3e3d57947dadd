"""Heat-pump and CHP offers, computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from flexmarket.engine.methods import quantify
from flexmarket.engine.opentumflex.chp import chp_offers
from flexmarket.engine.opentumflex.heat_pump import heat_pump_offers
from flexmarket.engine.opentumflex.switching import SwitchingPlan, switching_steps
from optimization.engine.commitment import Commitment
from optimization.engine.devices import Chp, HeatPump, HeatStorage
from tests.flexmarket.engine.sites import horizon, planned

PRICE = np.array([0.10, 0.20, 0.30, 0.40, 0.50, 0.60])


def plan(on: list[int], soc: float = 50.0, change: float = 10.0) -> SwitchingPlan:
    states = np.array(on, dtype=float)
    return SwitchingPlan(
        on=states,
        power_kw=np.full(len(on), 2.0),
        soc_percent=np.full(len(on), soc),
        soc_change_percent=np.where(states > 0, -change, change),
        min_soc_percent=0.0,
    )


def test_an_offer_ends_with_the_state_and_needs_as_many_steps_of_the_other_one() -> None:
    assert switching_steps(plan([1, 1, 0, 0, 0, 0])).tolist() == [2, 1, 0, 0, 0, 0]
    assert switching_steps(plan([0, 0, 0, 0, 1, 1])).tolist() == [2, 2, 2, 1, 0, 0]


def test_an_offer_keeps_the_store_inside_its_band() -> None:
    # 50 + 20 + 20 stays below 100 %, a third step does not.
    assert switching_steps(plan([0, 0, 0, 1, 1, 1], change=20.0)).tolist() == [2, 2, 1, 0, 0, 0]
    assert switching_steps(plan([0, 0, 0, 1, 1, 1], soc=100.0)).tolist() == [0, 0, 0, 0, 0, 0]


def test_a_heat_pump_that_runs_can_stop_and_runs_later() -> None:
    offers = heat_pump_offers(plan([1, 1, 0, 0, 0, 0]), PRICE, steps_per_hour=2)
    assert offers.positive_power.tolist() == [2.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    assert offers.positive_energy.tolist() == [2.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert offers.positive_price[:2] == pytest.approx([1.15 * 0.35, 1.15 * 0.30])


def test_a_heat_pump_that_stands_can_start_and_rests_later() -> None:
    offers = heat_pump_offers(plan([0, 0, 0, 0, 1, 1]), PRICE, steps_per_hour=2)
    assert offers.negative_power.tolist() == [2.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    assert offers.negative_price[:4] == pytest.approx([-0.85 * 0.55, -0.85 * 0.55, -0.85 * 0.55, -0.85 * 0.60])


def test_a_chp_unit_offers_the_other_way_round() -> None:
    offers = chp_offers(plan([1, 1, 0, 0, 0, 0]), PRICE, steps_per_hour=2)
    assert offers.negative_energy.tolist() == [2.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert offers.negative_price[0] == pytest.approx(-0.85 * 0.55)
    offers = chp_offers(plan([0, 0, 0, 0, 1, 1]), PRICE, steps_per_hour=2)
    assert offers.positive_power.tolist() == [2.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    assert offers.positive_price[0] == pytest.approx(1.15 * 0.55)


def test_minimum_run_and_rest_times_shorten_or_forbid_an_offer() -> None:
    def steps(on: list[int], **minutes: float) -> list[int]:
        times = {"min_run_minutes": 0.0, "min_rest_minutes": 0.0, **minutes}
        commitment = Commitment(initially_on=False, initial_minutes=np.inf, horizon=horizon(len(on)), **times)
        return switching_steps(replace(plan(on), commitment=commitment)).tolist()

    assert steps([0, 0, 0, 1, 1, 1]) == [3, 2, 1, 0, 0, 0]
    assert steps([0, 0, 0, 1, 1, 1], min_run_minutes=120) == [3, 2, 1, 0, 0, 0]
    assert steps([0, 0, 0, 0, 1, 1], min_run_minutes=180) == [0, 0, 2, 1, 0, 0]
    assert steps([0, 0, 0, 0, 1, 1], min_rest_minutes=120) == [2, 1, 2, 1, 0, 0]


def test_devices_of_a_site_take_the_store_and_their_own_heat() -> None:
    unit = Chp(name="chp", electric_power_kw=3, electric_efficiency=0.3, thermal_efficiency=0.6)
    store = HeatStorage(name="tank", capacity_kwh=20)
    second = HeatStorage(name="second tank", capacity_kwh=20)
    plans = {
        unit: {"power_kw": [-3, 0, 0, 0], "heat_kw": [-6, 0, 0, 0], "on": [1, 0, 0, 0]},
        store: {"soc_percent": 40.0},
        second: {"soc_percent": 60.0},
    }
    table = quantify(*planned(horizon(4), plans, import_price=[0.1, 0.2, 0.3, 0.4]))["chp"]
    assert table.scheduled_power_kw.tolist() == [-3.0, 0.0, 0.0, 0.0]
    assert table.negative_energy_kwh.tolist() == [3.0, 0.0, 0.0, 0.0]
    assert table.negative_price_eur_per_kwh[0] == pytest.approx(-0.85 * 0.4)


def test_without_a_heat_store_there_is_nothing_to_offer() -> None:
    pump = HeatPump(name="hp", rated_power_kw=4, ambient_temperature_c=0.0)
    unit = Chp(name="chp", electric_power_kw=3)
    running = {"power_kw": [4, 0], "heat_kw": [-10, 0], "on": [1, 0]}
    tables = quantify(*planned(horizon(2), {pump: running, unit: running | {"power_kw": [-3, 0]}}))
    assert not tables["hp"].offers_anything
    assert not tables["chp"].offers_anything
    assert tables["hp"].scheduled_power_kw.tolist() == [4.0, 0.0]


def test_a_modulating_pump_gives_back_what_it_draws() -> None:
    pump = HeatPump(name="hp", rated_power_kw=4, ambient_temperature_c=2.0, modulating=True)
    tank = HeatStorage(name="tank", capacity_kwh=50)
    plans = {pump: {"power_kw": [1.5, 0], "heat_kw": [-4, 0], "on": [0.9999999999, 0]}, tank: {"soc_percent": 50.0}}
    table = quantify(*planned(horizon(2), plans))["hp"]
    assert table.positive_power_kw.tolist() == [1.5, 0.0]
    assert table.negative_power_kw.tolist() == [0.0, 0.0]
