"""Charts as data: what static/flexplatform/charts.js draws."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isnan
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

# The files that a page with charts needs.
CHART_SCRIPTS = (
    "vendor/chart.js/chart.umd.min.js",
    "vendor/luxon/luxon.min.js",
    "vendor/chartjs-adapter-luxon/chartjs-adapter-luxon.umd.min.js",
    "vendor/chartjs-plugin-zoom/chartjs-plugin-zoom.min.js",
    "flexplatform/charts.js",
)
DECIMALS = 5


@dataclass(frozen=True, kw_only=True)
class ChartSeries:
    """A named series, one value per step: stacked `bars`, `steps` that hold over it, a `line` at its end, or `points`.

    A `band` is steps with the space to the series before it filled. A `hidden` one appears when its name is chosen.
    """

    label: str
    values: npt.NDArray[np.float64] | Sequence[float]
    colour: str
    style: Literal["bars", "steps", "line", "band", "points"]
    axis: Literal["left", "right"] = "left"
    dashed: bool = False
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart over the local day; `unit` belongs to the left axis, `right_unit` to the right one."""

    name: str
    title: str
    unit: str
    series: Sequence[ChartSeries]
    right_unit: str = ""
    note: str = ""
    scale_from: float | None = None
    scale_to: float | None = None


@dataclass(frozen=True, kw_only=True)
class ChartPage:
    """The charts of one page, all on the same steps; times are shown in `zone`."""

    start: datetime
    step_seconds: float
    count: int
    zone: str
    charts: Sequence[Chart] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return what the JSON endpoint answers; times in milliseconds since 1970, NaN as a gap."""
        body = asdict(self)
        body["words"] = {
            "time": _("Local time (%(zone)s)") % {"zone": self.zone},
            "empty": _("There is nothing to draw for this day."),
            "whole": _("Whole day"),
            "picture": _("Save as a picture"),
            "table": _("Save what is shown as CSV"),
            "start": _("Start"),
        }
        body["start"] = round(self.start.timestamp() * 1000)
        for chart in body["charts"]:
            for series in chart["series"]:
                rounded = np.round(np.asarray(series["values"], dtype=np.float64), DECIMALS).tolist()
                series["values"] = [None if isnan(value) else value for value in rounded]
        return body
