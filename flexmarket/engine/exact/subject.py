"""What may move for an offer: one device with what follows it, or the whole site; everything else keeps the plan."""

from dataclasses import dataclass, replace

import numpy as np

from flexmarket.engine.exact.linear import Bounds, Entries, Program, Solution
from flexmarket.engine.exact.model import NEAR_KW, PlannedSite
from flexmarket.engine.offer import Direction
from optimization.engine.compiled import Places
from optimization.engine.relaxation import Linear
from optimization.engine.rounding import rounded
from optimization.engine.series import Series

BOTH_KW = 1e-6
REPAIRS = 4
MOST_NODES = 64
NEAR_EUR = 1e-5
MOST_KW = 1e7
# How near to the best a plan with other states must be: EUR, or as a share of the cost of the day.
LEAST_GAP_EUR = 2e-3
GAP = 5e-4
TREE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """Steps `first` to before `end` in which the power changes by `direction`, by `least_kw` to `most_kw`."""

    first: int
    end: int
    direction: Direction
    least_kw: float = 0.0
    most_kw: float = MOST_KW


@dataclass(frozen=True)
class Answer:
    """A plan with a call: a value per column of the site's model, its power (a magnitude), and its goal in EUR.

    `slope_eur_per_kw` is what one more kW of consumption would cost, where the power was given.
    """

    values: Series
    power_kw: float
    goal_eur: float
    slope_eur_per_kw: float


@dataclass(frozen=True, eq=False)
class Kept:
    """Power that a place (None: the meter) has promised already: kW from step `first` on, positive for consumption."""

    place: int | None
    first: int
    power_kw: Series


class Subject:
    """The programme of a call of one device, or of the site's meter (`place` None).

    What may move are all devices, or (where `alone`) the called one with heat stores and boilers, which follow it.
    Columns of everything else are numbers, so the programme is small. Its last column is the change of power; its last
    rows say that the called power is that of `baseline_kw` (the plan's, unless another was promised) plus that change.
    The places in `steady` keep their planned power while the call lasts; what is `kept` holds in any case.
    """

    def __init__(
        self,
        planned: PlannedSite,
        place: int | None,
        *,
        alone: bool = True,
        baseline_kw: Series | None = None,
        steady: tuple[int, ...] = (),
        kept: tuple[Kept, ...] = (),
    ) -> None:
        self.planned, self.place, self.steady, self.kept = planned, place, steady, kept
        everything = place is None or not alone
        moving = set(range(planned.meter)) if everything else {place, *planned.follows}
        free = planned.columns & np.isin(planned.owner, sorted({*moving, planned.meter}))
        self.columns: Places = np.flatnonzero(free)
        self._new = np.cumsum(free) - 1
        pairs = planned.compiled.exclusive[free[planned.compiled.exclusive[:, 1]]]
        self.opposites = (self._new[pairs[:, 1]], self._new[pairs[:, 2]])
        call = planned.power(planned.meter if place is None else place)
        self.baseline_kw = self._planned_kw(place) if baseline_kw is None else baseline_kw
        entries, row_low, row_high = planned.kept_matrix()
        entries, row_low, row_high = self._reduced(entries, row_low, row_high, free)
        self._rows = len(row_low)
        change = len(self.columns)
        steps = np.arange(planned.count)
        self.entries = Entries.joined(
            [
                entries,
                Entries(call.rows + self._rows, self._new[call.columns], call.values),
                Entries(steps + self._rows, np.full(planned.count, change), np.full(planned.count, -1.0)),
            ]
        )
        for number, other in enumerate(steady, start=1):
            power = planned.power(other)
            rows = power.rows + self._rows + number * planned.count
            self.entries = Entries.joined([self.entries, Entries(rows, self._new[power.columns], power.values)])
        for number, promise in enumerate(kept, start=1 + len(steady)):
            power = planned.power(planned.meter if promise.place is None else promise.place)
            rows = power.rows + self._rows + number * planned.count
            self.entries = Entries.joined([self.entries, Entries(rows, self._new[power.columns], power.values)])
        endless = np.full(planned.count * (1 + len(steady) + len(kept)), np.inf)
        low, high = planned.filled.low.copy(), planned.filled.high.copy()
        high[planned.missed] = planned.wish_high
        self.bounds = Bounds(
            low=np.append(low[self.columns], 0.0),
            high=np.append(high[self.columns], 0.0),
            row_low=np.append(row_low, -endless),
            row_high=np.append(row_high, endless),
        )
        for number, promise in enumerate(kept, start=1 + len(steady)):
            rows_kept = slice(
                self._rows + number * planned.count + promise.first,
                self._rows + number * planned.count + promise.first + len(promise.power_kw),
            )
            self.bounds.row_low[rows_kept] = promise.power_kw - NEAR_KW
            self.bounds.row_high[rows_kept] = promise.power_kw + NEAR_KW
        self.goal = np.append(planned.filled.goal[self.columns], 0.0)
        # What no plan can earn with one kW more, so that the largest power comes first and its cost second.
        self.worth_eur_per_kw = 10.0 * (1.0 + float(np.abs(self.goal).sum()))
        self.gap_eur = max(LEAST_GAP_EUR, GAP * abs(planned.goal_of(planned.plan)))
        self.program = Program(self.goal, self.entries, self.bounds)
        states = planned.compiled.states
        self.states: Places = self._new[states[free[states]]]
        integer = np.zeros(len(self.goal), dtype=bool)
        integer[self._new[np.flatnonzero(free & planned.compiled.integer)]] = True
        self.tree = Program(self.goal, self.entries, self.bounds, integer)
        # A device whose power is nothing but states cannot be held at any power: it gives at least what is asked.
        self.rigid = place is not None and bool(np.isin(self._new[call.columns], self.states).all())

    def _planned_kw(self, place: int | None) -> Series:
        planned = self.planned
        if place is None:
            return planned.schedule.grid_power_kw
        return planned.schedule.devices[planned.device(place).name]["power_kw"]

    def _reduced(
        self, entries: Entries, row_low: Series, row_high: Series, free: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> tuple[Entries, Series, Series]:
        """Return the rows in which something is free; what is not goes to the other side."""
        inside = free[entries.columns]
        given = entries.only(~inside).times(self.planned.plan, len(row_low))
        left = entries.only(inside)
        kept = np.zeros(len(row_low), dtype=bool)
        kept[left.rows] = True
        number = np.cumsum(kept) - 1
        moved = Entries(number[left.rows], self._new[left.columns], left.values)
        return moved, (row_low - given)[kept], (row_high - given)[kept]

    def from_step(self, first: int) -> Bounds:
        """Return the bounds with everything before step `first` as planned."""
        planned = self.planned
        low, high = planned.filled.low.copy(), planned.filled.high.copy()
        high[planned.missed] = planned.wish_high
        early = (planned.step_of_control >= 0) & (planned.step_of_control < first)
        low[early] = high[early] = planned.plan[early]
        bounds = self.bounds.copy()
        bounds.low[:-1], bounds.high[:-1] = low[self.columns], high[self.columns]
        self._meter_as_planned(bounds, first)
        return bounds

    def _meter_as_planned(self, bounds: Bounds, first: int) -> None:
        """Bar import where the plan exports, and export where it imports, before step `first`."""
        meter, grid = self.planned.compiled.variables[-1], self.planned.schedule.grid_power_kw[:first]
        for name, idle in (("import_kw", grid <= 0), ("export_kw", grid > 0)):
            columns = self._new[np.arange(meter[name].start, meter[name].start + first)[idle]]
            bounds.high[columns] = 0.0

    def called(self, bounds: Bounds, call: Call) -> Bounds:
        """Return the bounds with the call."""
        bounds, sign = bounds.copy(), call.direction.sign
        limits = sorted((sign * call.least_kw, sign * call.most_kw))
        bounds.low[-1], bounds.high[-1] = limits
        rows = slice(self._rows + call.first, self._rows + call.end)
        planned = self.baseline_kw[call.first : call.end]
        if not self.rigid or sign > 0:
            bounds.row_low[rows] = planned
        if not self.rigid or sign < 0:
            bounds.row_high[rows] = planned
        for other in self.steady:
            rows = slice(rows.start + self.planned.count, rows.stop + self.planned.count)
            power = self._steady_kw(other)[call.first : call.end]
            bounds.row_low[rows], bounds.row_high[rows] = power - NEAR_KW, power + NEAR_KW
        return bounds

    def _steady_kw(self, place: int) -> Series:
        """Return what a place has to do while the call lasts: what it promised, else what is planned."""
        power = self._planned_kw(place).copy()
        for promise in self.kept:
            if promise.place == place:
                power[promise.first : promise.first + len(promise.power_kw)] = promise.power_kw
        return power

    def held(self, bounds: Bounds, values: Series) -> Bounds:
        """Return the bounds with the states of a plan (a value per column of the site)."""
        bounds = bounds.copy()
        bounds.low[self.states] = bounds.high[self.states] = np.round(values[self.columns[self.states]])
        return bounds

    def rounded(self, bounds: Bounds, relaxed: Answer) -> Bounds:
        """Return the bounds with the states that are nearest to those of a relaxed plan and keep the minimum times."""
        planned = self.planned
        low, high = planned.plan.copy(), planned.plan.copy()
        low[self.columns], high[self.columns] = bounds.low[:-1], bounds.high[:-1]
        linear = Linear(relaxed.values, relaxed.goal_eur, np.zeros(0))
        return self.held(bounds, rounded(planned.compiled, replace(planned.filled, low=low, high=high), linear))

    def largest(self, bounds: Bounds, call: Call) -> Answer | None:
        """Return the plan with the largest change of power, the cheapest of these; None where there is none."""
        return self._solve(self.called(bounds, call), -call.direction.sign * self.worth_eur_per_kw)

    def smallest(self, bounds: Bounds, call: Call) -> Answer | None:
        """Return the plan with the smallest change of power; None where there is none."""
        return self._solve(self.called(bounds, call), call.direction.sign * self.worth_eur_per_kw)

    def cheapest(self, bounds: Bounds, call: Call | None = None) -> Answer | None:
        """Return the cheapest plan, with a call if one is given; None where there is none."""
        return self._solve(bounds if call is None else self.called(bounds, call), 0.0)

    def relaxed(self, bounds: Bounds, call: Call) -> Answer | None:
        """Return a bound on the power of a call and on its cost, from states anywhere between on and off."""
        found = self.program.solve(self.called(bounds, call), last_cost=-call.direction.sign * self.worth_eur_per_kw)
        return None if found is None else self._answer(found)

    def searched(
        self, bounds: Bounds, call: Call, start: Answer | None, time_limit: float = TREE_SECONDS
    ) -> Series | None:
        """Return the plan of largest power with the best states for it, by a tree, a value per column of the site."""
        values = self.tree.search(
            self.called(bounds, call),
            last_cost=-call.direction.sign * self.worth_eur_per_kw,
            gap=self.gap_eur,
            time_limit=time_limit,
            start=None
            if start is None
            else np.append(start.values[self.columns], call.direction.sign * start.power_kw),
        )
        return None if values is None else self._whole(values)

    def _answer(self, found: Solution) -> Answer:
        whole = self._whole(found.values)
        return Answer(whole, abs(float(found.values[-1])), self.planned.goal_of(whole), float(found.reduced[-1]))

    def _whole(self, values: Series) -> Series:
        whole = self.planned.plan.copy()
        whole[self.columns] = values[:-1]
        return whole

    def _solve(self, bounds: Bounds, last_cost: float) -> Answer | None:
        """Return the best plan that does no two opposite things at once; None where none was found.

        Opposites are left to the linear programme, decided for the larger one, and planned again. Where that loses
        something (a full store that burns energy to consume more), they are branched on.
        """
        best: tuple[float, Solution] | None = None
        nodes = [bounds]
        for _ in range(MOST_NODES):
            if not nodes:
                break
            bounds = nodes.pop()
            found = self.program.solve(bounds, last_cost=last_cost)
            if found is None or not self._betters(found, best, last_cost):
                continue
            opposite = self._opposite(found)
            if opposite is None:
                best = (self._worth(found, last_cost), found)
                continue
            repaired = self._repaired(bounds, opposite, last_cost)
            if repaired is not None and self._betters(repaired, best, last_cost):
                best = (self._worth(repaired, last_cost), repaired)
            if self._betters(found, best, last_cost):
                smaller, larger = opposite
                nodes += [_barred(bounds, larger[:1]), _barred(bounds, smaller[:1])]
        return None if best is None else self._answer(best[1])

    def _repaired(self, bounds: Bounds, opposite: tuple[Places, Places] | None, last_cost: float) -> Solution | None:
        """Return the plan with all opposites decided for the larger one."""
        found: Solution | None = None
        for _ in range(REPAIRS):
            if opposite is None:
                return found
            bounds = _barred(bounds, opposite[0])
            found = self.program.solve(bounds, last_cost=last_cost)
            if found is None:
                return None
            opposite = self._opposite(found)
        return found if opposite is None else None

    def _opposite(self, found: Solution) -> tuple[Places, Places] | None:
        """Return the smaller and the larger columns of opposites that are both above zero, the worst first."""
        one, other = self.opposites
        first, second = found.values[one], found.values[other]
        both = np.minimum(first, second)
        worst = np.argsort(-both)[: int((both > BOTH_KW).sum())]
        if not len(worst):
            return None
        smaller = np.where(first > second, other, one)
        larger = np.where(first > second, one, other)
        return smaller[worst], larger[worst]

    def _worth(self, found: Solution, last_cost: float) -> float:
        return float(self.goal @ found.values) + last_cost * float(found.values[-1])

    def _betters(self, found: Solution, best: tuple[float, Solution] | None, last_cost: float) -> bool:
        return best is None or self._worth(found, last_cost) < best[0] - NEAR_EUR

    def changes(self, values: Series) -> Series:
        """Return by how much the power of a plan differs from the promised one, kW per step (positive: more)."""
        planned = self.planned
        power = planned.power(planned.meter if self.place is None else self.place).times(values, planned.count)
        return power - self.baseline_kw


def _barred(bounds: Bounds, columns: Places) -> Bounds:
    barred = bounds.copy()
    barred.high[columns] = 0.0
    return barred
