"""From a stored scenario to what is planned, and its numbers as a person changes them."""

from dataclasses import dataclass, replace
from datetime import timedelta

from flexmarket.lab.numbers import Changes
from flexmarket.models import Scenario, ScenarioRun
from flexmarket.scenario_run import RunInputs, RunOptions
from optimization.engine import ProblemError, SiteProblem
from optimization.scenarios import (
    FORMATS,
    Content,
    InputError,
    SiteSeries,
    named_scenario,
    read_bytes,
    scenario_from_file,
)
from optimization.scenarios.cells import DeviceParameters

MARKETS = ("comax", "alf")
PLOT_FORMAT = "png"


@dataclass(frozen=True)
class InputFile:
    """The input of a scenario as a file."""

    name: str
    data: bytes


def inputs_of(scenario: Scenario, changes: Changes | None = None) -> RunInputs:
    """Return the site and series of a scenario.

    Raises:
        InputError: for a file that cannot be used, with everything that is wrong in it.
    """
    if scenario.template:
        named = named_scenario(scenario.template)
        return RunInputs(scenario=named, series=None, origin=scenario.template, changes=changes or {})
    content = read_bytes(bytes(scenario.file or b""), scenario.file_name)
    site = scenario_from_file(content, scenario.name)
    return RunInputs(scenario=site, series=content.series, origin=scenario.file_name, changes=changes or {})


def options_of(scenario: Scenario, run: ScenarioRun | None = None) -> RunOptions:
    """Return how a scenario is run: with every file that `run_scenario` can make."""
    options = RunOptions(
        day=scenario.day,
        zone=scenario.zone,
        step=timedelta(minutes=scenario.step_minutes),
        markets=MARKETS,
        plot_format=PLOT_FORMAT,
    )
    return (
        options
        if run is None
        else replace(options, solver=run.solver, gap=run.gap, time_limit=run.time_limit, method=run.method)
    )


def problem_of(scenario: Scenario, changes: Changes | None = None) -> SiteProblem:
    """Return what is planned.

    Raises:
        InputError: for an input that cannot be used.
        ProblemError: for a changed number that cannot be.
    """
    try:
        unchanged = inputs_of(scenario).problem(options_of(scenario))
    except ProblemError as error:
        raise InputError(scenario.origin, f"{error.field} is {error.value}", error.allowed) from error
    return inputs_of(scenario, changes).problem(options_of(scenario)) if changes else unchanged


def series_of(scenario: Scenario) -> SiteSeries:
    """Return the series of a scenario as its input holds them; raises as `inputs_of`."""
    inputs = inputs_of(scenario)
    return inputs.series or inputs.scenario.sample_series(scenario.horizon, scenario.zone)


def parameters_of_file(scenario: Scenario) -> DeviceParameters:
    """Return the device parameters of an uploaded file; a named scenario has none."""
    return {} if scenario.template else read_bytes(bytes(scenario.file or b""), scenario.file_name).parameters


def file_of(scenario: Scenario) -> InputFile:
    """Return the uploaded file, or the series of a named scenario as CSV."""
    if not scenario.template:
        return InputFile(scenario.file_name, bytes(scenario.file or b""))
    return InputFile(f"{scenario.template}.csv", FORMATS["csv"].write(Content({}, series_of(scenario))))
