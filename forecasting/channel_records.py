"""Records for back-tests from what the platform holds: readings of a channel, and the weather forecasts of its site."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from forecasting.engine.backtest import Record
from forecasting.engine.grid import Grid, Series
from forecasting.engine.protocol import DAY, IRRADIANCE, TEMPERATURE, WIND_SPEED_10M, WIND_SPEED_100M, ChannelFacts
from forecasting.queries import forecasts_of
from telemetry.models import Channel
from telemetry.queries import summary

WEATHER: Mapping[str, str] = {
    "ambient_temperature_c": TEMPERATURE,
    "irradiance_w_per_m2": IRRADIANCE,
    "wind_speed_m_per_s": WIND_SPEED_10M,
    "wind_speed_100m_m_per_s": WIND_SPEED_100M,
}
KIND_OF_DEVICE: Mapping[str, str] = {"pv": "pv", "wind": "wind", "electric_vehicle": "ev"}


def record_of_channel(channel: Channel, end: datetime, days: int, *, step: timedelta, country: str = "") -> Record:
    """Return the means of the channel's steps of whole quarter-hours over some days until `end`.

    Inputs are the newest weather forecasts of the site, for each step that which was delivered last.
    """
    count = days * (DAY // step)
    grid = Grid(end - count * step, step, count)
    facts = ChannelFacts(
        name=channel.label,
        kind=kind_of(channel),
        time_zone=channel.site.time_zone,
        country=country,
        latitude=channel.site.latitude,
        longitude=channel.site.longitude,
    )
    values = summary(channel, grid.start, int(step.total_seconds()), count).mean
    return Record([facts], grid.start, step, values[None], _weather(channel, grid))


def kind_of(channel: Channel) -> str:
    """Return which kind of forecast a channel needs."""
    if "price" in channel.quantity:
        return "price"
    if channel.quantity == "heat_kw":
        return "heat"
    return KIND_OF_DEVICE.get(channel.asset.kind if channel.asset else "", "load")


def _weather(channel: Channel, grid: Grid) -> dict[str, Series]:
    found = forecasts_of([channel.site], grid).get(channel.site_id, {})
    of_site = {quantity: forecast.mean for (asset, quantity), forecast in found.items() if asset is None}
    return {name: of_site[quantity][None] for quantity, name in WEATHER.items() if quantity in of_site}
