"""The shipped sample days: synthetic series of a household and of the colony, made by `generate.py`."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from optimization.engine.horizon import Horizon
from optimization.scenarios.content import Content
from optimization.scenarios.input_file import read_file
from optimization.scenarios.series import SiteSeries

Season = Literal["winter", "summer"]

FOLDER = Path(__file__).parent
FILE_NAMES = {"household": "{season}_day.csv", "colony": "colony_{season}_day.csv"}
LAST_MONTH_OF_WINTER = 3
FIRST_MONTH_OF_WINTER = 10


def season_of(day: date) -> Season:
    """Return winter from October to March, else summer."""
    return "summer" if LAST_MONTH_OF_WINTER < day.month < FIRST_MONTH_OF_WINTER else "winter"


@cache
def sample(season: Season, site: str = "household") -> Content:
    """Return a shipped file's content: 96 quarter-hours, for the household with the parameters of its devices.

    Raises:
        KeyError: for a site that has no samples.
    """
    return read_file(FOLDER / FILE_NAMES[site].format(season=season))


def sample_series(season: Season, horizon: Horizon, zone: ZoneInfo, *, site: str = "household") -> SiteSeries:
    """Return a shipped day with one value per step of `horizon`, read by the local clock.

    Raises:
        KeyError: for a site that has no samples.
    """
    return sample(season, site).series.on(horizon, zone)
