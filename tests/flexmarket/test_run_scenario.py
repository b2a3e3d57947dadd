"""The command `run_scenario`, in this process and without a database: results, errors, exit status."""

import json
import tracemalloc
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from flexmarket import scenario_run
from optimization.engine import Schedule, SiteProblem, SolverError, Violation
from optimization.scenarios import read_bytes, read_file, template
from tests.optimization.scenarios.reference import INPUT, needs_reference

NAMES = "hp, pv, bat, ev, simple_house, residential_house, mini_apartment, apartment, colony"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> None:
    call_command("run_scenario", *arguments)


def failed(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert len(str(error.value).splitlines()) == 1
    return error.value


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def summary(folder: str = "out") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(folder, "summary.json").read_text())
    return content


def test_a_named_scenario_gives_schedule_offers_plots_and_summary(capsys: pytest.CaptureFixture[str]) -> None:
    run("simple_house", "--date", "2026-01-21", "--market", "comax", "--market", "alf", "--plots", "--out", "out")
    assert files_below(Path("out")) == [
        "offers/alf/2026-01-21_batFlex-Angebot.csv",
        "offers/alf/2026-01-21_pvFlex-Angebot.csv",
        "offers/comax/bat_flex_offers.csv",
        "offers/comax/bat_flex_offers.xlsx",
        "offers/comax/pv_flex_offers.csv",
        "offers/comax/pv_flex_offers.xlsx",
        "plots/aggregated_power.png",
        "plots/aggregated_price.png",
        "plots/energy_balance.png",
        "plots/flexibility_bat.png",
        "plots/flexibility_pv.png",
        "plots/state_of_charge.png",
        "schedule.csv",
        "schedule.xlsx",
        "summary.json",
    ]
    found = summary()
    assert found["status"] == "optimal"
    assert found["unmet"] == []
    assert found["total_cost_eur"] <= found["baseline_cost_eur"]
    assert found["total_cost_eur"] == pytest.approx(sum(found["cost_by_cause_eur"].values()))
    assert set(found["seconds"]) >= {"build", "solve", "offers", "plots", "total"}
    assert set(found["offers"]) == {"pv", "bat"}
    assert sorted(found["files"]) == files_below(Path("out"))
    shown = capsys.readouterr().out
    for text in ("House with PV and a battery", "Without control", "Saving", "out/schedule.csv"):
        assert text in shown


def test_the_schedule_holds_every_series_with_local_times() -> None:
    run("colony", "--date", "2026-10-25", "--out", "out")
    table = pd.read_csv("out/schedule.csv", sep=";")
    assert len(table) == 100
    assert table["time"].tolist()[11:13] == ["2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00"]
    assert {"site.grid_power_kw", "ess.soc_percent", "dg.fuel_l_per_h", "wind.curtailed_kw"} <= set(table)
    assert {"price.import_eur_per_kwh", "price.fuel_eur_per_l", "input.wind.yield_kw_per_kw"} <= set(table)
    power = table[["pv.power_kw", "wind.power_kw", "ess.power_kw", "dg.power_kw", "load.power_kw"]].sum(axis=1)
    assert power.to_numpy() == pytest.approx(table["site.grid_power_kw"].to_numpy(), abs=1e-5)
    workbook = pd.read_excel("out/schedule.xlsx")
    pd.testing.assert_frame_equal(workbook, table, check_dtype=False)


@needs_reference
def test_the_reference_optimum_from_the_command_line() -> None:
    run("simple_house", "--input", str(INPUT), "--date", "2019-12-18", "--out", "out")
    assert summary()["total_cost_eur"] == pytest.approx(7.325672428385, rel=1e-6)


def test_a_file_is_a_site_of_its_own() -> None:
    run("--template", "house.csv")
    run("house.csv", "--gap", "0.02", "--step", "60", "--date", "2026-01-21", "--plot-format", "svg")
    found = summary("out/house")
    assert (found["scenario"], found["steps"]) == ("house", 24)
    assert found["devices"]["ev"]["electricity_taken_kwh"] > 20
    assert found["devices"]["load"]["electricity_taken_kwh"] == pytest.approx(20.6, rel=0.01)
    assert "plots/energy_balance.svg" in found["files"]


def test_without_a_market_no_offers_are_written() -> None:
    run("pv", "--out", "out")
    assert files_below(Path("out")) == ["schedule.csv", "schedule.xlsx", "summary.json"]
    assert set(summary()["offers"]) == {"pv"}


def test_offers_are_made_by_the_method_that_is_named() -> None:
    run("simple_house", "--step", "60", "--method", "exact", "--market", "alf", "--out", "exact")
    run("simple_house", "--step", "60", "--market", "alf", "--out", "default")
    names = [name for name in files_below(Path("exact")) if name.startswith("offers/alf/")]
    assert len(names) == 2
    bat = next(name for name in names if "bat" in name)
    assert (Path("exact") / bat).read_bytes() != (Path("default") / bat).read_bytes()


def test_templates_and_conversion_there_and_back() -> None:
    for suffix in ("csv", "xlsx"):
        run("--template", f"a.{suffix}")
        assert read_file(Path(f"a.{suffix}")).series.rows == 96
    run("a.xlsx", "--convert-to", "csv", "--out", "converted")
    assert Path("converted/a.csv").read_bytes() == Path("a.csv").read_bytes()
    run("a.csv", "--convert-to", "xlsx", "--out", "converted")
    workbook = read_bytes(Path("converted/a.xlsx").read_bytes(), "a.xlsx")
    assert workbook.series.electric_load_kw.tolist() == read_file(Path("a.csv")).series.electric_load_kw.tolist()


USER_ERRORS = {
    "unknown name": (["house"], f"house: no such scenario; allowed: {NAMES}, or a file ending in .csv or .xlsx"),
    "no name": ([], f"NAME: missing; allowed: {NAMES}, or a file ending in .csv or .xlsx"),
    "missing file": (["x.csv"], "x.csv: cannot be read (No such file or directory); allowed: a readable file"),
    "wrong ending": (["x.json"], "x.json: unknown ending '.json'; allowed: a file name ending in .csv or .xlsx"),
    "date": (
        ["pv", "--date", "21.01.2026"],
        "--date: '21.01.2026' is not a date; allowed: YYYY-MM-DD in the years 1970 to 2100",
    ),
    "date at the end of the calendar": (
        ["pv", "--date", "9999-12-31"],
        "--date: '9999-12-31' is out of range; allowed: YYYY-MM-DD in the years 1970 to 2100",
    ),
    "zone": (
        ["pv", "--zone", "Mars/Base"],
        "--zone: no time zone 'Mars/Base'; allowed: an IANA name such as Europe/Berlin",
    ),
    "gap": (["pv", "--gap", "small"], "--gap: 'small' is not a number; allowed: a number such as 0.001"),
    "negative gap": (["pv", "--gap=-1"], "--gap: -1; allowed: a number of at least 0, such as 1e-4"),
    "no time": (["pv", "--time-limit", "0"], "--time-limit: 0; allowed: a number of seconds above 0"),
    "step": (
        ["pv", "--step", "7"],
        "--step: '7' minutes; allowed: minutes that divide the hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60",
    ),
    "method": (["pv", "--method", "magic"], "--method: no method 'magic'; allowed: exact, opentumflex"),
    "market": (["pv", "--market", "moon"], "--market: no market 'moon'; allowed: alf, comax"),
    "plot format": (["pv", "--plot-format", "gif"], "--plot-format: no format 'gif'; allowed: png, jpg, svg"),
    "convert a name": (
        ["pv", "--convert-to", "csv"],
        "pv: no file to convert; allowed: a file ending in .csv or .xlsx",
    ),
    "convert to what": (["a.csv", "--convert-to", "ods"], "--convert-to: no format 'ods'; allowed: csv, xlsx"),
    "template of what": (
        ["--template", "a.txt"],
        "a.txt: unknown ending '.txt'; allowed: a file name ending in .csv or .xlsx",
    ),
    "series of another site": (
        ["colony", "--input", "given.csv"],
        "given.csv: no column fuel_price; allowed: a column fuel_price, which colony needs",
    ),
    "template over a file": (
        ["--template", "given.csv"],
        "given.csv: cannot be written (File exists); allowed: the name of a new file in a writable folder",
    ),
    "results into a file": (
        ["pv", "--out", "given.csv"],
        "given.csv: not a folder; allowed: a new folder, or one of an earlier run",
    ),
}


@pytest.mark.parametrize("name", USER_ERRORS)
def test_user_errors_are_one_line_with_status_2_and_write_nothing(name: str) -> None:
    Path("given.csv").write_bytes(template("csv"))
    arguments, message = USER_ERRORS[name]
    error = failed(*arguments)
    assert str(error) == message
    assert error.returncode == 2
    assert files_below(Path()) == ["given.csv"]


def test_a_broken_file_names_the_cell_and_writes_nothing() -> None:
    Path("house.csv").write_bytes(template("csv").replace(b"bat;stocap;8.0", b"bat;stocap;-8"))
    error = failed("house.csv", "--out", "out")
    assert str(error).startswith("house.csv, row 16, column value: -8 is out of range; allowed: a number of at least 0")
    assert error.returncode == 2
    assert files_below(Path()) == ["house.csv"]


def test_fifty_megabytes_of_junk_need_no_memory() -> None:
    with Path("junk.csv").open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()
    failed("junk.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_second_run_replaces_the_first_and_keeps_what_is_not_ours() -> None:
    run("simple_house", "--plots", "--market", "comax", "--out", "out")
    Path("out/notes.txt").write_text("mine")
    run("pv", "--out", "out")
    assert files_below(Path("out")) == ["notes.txt", "schedule.csv", "schedule.xlsx", "summary.json"]
    assert summary()["scenario"] == "pv"


def test_files_of_somebody_else_are_not_overwritten() -> None:
    Path("out/plots").mkdir(parents=True)
    error = failed("pv", "--out", "out")
    assert str(error) == (
        "out: holds plots, which no earlier run has written; allowed: a new folder, or one of an earlier run"
    )
    assert error.returncode == 2


def test_a_plan_that_breaks_physics_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(problem: SiteProblem, schedule: Schedule) -> tuple[Violation, ...]:
        return (Violation(device="bat", rule="content", step=3, amount=0.5),)

    monkeypatch.setattr(scenario_run, "verify", verify)
    error = failed("pv", "--out", "out")
    assert str(error) == "the plan breaks physics: bat: content is off by 0.5 in step 3; nothing written"
    assert error.returncode == 1
    assert files_below(Path()) == []


def test_a_failing_solver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def solve(*args: object, **options: object) -> Schedule:
        raise SolverError("out of memory")

    monkeypatch.setattr(scenario_run, "solve", solve)
    error = failed("pv", "--out", "out")
    assert (str(error), error.returncode) == ("out of memory; nothing written", 1)


def test_a_full_disk_leaves_the_earlier_results(monkeypatch: pytest.MonkeyPatch) -> None:
    run("pv", "--out", "out")
    before = Path("out/summary.json").read_bytes()

    def rename(self: Path, target: Path) -> Path:
        if self.name == "summary.json" and self.parent.name == "new":
            raise OSError(28, "No space left on device")
        self.replace(target)
        return target

    monkeypatch.setattr(Path, "rename", rename)
    error = failed("bat", "--out", "out")
    assert "No space left on device" in str(error)
    assert Path("out/summary.json").read_bytes() == before
    assert files_below(Path()) == ["out/schedule.csv", "out/schedule.xlsx", "out/summary.json"]


def test_ctrl_c_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **options: object) -> Schedule:
        raise KeyboardInterrupt

    monkeypatch.setattr(scenario_run, "solve", interrupted)
    error = failed("pv", "--out", "out")
    assert (str(error), error.returncode) == ("interrupted, nothing written", 130)
    assert files_below(Path()) == []


def test_a_time_limit_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    run("apartment", "--date", "2026-01-21", "--gap", "0", "--time-limit", "0.3", "--out", "out")
    assert summary()["status"] == "time_limit"
    assert "The time limit of 0.3 s ended the search" in " ".join(capsys.readouterr().out.split())


def test_missed_wishes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    run("bat", "--date", "2026-01-21", "--out", "out")
    assert summary()["unmet"][0]["start"] == "2026-01-21T00:00+01:00"
    assert "Not held: bat, lowest state of charge" in capsys.readouterr().out


def test_an_unknown_option_is_one_line() -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="unrecognized arguments: --fast"):
        call_command("run_scenario", "pv", "--fast", stderr=out)
