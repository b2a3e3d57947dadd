"""The chart of a forecast."""

from collections.abc import Iterator

import numpy as np

from assets.appearance import LINE_COLOUR, of_kind
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from forecasting.engine.grid import Grid, Series
from forecasting.models import LEVELS
from forecasting.queries import Forecast
from telemetry.models import Channel

SIGN_NOTE = "Above zero is consumption, below zero is production."


def forecast_chart(channel: Channel | None, grid: Grid, found: Forecast | None) -> ChartPage:
    """Return the mean and the widest band of a forecast over a day; no chart where there is nothing to show."""
    charts = []
    if channel is not None and found is not None:
        note = SIGN_NOTE if channel.sign == Channel.Sign.CONSUMPTION else ""
        series = [*_band(channel, found), _mean(found)]
        charts.append(Chart(name="power", title=channel.label, unit=channel.unit, series=series, note=note))
    return ChartPage(
        start=grid.start,
        step_seconds=grid.step.total_seconds(),
        count=grid.count,
        zone=channel.site.time_zone if channel else "UTC",
        charts=charts,
    )


def _band(channel: Channel, found: Forecast) -> Iterator[ChartSeries]:
    """Yield the lowest and the highest quantile; the space between them is filled."""
    quantiles = [(level, series) for level in LEVELS if (series := found.quantile(level)) is not None]
    if len(quantiles) < 2:
        return
    colour = of_kind(channel.asset.kind if channel.asset else "")
    yield _quantile(*quantiles[0], colour, fill=False)
    yield _quantile(*quantiles[-1], colour, fill=True)


def _quantile(level: float, values: Series, colour: str, *, fill: bool) -> ChartSeries:
    return ChartSeries(
        label=f"Quantile {level:g}", values=values, colour=colour, style="band" if fill else "steps", dashed=not fill
    )


def _mean(found: Forecast) -> ChartSeries:
    return ChartSeries(label="Mean", values=np.asarray(found.mean), colour=LINE_COLOUR, style="steps")
