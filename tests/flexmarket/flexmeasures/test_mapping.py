"""Signs, units, times and beliefs as FlexMeasures wants them, and what of a series has to be posted."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np

from flexmarket.flexmeasures import mapping
from flexmarket.flexmeasures.mapping import HORIZON_STEPS, POWER, SOC, STEP, Told

NOW = datetime(2026, 11, 21, 12, 7, 30, tzinfo=UTC)
GRID = mapping.window(NOW)
EARLY, LATE = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
NOTHING = np.full(HORIZON_STEPS, np.nan)


def told(values: list[float], believed: datetime = EARLY, start: int = 0, step: timedelta = STEP) -> Told:
    return Told(GRID.start + start * STEP, step, np.array(values), believed)


def test_the_window_begins_with_the_current_quarter_hour() -> None:
    assert datetime(2026, 11, 21, 12, tzinfo=UTC) == GRID.start
    assert timedelta(days=8) == GRID.end - GRID.start


def test_power_keeps_its_sign_and_the_sensor_says_which_that_is() -> None:
    sensor = mapping.sensor(POWER, 8, "Europe/Berlin")
    assert json.loads(sensor["attributes"]) == {"consumption_is_positive": True}
    assert (sensor["unit"], sensor["event_resolution"]) == ("kW", "PT15M")
    (stretch,) = mapping.changes(mapping.wanted(POWER, [told([2.0, -3.0])], GRID), NOTHING)
    assert mapping.posting(POWER, stretch, EARLY) == {
        "values": [2.0, -3.0],
        "start": "2026-11-21T12:00:00+00:00",
        "duration": "PT30M",
        "unit": "kW",
        "prior": EARLY.isoformat(),
    }


def test_a_yield_is_production() -> None:
    assert mapping.forecast_power("yield_kw_per_kw", np.array([0.5]), 8.0).tolist() == [-4.0]
    assert mapping.forecast_power("demand_kw", np.array([0.5]), 8.0).tolist() == [0.5]


def test_a_state_of_charge_stands_at_the_end_of_its_step() -> None:
    assert mapping.sensor(SOC, 8, "Europe/Berlin")["event_resolution"] == "PT0M"
    (stretch,) = mapping.changes(mapping.wanted(SOC, [told([50.0, 60.0])], GRID), NOTHING)
    assert mapping.posting(SOC, stretch, EARLY)["start"] == "2026-11-21T12:15:00+00:00"


def test_contents_at_the_end_of_hours_are_not_spread_over_them() -> None:
    new = mapping.wanted(SOC, [told([50.0, 60.0], step=timedelta(hours=1))], GRID)
    assert [(int(place), new.values[place]) for place in np.nonzero(~np.isnan(new.values))[0]] == [(3, 50), (7, 60)]
    power = mapping.wanted(POWER, [told([5.0], step=timedelta(hours=1))], GRID)
    assert power.values[:5].tolist()[:4] == [5.0] * 4
    assert np.isnan(power.values[4])


def test_what_is_believed_last_holds_whatever_the_order() -> None:
    older, newer = told([1.0, 1.0, 1.0]), told([9.0], LATE, start=1)
    for series in ([older, newer], [newer, older]):
        new = mapping.wanted(POWER, series, GRID)
        assert new.values[:3].tolist() == [1.0, 9.0, 1.0]
        stretches = list(mapping.changes(new, NOTHING))
        assert [(each.values.tolist(), each.believed_at) for each in stretches] == [
            ([1.0], EARLY),
            ([9.0], LATE),
            ([1.0], EARLY),
        ]


def test_only_what_differs_is_posted() -> None:
    new = mapping.wanted(POWER, [told([1.0, 2.0, 3.0, 4.0], LATE)], GRID)
    posted = mapping.posted_on(GRID, GRID.start, np.array([1.0, 5.0, 3.0]))
    stretches = list(mapping.changes(new, posted))
    assert [(each.start, each.values.tolist(), each.replaces) for each in stretches] == [
        (GRID.start + STEP, [2.0], True),
        (GRID.start + 3 * STEP, [4.0], False),
    ]
    assert list(mapping.changes(new, new.values)) == []


def test_what_is_over_is_neither_posted_nor_remembered() -> None:
    new = mapping.wanted(POWER, [told([1.0, 2.0], start=-1)], GRID)
    assert (new.values[0], np.isnan(new.values[1])) == (2.0, True)
    assert mapping.posted_on(GRID, GRID.start - STEP, np.array([1.0, 2.0]))[0] == 2.0


def test_the_page_of_a_site_there_shows_a_chart_per_unit() -> None:
    shown = json.loads(mapping.charts({"power": 4, "import price": 5, "export price": 6}))
    assert shown == [
        {"title": "Prices", "plots": [{"sensors": [6, 5]}]},
        {"title": "Power", "plots": [{"sensors": [4]}]},
    ]
