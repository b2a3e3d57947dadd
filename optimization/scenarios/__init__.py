"""Scenarios: named sites, sites from OpenTUMFlex files, and the shipped sample days."""

from collections.abc import Mapping
from typing import Literal

from optimization.scenarios.colony import COLONY
from optimization.scenarios.content import Content
from optimization.scenarios.errors import InputError, Place
from optimization.scenarios.from_file import scenario_from_file
from optimization.scenarios.households import HOUSEHOLDS
from optimization.scenarios.input_file import FORMATS, MAX_BYTES, format_of, read_bytes, read_file, tables_of
from optimization.scenarios.samples import Season, sample, sample_series, season_of
from optimization.scenarios.scenario import Scenario
from optimization.scenarios.series import SiteSeries

SCENARIOS: Mapping[str, Scenario] = {**HOUSEHOLDS, **COLONY}


def named_scenario(name: str) -> Scenario:
    """Return a scenario by its name.

    Raises:
        InputError: lists the names.
    """
    if name not in SCENARIOS:
        raise InputError(name, "no such scenario", f"{', '.join(SCENARIOS)}, or a file ending in .csv or .xlsx")
    return SCENARIOS[name]


def template(suffix: Literal["csv", "xlsx"]) -> bytes:
    """Return a complete example file, the household's winter day, to be filled with one's own numbers."""
    return FORMATS[suffix].write(sample("winter"))


__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "SCENARIOS",
    "Content",
    "InputError",
    "Place",
    "Scenario",
    "Season",
    "SiteSeries",
    "format_of",
    "named_scenario",
    "read_bytes",
    "read_file",
    "sample",
    "sample_series",
    "scenario_from_file",
    "season_of",
    "tables_of",
    "template",
]
