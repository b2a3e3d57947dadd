"""ALF files."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters import export
from optimization.engine.horizon import Horizon
from tests.flexmarket.engine.sites import horizon
from tests.flexmarket.engine.tables import small_table

BERLIN = ZoneInfo("Europe/Berlin")
HEADER = (
    "Uhrzeit;Leistung_Plan;Leistung-;Leistung+;Energie-;Energie+;Preis-;Preis+;Teilabruf;max_Anzahl_Abrufe_pro_Tag;"
    "max_Dauer_pro_Tag_in_h;Dauer_zwischen_zwei_Abrufen_in_h;max_Dauer_eines_Abrufs;min_Dauer_eines_Abrufs"
)


def exported(**parameters: Any) -> tuple[str, list[str]]:
    ((name, data),) = export("alf", {"bat": small_table()}, horizon(2, 15), BERLIN, **parameters).items()
    return name, data.decode().splitlines()


def test_dialect_with_decimal_point() -> None:
    assert exported() == (
        "2026-01-12_batFlex-Angebot.csv",
        [
            HEADER,
            "2026-01-12 01:00 +0100;-1.5;-0.33333;1.5;-0.25;0.375;-20.0;28.46;Ja;2.0;2.25;1.5;1.5;0.25",
            "2026-01-12 01:15 +0100;-1.5;-0.33333;1.5;-0.25;0.375;-20.0;28.46;;;;;;",
        ],
    )


def test_dialect_with_decimal_comma_and_own_constraints() -> None:
    name, lines = exported(dialect="comma", partial_call=False, max_calls_per_day=3, max_hours_per_day=4.5)
    assert name == "2026-01-12_batFlex-Angebot.csv"
    assert lines[0] == HEADER
    assert lines[1] == "12.01.2026 01:00 +0100;-1,5;-0,33333;1,5;-0,25;0,375;-20,0;28,46;Nein;3,0;4,5;1,5;1,5;0,25"


@pytest.mark.parametrize(("dialect", "written"), [("point", "-0.00004"), ("comma", "-0,00004")])
def test_small_numbers_have_no_exponent(dialect: str, written: str) -> None:
    table = replace(small_table(), scheduled_power_kw=np.full(len(small_table()), 0.00004))
    (data,) = export("alf", {"b": table}, horizon(len(table)), ZoneInfo("Europe/Berlin"), dialect=dialect).values()
    assert data.decode().splitlines()[1].split(";")[1] == written


def test_each_slot_has_its_own_offset() -> None:
    span = Horizon.market_day(date(2026, 10, 25), BERLIN)
    ((name, data),) = export("alf", {"bat": small_table(100)}, span, BERLIN).items()
    times = [line.split(";")[0] for line in data.decode().splitlines()[1:]]
    assert name.startswith("2026-10-25_")
    assert times[0] == "2026-10-25 00:00 +0200"
    assert times[11:13] == ["2026-10-25 02:45 +0200", "2026-10-25 02:00 +0100"]
    assert len(set(times)) == 100


def test_the_date_of_the_file_is_the_local_one() -> None:
    span = Horizon(datetime(2026, 6, 30, 22, tzinfo=UTC), timedelta(hours=1), 2)
    assert list(export("alf", {"bat": small_table()}, span, BERLIN)) == ["2026-07-01_batFlex-Angebot.csv"]


def test_cars_are_filled_like_all_others() -> None:
    car = small_table(forecast_price_eur_per_kwh=np.array([0.3, 0.31]))
    (data,) = export("alf", {"ev": car}, horizon(2), BERLIN).values()
    assert data.decode().splitlines()[2].split(";")[1:8] == [
        "-1.5",
        "-0.33333",
        "1.5",
        "-0.25",
        "0.375",
        "-20.0",
        "28.46",
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dialect": "dot"}, "dialect is dot; allowed: point, comma"),
        ({"partial_call": "Ja"}, "partial_call is 'Ja'; allowed: True or False"),
        ({"max_calls_per_day": -1}, "max_calls_per_day is -1; allowed: a whole number from 0"),
        ({"max_calls_per_day": 1.5}, "max_calls_per_day is 1.5; allowed: a whole number"),
        ({"max_hours_per_day": 25.0}, "max_hours_per_day is 25.0; allowed: a number from 0 to 24"),
        ({"hours_between_calls": float("nan")}, "hours_between_calls is nan; allowed"),
        (
            {"max_hours_per_call": 3.0},
            r"max_hours_per_call is 3.0; allowed: a number from 0 to 2.25 \(max_hours_per_day\)",
        ),
        ({"min_hours_per_call": 2.0}, r"min_hours_per_call is 2.0; allowed: .* \(max_hours_per_call\)"),
        ({"max_duration": 2.0}, "parameter max_duration is 2.0; allowed: one of dialect, partial_call"),
    ],
)
def test_wrong_parameters_are_named_with_what_is_allowed(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(OfferError, match=message):
        exported(**parameters)


def test_steps_of_less_than_a_minute_have_no_time_of_day() -> None:
    span = Horizon(datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=30), 2)
    with pytest.raises(OfferError, match=r"horizon.step is 0:00:30; allowed: whole minutes"):
        export("alf", {"bat": small_table()}, span, BERLIN)


def test_the_samples_in_the_documentation_are_real_files() -> None:
    text = (Path(__file__).parents[4] / "docs" / "offers.md").read_text()
    _, alf = exported()
    (comax,) = export("comax", {"bat": small_table()}, horizon(2, 15), BERLIN).values()
    assert "\n".join(alf) in text
    assert "\n".join(comax.decode().splitlines()[:2]) in text
