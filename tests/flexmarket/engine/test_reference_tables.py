"""The recorded households of OpenTUMFlex: from their plans to the tables and to the offer files."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from flexmarket.engine.exporters import export
from flexmarket.engine.exporters.generation_columns import generation_columns
from flexmarket.engine.methods import quantify
from flexmarket.engine.opentumflex.battery import battery_offers, battery_plan
from flexmarket.engine.site_plan import SitePlan
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Battery
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from tests.flexmarket.engine.reference import BERLIN, DAY, differing_cells, needs_reference, recorded_site, runs

pytestmark = needs_reference

TABLES = 40
EV_TABLES = 9
PV_TABLES = 11
ZERO = re.compile(r"(?<![^;\n])-?0(\.0)?(?![^;\n])")


@cache
def recorded_tables(folder: Path) -> dict[str, FlexTable]:
    """Return the tables of a recorded run, by the reference's short device name."""
    problem, schedule = recorded_site(folder)
    tables = quantify(problem, schedule, decimals=None)
    min_power = json.loads((folder / "devices.json").read_text())["bat"]["minpow"]
    if "bat" in tables and min_power:
        tables["bat"] = battery_table_above(min_power, problem, schedule)
    return tables


def battery_table_above(min_power_kw: float, problem: SiteProblem, schedule: Schedule) -> FlexTable:
    """Return the battery's table with a minimum power, which the battery of a site does not have."""
    plan, battery = SitePlan(problem, schedule, None), problem.device("bat")
    assert isinstance(battery, Battery)
    limited = replace(battery_plan(plan, battery), min_power_kw=min_power_kw)
    offers = battery_offers(limited, problem.price("import_eur_per_kwh"), plan.steps_per_hour)
    return offers.table(battery, plan.series(battery, "power_kw"))


def recorded_files(pattern: str) -> Iterator[tuple[Path, Path]]:
    """Yield (run, file) of every recorded file."""
    for folder in runs():
        for path in sorted(folder.glob(pattern)):
            yield folder, path


def read(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), sep=";")


def without_spelling_of_zero(data: bytes) -> str:
    """Return the file with every zero cell written as 0: the reference writes 0, 0.0 and -0.0."""
    return ZERO.sub("0", data.decode())


def test_every_table_is_reproduced() -> None:
    compared = 0
    for folder, path in recorded_files("flex_*.csv"):
        table = recorded_tables(folder)[path.stem.removeprefix("flex_")]
        expected = pd.read_csv(path).drop(columns="time")
        assert not differing_cells(table, {name: expected[name] for name in expected}), path
        compared += 1
    assert compared == TABLES
    assert compared == sum(len(recorded_tables(folder)) for folder in runs())


def test_removing_solver_noise_changes_one_run_that_noise_had_cut() -> None:
    changed: dict[str, int] = {}
    for folder in runs():
        cleaned = quantify(*recorded_site(folder))
        for name, raw in quantify(*recorded_site(folder), decimals=None).items():
            cells = differing_cells(cleaned[name], generation_columns(raw))
            if cells:
                changed[f"{folder.name} {name}"] = len(cells)
    assert changed == {"00110 ev": 2}


def test_comax_files_hold_the_recorded_tables() -> None:
    compared = identical = 0
    for folder, path in recorded_files("offers_comax/*.csv"):
        ours = export("comax", recorded_tables(folder), DAY, BERLIN, layout="reference")[path.name]
        theirs = path.read_bytes()
        pd.testing.assert_frame_equal(read(ours), read(theirs), check_dtype=False, rtol=0, atol=1e-6)
        compared += 1
        identical += without_spelling_of_zero(ours) == without_spelling_of_zero(theirs)
    assert compared == TABLES
    assert identical == PV_TABLES + EV_TABLES


def test_comax_layout_is_the_recorded_one_byte_for_byte() -> None:
    compared = 0
    for folder, path in recorded_files("offers_comax/*.csv"):
        name = path.name.removesuffix("_flex_offers.csv")
        tables = {name: recorded_table(folder, name)}
        ours = export("comax", tables, DAY, BERLIN, layout="reference")[path.name]
        assert without_spelling_of_zero(ours) == without_spelling_of_zero(path.read_bytes()), path
        compared += 1
    assert compared == TABLES


def recorded_table(folder: Path, name: str) -> FlexTable:
    """Return a recorded table as it is, to the last bit."""
    columns = pd.read_csv(folder / f"flex_{name}.csv")
    return FlexTable(
        device=name,
        kind="recorded",
        scheduled_power_kw=-columns["Sch_P"].to_numpy(),
        positive_power_kw=columns["Pos_P"].to_numpy(),
        negative_power_kw=-columns["Neg_P"].to_numpy(),
        positive_energy_kwh=columns["Pos_E"].to_numpy(),
        negative_energy_kwh=-columns["Neg_E"].to_numpy(),
        positive_price_eur_per_kwh=columns["Pos_Pr"].to_numpy(),
        negative_price_eur_per_kwh=columns["Neg_Pr"].to_numpy(),
        forecast_price_eur_per_kwh=columns["Fcst_Pr"].to_numpy() if "Fcst_Pr" in columns else None,
    )


def test_alf_files_are_the_recorded_ones_and_fill_the_columns_of_cars() -> None:
    compared = identical = cars = 0
    for folder, path in recorded_files("offers_alf/*.csv"):
        ours = export("alf", recorded_tables(folder), DAY, BERLIN)[path.name]
        theirs = path.read_bytes()
        compared += 1
        if path.name.endswith("_evFlex-Angebot.csv"):
            ours = without_car_values(folder, ours)
            cars += 1
        pd.testing.assert_frame_equal(read(ours), read(theirs), check_dtype=False, rtol=0, atol=1e-6)
        identical += without_spelling_of_zero(ours) == without_spelling_of_zero(theirs)
    assert compared == TABLES
    assert identical == TABLES
    assert cars == EV_TABLES


def without_car_values(folder: Path, data: bytes) -> bytes:
    """Return a car's file with the seven value columns empty, as the reference leaves them, once they are checked."""
    filled = read(data)
    table = pd.read_csv(folder / "flex_ev.csv")
    assert filled["Leistung+"].to_numpy() == pytest.approx(table["Pos_P"].to_numpy(), abs=1e-5)
    assert filled["Preis-"].to_numpy() == pytest.approx(table["Neg_Pr"].to_numpy() * 100, abs=0.0051)
    header, *lines = data.decode().splitlines()
    cells = [line.split(";") for line in lines]
    return "\n".join([header, *(";".join([row[0], *[""] * 7, *row[8:]]) for row in cells), ""]).encode()
