"""On/off states near those of the linear relaxation, then better ones: the answer to most on/off devices.

For given states the rest is a linear programme whose cost is convex in the states. Its reduced costs therefore bound
from below what a change of states brings, and a change whose first-order effect is no gain need not be tried.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from optimization.engine.compiled import Compiled, Filled, Switching
from optimization.engine.relaxation import Linear
from optimization.engine.series import Series

LONGEST_SHIFT = 3
LEAST_GAIN = 1e-9
BELOW = 1e-6


def rounded(
    compiled: Compiled, filled: Filled, linear: Linear, *, spread: bool = False, dear_off: float = 1.0
) -> Series:
    """Return `linear.values` with the states nearest to their outputs that keep the minimum times.

    With `spread`, what a stretch of equal outputs loses or gains is made up for within it. `dear_off` weighs output
    that is lost against output that is too much.
    """
    values = np.round(linear.values)
    switches = zip(compiled.switches, filled.lowest, filled.initially, strict=True)
    for switching, lowest, initially in switches:
        output = linear.values[switching.output]
        if spread:
            output = spread_out(output, lowest, max(switching.min_run, switching.min_rest))
        values[switching.on] = nearest_states(
            on_cost=np.maximum(0.0, lowest - output),
            off_cost=dear_off * output,
            low=filled.low[switching.on],
            high=filled.high[switching.on],
            switching=switching,
            initially=initially,
        )
    return values


def kept_states(compiled: Compiled, filled: Filled, wanted: Series) -> Series:
    """Return `wanted` (a value per column) with the states nearest to it that keep the minimum times."""
    values = wanted.copy()
    for switching, initially in zip(compiled.switches, filled.initially, strict=True):
        values[switching.on] = nearest_states(
            on_cost=1 - wanted[switching.on],
            off_cost=wanted[switching.on],
            low=filled.low[switching.on],
            high=filled.high[switching.on],
            switching=switching,
            initially=initially,
        )
    return values


def spread_out(output: Series, lowest: float, length: int) -> Series:
    """Return the output with each block of `length` steps whose mean is below `lowest` made 0 or `lowest`.

    What a block makes too much or too little is carried on to the next one (first-order sigma-delta modulation).
    """
    result, owed = output.copy(), 0.0
    for first in range(0, len(output), length):
        block = slice(first, first + length)
        mean = float(output[block].mean())
        if mean < lowest - BELOW:
            on = owed + mean >= lowest / 2
            result[block] = lowest * on
            owed += mean - lowest * on
    return result


def nearest_states(
    *, on_cost: Series, off_cost: Series, low: Series, high: Series, switching: Switching, initially: float
) -> Series:
    """Return the states of least total cost that keep the minimum times, by dynamic programming.

    The phases are the steps of a run that must still go on, then "may stop", and the same for a rest. `low` and `high`
    hold what remains of the minimum time of the state before the horizon.
    """
    run, rest = switching.min_run, switching.min_rest
    phases = run + rest
    # Each phase may follow the first or, where a minimum time is over, also the second of these.
    before = [(phases - 1, phases - 1), *((phase, phase) for phase in range(run - 1))]
    before += [(run - 1, run - 1), *((phase, phase) for phase in range(run, phases - 1))]
    before[run - 1] = (before[run - 1][0], run - 1)
    before[phases - 1] = (before[phases - 1][0], phases - 1)
    best = [math.inf] * phases
    best[run - 1 if initially > 0.5 else phases - 1] = 0.0
    choices: list[list[int]] = []
    for step in range(len(on_cost)):
        on = float(on_cost[step]) if high[step] > 0.5 else math.inf
        off = float(off_cost[step]) if low[step] < 0.5 else math.inf
        chosen = [first if best[first] <= best[second] else second for first, second in before]
        best = [best[chosen[phase]] + (on if phase < run else off) for phase in range(phases)]
        choices.append(chosen)
    phase = min(range(phases), key=best.__getitem__)
    states = np.zeros(len(on_cost))
    for step in range(len(on_cost) - 1, -1, -1):
        states[step] = float(phase < run)
        phase = choices[step][phase]
    return states


@dataclass(frozen=True)
class Change:
    """Another state for the columns `columns`, and its first-order effect on the goal."""

    columns: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    state: float
    effect: float


def promising_changes(compiled: Compiled, filled: Filled, states: Series, reduced: Series) -> list[Change]:
    """Return the changes of runs and rests whose first-order effect is a gain, the most promising first."""
    found = [
        change
        for switching, initially in zip(compiled.switches, filled.initially, strict=True)
        for change in _changes(switching, states[switching.on], initially, reduced[switching.on])
        if change.effect < -LEAST_GAIN and _allowed(change, filled)
    ]
    return sorted(found, key=lambda change: change.effect)


def _allowed(change: Change, filled: Filled) -> bool:
    within = (filled.low[change.columns] <= change.state) & (change.state <= filled.high[change.columns])
    return bool(within.all())


def _changes(switching: Switching, on: Series, initially: float, reduced: Series) -> Iterator[Change]:
    """Yield longer and shorter runs and rests, and runs and rests left out or put in, that keep the minimum times."""
    total = np.concatenate([[0.0], np.cumsum(reduced)])
    borders = [0, *(np.flatnonzero(np.diff(on)) + 1).tolist(), len(on)]
    spans: set[tuple[int, int]] = set(pairwise(borders))
    for border in borders:
        for shift in range(1, LONGEST_SHIFT + 1):
            spans |= {(border - shift, border), (border, border + shift)}
    for length in {switching.min_run, switching.min_rest}:
        spans |= {(first, first + length) for first in range(len(on) - length + 1)}
    for first, end in spans:
        if first < 0 or end > len(on) or not _one_state(on[first:end]):
            continue
        state = 1.0 - on[first]
        effect = float(total[end] - total[first]) * (1 if state else -1)
        if effect < -LEAST_GAIN and keeps_minimum_times(switching, _with(on, first, end, state), initially):
            yield Change(switching.on[first:end], state, effect)


def _one_state(on: Series) -> bool:
    return bool(on[0] == on[-1] and np.all(on == on[0]))


def _with(on: Series, first: int, end: int, state: float) -> Series:
    changed = on.copy()
    changed[first:end] = state
    return changed


def keeps_minimum_times(switching: Switching, on: Series, initially: float) -> bool:
    """Tell whether runs and rests that begin in the horizon are long enough; the last one may go on beyond it."""
    states = np.concatenate([[round(initially)], on])
    borders = np.flatnonzero(np.diff(states)) + 1
    shortest = np.where(states[borders[:-1]] > 0.5, switching.min_run, switching.min_rest)
    return bool(np.all(np.diff(borders) >= shortest))
