"""Offers of single devices whose largest power and cost can be worked out by hand."""

from datetime import timedelta
from typing import Any

import pytest

from flexmarket.engine.offer import Direction
from optimization.engine import GridConnection
from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    Device,
    ElectricLoad,
    ElectricVehicle,
    Generator,
    HeatLoad,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    ShiftableLoad,
    Stay,
)
from tests.flexmarket.engine.exact.sites import offer_at, offers_of, powers, site
from tests.flexmarket.engine.sites import START, horizon

UP, DOWN = Direction.POSITIVE, Direction.NEGATIVE
HOUR = timedelta(hours=1)


def battery(**changes: Any) -> Battery:
    """Return a battery of 5 kW and 10 kWh, half full, without losses or reserves; its wear keeps it still."""
    given = {
        "capacity_kwh": 10,
        "charge_power_kw": 5,
        "discharge_power_kw": 5,
        "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0,
        "initial_soc_percent": 50,
        "min_soc_percent": 0,
        "max_soc_percent": 100,
        "final_soc_percent": 50,
        "wear_cost_eur_per_kwh": 0.01,
    }
    return Battery(name="bat", **{**given, **changes})


def load(kw: float = 1.0) -> ElectricLoad:
    return ElectricLoad(name="load", demand_kw=kw)


def test_a_battery_gives_what_it_holds_over_the_duration_and_can_take_back_in_time() -> None:
    """5 kWh held: 5 kW for one hour, 2.5 for two, 5/3 for three; nothing in the last hour, which is too late."""
    offers = offers_of(site(battery(), load(6.0)), "bat")
    assert powers(offers, UP, 1) == [5.0, 5.0, 5.0, 0.0]
    assert powers(offers, UP, 2) == [2.5, 2.5, 0.0, 0.0]
    assert powers(offers, UP, 3) == [1.666, 0.0, 0.0, 0.0]
    assert powers(offers, DOWN, 1) == [5.0, 5.0, 5.0, 5.0]
    assert powers(offers, DOWN, 2) == [2.5, 2.5, 2.5, 0.0]


def test_losses_limit_the_power_and_are_paid() -> None:
    """5 kWh inside and 80 % each way: 4 kWh reach the grid, and 6.25 kWh must be bought to fill up again."""
    lossy = battery(charge_efficiency=0.8, discharge_efficiency=0.8)
    offers = offers_of(site(lossy, load(6.0), count=4), "bat")
    best = offer_at(offers, UP, 0, 1)
    assert best is not None
    assert best.power_kw == 4.0
    assert best.marginal_eur == pytest.approx((6.25 - 4.0) * 0.3 + 4 * 0.01)
    assert best.price_eur_per_kwh == pytest.approx(0.3 * (6.25 / 4 - 1) + 0.01)


def test_a_full_battery_cannot_burn_energy() -> None:
    full = battery(initial_soc_percent=100, final_soc_percent=100, charge_efficiency=0.8, discharge_efficiency=0.8)
    assert powers(offers_of(site(full, load()), "bat"), DOWN, 1) == [0.0] * 4


def test_content_comes_back_to_what_the_plan_promises_at_the_end() -> None:
    """With one hour nothing can be refilled; a battery without a wish for the end is emptied by the plan itself."""
    assert powers(offers_of(site(battery(), load(6.0), count=1), "bat"), UP, 1) == [0.0]
    free = offers_of(site(battery(final_soc_percent=None), load(6.0), count=1), "bat")
    assert powers(free, UP, 1) == [0.0]
    assert powers(free, DOWN, 1) == [10.0]


def test_photovoltaics_are_curtailed_for_the_lost_feed_in_and_the_lost_own_use() -> None:
    roof = Photovoltaic(name="roof", capacity_kw=4, yield_kw_per_kw=[1.0, 0.5])
    offers = offers_of(site(roof, load(1.0), count=2), "roof")
    assert powers(offers, DOWN, 1) == [4.0, 2.0]
    assert powers(offers, DOWN, 2) == [2.0, 0.0]
    assert powers(offers, UP, 1) == [0.0, 0.0]
    best = offer_at(offers, DOWN, 0, 1)
    assert best is not None
    # 3 kWh are fed in at 0.10, the fourth is used at home and must be bought at 0.30.
    assert [(step.up_to_kw, round(step.price_eur_per_kwh, 6)) for step in best.prices] == [(3.0, 0.1), (4.0, 0.3)]
    assert best.payment_eur(1.0) == pytest.approx(0.1)
    assert best.marginal_eur == pytest.approx(0.6)


def test_plants_that_must_not_be_curtailed_offer_nothing() -> None:
    roof = Photovoltaic(name="roof", capacity_kw=4, yield_kw_per_kw=1.0, curtailable=False)
    assert len(offers_of(site(roof, load(1.0), count=2), "roof")) == 0


def car(departure: int, **changes: Any) -> ElectricVehicle:
    stay = Stay(arrival=START, departure=START + departure * HOUR, arrival_soc_percent=50, departure_soc_percent=100)
    given = {"capacity_kwh": 20, "charge_power_kw": 5, "charge_efficiency": 1.0, "stays": (stay,)}
    return ElectricVehicle(name="car", **{**given, **changes})


def test_a_car_leaves_full_whatever_is_called() -> None:
    """10 kWh in three hours at 5 kW: no charging in the first, the dearest. Then it is too late to put any off."""
    offers = offers_of(site(car(3), load(), import_price=[0.4, 0.2, 0.3, 0.1]), "car")
    assert powers(offers, UP, 1) == [0.0] * 4
    assert powers(offers, DOWN, 1) == [5.0, 0.0, 0.0, 0.0]
    early = offer_at(offers, DOWN, 0, 1)
    assert early is not None
    # Charged in the first hour at 0.40 instead of the third at 0.30.
    assert early.marginal_eur == pytest.approx(5 * (0.4 - 0.3))


def test_a_car_that_has_no_time_to_spare_offers_nothing() -> None:
    assert len(offers_of(site(car(2), load(), count=2), "car")) == 0


def test_a_car_with_a_least_power_stops_altogether() -> None:
    """Planned are the first two hours; it may stop and charge in the third or fourth, all 5 kW or none."""
    offers = offers_of(site(car(4, min_charge_power_kw=4.0), load(), import_price=[0.1, 0.2, 0.3, 0.4]), "car")
    stop = offer_at(offers, UP, 0, 1)
    assert stop is not None
    assert (stop.power_kw, stop.least_power_kw) == (5.0, 5.0)
    assert stop.marginal_eur == pytest.approx(5 * (0.3 - 0.1))


def warm_house(*devices: Device, demand_kw: float = 2.0) -> tuple[Device, ...]:
    return (HeatLoad(name="heat", demand_kw=demand_kw), load(), *devices)


def tank(**changes: Any) -> HeatStorage:
    given = {
        "capacity_kwh": 20,
        "initial_soc_percent": 50,
        "min_soc_percent": 0,
        "max_soc_percent": 100,
        "final_soc_percent": 50,
        "loss_percent_per_day": 0.0,
    }
    return HeatStorage(name="tank", **{**given, **changes})


def chp(**changes: Any) -> Chp:
    """Return a unit of 3 kW electricity and 6 kW heat from 10 kW of gas."""
    given = {"electric_power_kw": 3, "electric_efficiency": 0.3, "thermal_efficiency": 0.6}
    return Chp(name="chp", **{**given, **changes})


def boiler() -> Boiler:
    return Boiler(name="boiler", heat_power_kw=10, efficiency=1.0)


def test_a_chp_that_rests_offers_to_start() -> None:
    """Gas is too dear to run: an hour costs 10 kWh of gas, saves 6 of the boiler's and 1 kWh bought, 2 are sold."""
    planned = site(*warm_house(chp(), boiler(), tank()), import_price=0.2, export_price=0.05, gas_eur_per_kwh=0.1)
    assert not planned[1].devices["chp"]["on"].any()
    offers = offers_of(planned, "chp")
    start = offer_at(offers, UP, 0, 1)
    assert start is not None
    assert start.power_kw == 3.0
    assert start.least_power_kw == 3.0
    assert not start.partial_allowed
    assert start.marginal_eur == pytest.approx(10 * 0.1 - 6 * 0.1 - 1 * 0.2 - 2 * 0.05)


def test_a_chp_that_starts_runs_for_its_shortest_time() -> None:
    """Called for one hour it must run for two: the second hour's loss is part of the price."""
    planned = site(
        *warm_house(chp(min_run_minutes=120), boiler(), tank(), demand_kw=3.0),
        import_price=0.2,
        export_price=0.05,
        gas_eur_per_kwh=0.1,
    )
    start = offer_at(offers_of(planned, "chp"), UP, 0, 1)
    assert start is not None
    assert start.marginal_eur == pytest.approx(2 * 0.1, abs=1e-5)
    assert start.rebound_kw.tolist() == pytest.approx([-3.0, 0.0, 0.0])


def test_a_chp_without_room_for_its_heat_cannot_start() -> None:
    full = tank(initial_soc_percent=100, final_soc_percent=100)
    planned = site(
        *warm_house(chp(), boiler(), full, demand_kw=0.0), import_price=0.2, export_price=0.05, gas_eur_per_kwh=0.1
    )
    assert powers(offers_of(planned, "chp"), UP, 1) == [0.0] * 4


def test_a_heat_pump_waits_as_long_as_its_store_lasts() -> None:
    """Heat for two of four hours is used in the last two; the tank starts empty and holds two hours' worth.

    The pump runs in the two cheapest of the hours before. Put off from the first, it runs in the third; put off from
    the second, in the third too. For
    both it runs when the heat is used.
    """
    pump = HeatPump(name="hp", rated_power_kw=1.0, ambient_temperature_c=2.0)
    heat_kw = float(pump.fitted(horizon(4)).full_heat_kw[0])
    store = tank(capacity_kwh=2 * heat_kw, initial_soc_percent=0, final_soc_percent=None)
    demand = HeatLoad(name="heat", demand_kw=[0, 0, heat_kw, heat_kw])
    planned = site(pump, store, demand, load(), import_price=[0.1, 0.2, 0.3, 0.4])
    assert planned[1].devices["hp"]["on"].tolist() == [1, 1, 0, 0]
    offers = offers_of(planned, "hp")
    wait = offer_at(offers, UP, 0, 1)
    assert wait is not None
    power = float(planned[1].devices["hp"]["power_kw"][0])
    assert wait.power_kw == pytest.approx(power)
    assert not wait.partial_allowed
    assert wait.marginal_eur == pytest.approx(power * (0.3 - 0.1))
    assert wait.rebound_kw.tolist() == pytest.approx([0.0, power, 0.0])
    both = offer_at(offers, UP, 0, 2)
    assert both is not None
    assert both.marginal_eur == pytest.approx(power * (0.3 + 0.4 - 0.1 - 0.2))
    assert offer_at(offers, UP, 0, 3) is None
    assert offer_at(offers, DOWN, 0, 1) is None


def test_a_generator_that_stands_offers_between_its_least_and_its_full_power() -> None:
    """Fuel of 0.3 l per kWh at 1 EUR against 0.2 EUR for a bought kWh; the start costs 1 EUR."""
    diesel = Generator(name="diesel", power_kw=10, min_power_kw=4, fuel_curve=((4, 1.2), (10, 3.0)), start_cost_eur=1.0)
    offers = offers_of(site(diesel, load(20.0), import_price=0.2, fuel_eur_per_l=1.0, count=3), "diesel")
    start = offer_at(offers, UP, 0, 1)
    assert start is not None
    assert start.power_kw == 10.0
    assert start.marginal_eur == pytest.approx(1.0 + 10 * 0.1)
    # With the start paid once, a kW is cheapest at full power; for less the price would not cover it.
    assert start.least_power_kw == 10.0
    assert powers(offers, DOWN, 1) == [0.0, 0.0, 0.0]


def test_a_process_is_put_off_and_its_time_is_kept() -> None:
    process = ShiftableLoad(name="wash", profile_kw=(2.0, 1.0))
    offers = offers_of(site(process, load(), import_price=[0.1, 0.1, 0.3, 0.3]), "wash")
    later = offer_at(offers, UP, 0, 1)
    assert later is not None
    assert later.power_kw == 2.0
    # Moved by one hour: 2 kWh at 0.10 and 1 at 0.30 instead of 3 at 0.10.
    assert later.marginal_eur == pytest.approx(0.2)


def test_an_import_limit_binds() -> None:
    """4 kW may come in and 1 is used: 3 are left to charge with, though the battery could take 5."""
    limited = GridConnection(import_limit_kw=4.0)
    offers = offers_of(site(battery(), load(1.0), connection=limited), "bat")
    assert powers(offers, DOWN, 1) == [3.0] * 4


def test_an_export_limit_binds() -> None:
    limited = GridConnection(export_limit_kw=2.0)
    assert powers(offers_of(site(battery(), load(1.0), connection=limited), "bat"), UP, 1)[0] == 3.0
