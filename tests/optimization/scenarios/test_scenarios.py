"""Named scenarios, sites from files, and the shipped sample days."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimization.engine import Horizon, solve, verify
from optimization.engine.devices import Battery, Chp, Device, ElectricVehicle, HeatPump, HeatStorage
from optimization.scenarios import (
    SCENARIOS,
    InputError,
    named_scenario,
    read_bytes,
    read_file,
    sample,
    sample_series,
    scenario_from_file,
    season_of,
    template,
)
from optimization.scenarios.csv_format import write
from optimization.scenarios.samples import FOLDER, generate
from tests.optimization.scenarios.reference import INPUT, needs_reference

BERLIN = ZoneInfo("Europe/Berlin")
DAY = Horizon.market_day(date(2019, 12, 18), BERLIN)
OPTIMA = {
    "hp": 11.975452911929,
    "pv": 7.969145769107,
    "ev": 17.182650765827,
    "simple_house": 7.325672428385,
    "residential_house": 7.480863280395,
}


@needs_reference
@pytest.mark.parametrize("name", OPTIMA)
def test_the_reference_optimum(name: str) -> None:
    problem = named_scenario(name).problem(read_file(INPUT).series, DAY, BERLIN)
    schedule = solve(problem, gap=1e-7, time_limit=60)
    assert schedule.unmet == ()
    assert schedule.cost.total_eur == pytest.approx(OPTIMA[name], rel=1e-6)
    assert schedule.bound_eur <= OPTIMA[name] + 1e-6


@pytest.mark.parametrize("season", ["winter", "summer"])
@pytest.mark.parametrize("name", ["bat", "ev", "simple_house", "colony"])
def test_a_sample_day_can_be_planned(name: str, season: str) -> None:
    horizon = Horizon.market_day(date(2026, 1, 21) if season == "winter" else date(2026, 7, 8), BERLIN)
    scenario = named_scenario(name)
    problem = scenario.problem(scenario.sample_series(horizon, BERLIN), horizon, BERLIN)
    schedule = solve(problem, gap=1e-3)
    assert verify(problem, schedule) == ()
    assert {wish.wish for wish in schedule.unmet} <= ({"lowest state of charge"} if name == "bat" else set())


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 7, 1)])
def test_every_scenario_fits_days_of_92_96_and_100_quarter_hours(name: str, day: date) -> None:
    horizon = Horizon.market_day(day, BERLIN)
    scenario = named_scenario(name)
    problem = scenario.problem(scenario.sample_series(horizon, BERLIN), horizon, BERLIN)
    assert problem.horizon.count in (92, 96, 100)
    assert len(problem.price("import_eur_per_kwh")) == horizon.count


def test_an_unknown_name_lists_the_names() -> None:
    with pytest.raises(InputError, match=r"house: no such scenario; allowed: hp, pv, bat, .*, colony, or a file"):
        named_scenario("house")


def test_the_colony_needs_its_own_columns() -> None:
    with pytest.raises(InputError, match=r"winter_day.csv: no column fuel_price; allowed: .* which colony needs"):
        named_scenario("colony").problem(sample("winter").series, DAY, BERLIN)


def test_winter_is_from_october_to_march() -> None:
    months = {month: season_of(date(2026, month, 15)) for month in range(1, 13)}
    assert [month for month, season in months.items() if season == "summer"] == [4, 5, 6, 7, 8, 9]


def test_samples_are_what_the_generator_makes() -> None:
    for name, content in generate.contents().items():
        assert (FOLDER / name).read_bytes() == write(content)


@pytest.mark.parametrize(("season", "electricity", "heat"), [("winter", 20, 65), ("summer", 20, 8)])
def test_samples_have_the_size_of_a_household(season: str, electricity: float, heat: float) -> None:
    series = sample("winter" if season == "winter" else "summer").series
    assert series.electric_load_kw.sum() / 4 == pytest.approx(electricity, rel=0.1)
    assert series.heat_load_kw.sum() / 4 == pytest.approx(heat, rel=0.1)


def test_the_colony_peaks_at_20_megawatts_where_its_price_peaks() -> None:
    series = sample("winter", "colony").series
    assert series.electric_load_kw.max() == 20_000
    assert abs(int(series.electric_load_kw.argmax()) - int(series.import_price_eur_per_kwh.argmax())) <= 2


@pytest.mark.parametrize(("day", "steps"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_samples_follow_the_local_clock_through_a_clock_change(day: date, steps: int) -> None:
    horizon = Horizon.market_day(day, BERLIN)
    fitted = sample_series("winter", horizon, BERLIN)
    local = [moment.astimezone(BERLIN) for moment in horizon.times]
    rows = [moment.hour * 4 + moment.minute // 15 for moment in local]
    assert len(rows) == steps
    assert fitted.electric_load_kw.tolist() == sample("winter").series.electric_load_kw[rows].tolist()


@pytest.mark.parametrize("minutes", [5, 10, 30, 60])
def test_other_step_lengths_keep_the_energy(minutes: int) -> None:
    horizon = Horizon.market_day(date(2026, 1, 21), BERLIN, timedelta(minutes=minutes))
    fitted = sample_series("winter", horizon, BERLIN)
    energy_kwh = sample("winter").series.electric_load_kw.sum() / 4
    assert fitted.electric_load_kw.sum() * horizon.step_hours == pytest.approx(energy_kwh)
    assert fitted.on(horizon, BERLIN) is fitted


def test_series_of_one_horizon_are_not_taken_for_another() -> None:
    fitted = sample_series("winter", DAY, BERLIN)
    with pytest.raises(ValueError, match="fitted to"):
        fitted.on(Horizon.market_day(date(2020, 1, 1), BERLIN), BERLIN)


def file_devices(*changes: str) -> dict[str, Device]:
    """Return the devices of the template after lines "device;parameter;value" replace or join its own."""
    lines = template("csv").decode().splitlines()
    keys = [change.rsplit(";", 1)[0] for change in changes]
    kept = [line for line in lines[1:26] if not any(line.startswith(f"{key};") for key in keys)]
    text = "\n".join([lines[0], *kept, *(f"{change};;;;;;;;" for change in changes), *lines[26:]])
    content = read_bytes(text.encode(), "house.csv")
    site = scenario_from_file(content, "house")
    return {device.name: device for device in site.devices(content.series, DAY, BERLIN)}


def test_a_car_from_a_file_is_charged() -> None:
    car = file_devices()["ev"]
    assert isinstance(car, ElectricVehicle)
    first, last = car.stays
    midnight = datetime(2019, 12, 18, tzinfo=BERLIN)
    assert (first.arrival, first.departure) == (midnight, midnight.replace(hour=7, minute=30))
    assert (last.arrival, last.departure) == (midnight.replace(hour=17, minute=30), midnight + timedelta(days=1))
    assert {stay.departure_soc_percent for stay in car.stays} == {80.0}
    assert {stay.arrival_soc_percent for stay in car.stays} == {45.0}
    assert car.min_charge_power_kw == pytest.approx(1.4)


def test_a_heat_pump_from_a_file_works_at_its_own_power() -> None:
    pump = file_devices("hp;maxpow;5", "hp;minpow;2", "hp;supply_temp;35")["hp"]
    assert isinstance(pump, HeatPump)
    assert pump.modulating
    assert (pump.rated_power_kw, pump.min_power_fraction, pump.supply_temperature_c) == (5, 0.4, 35)
    assert pump.full_power_kw.max() > 4


def test_store_battery_and_chp_from_a_file() -> None:
    devices = file_devices("sto;self_discharge;0.01", "sto;maxpow;0", "chp;maxpow;2", "bat;maxpow;9")
    store, battery, chp = devices["sto"], devices["bat"], devices["chp"]
    assert isinstance(store, HeatStorage)
    assert isinstance(battery, Battery)
    assert isinstance(chp, Chp)
    assert store.charge_power_kw is None
    assert store.loss_percent_per_day == pytest.approx(100 * (1 - 0.99**24))
    assert battery.charge_power_kw == 9
    assert not chp.modulating


def test_devices_without_power_are_not_there() -> None:
    assert set(file_devices("pv;maxpow;0", "sto;stocap;0")) == {"bat", "ev", "hp", "boiler", "load", "heat_load"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("bat;stocap;0", "row 26, column value: bat stocap is 0; allowed: more than 0 where bat maxpow is more than 0"),
        ("hp;minpow;4", "row 26, column value: 4 is out of range; allowed: at most hp maxpow (3)"),
    ],
)
def test_parameters_that_contradict_each_other(change: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        file_devices(change)
    assert str(error.value) == f"house.csv, {message}"


def test_a_file_without_parameters_is_no_site() -> None:
    content = read_file(FOLDER / "colony_winter_day.csv")
    with pytest.raises(InputError, match="no device parameters; allowed: a row with device, parameter and value"):
        scenario_from_file(content, "colony")


def test_92_rows_fit_only_the_day_of_the_clock_change() -> None:
    lines = template("csv").decode().splitlines()
    content = read_bytes("\n".join(lines[:-4]).encode(), "march.csv")
    march = Horizon.market_day(date(2026, 3, 29), BERLIN)
    assert np.array_equal(content.series.on(march, BERLIN).temperature_c, content.series.temperature_c)
    with pytest.raises(InputError, match="92 rows make a day of 23 hours, the planned day has 24"):
        content.series.on(DAY, BERLIN)


@needs_reference
def test_the_site_of_the_reference_file_uses_every_device(tmp_path: Path) -> None:
    content = read_file(INPUT)
    problem = scenario_from_file(content, "house").problem(content.series, DAY, BERLIN)
    schedule = solve(problem, gap=2e-2, time_limit=20)
    assert verify(problem, schedule) == ()
    charged = schedule.devices["ev"]["power_kw"].sum() / 4
    assert charged > 28
    assert {device.name for device in problem.devices} >= {"pv", "bat", "ev", "hp", "chp", "boiler", "sto"}
