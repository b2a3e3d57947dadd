"""The bidding zones of the European day-ahead auction: as they are shown, and as ENTSO-E's table names them."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

# The auction's day, in every zone.
MARKET_ZONE = ZoneInfo("Europe/Brussels")

ZONES: Mapping[str, str] = {
    "DE-LU": "DE_LU",
    "AT": "AT",
    "BE": "BE",
    "BG": "BG",
    "CH": "CH",
    "CZ": "CZ",
    "DK1": "DK_1",
    "DK2": "DK_2",
    "EE": "EE",
    "ES": "ES",
    "FI": "FI",
    "FR": "FR",
    "GR": "GR",
    "HR": "HR",
    "HU": "HU",
    "IT-North": "IT_NORD",
    "LT": "LT",
    "LV": "LV",
    "NL": "NL",
    "NO1": "NO_1",
    "NO2": "NO_2",
    "NO3": "NO_3",
    "NO4": "NO_4",
    "NO5": "NO_5",
    "PL": "PL",
    "PT": "PT",
    "RO": "RO",
    "SE1": "SE_1",
    "SE2": "SE_2",
    "SE3": "SE_3",
    "SE4": "SE_4",
    "SI": "SI",
    "SK": "SK",
}
