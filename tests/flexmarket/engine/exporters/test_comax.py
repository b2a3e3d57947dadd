"""COMAX files."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters import export
from optimization.engine.horizon import Horizon
from tests.flexmarket.engine.sites import horizon
from tests.flexmarket.engine.tables import small_table

BERLIN = ZoneInfo("Europe/Berlin")
CAR = small_table(forecast_price_eur_per_kwh=np.array([0.3, 0.31]))


def lines(tables: dict[str, object], **parameters: str) -> list[str]:
    files = export("comax", tables, horizon(2, 15), BERLIN, **parameters)  # type: ignore[arg-type]
    (data,) = files.values()
    return data.decode().splitlines()


def test_the_default_layout_has_the_local_time_with_its_offset() -> None:
    assert lines({"bat": small_table()}) == [
        "Time;Sch_P;Neg_P;Pos_P;Neg_E;Pos_E;Neg_Pr;Pos_Pr",
        "2026-01-12T01:00+01:00;-1.5;-0.3333333333333333;1.5;-0.25;0.375;-0.2;0.28456",
        "2026-01-12T01:15+01:00;-1.5;-0.3333333333333333;1.5;-0.25;0.375;-0.2;0.28456",
    ]


def test_a_car_keeps_the_order_and_adds_its_forecast() -> None:
    assert lines({"car": CAR})[0] == "Time;Sch_P;Neg_P;Pos_P;Neg_E;Pos_E;Neg_Pr;Pos_Pr;Fcst_Pr"


def test_the_reference_layout_has_no_time_and_another_order_for_cars() -> None:
    assert lines({"bat": small_table()}, layout="reference")[0] == "Sch_P;Neg_P;Pos_P;Neg_E;Pos_E;Neg_Pr;Pos_Pr"
    assert lines({"car": CAR}, layout="reference")[:2] == [
        "Pos_P;Neg_P;Pos_E;Neg_E;Pos_Pr;Neg_Pr;Fcst_Pr;Sch_P",
        "1.5;-0.3333333333333333;0.375;-0.25;0.28456;-0.2;0.3;-1.5",
    ]


@pytest.mark.parametrize(
    ("day", "count", "around"),
    [
        (date(2026, 3, 29), 92, ["2026-03-29T01:45+01:00", "2026-03-29T03:00+02:00"]),
        (date(2026, 10, 25), 100, ["2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00"]),
    ],
)
def test_each_slot_has_its_own_offset_when_the_clock_changes(day: date, count: int, around: list[str]) -> None:
    span = Horizon.market_day(day, BERLIN)
    (data,) = export("comax", {"bat": small_table(count)}, span, BERLIN).values()
    times = [line.split(";")[0] for line in data.decode().splitlines()[1:]]
    assert len(times) == count
    first = times.index(around[0])
    assert times[first : first + 2] == around


def test_one_file_per_device_and_no_zero_with_a_sign() -> None:
    idle = small_table(scheduled_power_kw=[0.0, -0.0], negative_power_kw=[0.0, 0.0], negative_energy_kwh=[0.0, 0.0])
    files = export("comax", {"Wärmepumpe 1/2": idle, "bat": small_table()}, horizon(2), BERLIN)
    assert list(files) == ["Wärmepumpe_1_2_flex_offers.csv", "bat_flex_offers.csv"]
    assert b"-0.0;" not in files["Wärmepumpe_1_2_flex_offers.csv"]


def test_wrong_parameters_and_tables_are_named() -> None:
    tables = {"bat": small_table()}
    with pytest.raises(OfferError, match="layout is new; allowed: timed, reference"):
        export("comax", tables, horizon(2), BERLIN, layout="new")
    with pytest.raises(OfferError, match="parameter dialect is comma; allowed: one of layout"):
        export("comax", tables, horizon(2), BERLIN, dialect="comma")
    with pytest.raises(OfferError, match="market is epex; allowed: alf, comax"):
        export("epex", tables, horizon(2), BERLIN)
    with pytest.raises(OfferError, match="table of bat is 2 steps; allowed: 3 steps"):
        export("comax", tables, horizon(3), BERLIN)
