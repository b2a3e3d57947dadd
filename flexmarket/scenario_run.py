"""One scenario from its input to verified results: schedule, offers, plots and a summary. Needs no database."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from flexmarket.engine.exporters import EXPORTERS
from flexmarket.engine.methods import DEFAULT_METHOD, METHODS, quantify
from flexmarket.engine.table import FlexTable
from flexmarket.exports import offer_files
from flexmarket.lab.numbers import Changes, changed
from optimization.engine import (
    SOLVERS,
    Horizon,
    ProblemError,
    Schedule,
    SiteProblem,
    SolverError,
    baseline,
    solve,
    verify,
)
from optimization.scenarios import InputError, Scenario, SiteSeries, named_scenario, read_file, scenario_from_file
from optimization.scenarios.result_folder import MADE_BY, SUMMARY, check_folder, write_folder
from optimization.scenarios.schedule_table import schedule_csv, schedule_frame, schedule_xlsx

PLOT_FORMATS = ("png", "jpg", "svg")
Report = Callable[[str, float | None], None]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run: the day and its steps, the solver, and which files to make."""

    day: date
    zone: ZoneInfo
    step: timedelta = timedelta(minutes=15)
    solver: str = "milp"
    gap: float = 1e-4
    time_limit: float = 60.0
    markets: tuple[str, ...] = ()
    method: str = DEFAULT_METHOD
    plot_format: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunRequest(RunOptions):
    """What to run: a scenario's name or a file, and how; `input` brings the series in place of the sample or file."""

    source: str
    out: Path
    input: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """A scenario, the series to plan it with (None: its sample), where they come from, and changed numbers."""

    scenario: Scenario
    series: SiteSeries | None
    origin: str
    changes: Changes = field(default_factory=dict)

    def problem(self, options: RunOptions) -> SiteProblem:
        """Return what is to be planned.

        Raises:
            InputError: for series that do not fit the day, or parameters that contradict each other.
            ProblemError: where a device contradicts physics.
        """
        horizon = Horizon.market_day(options.day, options.zone, options.step)
        series = self.series or self.scenario.sample_series(horizon, options.zone)
        return changed(self.scenario.problem(series, horizon, options.zone), self.changes)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run has found, its files by path within a folder, and where they were written."""

    problem: SiteProblem
    schedule: Schedule
    uncontrolled: Schedule
    tables: Mapping[str, FlexTable]
    summary: Mapping[str, Any]
    files: Mapping[str, bytes]
    paths: list[Path] = field(default_factory=list)


@dataclass
class Phases:
    """Seconds per phase; entering a phase reports it."""

    report: Report
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure what happens inside as the phase `name`."""
        self.report(name, None)
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


class PlanRejectedError(RuntimeError):
    """The plan breaks physics or no plan was found; nothing was written."""


def is_file_name(source: str) -> bool:
    """Return whether a source means a file, not a scenario's name."""
    return bool(Path(source).suffix) or len(Path(source).parts) > 1


def run_scenario(request: RunRequest, report: Report) -> RunResult:
    """Plan the day, verify the plan, make the offers, and write everything to `request.out`, or nothing.

    `report` is called with each phase, and with the solver's gap while it searches.

    Raises:
        InputError: for anything wrong in the request or its files.
        PlanRejectedError: where the solver fails or its plan breaks physics.
    """
    _check(request)
    check_folder(request.out)
    phases = Phases(report)
    with phases("read"):
        inputs = _inputs(request)
    result = plan_scenario(inputs, request, phases)
    report("write", None)
    return replace(result, paths=write_folder(request.out, result.files))


def plan_scenario(inputs: RunInputs, options: RunOptions, phases: Phases) -> RunResult:
    """Plan the day, verify the plan, make the offers and every file, and write nothing.

    Raises:
        InputError: for anything wrong in the inputs.
        PlanRejectedError: where the solver fails or its plan breaks physics.
    """
    try:
        problem, schedule, uncontrolled = _planned(inputs, options, phases)
    except ProblemError as error:
        raise InputError(inputs.origin, f"{error.field} is {error.value}", error.allowed) from error
    except SolverError as error:
        raise PlanRejectedError(str(error)) from error
    files: dict[str, bytes] = {}
    with phases("offers"):
        tables = quantify(problem, schedule, options.method)
        for market in options.markets:
            made = _market_files(market, tables, problem.horizon, options.zone)
            files |= {f"offers/{market}/{name}": data for name, data in made.items()}
    if options.plot_format:
        with phases("plots"):
            files |= _plots(problem, schedule, tables, options)
    with phases("tables"):
        frame = schedule_frame(problem, schedule, options.zone)
        files = {"schedule.csv": schedule_csv(frame), "schedule.xlsx": schedule_xlsx(frame), **files}
    summary = _summary(inputs, options, schedule, uncontrolled, tables)
    summary |= {"seconds": _rounded(phases.seconds), "files": [*files, SUMMARY]}
    files[SUMMARY] = (json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    return RunResult(
        problem=problem, schedule=schedule, uncontrolled=uncontrolled, tables=tables, summary=summary, files=files
    )


def _check(request: RunRequest) -> None:
    if request.solver not in SOLVERS:
        raise InputError("--solver", f"no solver {request.solver!r}", ", ".join(SOLVERS))
    if not (math.isfinite(request.gap) and request.gap >= 0):
        raise InputError("--gap", f"{request.gap:g}", "a number of at least 0, such as 1e-4")
    if not (math.isfinite(request.time_limit) and request.time_limit > 0):
        raise InputError("--time-limit", f"{request.time_limit:g}", "a number of seconds above 0")
    if request.method not in METHODS:
        raise InputError("--method", f"no method {request.method!r}", ", ".join(METHODS))
    for market in request.markets:
        if market not in EXPORTERS:
            raise InputError("--market", f"no market {market!r}", ", ".join(EXPORTERS))
    if request.plot_format not in (None, *PLOT_FORMATS):
        raise InputError("--plot-format", f"no format {request.plot_format!r}", ", ".join(PLOT_FORMATS))


def _inputs(request: RunRequest) -> RunInputs:
    series = read_file(request.input).series if request.input else None
    if not is_file_name(request.source):
        scenario = named_scenario(request.source)
        origin = request.source if request.input is None else request.input.name
        return RunInputs(scenario=scenario, series=series, origin=origin)
    path = Path(request.source)
    content = read_file(path)
    scenario = scenario_from_file(content, path.stem)
    return RunInputs(scenario=scenario, series=series or content.series, origin=path.name)


def _planned(inputs: RunInputs, options: RunOptions, phases: Phases) -> tuple[SiteProblem, Schedule, Schedule]:
    """Return the problem, its verified plan, and the plan without control.

    Raises:
        PlanRejectedError: where the plan breaks physics.
    """
    with phases("prepare"):
        problem = inputs.problem(options)
    schedule = solve(
        problem, solver=options.solver, gap=options.gap, time_limit=options.time_limit, progress=phases.report
    )
    phases.seconds |= schedule.seconds
    with phases("verify"):
        violations = verify(problem, schedule)
    if violations:
        raise PlanRejectedError(f"the plan breaks physics: {'; '.join(map(str, violations[:3]))}")
    with phases("baseline"):
        uncontrolled = baseline(problem)
    return problem, schedule, uncontrolled


def _market_files(
    market: str, tables: Mapping[str, FlexTable], horizon: Horizon, zone: ZoneInfo
) -> Mapping[str, bytes]:
    formats = ("csv", "xlsx") if EXPORTERS[market].sheets is not None else ("csv",)
    return offer_files(market, tables, horizon, zone, formats)


def _plots(
    problem: SiteProblem, schedule: Schedule, tables: Mapping[str, FlexTable], options: RunOptions
) -> dict[str, bytes]:
    image_format = options.plot_format or PLOT_FORMATS[0]
    # Matplotlib takes a second to import, and no page of the portal needs it.
    from flexmarket import plots as offer_plots
    from optimization import plots as plan_plots

    figures = plan_plots.figures(problem, schedule, options.zone)
    figures |= offer_plots.figures(tables, problem.horizon, options.zone)
    return {f"plots/{name}.{image_format}": plan_plots.render(figure, image_format) for name, figure in figures.items()}


def _summary(
    inputs: RunInputs,
    options: RunOptions,
    schedule: Schedule,
    uncontrolled: Schedule,
    tables: Mapping[str, FlexTable],
) -> dict[str, Any]:
    """Return what `summary.json` says; costs in EUR, energies in kWh above 0 for consumption, CO2 in kg."""
    # Adding 0.0 turns -0.0 into 0.0.
    costs = {name: amount + 0.0 for name, amount in asdict(schedule.cost).items()}
    return {
        "made_by": MADE_BY,
        "scenario": inputs.scenario.name,
        "title": inputs.scenario.title,
        "input": inputs.origin,
        "date": options.day.isoformat(),
        "zone": options.zone.key,
        "step_minutes": options.step / timedelta(minutes=1),
        "steps": schedule.horizon.count,
        "total_cost_eur": schedule.cost.total_eur,
        "baseline_cost_eur": uncontrolled.cost.total_eur,
        "saving_eur": uncontrolled.cost.total_eur - schedule.cost.total_eur,
        "cost_by_cause_eur": {name.removesuffix("_eur"): value for name, value in costs.items() if name != "co2_kg"},
        "co2_kg": schedule.cost.co2_kg,
        "baseline_co2_kg": uncontrolled.cost.co2_kg,
        "solver": schedule.solver,
        "status": schedule.status,
        "objective_eur": schedule.objective_eur,
        "bound_eur": _finite(schedule.bound_eur),
        "gap": _finite(schedule.gap),
        "gap_wanted": options.gap,
        "time_limit_seconds": options.time_limit,
        "unmet": _unmet(schedule, options.zone),
        "baseline_unmet": _unmet(uncontrolled, options.zone),
        "devices": _energies(schedule),
        "offers": {name: _offers(table) for name, table in tables.items()},
    }


def _unmet(schedule: Schedule, zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        {**asdict(wish), "start": wish.start.astimezone(zone).isoformat(timespec="minutes")} for wish in schedule.unmet
    ]


def _energies(schedule: Schedule) -> dict[str, dict[str, float]]:
    """Return per device the electric and heat energy it takes and gives, kWh."""
    hours = schedule.horizon.step_hours
    site = {"site": {"power_kw": schedule.grid_power_kw}}
    energies = {}
    for name, series in {**site, **schedule.devices}.items():
        energies[name] = {
            f"{label}_{direction}_kwh": float(np.clip(sign * series[key], 0, None).sum() * hours)
            for key, label in (("power_kw", "electricity"), ("heat_kw", "heat"))
            if key in series
            for direction, sign in (("taken", 1), ("given", -1))
        }
    return energies


def _offers(table: FlexTable) -> dict[str, Any]:
    """Return per direction how many steps offer, the greatest power, and the mean price weighted by energy."""
    offers: dict[str, Any] = {"kind": table.kind}
    for direction in ("positive", "negative"):
        power, energy, price = (
            getattr(table, f"{direction}_{name}") for name in ("power_kw", "energy_kwh", "price_eur_per_kwh")
        )
        offers[direction] = {
            "steps": int((power > 0).sum()),
            "max_power_kw": float(power.max()),
            "max_energy_kwh": float(energy.max()),
            "mean_price_eur_per_kwh": float(np.average(price, weights=energy)) if energy.any() else None,
        }
    return offers


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()} | {"total": round(sum(seconds.values()), 3)}
