"""Prices of a market day: which steps are asked for, and how they are answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from assets.queries import market_day
from flexplatform.api.filters import check_names, read_day, read_moment, refused
from flexplatform.api.schema import Example
from flexplatform.api.series import Series, SeriesSerializer, SeriesTable, series_body

STEPS_SECONDS = (300, 900, 1800, 3600)
QUARTER_HOUR_SECONDS = 900
DAY_PARAMETERS = [
    OpenApiParameter("day", {"type": "string", "format": "date"}, required=True, description="Local day"),
    OpenApiParameter("step", {"type": "integer", "enum": list(STEPS_SECONDS), "default": QUARTER_HOUR_SECONDS}),
    OpenApiParameter(
        "known_at", {"type": "string", "format": "date-time"}, description="With the prices received until then"
    ),
]
PRICES = {"start": "2026-11-21T23:00:00Z", "step": 3600, "values": [0.3021, 0.2987]}
CSV = "time,import\n2026-11-21T23:00:00Z,0.3021\n2026-11-22T00:00:00Z,0.2987\n"
SITE_PRICES = Example(
    answer={"currency": "EUR", "capacity_price_per_kw": 0.0, "prices": {"import": PRICES}}, answer_csv=CSV
)


class SitePricesSerializer(serializers.Serializer[Any]):
    """What a site pays, by commodity."""

    currency = serializers.CharField()
    capacity_price_per_kw = serializers.FloatField(help_text="Per kW of the highest import")
    prices = serializers.DictField(child=SeriesSerializer(), help_text="By commodity, per kWh; fuel per litre")


@dataclass(frozen=True)
class DayRequest:
    """The steps of a local day, and when the prices must have been known."""

    starts: tuple[datetime, ...]
    step: timedelta
    known_at: datetime | None

    @property
    def seconds(self) -> int:
        """Length of a step in seconds."""
        return self.step // timedelta(seconds=1)

    def series(self, values: Series) -> dict[str, Any]:
        """Return a series of these steps as answers show it."""
        return series_body(self.starts[0], self.seconds, values)

    def table(self, columns: Mapping[str, Series]) -> SeriesTable:
        """Return series of these steps as a table."""
        return SeriesTable(self.starts[0], self.seconds, columns)


def read_day_request(request: Request, zone: ZoneInfo, *others: str) -> DayRequest:
    """Return what `day`, `step` and `known_at` ask for; `others` are further parameters of the address.

    Raises:
        ValidationError: names the parameter, its value and what is allowed.
    """
    asked = request.query_params
    check_names(asked, ("day", "step", "known_at", *others))
    if "day" not in asked:
        raise ValidationError({"day": "day is missing; allowed: a day such as 2026-01-31."})
    step = asked.get("step", str(QUARTER_HOUR_SECONDS))
    if step not in map(str, STEPS_SECONDS):
        raise refused("step", step, ", ".join(map(str, STEPS_SECONDS)))
    known_at = read_moment("known_at", asked["known_at"]) if "known_at" in asked else None
    length = timedelta(seconds=int(step))
    return DayRequest(market_day(read_day("day", asked["day"]), length, zone), length, known_at)
