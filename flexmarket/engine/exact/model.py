"""A planned site in matrix form: which columns decide what, and the plan as a value per column."""

from functools import cached_property

import numpy as np

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact.linear import Bounds, Entries, Mask, Program
from flexmarket.engine.site_plan import check_plan
from optimization.engine.compiled import Filled, Places, cache
from optimization.engine.devices import Device
from optimization.engine.guides import guide_from_series
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries, Schedule
from optimization.engine.series import Series
from optimization.engine.topology import Site

# How far the plan's columns may lie from its series, kW, and what a wish may be missed more than by the plan, kWh.
NEAR_KW = 1e-6
SLACK_KWH = 1e-6
EUR_PER_MISSED_KWH = 1e4


class PlannedSite:
    """A site's model without the binaries that only exclude opposites, and its plan as a value per column.

    `plan` holds the columns, `wish_high` the bounds of missed wishes: what the plan misses. `index` maps the names of
    devices to their place in the model; the meter has the last place.

    Raises:
        OfferError: for a plan that the model does not allow.
    """

    def __init__(self, problem: SiteProblem, schedule: Schedule) -> None:
        check_plan(problem, schedule)
        self.problem, self.schedule = problem, schedule
        self.site = Site(problem)
        self.compiled = cache.get(self.site.topology)
        self.filled: Filled = self.compiled.fill(self.site.numbers)
        self.index = {device.name: place for place, device in enumerate(self.site.devices)}
        self.meter = len(self.site.devices)
        self.count = problem.horizon.count
        self.guide = guide_from_series(self.site, self.compiled, schedule.devices)
        self.missed: Places = np.concatenate(self.compiled.ranks)
        self.wish_high = self.filled.high[self.missed]
        self.plan = self._planned()
        self.wish_high = np.minimum(self.wish_high, self.plan[self.missed] + SLACK_KWH)

    @cached_property
    def columns(self) -> Mask:
        """The columns that the model keeps."""
        kept = np.ones(self.compiled.column_count, dtype=bool)
        kept[self.compiled.exclusive[:, 0]] = False
        return kept

    @cached_property
    def rows(self) -> Mask:
        """The rows that the model keeps: those that exclude opposites go."""
        compiled = self.compiled
        kept = np.ones(compiled.row_count, dtype=bool)
        kept[compiled.rows[~self.columns[compiled.column_of_value]]] = False
        kept[compiled.rank_rows] = False
        return kept

    @cached_property
    def entries(self) -> Entries:
        """The matrix of the kept rows and columns."""
        compiled = self.compiled
        whole = Entries(compiled.rows, compiled.column_of_value, self.filled.values)
        return whole.only(self.rows[whole.rows] & self.columns[whole.columns])

    @cached_property
    def owner(self) -> Places:
        """The place of the device that each column belongs to."""
        owner = np.full(self.compiled.column_count, self.meter)
        for place, variables in enumerate(self.compiled.variables):
            for columns in variables.values():
                owner[columns] = place
        return owner

    def power(self, place: int) -> Entries:
        """Return what makes the power of a device (positive = consumption): the rows are its steps."""
        return self._in_balance("electricity", place)

    def heat(self, place: int) -> Entries:
        """Return what makes the heat of a device (positive = consumption), less a constant: the rows are its steps."""
        return self._in_balance("heat", place)

    def _in_balance(self, name: str, place: int) -> Entries:
        """Return a device's part of a balance; electricity is written as import - export - devices = 0."""
        rows = self.compiled.constraints[-1].get(name, np.zeros(0, dtype=np.int64))
        step = np.full(self.compiled.row_count, -1)
        step[rows] = np.arange(len(rows))
        sign = -1.0 if name == "electricity" and place != self.meter else 1.0
        found = self.entries.only((step[self.entries.rows] >= 0) & (self.owner[self.entries.columns] == place))
        return Entries(step[found.rows], found.columns, sign * found.values)

    @cached_property
    def step_of_control(self) -> Places:
        """The step in which a column decides on power or heat, or a state holds; -1 for all other columns.

        The start of a process counts for the step of the start.
        """
        step = np.full(self.compiled.column_count, -1)
        for place in range(self.meter):
            for part in (self.power(place), self.heat(place)):
                step[part.columns] = part.rows
        for switching in self.compiled.switches:
            step[switching.on] = np.arange(self.count)
        for variables in self.compiled.variables:
            if "runs" in variables:
                runs = variables["runs"]
                step[runs] = np.arange(runs.stop - runs.start) % self.count
            elif "start" in variables and "on" not in variables:
                step[variables["start"]] = np.arange(variables["start"].stop - variables["start"].start)
        step[self.missed] = -1
        return step

    @cached_property
    def follows(self) -> frozenset[int]:
        """The places of devices without electric power: heat stores, boilers, heat loads."""
        return frozenset(place for place, device in enumerate(self.site.devices) if "power_kw" not in device.quantities)

    def device(self, place: int) -> Device:
        """Return the device at a place."""
        return self.site.devices[place]

    def read(self, values: Series) -> dict[str, DeviceSeries]:
        """Return the series of all devices, in the order of the problem."""
        horizon = self.problem.horizon
        found = {
            device.name: device.read(self.compiled.solved(place, values), horizon)
            for place, device in enumerate(self.site.devices)
        }
        return {device.name: found[device.name] for device in self.problem.devices}

    def goal_of(self, values: Series) -> float:
        """Return the goal of a plan, EUR."""
        return float(self.filled.goal @ values) + self.filled.goal_offset

    def _planned(self) -> Series:
        """Return the plan as columns: its states, powers and heats held, and as little missed as that allows."""
        low, high = self.filled.low.copy(), self.filled.high.copy()
        states = self.compiled.states
        low[states] = high[states] = np.round(self.guide[states])
        low[~self.columns] = high[~self.columns] = 0.0
        self._one_of_opposites(low, high)
        parts = [(self.power(place), "power_kw", place) for place in range(self.meter) if place not in self.follows]
        parts += [(self.heat(place), "heat_kw", place) for place in self.follows if self._makes_heat(place)]
        goal = self.filled.goal.copy()
        goal[self.missed] = EUR_PER_MISSED_KWH
        entries, row_low, row_high = self.kept_matrix()
        for part, name, place in parts:
            wanted = np.asarray(self.schedule.devices[self.device(place).name][name])
            # Steps without a column of the device say nothing of it.
            known = np.isin(np.arange(self.count), part.rows)
            entries = Entries.joined([entries, part.below(len(row_low))])
            row_low = np.concatenate([row_low, np.where(known, wanted - NEAR_KW, -np.inf)])
            row_high = np.concatenate([row_high, np.where(known, wanted + NEAR_KW, np.inf)])
        bounds = Bounds(low=low, high=high, row_low=row_low, row_high=row_high)
        solution = Program(goal, entries, bounds).solve(bounds, last_cost=float(goal[-1]))
        if solution is None:
            raise OfferError("schedule", "not a plan of this site", "one that keeps the site's physics (see verify)")
        return solution.values

    def _makes_heat(self, place: int) -> bool:
        return self.device(place).kind != "heat_load" and len(self.heat(place).rows) > 0

    def _one_of_opposites(self, low: Series, high: Series) -> None:
        """Bar, of two opposites, the one that the plan does not use."""
        _, one, other = self.compiled.exclusive.T
        high[other[self.guide[one] > self.guide[other]]] = 0.0
        high[one[self.guide[other] >= self.guide[one]]] = 0.0

    def kept_matrix(self) -> tuple[Entries, Series, Series]:
        """Return the matrix of the kept rows, numbered anew, and their bounds."""
        rows = np.flatnonzero(self.rows)
        number = np.cumsum(self.rows) - 1
        entries = Entries(number[self.entries.rows], self.entries.columns, self.entries.values)
        return entries, self.filled.row_low[rows], self.filled.row_high[rows]
