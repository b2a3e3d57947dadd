"""Plots say what they show: legend, units, local time."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimization.engine import Horizon, Prices, Schedule, SiteProblem, baseline, solve
from optimization.engine.devices import Battery, ElectricLoad
from optimization.plots import energy_balance, figures, render, state_of_charge
from optimization.scenarios import named_scenario

BERLIN = ZoneInfo("Europe/Berlin")


def planned(name: str, day: date = date(2026, 1, 21)) -> tuple[SiteProblem, Schedule]:
    horizon = Horizon.market_day(day, BERLIN)
    scenario = named_scenario(name)
    problem = scenario.problem(scenario.sample_series(horizon, BERLIN), horizon, BERLIN)
    return problem, solve(problem, gap=1e-2)


def legend(axes: object) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[attr-defined]


def test_the_balance_has_one_legend_entry_per_device() -> None:
    problem, schedule = planned("simple_house")
    electric, heat = energy_balance(problem, schedule, BERLIN).axes
    assert legend(electric) == ["grid", "pv", "bat", "load"]
    assert legend(heat) == ["boiler", "sto", "load"]
    assert electric.get_ylabel() == "Electricity in kW\nsupply up, use down"
    assert heat.get_xlabel() == "21.01.2026, local time (Europe/Berlin)"
    assert [label.get_text() for label in heat.get_xticklabels()][:3] == ["00:00", "03:00", "06:00"]


def test_the_stacks_meet() -> None:
    problem, schedule = planned("simple_house")
    electric = energy_balance(problem, schedule, BERLIN).axes[0]
    supplied = -sum(plan["power_kw"].clip(max=0) for plan in schedule.devices.values() if "power_kw" in plan)
    top = (supplied + schedule.grid_power_kw.clip(min=0)).max()
    assert electric.dataLim.y1 == pytest.approx(top)


def test_large_sites_are_drawn_in_megawatts_and_without_heat() -> None:
    (electric,) = energy_balance(*planned("colony"), BERLIN).axes
    assert electric.get_ylabel().startswith("Electricity in MW")
    assert electric.dataLim.y1 == pytest.approx(20, rel=0.02)


def test_the_clock_change_shows_in_the_marks() -> None:
    problem, schedule = planned("bat", date(2026, 3, 29))
    axes = state_of_charge(problem, schedule, BERLIN).axes[-1]
    marks = dict(zip([label.get_text() for label in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    assert marks["03:00"] == 2


def test_state_of_charge_starts_with_the_initial_content_and_ends_with_the_last() -> None:
    problem, schedule = planned("ev")
    car, store = state_of_charge(problem, schedule, BERLIN).axes
    assert legend(car) == ["away", "ev"]
    content = car.get_lines()[0].get_ydata()
    assert (content[0], len(content)) == (30, 97)
    assert content[-1] == pytest.approx(schedule.devices["ev"]["soc_percent"][-1])
    assert store.get_ylabel() == "sto\ncontent in %"


def test_devices_of_one_kind_differ_and_long_horizons_are_marked_at_midnight() -> None:
    horizon = Horizon(Horizon.market_day(date(2026, 6, 1), BERLIN).start, timedelta(hours=1), 120)
    batteries = tuple(
        Battery(name=f"bat {number}", capacity_kwh=5, charge_power_kw=2, discharge_power_kw=2) for number in (1, 2)
    )
    devices = (*batteries, ElectricLoad(name="load", demand_kw=1.0))
    prices = Prices(import_eur_per_kwh=[0.1 if step % 24 < 6 else 0.4 for step in range(120)])
    problem = SiteProblem(horizon=horizon, devices=devices, prices=prices)
    axes = energy_balance(problem, solve(problem), BERLIN).axes[0]
    assert legend(axes) == ["grid", "bat 1", "bat 2", "load"]
    assert len({patch.get_hatch() for patch in axes.get_legend().get_patches()[1:3]}) == 2
    assert axes.get_xticklabels()[1].get_text() == "02.06."


def test_a_site_without_storage_has_no_content_to_draw() -> None:
    horizon = Horizon.market_day(date(2026, 6, 1), BERLIN)
    load = ElectricLoad(name="load", demand_kw=1.0)
    problem = SiteProblem(horizon=horizon, devices=(load,), prices=Prices(import_eur_per_kwh=0.3))
    schedule = baseline(problem)
    assert list(figures(problem, schedule, BERLIN)) == ["energy_balance"]
    with pytest.raises(ValueError, match="no storage"):
        state_of_charge(problem, schedule, BERLIN)


@pytest.mark.parametrize(("image_format", "start"), [("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("svg", b"<?xml")])
def test_every_format_is_an_image(image_format: str, start: bytes) -> None:
    problem, schedule = planned("bat")
    assert render(state_of_charge(problem, schedule, BERLIN), image_format).startswith(start)
