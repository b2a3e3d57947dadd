"""PV and wind offers, computed by hand."""

import numpy as np
import pytest

from flexmarket.engine.methods import quantify
from flexmarket.engine.opentumflex.pv import pv_offers
from optimization.engine.devices import Battery, ElectricLoad, Photovoltaic, Wind
from tests.flexmarket.engine.sites import horizon, planned


def test_production_can_be_switched_off_as_long_as_it_does_not_fall() -> None:
    power = np.array([0.1, 2.0, 4.0, 2.0, 1.0])
    to_grid = np.array([0.1, 0.5, 4.0, 0.0, 1.0])
    offers = pv_offers(power, to_grid, np.full(5, 0.08), steps_per_hour=4)
    assert offers.negative_power.tolist() == [0.0, 2.0, 4.0, 2.0, 1.0]
    assert offers.negative_energy.tolist() == [0.0, 1.5, 1.0, 0.5, 0.25]
    assert offers.negative_price == pytest.approx([0.0, 0.02, 0.08, 0.0, 0.08])
    assert not offers.positive_power.any()


def test_what_is_fed_in_is_left_by_load_and_batteries() -> None:
    plant = Photovoltaic(name="roof", capacity_kw=5, yield_kw_per_kw=1.0)
    load = ElectricLoad(name="load", demand_kw=1.0)
    battery = Battery(name="bat", capacity_kwh=10, charge_power_kw=3, discharge_power_kw=3)
    storing = {"power_kw": 1.5, "charge_kw": 1.5, "discharge_kw": 0.0, "soc_percent": 50.0}
    site = planned(
        horizon(2),
        {plant: {"power_kw": -5.0}, load: {"power_kw": 1.0}, battery: storing},
        grid_kw=[-2.5, -1.0],
    )
    table = quantify(*site)["roof"]
    assert table.scheduled_power_kw.tolist() == [-5.0, -5.0]
    assert table.negative_price_eur_per_kwh == pytest.approx([0.1 * 2.5 / 5, 0.1 * 1.0 / 5])


def test_several_plants_share_the_feed_in_by_their_production() -> None:
    roof = Photovoltaic(name="roof", capacity_kw=3, yield_kw_per_kw=1.0)
    mill = Wind(name="mill", capacity_kw=1, yield_kw_per_kw=1.0)
    tables = quantify(*planned(horizon(1), {roof: {"power_kw": -3.0}, mill: {"power_kw": -1.0}}, grid_kw=-4.0))
    assert tables["roof"].negative_price_eur_per_kwh == pytest.approx([0.1])
    assert tables["mill"].negative_price_eur_per_kwh == pytest.approx([0.1])
    assert tables["mill"].negative_power_kw.tolist() == [1.0]


def test_a_plant_that_must_not_be_curtailed_offers_nothing() -> None:
    fixed = Photovoltaic(name="pv", capacity_kw=4, yield_kw_per_kw=0.5, curtailable=False)
    problem, schedule = planned(horizon(4), {fixed: {"power_kw": -2.0, "curtailed_kw": 0.0}}, grid_kw=-2.0)
    assert not quantify(problem, schedule)["pv"].offers_anything
