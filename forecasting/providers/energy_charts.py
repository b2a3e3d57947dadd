"""Day-ahead prices of Energy-Charts (Fraunhofer ISE), without a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from forecasting.providers.http import Http, HttpError
from forecasting.providers.protocol import Key, Prices, ProviderError
from forecasting.providers.runs import in_a_row
from forecasting.providers.zones import ZONES

ADDRESS = "https://api.energy-charts.info/price"
UNIT = "EUR/MWh"
MOST_SHOWN = 200


@dataclass(frozen=True)
class EnergyCharts:
    """Prices per MWh in EUR, in quarter-hours or hours as they were auctioned."""

    name: str = "energy_charts"
    label: str = "Energy-Charts"
    key: Key = Key.NONE
    zones: Sequence[str] = tuple(ZONES)

    def day_ahead(self, http: Http, zone: str, start: datetime, end: datetime, key: str) -> list[Prices]:
        """Return what was published of a time; see `PriceProvider`."""
        params = {"bzn": zone, "start": _time(start), "end": _time(end)}
        try:
            answer = http.json(ADDRESS, params)
        except HttpError as error:
            if error.status == 404:
                return []
            raise ProviderError(f"{self.label} {error}.") from None
        try:
            return _prices(answer)
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            raise ProviderError(
                f"{self.label} answered in an unknown form ({type(error).__name__}: {error})."
            ) from None


def _prices(answer: Mapping[str, Any]) -> list[Prices]:
    unit = str(answer["unit"]).replace(" ", "")
    if unit != UNIT:
        raise ValueError(f"the unit is {unit[:20]}, not {UNIT}")
    seconds = [int(each) for each in answer["unix_seconds"]]
    values = [np.nan if each is None else float(each) for each in answer["price"]]
    times = [datetime.fromtimestamp(each, UTC) for each in seconds]
    return [Prices(start, step, series) for start, step, series in in_a_row(times, values)]


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
