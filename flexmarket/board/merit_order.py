"""The offers of one quarter-hour by price, and the curve of cumulated power against price as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flexmarket.board.selection import DIRECTIONS, Board, Source
from optimization.engine.series import Series

CT_PER_EUR = 100
MOST_POINTS = 300
WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 40
TICKS = 4


@dataclass(frozen=True)
class Row:
    """An offer in one quarter-hour; `hours` is how long its power can be held, `cumulated_kw` with all cheaper ones."""

    source: Source
    direction: str
    power_kw: float
    energy_kwh: float
    price_ct_per_kwh: float
    cumulated_kw: float

    @property
    def minutes(self) -> float:
        """How long the power can be held."""
        return 60 * self.energy_kwh / self.power_kw


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where it is in the picture, and its number."""

    at: float
    value: float


@dataclass(frozen=True)
class Curve:
    """The picture: one path per direction that offers, and the marks of both axes."""

    paths: Sequence[tuple[str, str]]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def merit_order(board: Board, step: int, directions: Sequence[str] = DIRECTIONS) -> list[Row]:
    """Return the offers of a quarter-hour, direction by direction, cheapest first."""
    rows: list[Row] = []
    for direction in directions:
        power, energy, price = (
            board.columns[f"{direction}_{name}"][:, step] for name in ("power_kw", "energy_kwh", "price_eur_per_kwh")
        )
        offered = np.flatnonzero(power > 0)
        ranked = offered[np.argsort(price[offered], kind="stable")]
        cumulated = np.cumsum(power[ranked])
        for index, total in zip(ranked.tolist(), cumulated.tolist(), strict=True):
            values = float(power[index]), float(energy[index]), CT_PER_EUR * float(price[index])
            rows.append(Row(board.sources[index], direction, *values, total))
    return rows


def curve_of(rows: Sequence[Row]) -> Curve | None:
    """Return the picture of cumulated power against price; None where nothing is offered."""
    if not rows:
        return None
    most = max(row.cumulated_kw for row in rows)
    low, high = _span([row.price_ct_per_kwh for row in rows])
    across = (WIDTH - LEFT - RIGHT) / most
    upwards = (HEIGHT - TOP - BOTTOM) / (high - low)

    def x(power_kw: float) -> float:
        return LEFT + power_kw * across

    def y(price: float) -> float:
        return TOP + (high - price) * upwards

    paths = []
    for direction in DIRECTIONS:
        own = [row for row in rows if row.direction == direction]
        if own:
            steps = [(x(row.cumulated_kw), y(row.price_ct_per_kwh)) for row in _thinned(own)]
            parts = [f"M{LEFT},{steps[0][1]:.1f}"]
            for right, height in steps:
                parts.append(f"V{height:.1f}H{right:.1f}")
            paths.append((direction, "".join(parts)))
    x_ticks = [Tick(x(value), value) for value in np.linspace(0, most, TICKS + 1).tolist()]
    y_ticks = [Tick(y(value), value) for value in np.linspace(low, high, TICKS + 1).tolist()]
    return Curve(paths, x_ticks, y_ticks)


def _span(prices: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the price axis, with some room, so that a line never lies on the frame."""
    low, high = min(0.0, *prices), max(0.0, *prices)
    room = max(0.05 * (high - low), 1.0)
    return low - room if low < 0 else 0.0, high + room


def _thinned(rows: Sequence[Row]) -> Sequence[Row]:
    """Return at most `MOST_POINTS` rows, the last of each stretch, which keeps the cumulated power."""
    if len(rows) <= MOST_POINTS:
        return rows
    ends: Series = np.linspace(0, len(rows) - 1, MOST_POINTS)
    return [rows[index] for index in np.unique(ends.astype(int)).tolist()]
