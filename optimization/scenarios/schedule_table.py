"""A schedule as one table with local timestamps, for CSV and XLSX."""

from dataclasses import fields
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from flexplatform.spreadsheets import guarded
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import SITE, Schedule

SHEET = "schedule"
TIME = "time"
DECIMALS = 9


def schedule_frame(problem: SiteProblem, schedule: Schedule, zone: ZoneInfo) -> pd.DataFrame:
    """Return one row per step: local start with UTC offset, the site, each device's plan, and every input series.

    Columns are `time`, `site.<series>`, `<device>.<series>`, `price.<series>`, `emissions.<series>` and
    `input.<device>.<series>`; their names carry the unit. Powers are above 0 for consumption, contents at the end of
    the step.
    """
    columns: dict[str, Any] = {
        TIME: [moment.astimezone(zone).isoformat(timespec="minutes") for moment in schedule.horizon.times],
        f"{SITE}.grid_power_kw": schedule.grid_power_kw,
        f"{SITE}.heat_surplus_kw": schedule.heat_surplus_kw,
    }
    for device, plan in schedule.devices.items():
        columns |= {f"{device}.{name}": values for name, values in plan.items()}
    columns |= _series_of(problem.prices, "price")
    columns |= _series_of(problem.emissions, "emissions")
    for described in problem.devices:
        if all(len(values) == schedule.horizon.count for values in _series_of(described, "").values()):
            columns |= _series_of(described, f"input.{described.name}")
    # Adding 0.0 turns -0.0 into 0.0.
    return pd.DataFrame({guarded(name): values if name == TIME else values + 0.0 for name, values in columns.items()})


def schedule_csv(frame: pd.DataFrame) -> bytes:
    """Return the table as CSV: `;` between fields, decimal points."""
    return frame.round(DECIMALS).to_csv(sep=";", index=False, lineterminator="\n").encode()


def schedule_xlsx(frame: pd.DataFrame) -> bytes:
    """Return the table as a workbook with the sheet "schedule"; times are text, for the offset would be lost."""
    buffer = BytesIO()
    frame.round(DECIMALS).to_excel(buffer, sheet_name=SHEET, index=False, freeze_panes=(1, 1))
    return buffer.getvalue()


def _series_of(owner: object, prefix: str) -> dict[str, np.ndarray]:
    named = {field.name: getattr(owner, field.name) for field in fields(owner)}  # type: ignore[arg-type]
    return {f"{prefix}.{name}": values for name, values in named.items() if isinstance(values, np.ndarray)}
