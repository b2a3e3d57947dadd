"""Figures of flexibility offers, for paper: units, legend, local time, colours that a colour-blind reader can tell."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from flexmarket.engine.exporters.file_names import file_stems
from flexmarket.engine.table import FlexTable, aggregate
from optimization.engine.horizon import Horizon
from optimization.engine.series import Series
from optimization.plots import COLOURS, HATCHES, OTHER_COLOUR

POSITIVE, NEGATIVE = "positive", "negative"
DIRECTION_COLOURS = {POSITIVE: "#d55e00", NEGATIVE: "#0072b2"}
SCHEDULE_COLOUR = "#000000"
LINE_STYLES = ("solid", "dashed", "dotted", "dashdot")
WIDTH_INCHES = 8.0
SECONDS_PER_DAY = 86400
TICK_MINUTES = (15, 60, 180, 360, 720, 1440)
ONE_DAY = timedelta(hours=25)


def figures(tables: Mapping[str, FlexTable], horizon: Horizon, zone: ZoneInfo) -> dict[str, Figure]:
    """Return every figure that the tables have something for, by the stem of its file name.

    `flexibility_<device>` for each device that offers anything, `aggregated_power` and `aggregated_price`.
    """
    offering = {name: table for name, table in tables.items() if table.offers_anything}
    stems = file_stems(offering)
    made = {
        f"flexibility_{stems[name]}": plot_flexibility(table, horizon, zone, f"Flexibility of {name}")
        for name, table in offering.items()
    }
    if offering:
        every = offering.values()
        made["aggregated_power"] = plot_aggregated_power(every, horizon, zone, "Offered power of all devices")
        made["aggregated_price"] = plot_aggregated_price(every, horizon, zone, "Price of all devices")
    return made


def plot_flexibility(table: FlexTable, horizon: Horizon, zone: ZoneInfo, title: str) -> Figure:
    """Return one device's figure: scheduled energy with the fan of offers, offered power, price.

    The fan shows, for every offer, how the energy would run on if it were called.
    """
    figure = Figure(figsize=(WIDTH_INCHES, 8.0), layout="constrained")
    energy, power, price = figure.subplots(3, 1, sharex=True, height_ratios=[2, 1, 1])
    figure.suptitle(title)
    _draw_energy(energy, table, horizon)
    _draw_offered_power(power, table, horizon)
    _draw_price(price, table, horizon)
    for axes, label in (
        (energy, "energy since start (kWh)\nconsumed above 0, produced below"),
        (power, "offered power (kW)"),
        (price, "price (EUR/kWh)\npaid to owner above 0"),
    ):
        _label(axes, label)
    _set_local_time(price, horizon, zone)
    figure.align_ylabels()
    return figure


def plot_aggregated_power(tables: Iterable[FlexTable], horizon: Horizon, zone: ZoneInfo, title: str) -> Figure:
    """Return the offered power of all devices, stacked: positive flexibility up, negative down."""
    figure = Figure(figsize=(WIDTH_INCHES, 4.5), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(title)
    up, down = np.zeros(horizon.count), np.zeros(horizon.count)
    for table, number in _numbered(tables):
        _bars(axes, horizon, table.positive_power_kw, table.kind, bottom=up, number=number, label=table.device)
        _bars(axes, horizon, -table.negative_power_kw, table.kind, bottom=-down, number=number)
        up, down = up + table.positive_power_kw, down + table.negative_power_kw
    _label(axes, "offered power (kW)\npositive up, negative down")
    _legend_beside(axes)
    _set_local_time(axes, horizon, zone)
    return figure


def plot_aggregated_price(tables: Iterable[FlexTable], horizon: Horizon, zone: ZoneInfo, title: str) -> Figure:
    """Return the prices of all devices, one panel per direction, and their mean weighted by energy."""
    rows = list(tables)
    mean = aggregate(rows)
    figure = Figure(figsize=(WIDTH_INCHES, 6.0), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title)
    for axes, direction in zip(panels, (POSITIVE, NEGATIVE), strict=True):
        for table, number in _numbered(rows):
            style = {"color": _colour(table.kind), "linestyle": LINE_STYLES[number % len(LINE_STYLES)]}
            _price_steps(axes, horizon, table, direction, linewidth=3, label=table.device, **style)
        _price_steps(axes, horizon, mean, direction, color=SCHEDULE_COLOUR, linewidth=1, label="mean by energy")
        _label(axes, f"{direction} flexibility:\nprice (EUR/kWh)")
    _legend_beside(panels[0])
    _set_local_time(panels[-1], horizon, zone)
    figure.align_ylabels()
    return figure


def _draw_energy(axes: Axes, table: FlexTable, horizon: Horizon) -> None:
    energy = np.append(0.0, np.cumsum(table.scheduled_power_kw)) * horizon.step_hours
    edges = _edges(horizon)
    fans = (
        (table.negative_power_kw, table.negative_energy_kwh, 1.0, NEGATIVE),
        (table.positive_power_kw, table.positive_energy_kwh, -1.0, POSITIVE),
    )
    for power, offered, sign, direction in fans:
        courses = _courses(energy, edges, power * horizon.step_hours, offered, sign)
        axes.add_collection(
            LineCollection(courses, colors=_colour(direction), linewidths=0.8, label=f"{direction} offer called")
        )
    axes.plot(edges, energy, color=SCHEDULE_COLOUR, linewidth=2, label="schedule")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize="small")


def _courses(energy: Series, edges: Series, per_step: Series, offered: Series, sign: float) -> list[Series]:
    """Return the course (time, energy) of each offer while it is called, until its energy is spent."""
    places = np.arange(len(energy))
    courses = []
    for step in np.flatnonzero(offered > 0).tolist():
        duration = min(offered[step] / per_step[step], places[-1] - step)
        called = np.append(np.arange(duration), duration)
        planned = np.interp(step + called, places, energy)
        times = np.interp(step + called, places, edges)
        courses.append(np.column_stack([times, planned + sign * called * per_step[step]]))
    return courses


def _draw_offered_power(axes: Axes, table: FlexTable, horizon: Horizon) -> None:
    _bars(axes, horizon, table.positive_power_kw, POSITIVE)
    _bars(axes, horizon, -table.negative_power_kw, NEGATIVE)


def _draw_price(axes: Axes, table: FlexTable, horizon: Horizon) -> None:
    for direction in (POSITIVE, NEGATIVE):
        _price_steps(axes, horizon, table, direction, color=_colour(direction), linewidth=2)


def _bars(
    axes: Axes,
    horizon: Horizon,
    heights: Series,
    kind: str,
    *,
    bottom: Series | float = 0.0,
    number: int = 0,
    label: str | None = None,
) -> None:
    """Draw one bar per step; `number` tells devices of one kind apart by hatching."""
    edges, hatch = _edges(horizon), HATCHES[number % len(HATCHES)]
    look: dict[str, Any] = {"color": _colour(kind), "linewidth": 0}
    if hatch:
        look = {"facecolor": _colour(kind), "edgecolor": "white", "linewidth": 0, "hatch": hatch}
    axes.bar(edges[:-1], heights, np.diff(edges), bottom, align="edge", label=label, **look)


def _price_steps(axes: Axes, horizon: Horizon, table: FlexTable, direction: str, **style: Any) -> None:
    """Draw the prices of the steps with an offer; the line breaks where there is none."""
    energy, price = getattr(table, f"{direction}_energy_kwh"), getattr(table, f"{direction}_price_eur_per_kwh")
    shown = np.where(energy > 0, price, np.nan)
    axes.stairs(shown, _edges(horizon), baseline=None, **style)


def _numbered(tables: Iterable[FlexTable]) -> list[tuple[FlexTable, int]]:
    """Return each table with how many of its kind came before it."""
    before: Counter[str] = Counter()
    numbered = []
    for table in tables:
        numbered.append((table, before[table.kind]))
        before[table.kind] += 1
    return numbered


def _colour(kind: str) -> str:
    return DIRECTION_COLOURS.get(kind) or COLOURS.get(kind, OTHER_COLOUR)


def _edges(horizon: Horizon) -> Series:
    """Return the start of each step and the end of the last one in days, as matplotlib counts time."""
    return np.array([moment.timestamp() / SECONDS_PER_DAY for moment in [*horizon.times, horizon.end]])


def _label(axes: Axes, text: str) -> None:
    axes.set_ylabel(text)
    axes.axhline(0.0, color=SCHEDULE_COLOUR, linewidth=0.6)
    axes.grid(visible=True, axis="both", linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
    axes.use_sticky_edges = False
    axes.autoscale_view()


def _legend_beside(axes: Axes) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small", frameon=False)


def _set_local_time(axes: Axes, horizon: Horizon, zone: ZoneInfo) -> None:
    """Mark round local times, at most about nine."""
    edges = _edges(horizon)
    interval = next(
        (minutes for minutes in TICK_MINUTES if (edges[-1] - edges[0]) * 1440 <= 9 * minutes), TICK_MINUTES[-1]
    )
    moments = [moment.astimezone(zone) for moment in [*horizon.times, horizon.end]]
    ticks = [place for place, moment in enumerate(moments) if (moment.hour * 60 + moment.minute) % interval == 0]
    ticks = ticks[:: 1 + len(ticks) // 10]
    form = "%H:%M" if horizon.end - horizon.start <= ONE_DAY else "%d.%m.\n%H:%M"
    axes.set_xticks(edges[ticks], [moments[place].strftime(form) for place in ticks])
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(f"{moments[0]:%d.%m.%Y}, local time ({zone.key})")
