"""Charts of a channel's forecast: against what came, with what is wrong with the readings; and how good it was."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.utils.translation import gettext as _

from assets.appearance import LINE_COLOUR, of_kind
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from forecasting.engine.grid import Grid, Series
from forecasting.engine.quality import Flag
from forecasting.faults import NAMES, Readings
from forecasting.queries import Forecast
from telemetry.models import Channel

MEASURED, WRONG = "--fp-measured", "--fp-state-failed"
NAIVE_COLOUR = "--fp-other"
BANDS = ((0.1, 0.9), (0.3, 0.7))
# A gap has no value to be marked at; it is seen, and listed.
MARKED = (Flag.SPIKE, Flag.STUCK, Flag.WRONG_SIGN, Flag.REPEATED, Flag.DEAD)
ONE_DAY = timedelta(days=1)
DAYS_OF_SCORES = 28
# Of the usual range: what goes further out of it leaves the chart; and what stays free beside it then.
SPIKE_ROOM, MARGIN = 1.0, 0.1

Scored = Sequence[tuple[datetime, Mapping[str, float]]]


def outcome_charts(channel: Channel, grid: Grid, forecast: Forecast | None, readings: Readings | None) -> ChartPage:
    """Return the forecast with its bands against what came, and the error over time; no `readings`: not to be told."""
    came = None if readings is None else _on(readings.values, readings.grid, grid)
    charts = []
    if forecast is not None or (came is not None and np.isfinite(came).any()):
        series = [*_expected(channel, forecast), *_came(grid, came, readings)]
        note = _("The wide band holds eight of ten outcomes, the narrow one four of ten.")
        if channel.sign == Channel.Sign.CONSUMPTION:
            note = f"{note} {_('Consumption is above zero, production below.')}"
        usual = np.empty(0) if readings is None else _usual(grid, readings)
        low, high = _scale(series, usual)
        charts.append(
            Chart(
                name="power",
                title=_("Forecast and outcome"),
                unit=channel.unit,
                series=series,
                note=note,
                scale_from=low,
                scale_to=high,
            )
        )
    if forecast is not None and came is not None and readings is not None:
        day_before = Grid(grid.start - ONE_DAY, grid.step, grid.count)
        charts += _errors(channel, forecast.mean, _usual(grid, readings), _usual(day_before, readings))
    return ChartPage(
        start=grid.start,
        step_seconds=grid.step.total_seconds(),
        count=grid.count,
        zone=channel.site.time_zone,
        charts=charts,
    )


def score_charts(channel: Channel, scored: Scored, today: date) -> ChartPage:
    """Return how good the own forecasts of four weeks were, by the local day that they begin on."""
    zone = channel.site.zone
    first = today - (DAYS_OF_SCORES - 1) * ONE_DAY
    by_day: dict[date, list[Mapping[str, float]]] = defaultdict(list)
    for start, scores in scored:
        by_day[start.astimezone(zone).date()].append(scores)
    days = [by_day.get(first + number * ONE_DAY, []) for number in range(DAYS_OF_SCORES)]
    charts = list(_scores(days)) if any(days) else []
    start = datetime.combine(today + ONE_DAY, time(), zone).astimezone(UTC) - DAYS_OF_SCORES * ONE_DAY
    return ChartPage(
        start=start,
        step_seconds=ONE_DAY.total_seconds(),
        count=DAYS_OF_SCORES,
        zone=channel.site.time_zone,
        charts=charts,
    )


def _expected(channel: Channel, forecast: Forecast | None) -> Iterator[ChartSeries]:
    if forecast is None:
        return
    colour = of_kind(channel.asset.kind if channel.asset else "")
    for low, high in BANDS:
        below, above = forecast.quantile(low), forecast.quantile(high)
        if below is None or above is None:
            continue
        # The second fills the space to the first.
        for level, values in ((low, below), (high, above)):
            label = _("%(percent)d %% quantile") % {"percent": round(100 * level)}
            yield ChartSeries(
                label=label, values=values, colour=colour, style="band" if level == high else "steps", dashed=True
            )
    yield ChartSeries(label=_("Expected"), values=forecast.mean, colour=LINE_COLOUR, style="steps")


def _came(grid: Grid, came: Series | None, readings: Readings | None) -> Iterator[ChartSeries]:
    if came is None or readings is None or not np.isfinite(came).any():
        return
    yield ChartSeries(label=_("Measured"), values=came, colour=MEASURED, style="steps")
    for flag in MARKED:
        marked = np.where(readings.marked(flag), readings.values, np.nan)
        values = _on(marked, readings.grid, grid)
        if np.isfinite(values).any():
            yield ChartSeries(label=str(NAMES[flag]), values=values, colour=WRONG, style="points")


def _usual(grid: Grid, readings: Readings) -> Series:
    """Return what came without spikes."""
    return _on(np.where(readings.marked(Flag.SPIKE), np.nan, readings.values), readings.grid, grid)


def _scale(series: Sequence[ChartSeries], usual: Series) -> tuple[float | None, float | None]:
    """Return a scale that a spike leaves, where it would make all else flat; else None."""
    expected = (np.asarray(each.values) for each in series if each.colour not in {MEASURED, WRONG})
    known = np.concatenate([*expected, usual])
    known = known[np.isfinite(known)]
    if not known.size:
        return None, None
    low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
    room = SPIKE_ROOM * (high - low)
    drawn = np.concatenate([np.asarray(each.values) for each in series])
    if not room or (np.nanmin(drawn) >= low - room and np.nanmax(drawn) <= high + room):
        return None, None
    margin = MARGIN * (high - low)
    return (low - margin if low < 0 else 0.0), (high + margin if high > 0 else 0.0)


def _errors(channel: Channel, expected: Series, came: Series, day_before: Series) -> Iterator[Chart]:
    error = expected - came
    if not np.isfinite(error).any():
        return
    naive = np.where(np.isfinite(error), day_before - came, np.nan)
    series = [ChartSeries(label=_("Forecast - outcome"), values=error, colour=LINE_COLOUR, style="steps")]
    if np.isfinite(naive).any():
        label = _("Day before - outcome")
        series.append(ChartSeries(label=label, values=naive, colour=NAIVE_COLOUR, style="steps", dashed=True))
    note = _("Above zero: more was expected than came; without spikes. Dashed: the error of taking the day before.")
    yield Chart(name="error", title=_("Error"), unit=channel.unit, series=series, note=note)


def _scores(days: Sequence[Sequence[Mapping[str, float]]]) -> Iterator[Chart]:
    pinball = _daily(days, lambda scores: scores.get("pinball_percent"))
    naive = _daily(days, _naive)
    lines = [
        ChartSeries(label=_("Own forecast"), values=pinball, colour="--fp-positive", style="bars"),
        ChartSeries(label=_("As yesterday"), values=naive, colour=NAIVE_COLOUR, style="steps", dashed=True),
    ]
    note = _("The mean over nine quantiles, in percent of the mean level; less is better.")
    yield Chart(name="pinball", title=_("Pinball loss against the naive forecast"), unit="%", series=lines, note=note)
    coverage = _daily(days, lambda scores: scores.get("coverage_percent"))
    bias = _daily(days, lambda scores: scores.get("bias_percent"))
    meant = np.full(len(days), 80.0)
    lines = [
        ChartSeries(label=_("Coverage of the 80 % band"), values=coverage, colour=LINE_COLOUR, style="steps"),
        ChartSeries(label=_("Aim: 80 %"), values=meant, colour=NAIVE_COLOUR, style="steps", dashed=True),
        ChartSeries(label=_("Bias"), values=bias, colour=MEASURED, style="bars"),
    ]
    note = _("Bias above zero: more was expected than came, in percent of the mean level.")
    yield Chart(name="coverage", title=_("Coverage and bias"), unit="%", series=lines, note=note)


def _daily(days: Sequence[Sequence[Mapping[str, float]]], of: Callable[[Mapping[str, float]], float | None]) -> Series:
    found = ([value for scores in day if (value := of(scores)) is not None] for day in days)
    return np.array([np.mean(values) if values else np.nan for values in found])


def _naive(scores: Mapping[str, float]) -> float | None:
    """Return the pinball loss of the naive forecast, which is stored as the skill against it."""
    own, skill = scores.get("pinball_percent"), scores.get("skill_percent")
    return None if own is None or skill is None or skill >= 100 else own / (1 - skill / 100)


def _on(values: Series, own: Grid, grid: Grid) -> Series:
    """Return values of quarter-hours on another grid of quarter-hours; not-a-number where they say nothing."""
    found = np.full(grid.count, np.nan)
    offset = (grid.start - own.start) // own.step
    first, last = max(-offset, 0), min(len(values) - offset, grid.count)
    if first < last:
        found[first:last] = values[first + offset : last + offset]
    return found
