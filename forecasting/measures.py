"""Figures of forecasts for `/metrics`."""

from collections.abc import Iterable

from django_scopes import scopes_disabled

from flexplatform.registry import Measure, Sample
from forecasting.models import ChannelForecast, Feed, PriceFeed, WeatherFeed


def troubled_feeds() -> Iterable[Sample]:
    """Return how many feeds of weather and prices are older than they should be, and how many failed last time."""
    with scopes_disabled():
        feeds: dict[str, list[Feed]] = {
            "weather": list(WeatherFeed.objects.all()),
            "prices": list(PriceFeed.objects.order_by()),
        }
    for what, rows in feeds.items():
        yield (what, "stale"), sum(each.is_stale for each in rows)
        yield (what, "failing"), sum(each.is_failing for each in rows)


def own_forecasts() -> Iterable[Sample]:
    """Return how many channels are forecast here, how many of them failed last time, and how many have drifted."""
    with scopes_disabled():
        own = ChannelForecast.objects.filter(enabled=True)
        return [
            (("all",), own.count()),
            (("failing",), own.exclude(problem="").count()),
            (("drifted",), own.filter(drifted=True).count()),
        ]


MEASURES = (
    Measure(
        "feeds_troubled", "Feeds of weather and prices that are stale or failing", troubled_feeds, ("feed", "trouble")
    ),
    Measure("own_forecasts", "Channels that are forecast here", own_forecasts, ("which",)),
)
