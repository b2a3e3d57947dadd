"""The COMAX files: one table per device, semicolons, decimal points, one line per step."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pandas as pd

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters.contract import Files, Sheets, Tables, check_lengths
from flexmarket.engine.exporters.file_names import file_stems
from flexmarket.engine.exporters.generation_columns import generation_columns
from flexmarket.engine.exporters.local_time import local_times
from flexmarket.engine.table import FlexTable
from optimization.engine.horizon import Horizon

LAYOUTS = ("timed", "reference")
COLUMNS = ("Sch_P", "Neg_P", "Pos_P", "Neg_E", "Pos_E", "Neg_Pr", "Pos_Pr")
FORECAST_COLUMNS = ("Pos_P", "Neg_P", "Pos_E", "Neg_E", "Pos_Pr", "Neg_Pr", "Fcst_Pr", "Sch_P")
TIME = "Time"


@dataclass(frozen=True, kw_only=True)
class ComaxParameters:
    """Layout "timed": a first column `Time` (ISO 8601, local, with UTC offset), then the same columns for all devices.

    Layout "reference": as OpenTUMFlex 1.0 writes it, without time and with another order for electric vehicles.
    """

    layout: str = "timed"

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise OfferError("layout", self.layout, ", ".join(LAYOUTS))


def sheets(tables: Tables, horizon: Horizon, zone: ZoneInfo, parameters: ComaxParameters) -> Sheets:
    """Return the table of each device as a data frame, by file name without its ending.

    kW, kWh, EUR/kWh, not rounded, positive for production (see `generation_columns`).
    """
    check_lengths(tables, horizon)
    stems = file_stems(tables)
    times = [time.isoformat(timespec="minutes") for time in local_times(horizon, zone)]
    frames = {}
    for name, table in tables.items():
        frame = _frame(table, parameters.layout)
        if parameters.layout == "timed":
            frame.insert(0, TIME, times)
        frames[f"{stems[name]}_flex_offers"] = frame
    return frames


def files(tables: Tables, horizon: Horizon, zone: ZoneInfo, parameters: ComaxParameters) -> Files:
    """Return the CSV file of each device, by file name."""
    frames = sheets(tables, horizon, zone, parameters)
    return {
        f"{stem}.csv": frame.to_csv(sep=";", index=False, lineterminator="\n").encode()
        for stem, frame in frames.items()
    }


def _frame(table: FlexTable, layout: str) -> pd.DataFrame:
    columns = generation_columns(table)
    if "Fcst_Pr" not in columns:
        return pd.DataFrame({name: columns[name] for name in COLUMNS})
    order = FORECAST_COLUMNS if layout == "reference" else (*COLUMNS, "Fcst_Pr")
    return pd.DataFrame({name: columns[name] for name in order})
