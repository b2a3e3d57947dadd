"""The content of an input file: device parameters and series."""

from dataclasses import dataclass

from optimization.scenarios.cells import DeviceParameters
from optimization.scenarios.series import SiteSeries


@dataclass(frozen=True)
class Content:
    """Device parameters (none in a file that only holds series) and the series of a day."""

    parameters: DeviceParameters
    series: SiteSeries
