"""The COMAX files: one table per device, semicolons, decimal points, one line per step."""

from collections.abc import Iterator, Sequence
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
Columns = dict[str, Sequence[str] | Sequence[float]]


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
    return {stem: pd.DataFrame(columns) for stem, columns in _columns_by_stem(tables, horizon, zone, parameters)}


def files(tables: Tables, horizon: Horizon, zone: ZoneInfo, parameters: ComaxParameters) -> Files:
    """Return the CSV file of each device, by file name."""
    return {f"{stem}.csv": _csv(columns) for stem, columns in _columns_by_stem(tables, horizon, zone, parameters)}


def _columns_by_stem(
    tables: Tables, horizon: Horizon, zone: ZoneInfo, parameters: ComaxParameters
) -> Iterator[tuple[str, Columns]]:
    check_lengths(tables, horizon)
    stems = file_stems(tables)
    timed = parameters.layout == "timed"
    times = [time.isoformat(timespec="minutes") for time in local_times(horizon, zone)] if timed else []
    for name, table in tables.items():
        first: Columns = {TIME: times} if timed else {}
        yield f"{stems[name]}_flex_offers", first | _columns(table, parameters.layout)


def _columns(table: FlexTable, layout: str) -> Columns:
    columns = generation_columns(table)
    if "Fcst_Pr" not in columns:
        return {name: columns[name].tolist() for name in COLUMNS}
    order = FORECAST_COLUMNS if layout == "reference" else (*COLUMNS, "Fcst_Pr")
    return {name: columns[name].tolist() for name in order}


def _csv(columns: Columns) -> bytes:
    """Return the lines; numbers in the shortest form that reads back as the same number."""
    lines = [columns.keys(), *zip(*(map(str, values) for values in columns.values()), strict=True)]
    return "".join(";".join(line) + "\n" for line in lines).encode()
