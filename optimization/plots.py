"""Plots of a schedule for paper and screen: energy balance and state of charge. No global state of matplotlib."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from optimization.engine.devices import Device, ElectricVehicle
from optimization.engine.horizon import Horizon
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.engine.series import Series

Edges = npt.NDArray[np.float64]

# Okabe and Ito's palette can be told apart with any colour vision.
COLOURS: Mapping[str, str] = {
    "grid": "#999999",
    "pv": "#e69f00",
    "wind": "#56b4e9",
    "battery": "#009e73",
    "electric_vehicle": "#cc79a7",
    "heat_pump": "#0072b2",
    "chp": "#d55e00",
    "generator": "#5c4033",
    "boiler": "#f0e442",
    "heat_storage": "#009e73",
    "shiftable_load": "#8c8cd9",
}
OTHER_COLOUR = "#bbbbbb"
HATCHES = ("", "///", "...", "xxx", "\\\\\\")
LOAD_KINDS = ("electric_load", "heat_load")
LEAST_SHOWN_KW = 1e-6
INK = "#222222"
DPI = 150
WIDTH_INCH = 9.0
# Hours between marks for horizons of up to so many hours; longer ones are marked at midnight.
HOURS_BETWEEN_MARKS = ((8, 1), (48, 3))
MOST_DAY_MARKS = 15
MEGAWATT_FROM_KW = 5000.0


@dataclass(frozen=True)
class Layer:
    """A series of a stacked panel: its legend entry, look, and power in kW (above 0: consumption)."""

    label: str
    colour: str
    hatch: str
    power_kw: Series


def render(figure: Figure, image_format: str = "png") -> bytes:
    """Return a figure as an image file ("png", "jpg" or "svg")."""
    FigureCanvasAgg(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format=image_format, dpi=DPI, metadata={"Date": None} if image_format == "svg" else None)
    return buffer.getvalue()


def figures(problem: SiteProblem, schedule: Schedule, zone: ZoneInfo) -> dict[str, Figure]:
    """Return every plot that the site has something for, by name: energy_balance, state_of_charge."""
    made = {"energy_balance": energy_balance(problem, schedule, zone)}
    if _storages(problem, schedule):
        made["state_of_charge"] = state_of_charge(problem, schedule, zone)
    return made


def energy_balance(problem: SiteProblem, schedule: Schedule, zone: ZoneInfo) -> Figure:
    """Return the electric balance, and below it the heat balance where there is one.

    Stacked upwards what supplies, downwards what takes (kW, or MW for large sites); the load is a line.
    One legend entry per device.
    """
    electric = [
        Layer("grid", COLOURS["grid"], "", -schedule.grid_power_kw),
        *_layers(problem, schedule, "power_kw"),
    ]
    heat = _layers(problem, schedule, "heat_kw")
    panels = [("Electricity", electric, _load(problem, schedule, "power_kw"))]
    if heat:
        panels.append(("Heat", heat, _load(problem, schedule, "heat_kw")))
    figure, axes = _figure(len(panels), panel_inch=3.1)
    for axis, (title, layers, load) in zip(axes, panels, strict=True):
        peak_kw = max(float(np.abs(values).max()) for values in (load, *(layer.power_kw for layer in layers)))
        unit, kw_per_unit = ("MW", 1000.0) if peak_kw >= MEGAWATT_FROM_KW else ("kW", 1.0)
        _stack(axis, problem.horizon, layers, load, kw_per_unit)
        axis.set_ylabel(f"{title} in {unit}\nsupply up, use down")
    _time_axis(axes, problem.horizon, zone)
    return figure


def state_of_charge(problem: SiteProblem, schedule: Schedule, zone: ZoneInfo) -> Figure:
    """Return one panel per storage: content in percent, its wished band, and when a car is connected.

    Raises:
        ValueError: for a site without any storage.
    """
    storages = _storages(problem, schedule)
    if not storages:
        raise ValueError("the site has no storage")
    figure, axes = _figure(len(storages), panel_inch=1.9)
    edges = _edges(problem.horizon)
    for axis, device in zip(axes, storages, strict=True):
        series = schedule.devices[device.name]
        colour = COLOURS.get(device.kind, OTHER_COLOUR)
        low, high = getattr(device, "min_soc_percent", 0.0), getattr(device, "max_soc_percent", 100.0)
        if isinstance(device, ElectricVehicle):
            away = np.where(series["connected"] > 0, np.nan, 100.0)
            axis.stairs(away, edges, fill=True, color="#e4e4e4", label="away")
        else:
            axis.axhspan(low, high, color=colour, alpha=0.12, linewidth=0, label="wished band")
        start = _start_soc(device, schedule)
        axis.plot(
            edges, np.concatenate(([start], series["soc_percent"])), color=colour, linewidth=1.8, label=device.name
        )
        axis.set_ylim(0, 100)
        axis.yaxis.set_major_locator(MultipleLocator(25))
        axis.set_ylabel(f"{device.name}\ncontent in %")
        axis.grid(axis="y", linewidth=0.4, color="#cccccc")
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    _time_axis(axes, problem.horizon, zone)
    return figure


def _figure(panels: int, *, panel_inch: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH_INCH, panels * panel_inch + 0.6), layout="constrained", facecolor="white")
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)
    return figure, list(axes[:, 0])


def _storages(problem: SiteProblem, schedule: Schedule) -> list[Device]:
    return [device for device in problem.devices if "soc_percent" in schedule.devices[device.name]]


def _start_soc(device: Device, schedule: Schedule) -> float:
    initial = getattr(device, "initial_soc_percent", None)
    if isinstance(device, ElectricVehicle) and device.stays and device.stays[0].arrival <= schedule.horizon.start:
        initial = device.stays[0].arrival_soc_percent
    return float("nan") if initial is None else float(initial)


def _layers(problem: SiteProblem, schedule: Schedule, series: str) -> list[Layer]:
    """Return the devices that have this series; devices of one kind share a colour and differ by hatching."""
    hatches: dict[str, Iterator[str]] = {}
    layers = []
    for device in problem.devices:
        plan = schedule.devices[device.name]
        if device.kind in LOAD_KINDS or series not in plan:
            continue
        hatch = next(hatches.setdefault(device.kind, cycle(HATCHES)))
        layers.append(Layer(device.name, COLOURS.get(device.kind, OTHER_COLOUR), hatch, plan[series]))
    return [layer for layer in layers if np.abs(layer.power_kw).max() > LEAST_SHOWN_KW]


def _load(problem: SiteProblem, schedule: Schedule, series: str) -> Series:
    """Return the sum of the inflexible loads, kW."""
    plans = [schedule.devices[device.name] for device in problem.devices if device.kind in LOAD_KINDS]
    parts = [plan[series] for plan in plans if series in plan]
    return np.asarray(np.sum(parts, axis=0)) if parts else np.zeros(problem.horizon.count)


def _stack(axis: Axes, horizon: Horizon, layers: list[Layer], load: Series, kw_per_unit: float) -> None:
    edges = _edges(horizon)
    axis.use_sticky_edges = False
    supplied, used = np.zeros(horizon.count), np.zeros(horizon.count)
    for layer in layers:
        look: dict[str, Any] = {"fill": True, "facecolor": layer.colour, "edgecolor": INK if layer.hatch else "white"}
        look |= {"hatch": layer.hatch, "linewidth": 0.3}
        power = layer.power_kw / kw_per_unit
        above, below = np.clip(-power, 0, None), np.clip(power, 0, None)
        axis.stairs(supplied + above, edges, baseline=supplied, label=layer.label, **look)
        axis.stairs(-used - below, edges, baseline=-used, **look)
        supplied, used = supplied + above, used + below
    axis.stairs(load / kw_per_unit, edges, baseline=None, color=INK, linewidth=1.4, label="load")
    axis.axhline(0, color=INK, linewidth=0.6)
    axis.grid(axis="y", linewidth=0.4, color="#cccccc")
    axis.set_axisbelow(True)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)


def _edges(horizon: Horizon) -> Edges:
    """Return the bounds of the steps in hours from the start, one more than there are steps."""
    return np.asarray(np.arange(horizon.count + 1) * horizon.step_hours, dtype=np.float64)


def _time_axis(axes: list[Axes], horizon: Horizon, zone: ZoneInfo) -> None:
    """Mark local time on the lowest panel; all panels share it."""
    for axis in axes:
        axis.margins(x=0)
        axis.spines[["top", "right"]].set_visible(False)
    marks = _marks(horizon, zone)
    axes[-1].set_xticks([hours for hours, _ in marks], [label for _, label in marks])
    axes[-1].set_xlabel(f"{_days(horizon, zone)}, local time ({zone.key})")


def _marks(horizon: Horizon, zone: ZoneInfo) -> list[tuple[float, str]]:
    """Return (hours from the start, label) at round local hours, or at midnights of long horizons."""
    local = [moment.astimezone(zone) for moment in (*horizon.times, horizon.end)]
    full_hours = [(hours, moment) for hours, moment in zip(_edges(horizon), local, strict=True) if moment.minute == 0]
    for longest, between in HOURS_BETWEEN_MARKS:
        if horizon.count * horizon.step_hours <= longest:
            return [(hours, f"{moment:%H:%M}") for hours, moment in full_hours if moment.hour % between == 0]
    days = [(hours, f"{moment:%d.%m.}") for hours, moment in full_hours if moment.hour == 0]
    return days[:: 1 + len(days) // MOST_DAY_MARKS]


def _days(horizon: Horizon, zone: ZoneInfo) -> str:
    first = horizon.start.astimezone(zone)
    last = (horizon.end - horizon.step).astimezone(zone)
    return _day(first) if first.date() == last.date() else f"{_day(first)} to {_day(last)}"


def _day(moment: datetime) -> str:
    return f"{moment:%d.%m.%Y}"
