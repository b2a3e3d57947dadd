"""Records for back-tests from files: CSV, plain or gzip, with `series,time,y` and one column per input."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.engine.backtest import Record
from forecasting.engine.grid import Series
from forecasting.engine.protocol import ChannelFacts, ForecastError

REQUIRED = ("series", "time", "y")
# Names that public data sets use, in the names that the models know.
INPUT_NAMES: Mapping[str, str] = {
    "temp": "temperature_c",
    "t2m": "temperature_c",
    "ghi": "ghi_w_per_m2",
    "ssrd": "ghi_w_per_m2",
    "ws10": "wind_speed_10m_m_per_s",
    "ws100": "wind_speed_100m_m_per_s",
}


def read_record(
    path: Path,
    *,
    kind: str,
    time_zone: str = "UTC",
    country: str = "",
    inputs: Sequence[str] | None = None,
    production: bool = False,
) -> Record:
    """Return the record of a file whose times are UTC; `inputs` are the columns that were known beforehand (all).

    Values of `production` are turned to the house sign, below zero. Raises `ForecastError` for a file of another shape.
    """
    table = _table(path)
    names = [name for name in table.columns if name not in REQUIRED] if inputs is None else list(inputs)
    if unknown := sorted(set(names) - set(table.columns)):
        raise ForecastError(f"inputs: {unknown[0]!r} is no column of {path.name}; it has {', '.join(table.columns)}.")
    table, names = _with_wind_speeds(table, names)
    wide = table.pivot_table(index="time", columns="series", values=["y", *names], dropna=False)
    start, step = wide.index[0], _step(wide.index, path)
    wide = wide.reindex(pd.date_range(start, wide.index[-1], freq=step))
    sign = -1.0 if production else 1.0
    series = sorted(table["series"].unique())
    return Record(
        channels=[ChannelFacts(name, kind, time_zone, country) for name in series],
        start=start.to_pydatetime(),
        step=step,
        values=sign * _values(wide, "y", series),
        inputs={INPUT_NAMES.get(name, name): _values(wide, name, series) for name in names},
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ForecastError(f"data: {path} cannot be read as CSV: {error}") from error
    if missing := [name for name in REQUIRED if name not in table.columns]:
        raise ForecastError(f"data: {path.name} has no column {missing[0]!r}; {', '.join(REQUIRED)} are needed.")
    try:
        table["time"] = pd.to_datetime(table["time"], utc=True)
        return table.astype({name: float for name in table.columns if name not in ("series", "time")})
    except (ValueError, TypeError) as error:
        raise ForecastError(f"data: {path.name} has a value that is no time or no number: {error}") from error


def _with_wind_speeds(table: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with a speed beside the east and north components of a wind, as `u10` and `v10`."""
    heights = [name[1:] for name in names if name[0] == "u" and name[1:].isdigit() and f"v{name[1:]}" in names]
    speeds = {f"ws{height}": np.hypot(table[f"u{height}"], table[f"v{height}"]) for height in heights}
    return table.assign(**speeds), names + [name for name in speeds if name not in names]


def _step(times: pd.Index, path: Path) -> timedelta:
    if len(times) < 2:
        raise ForecastError(f"data: {path.name} has {len(times)} time steps; at least 2 are needed.")
    return pd.Timedelta(np.diff(times).min()).to_pytimedelta()


def _values(wide: pd.DataFrame, name: str, series: Sequence[str]) -> Series:
    return wide[[(name, one) for one in series]].to_numpy(dtype=np.float64).T.copy()
