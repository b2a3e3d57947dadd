"""The ALF files: German headers, ct/kWh, one file per device and day, call constraints in the first line."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from flexmarket.engine.exporters.alf.parameters import AlfParameters
from flexmarket.engine.exporters.contract import Files, Tables, check_lengths
from flexmarket.engine.exporters.file_names import file_stems
from flexmarket.engine.exporters.generation_columns import generation_columns
from flexmarket.engine.exporters.local_time import local_times
from flexmarket.engine.table import FlexTable
from optimization.engine.horizon import Horizon
from optimization.engine.series import Series

TIME = "Uhrzeit"
POWERS_AND_ENERGIES = {
    "Leistung_Plan": "Sch_P",
    "Leistung-": "Neg_P",
    "Leistung+": "Pos_P",
    "Energie-": "Neg_E",
    "Energie+": "Pos_E",
}
PRICES = {"Preis-": "Neg_Pr", "Preis+": "Pos_Pr"}
CONSTRAINTS = (
    "Teilabruf",
    "max_Anzahl_Abrufe_pro_Tag",
    "max_Dauer_pro_Tag_in_h",
    "Dauer_zwischen_zwei_Abrufen_in_h",
    "max_Dauer_eines_Abrufs",
    "min_Dauer_eines_Abrufs",
)
HEADER = (TIME, *POWERS_AND_ENERGIES, *PRICES, *CONSTRAINTS)
DECIMALS = 5
PRICE_DECIMALS = 2
CENT_PER_EUR = 100
# Between these Python writes a number without an exponent.
SHORTEST, LONGEST = 1e-4, 1e16
TIME_FORMATS = {"point": "%Y-%m-%d %H:%M %z", "comma": "%d.%m.%Y %H:%M %z"}


def files(tables: Tables, horizon: Horizon, zone: ZoneInfo, parameters: AlfParameters) -> Files:
    """Return the CSV file of each device, by file name (local date of the first slot and device).

    kW and kWh with 5 decimals, ct/kWh with 2, positive for production (see `generation_columns`).
    """
    check_lengths(tables, horizon)
    stems = file_stems(tables)
    times = local_times(horizon, zone)
    shown = [time.strftime(TIME_FORMATS[parameters.dialect]) for time in times]
    return {
        f"{times[0]:%Y-%m-%d}_{stems[name]}Flex-Angebot.csv": _file(table, shown, parameters)
        for name, table in tables.items()
    }


def _file(table: FlexTable, times: Sequence[str], parameters: AlfParameters) -> bytes:
    number = _comma if parameters.dialect == "comma" else _point
    rows = [[time, *map(number, values)] for time, values in zip(times, _values(table), strict=True)]
    constraints = _constraints(parameters, number)
    lines = [HEADER, [*rows[0], *constraints], *([*row, *("" for _ in constraints)] for row in rows[1:])]
    return "".join(";".join(line) + "\n" for line in lines).encode()


def _values(table: FlexTable) -> list[list[float]]:
    """Return the seven numbers of each line, rounded."""
    columns = generation_columns(table)
    rounded = [_rounded(columns[name], DECIMALS) for name in POWERS_AND_ENERGIES.values()]
    rounded += [_rounded(columns[name] * CENT_PER_EUR, PRICE_DECIMALS) for name in PRICES.values()]
    return [list(row) for row in zip(*(column.tolist() for column in rounded), strict=True)]


def _rounded(values: Series, decimals: int) -> Series:
    # Adding 0.0 turns -0.0 into 0.0.
    return np.round(values, decimals) + 0.0


def _constraints(parameters: AlfParameters, number: Callable[[float], str]) -> list[str]:
    hours = (
        parameters.max_calls_per_day,
        parameters.max_hours_per_day,
        parameters.hours_between_calls,
        parameters.max_hours_per_call,
        parameters.min_hours_per_call,
    )
    return ["Ja" if parameters.partial_call else "Nein", *(number(float(value)) for value in hours)]


def _point(value: float) -> str:
    if value == 0 or SHORTEST <= abs(value) < LONGEST:
        return repr(value)
    return np.format_float_positional(value, trim="0")


def _comma(value: float) -> str:
    return _point(value).replace(".", ",")
