import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from forecasting.engine.grid import Grid, Series
from forecasting.engine.models import MODELS
from forecasting.engine.physical.heat import degree_hours
from forecasting.engine.physical.profiles import PROFILES
from forecasting.engine.protocol import Batch, ChannelFacts, ForecastError, Prediction

MIDSUMMER = datetime(2026, 6, 20, 22, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
KNOWN_DAYS = 2
PLANT = {"capacity_kw": 10.0}
BUILDING = {"annual_demand_kwh": 20_000.0}
PARAMETERS = [
    ("physical_pv", "pv", PLANT),
    ("physical_wind", "wind", PLANT),
    ("degree_days", "heat", BUILDING),
    ("standard_profile", "load", {"annual_demand_kwh": 3_500.0}),
    ("ev_stays", "ev", {}),
]


def batch(
    kind: str,
    device: dict[str, Any],
    *,
    origin: datetime = MIDSUMMER,
    step: timedelta = QUARTER,
    days: int = 1,
    history: Series | None = None,
    **inputs: Any,
) -> Batch:
    """Return a batch of one channel in Munich; an input is one number for all steps, or a whole series."""
    per_day = timedelta(days=1) // step
    known = history if history is not None else np.full(KNOWN_DAYS * per_day, np.nan)
    count = len(known) + days * per_day
    facts = ChannelFacts("channel", kind, "Europe/Berlin", "DE", 48.1, 11.6, device)
    told = {name: np.broadcast_to(np.asarray(value, dtype=float), (1, count)).copy() for name, value in inputs.items()}
    return Batch([facts], origin, step, days * per_day, known[np.newaxis], told)


def forecast(name: str, found: Batch) -> Prediction:
    return MODELS[name].fit(found).predict(found)


def mean(name: str, found: Batch) -> Series:
    values: Series = forecast(name, found).mean[0]
    return values


@pytest.mark.parametrize(("name", "kind", "device"), PARAMETERS)
def test_a_device_without_history_gets_a_forecast_in_order(name: str, kind: str, device: dict[str, Any]) -> None:
    assert MODELS[name].minimum_history_days == 0
    found = forecast(name, batch(kind, device, days=2))
    assert found.known.all()
    quantiles = found.quantiles[0]
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()
    assert (quantiles[0] <= found.mean[0] + 1e-9).all()
    assert (found.mean[0] <= quantiles[-1] + 1e-9).all() or kind == "ev"
    assert (quantiles[-1] - quantiles[0]).max() > 0
    sign = -1 if kind in ("pv", "wind") else 1
    assert (sign * quantiles >= 0).all(), "production is below zero, demand above"


@pytest.mark.parametrize(("name", "kind", "device"), PARAMETERS)
def test_the_same_question_has_the_same_answer(name: str, kind: str, device: dict[str, Any]) -> None:
    first, second = forecast(name, batch(kind, device)), forecast(name, batch(kind, device))
    np.testing.assert_array_equal(first.quantiles, second.quantiles)


@pytest.mark.parametrize("name", ["physical_pv", "physical_wind", "degree_days", "standard_profile"])
def test_without_parameters_nothing_is_claimed(name: str) -> None:
    (kind,) = MODELS[name].kinds
    assert not forecast(name, batch(kind, {})).known.any()


@pytest.mark.parametrize("ghi", [np.nan, 800.0])
def test_pv_makes_nothing_at_night_whatever_the_weather_says(ghi: float) -> None:
    found = forecast("physical_pv", batch("pv", PLANT, ghi_w_per_m2=ghi))
    night = [*range(12), *range(92, 96)]
    assert (found.quantiles[0][:, night] == 0).all()
    assert found.mean[0][48] < -3


def test_pv_follows_the_sky_and_knows_its_inverter() -> None:
    clear = mean("physical_pv", batch("pv", PLANT, ghi_w_per_m2=1000.0))
    dull = mean("physical_pv", batch("pv", PLANT, ghi_w_per_m2=100.0))
    assert clear[52] < -7
    assert -1.2 < dull[52] < -0.3
    oversized = mean("physical_pv", batch("pv", {**PLANT, "peak_power_kw": 20.0}, ghi_w_per_m2=1000.0))
    assert oversized.min() == -10
    assert oversized[30] < clear[30]


def test_an_east_roof_makes_its_power_before_a_west_roof() -> None:
    east, west = (mean("physical_pv", batch("pv", {**PLANT, "azimuth_degrees": azimuth})) for azimuth in (90.0, 270.0))
    assert east[32] < 1.3 * west[32]
    assert west[72] < 1.3 * east[72]


def test_hourly_irradiance_that_holds_for_quarters_still_gives_a_smooth_morning() -> None:
    hours = np.repeat(np.interp(np.arange(72), np.arange(72), 600 * np.ones(72)), 4)
    morning = -mean("physical_pv", batch("pv", PLANT, ghi_w_per_m2=hours))[28:48]
    assert (np.diff(morning) != 0).all(), "the sun moves within the hour"


def test_a_shaded_roof_is_learned_from_its_history() -> None:
    plain = batch("pv", PLANT, ghi_w_per_m2=500.0, days=1)
    full = mean("physical_pv", plain)
    history = np.tile(0.6 * full, 6)
    inputs = {"ghi_w_per_m2": 500.0}
    learned = mean("physical_pv", batch("pv", PLANT, history=history, **inputs))
    assert learned.sum() == pytest.approx(0.6 * full.sum(), rel=0.05)


def test_a_history_that_fits_makes_the_band_narrower() -> None:
    plain = batch("pv", PLANT, ghi_w_per_m2=500.0)
    before = forecast("physical_pv", plain)
    history = np.tile(before.mean[0], 6)
    after = forecast("physical_pv", batch("pv", PLANT, history=history, ghi_w_per_m2=500.0))
    width = [np.ptp(found.quantiles[0], axis=0).sum() for found in (before, after)]
    assert width[1] < 0.6 * width[0]


def test_the_wind_turbine_stands_below_cut_in_and_above_cut_out() -> None:
    power = {
        speed: mean("physical_wind", batch("wind", PLANT, wind_speed_100m_m_per_s=speed))[40]
        for speed in (0.0, 6.0, 14.0, 40.0)
    }
    assert power[0.0] == 0
    assert -3 < power[6.0] < -0.5
    assert power[14.0] < -8
    assert power[40.0] > -0.5


def test_near_the_cut_out_it_is_full_power_or_none() -> None:
    found = forecast("physical_wind", batch("wind", PLANT, wind_speed_100m_m_per_s=25.0)).quantiles[0][:, 40]
    assert (found[0], found[-1]) == (-10, 0)


def test_wind_at_10_m_is_brought_to_the_hub() -> None:
    low, high = (
        mean("physical_wind", batch("wind", {**PLANT, "hub_height_m": hub}, wind_speed_10m_m_per_s=5.0))[40]
        for hub in (30.0, 140.0)
    )
    assert high < low < 0


def test_the_band_of_wind_grows_with_the_lead() -> None:
    found = forecast("physical_wind", batch("wind", PLANT, wind_speed_100m_m_per_s=8.0, days=3)).quantiles[0]
    width = found[-1] - found[0]
    assert width[-1] > width[0]


def test_heat_is_what_the_degree_days_say() -> None:
    winter = datetime(2026, 1, 14, 23, tzinfo=UTC)
    water = 20_000 * 0.15 / 8760
    loss = 20_000 * 0.85 / degree_hours(15.0)
    for temperature in (-10.0, 0.0, 5.0):
        found = mean("degree_days", batch("heat", BUILDING, origin=winter, temperature_c=temperature))
        np.testing.assert_allclose(found, water + loss * (15 - temperature), rtol=0.01)
    warm = mean("degree_days", batch("heat", BUILDING, temperature_c=25.0))
    np.testing.assert_allclose(warm, water, rtol=0.01)


def test_heat_follows_the_mean_of_a_day() -> None:
    winter = datetime(2026, 1, 14, 23, tzinfo=UTC)
    swings = 5 * np.sin(np.arange(72) / 24 * 2 * np.pi)
    found = mean("degree_days", batch("heat", BUILDING, origin=winter, step=HOUR, temperature_c=swings))
    assert np.ptp(found) < 0.02 * found.mean()


def test_a_year_of_reference_weather_adds_up_to_the_annual_demand() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    year = batch("heat", BUILDING, origin=begin, step=HOUR, days=365)
    total = sum(mean("degree_days", year))
    # The band around the heating limit adds a little in spring and autumn.
    assert total == pytest.approx(20_000, rel=0.08)


def test_the_heating_season_of_the_south_is_its_own() -> None:
    building = {**BUILDING}
    facts = ChannelFacts("south", "heat", "Australia/Sydney", "AU", -33.9, 151.2, building)
    found = Batch([facts], MIDSUMMER, HOUR, 24, np.full((1, 24), np.nan))
    assert forecast("degree_days", found).mean[0][0] > 1.5 * mean("degree_days", batch("heat", building, step=HOUR))[0]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("year", [2027, 2028])
def test_a_year_of_a_standard_profile_adds_up(profile: str, year: int) -> None:
    begin = datetime(year, 1, 1, tzinfo=UTC) - HOUR
    days = 366 if year % 4 == 0 else 365
    device = {"annual_demand_kwh": 3_500.0, "standard_profile": profile}
    total = mean("standard_profile", batch("load", device, origin=begin, step=HOUR, days=days)).sum()
    # The wall clock skips an hour of a night and has another one twice.
    assert total == pytest.approx(3_500, rel=1e-3)


def test_households_eat_in_the_evening_and_shops_sleep_on_sundays() -> None:
    saturday = datetime(2026, 11, 20, 23, tzinfo=UTC)
    home = mean("standard_profile", batch("load", {"annual_demand_kwh": 3_500.0}, origin=saturday))
    assert home[76] > 2 * home[12]
    shop = {"annual_demand_kwh": 3_500.0, "standard_profile": "g1"}
    weekend = mean("standard_profile", batch("load", shop, origin=saturday, days=3)).reshape(3, 96)
    assert weekend[2, 40:64].mean() > 3 * weekend[1, 40:64].mean()


def test_a_public_holiday_is_a_sunday() -> None:
    shop = {"annual_demand_kwh": 3_500.0, "standard_profile": "g1"}
    eve = datetime(2026, 4, 30, 22, tzinfo=UTC)
    first_of_may = mean("standard_profile", batch("load", shop, origin=eve))
    week_later = mean("standard_profile", batch("load", shop, origin=eve + timedelta(days=7)))
    assert week_later[40:64].mean() > 3 * first_of_may[40:64].mean()


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 28, 23), (10, 24, 25)])
def test_profiles_keep_to_the_wall_clock_when_it_changes(month: int, day: int, hours: int) -> None:
    """Breakfast of the day after the change is at the same wall-clock time as of the day before."""
    saturday = datetime(2026, month, day, tzinfo=UTC) - (HOUR if month == 3 else 2 * HOUR)
    found = mean("standard_profile", batch("load", {"annual_demand_kwh": 3_500.0}, origin=saturday, days=3))
    monday = 96 + hours * 4
    step_of_breakfast = 6 * 4
    friday_like = mean(
        "standard_profile", batch("load", {"annual_demand_kwh": 3_500.0}, origin=saturday - timedelta(days=5))
    )
    ratio = found[monday : monday + 40].argmax() - friday_like[:40].argmax()
    assert abs(ratio) <= 2
    assert found[monday + step_of_breakfast] > found[monday + 8]


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ForecastError, match="standard_profile: 'x9'"):
        forecast("standard_profile", batch("load", {"annual_demand_kwh": 1.0, "standard_profile": "x9"}))


def test_larger_customers_have_narrower_bands() -> None:
    def width(annual: float) -> float:
        found = forecast("standard_profile", batch("load", {"annual_demand_kwh": annual}))
        return float(np.mean((found.quantiles[0][-1] - found.quantiles[0][0]) / found.mean[0]))

    assert width(1_000_000) < width(50_000) < width(3_500)


def test_models_of_the_engine_start_without_the_libraries_of_physics() -> None:
    """pvlib alone would cost every command a second."""
    heavy = ("pvlib", "windpowerlib", "demandlib")
    code = f"import sys, forecasting.engine.models; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_grids_of_other_steps_are_forecast_too() -> None:
    assert Grid(MIDSUMMER, HOUR, 24).end == MIDSUMMER + timedelta(days=1)
    for name, kind, device in PARAMETERS:
        quarters, hours = (mean(name, batch(kind, device, step=step)) for step in (QUARTER, HOUR))
        assert hours.sum() == pytest.approx(quarters.sum() / 4, rel=0.03), name
