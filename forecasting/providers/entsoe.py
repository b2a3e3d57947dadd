"""Day-ahead prices of ENTSO-E's transparency platform, with a key (security token) of its own.

`entsoe-py` knows the areas and reads the answers; asking goes through `Http`, as every other provider does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forecasting.providers.http import Http, HttpError
from forecasting.providers.protocol import Key, Prices, ProviderError
from forecasting.providers.runs import in_a_row
from forecasting.providers.zones import ZONES

if TYPE_CHECKING:
    import pandas as pd

ADDRESS = "https://web-api.tp.entsoe.eu/api"
DAY_AHEAD_PRICES, DAILY = "A44", "A01"
NOTHING_YET = "No matching data found"
# Zones with a second auction on the platform: the first one is the coupled European one.
FIRST_AUCTION = {"DE-LU": "1", "AT": "1"}
CURRENCY = re.compile(r"<currency_unit\.name>\s*(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Entsoe:
    """Prices per MWh in EUR, in quarter-hours or hours as they were auctioned."""

    name: str = "entsoe"
    label: str = "ENTSO-E"
    key: Key = Key.REQUIRED
    zones: Sequence[str] = tuple(ZONES)

    def day_ahead(self, http: Http, zone: str, start: datetime, end: datetime, key: str) -> list[Prices]:
        """Return what was published of a time; see `PriceProvider`."""
        from entsoe.mappings import lookup_area

        area = lookup_area(ZONES[zone]).code
        params = {
            "securityToken": key,
            "documentType": DAY_AHEAD_PRICES,
            "in_Domain": area,
            "out_Domain": area,
            "contract_MarketAgreement.type": DAILY,
            "periodStart": _time(start),
            "periodEnd": _time(end),
        }
        if zone in FIRST_AUCTION:
            params["classificationSequence_AttributeInstanceComponent.position"] = FIRST_AUCTION[zone]
        try:
            body = http.text(ADDRESS, params)
        except HttpError as error:
            if NOTHING_YET in error.body:
                return []
            told = "refused the key" if error.status in (401, 403) else str(error)
            raise ProviderError(f"{self.label} {told}.") from None
        if NOTHING_YET in body:
            return []
        return [each for each in self._read(body) if each.end > start and each.start < end]

    def _read(self, body: str) -> list[Prices]:
        from entsoe.parsers import parse_prices

        if set(CURRENCY.findall(body)) != {"EUR"}:
            raise ProviderError(f"{self.label} answered with no prices in EUR.")
        try:
            found = parse_prices(body)
            return [each for series in found.values() if len(series) for each in _rows(series)]
        except (AttributeError, KeyError, TypeError, ValueError, NotImplementedError) as error:
            raise ProviderError(f"{self.label} answered in an unknown form ({type(error).__name__}).") from None


def _rows(series: "pd.Series[float]") -> list[Prices]:
    unique = series[~series.index.duplicated(keep="last")].sort_index()
    times = [each.to_pydatetime().astimezone(UTC) for each in unique.index]
    return [Prices(start, step, values) for start, step, values in in_a_row(times, unique.tolist())]


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M")
