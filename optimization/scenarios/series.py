"""The series of a site over one day, one row per equal part of it, and how they meet a horizon."""

import math
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from optimization.engine.horizon import HOUR, Horizon
from optimization.engine.series import Series
from optimization.scenarios.errors import InputError, Place

MINUTES_PER_HOUR = 60
ROW_MINUTES = tuple(minutes for minutes in range(1, MINUTES_PER_HOUR + 1) if MINUTES_PER_HOUR % minutes == 0)
NORMAL_DAY_HOURS = 24
DAY_HOURS = (23, NORMAL_DAY_HOURS, 25)
ROWS_ALLOWED = "96 rows, one per 15 minutes of the day (or 24 of 60, 48 of 30, 144 of 10, 288 of 5 minutes)"


@dataclass(frozen=True)
class DayGrid:
    """How the rows of a file divide a day of 23, 24 or 25 hours."""

    hours: int
    minutes: int

    @classmethod
    def of(cls, rows: int, place: Place) -> "DayGrid":
        """Return the grid that a number of rows stands for.

        Raises:
            InputError: where the rows make no day.
        """
        for hours in DAY_HOURS:
            if rows and (hours * MINUTES_PER_HOUR) % rows == 0:
                minutes = hours * MINUTES_PER_HOUR // rows
                if minutes in ROW_MINUTES:
                    return cls(hours, minutes)
        raise InputError(place, f"{rows} rows of series", ROWS_ALLOWED)


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteSeries:
    """What a site sees over a day: weather, loads, prices, and whether the car is there (0 or 1); one value per row.

    96 rows are quarter-hours of the local clock; 92 and 100 rows fit only the days of the clock change.
    """

    place: Place
    temperature_c: Series
    pv_yield_kw_per_kw: Series
    heat_load_kw: Series
    electric_load_kw: Series
    import_price_eur_per_kwh: Series
    gas_price_eur_per_kwh: Series
    export_price_eur_per_kwh: Series
    ev_connected: Series
    wind_yield_kw_per_kw: Series | None = None
    fuel_price_eur_per_l: Series | None = None
    fitted_to: Horizon | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.temperature_c)

    def on(self, horizon: Horizon, zone: ZoneInfo) -> "SiteSeries":
        """Return the series with one value per step of `horizon`: the mean of the rows that the step covers.

        A day of 24 hours is read by the local clock, so it also serves days of a clock change and several days.
        The car counts as present in a step only where it is present throughout. Series that are fitted to this
        horizon come back as they are.

        Raises:
            InputError: where the rows make no day, or a day of a clock change that the horizon is not.
            ValueError: for series that are fitted to another horizon.
        """
        if self.fitted_to == horizon:
            return self
        if self.fitted_to is not None:
            raise ValueError(f"series are fitted to {self.fitted_to}, not to {horizon}")
        rows = self._rows_of_steps(horizon, zone)
        resampled = {
            field.name: values[rows].min(axis=1) if field.name == "ev_connected" else values[rows].mean(axis=1)
            for field in fields(self)
            if isinstance(values := getattr(self, field.name), np.ndarray)
        }
        return replace(self, fitted_to=horizon, **resampled)

    def _rows_of_steps(self, horizon: Horizon, zone: ZoneInfo) -> npt.NDArray[np.int_]:
        grid = DayGrid.of(self.rows, self.place)
        row = timedelta(minutes=grid.minutes)
        part = math.gcd(int(row.total_seconds()), int(horizon.step.total_seconds()))
        moments = [
            start + timedelta(seconds=offset)
            for start in horizon.times
            for offset in range(0, int(horizon.step.total_seconds()), part)
        ]
        if grid.hours == NORMAL_DAY_HOURS:
            local = [moment.astimezone(zone) for moment in moments]
            rows = [timedelta(hours=moment.hour, minutes=moment.minute) // row for moment in local]
        else:
            if horizon.end - horizon.start != grid.hours * HOUR:
                planned = (horizon.end - horizon.start) / HOUR
                problem = f"{self.rows} rows make a day of {grid.hours} hours, the planned day has {planned:g}"
                raise InputError(self.place, problem, ROWS_ALLOWED)
            rows = [(moment - horizon.start) // row for moment in moments]
        return np.array(rows, dtype=np.int_).reshape(horizon.count, -1)
