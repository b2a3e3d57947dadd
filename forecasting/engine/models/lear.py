"""Day-ahead prices from everything that is known of whole days, after the LEAR model of Lago et al. (2021).

Each hour sees all hours of yesterday, of the day before and of a week ago, the inputs of the day, of yesterday and of a
week ago, and the day of the week. Prices are transformed by asinh; estimates of several windows are averaged. Where the
original chooses among the features by lasso, this is a ridge: one decomposition serves all hours and penalties.
"""

import numpy as np
import numpy.typing as npt

from forecasting.engine.features import Rows, Table, filled
from forecasting.engine.grid import Series

WINDOWS_DAYS = (56, 84, 364, 728)
PENALTIES = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
LAG_DAYS = (0, 1, 6)
INPUT_LAG_DAYS = (0, 6)
MAD_TO_DEVIATION = 1.4826
HIGHEST_LEVERAGE = 0.9
STANDARD_LIMIT = 6.0
TINY = 1e-9


def lear_estimates(table: Table, rows: Rows, ahead: int) -> Series:
    """Return estimates (channels, target days, slots) for the rows, of each day as if it had not been measured."""
    past = filled(table.past)
    return np.stack([_of_channel(table, past, row, rows, ahead) for row in range(len(past))])


def _of_channel(table: Table, past: Series, row: int, rows: Rows, ahead: int) -> Series:
    middle = np.median(past[row])
    unit = max(MAD_TO_DEVIATION * float(np.median(np.abs(past[row] - middle))), TINY * (1 + abs(middle)))
    prices = np.arcsinh((past[row] - middle) / unit)
    x = _day_wide(table, prices, row, rows.days, ahead)
    y = np.arcsinh((rows.target[row, :-1] - middle) / unit)
    known = ~np.isnan(y).any(axis=1)
    asked = np.append(np.flatnonzero(~known), len(known))
    total, count = np.zeros(rows.target.shape[1:]), np.zeros(len(rows.days))
    for window in WINDOWS_DAYS:
        chosen = np.flatnonzero(known & (rows.days[:-1] >= rows.days[-1] - window))
        if len(chosen) < min(WINDOWS_DAYS) // 2 or (count[-1] and window > 2 * len(x)):
            continue
        at = np.append(chosen, asked)
        total[at] += _unseen(x[at], y[chosen])
        count[at] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate: Series = middle + unit * np.sinh(total / count[:, None])
    return estimate


def _day_wide(table: Table, prices: Series, row: int, days: npt.NDArray[np.int64], ahead: int) -> Series:
    base = days - ahead - 1
    parts = [prices[np.maximum(base - back, 0)] for back in LAG_DAYS]
    for values in table.inputs.values():
        parts.append(values[row, days])
        parts += [values[row, np.maximum(base - back, 0)] for back in INPUT_LAG_DAYS]
    parts.append(np.eye(7)[table.calendar.weekday[days, 0]])
    return np.concatenate(parts, axis=1)


def _unseen(x: Series, y: Series) -> Series:
    """Return estimates of all rows of x; the first ones, which have a y, as if left out."""
    n, centre = len(y), y.mean(axis=0)
    x = _standardised(x, n)
    seen, ahead = x[:n], x[n:]
    if n > x.shape[1]:
        squares, vectors = np.linalg.eigh(seen.T @ seen)
        kept = squares > TINY * squares[-1]
        size = np.sqrt(squares[kept])
        left, right = seen @ vectors[:, kept] / size, ahead @ vectors[:, kept]
    else:
        squares, left = np.linalg.eigh(seen @ seen.T)
        kept = squares > TINY * squares[-1]
        size, left = np.sqrt(squares[kept]), left[:, kept]
        right = (ahead @ seen.T) @ left / size
    along = left.T @ (y - centre)
    best = np.inf, np.empty(0)
    for penalty in PENALTIES:
        shrunk = size**2 / (size**2 + penalty * n * np.sqrt(x.shape[1]))
        fitted = left @ (shrunk[:, None] * along)
        leverage = np.minimum((left**2) @ shrunk + 1 / n, HIGHEST_LEVERAGE)
        error = (y - centre - fitted) / (1 - leverage[:, None])
        loss = float(np.abs(error).mean())
        if loss < best[0]:
            best = loss, np.concatenate([y - error, centre + (right / size) @ (shrunk[:, None] * along)])
    return best[1]


def _standardised(x: Series, seen: int) -> Series:
    known = ~np.isnan(x[:seen])
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x[:seen], 0.0).sum(axis=0) / count
    off = np.where(np.isnan(x), 0.0, x - mean)
    deviation = np.sqrt((off[:seen] ** 2).sum(axis=0) / count)
    usable = deviation > TINY * (np.abs(mean) + TINY)
    return np.clip(np.where(usable, off / np.where(usable, deviation, 1.0), 0.0), -STANDARD_LIMIT, STANDARD_LIMIT)
