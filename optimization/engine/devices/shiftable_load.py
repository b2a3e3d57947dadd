"""A process of fixed shape that may move in time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, Self

import numpy as np
import pyomo.environ as pyo

from optimization.engine.devices.base import Device, State, Uncontrolled
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Expression, Parameters, Part, Solved, switched
from optimization.engine.reasons import Reason, Reasons, Why, Worth
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series, SeriesLike, as_series, checked
from optimization.engine.violations import Violation, exceeding, outside


class Shift(StrEnum):
    """How a process may move: not at all, as a whole, or step by step with breaks."""

    INFLEXIBLE = "inflexible"
    SHIFTABLE = "shiftable"
    BREAKABLE = "breakable"


class ProcessShape(NamedTuple):
    """What shapes the model: the length in steps, and whether breaks are allowed."""

    length: int
    breakable: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftableLoad(Device, Uncontrolled):
    """A process (washing machine, pump, charging of a depot) that runs once in the horizon.

    `profile_kw` has one value per step of the process. It starts no earlier than `earliest_start`, is done by
    `latest_end` (defaults: the horizon) and stands still in the `forbidden` spans. An inflexible process starts at
    `earliest_start`, whatever the prices. Without control every process starts as early as it may.
    """

    kind: ClassVar[str] = "shiftable_load"
    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw", "on"})
    own_length: ClassVar[frozenset[str]] = frozenset({"profile_kw"})

    profile_kw: SeriesLike
    shift: Shift = Shift.SHIFTABLE
    earliest_start: datetime | None = None
    latest_end: datetime | None = None
    forbidden: tuple[tuple[datetime, datetime], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep("profile_kw", as_series(self.profile_kw, self.field("profile_kw"), minimum=0))
        if self.shift not in list(Shift):
            raise ProblemError(self.field("shift"), self.shift, ", ".join(Shift))
        if not len(self.profile):
            raise ProblemError(self.field("profile_kw"), "empty", "at least one step")
        moments = {"earliest_start": self.earliest_start, "latest_end": self.latest_end}
        for index, (begin, end) in enumerate(self.forbidden):
            moments |= {f"forbidden[{index}][0]": begin, f"forbidden[{index}][1]": end}
        for name, moment in moments.items():
            if moment is not None and moment.tzinfo is None:
                raise ProblemError(self.field(name), moment, "a time with a time zone")
        for index, (begin, end) in enumerate(self.forbidden):
            if end <= begin:
                raise ProblemError(self.field(f"forbidden[{index}][1]"), end, f"later than its begin ({begin})")

    @property
    def profile(self) -> Series:
        """Power of each step of the process, kW."""
        return checked(self.profile_kw)

    def fitted(self, horizon: Horizon) -> Self:
        """Return this process; refuse one that has no room in the horizon."""
        count = len(self.profile)
        if self.shift == Shift.BREAKABLE and self.allowed_steps(horizon).sum() < count:
            raise ProblemError(self.field("profile_kw"), f"{count} steps", self._room(horizon))
        if self.shift != Shift.BREAKABLE and not len(self.starts(horizon)):
            raise ProblemError(self.field("profile_kw"), f"{count} steps in a row", self._room(horizon))
        return self

    def _room(self, horizon: Horizon) -> str:
        free = int(self.allowed_steps(horizon).sum())
        return f"what fits between earliest_start and latest_end outside forbidden times ({free} steps)"

    def allowed_steps(self, horizon: Horizon) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which steps of the horizon the process may use."""
        allowed = np.ones(horizon.count, dtype=bool)
        if self.earliest_start is not None:
            allowed[: horizon.first_step_from(self.earliest_start)] = False
        if self.latest_end is not None:
            allowed[horizon.last_step_before(self.latest_end) :] = False
        for begin, end in self.forbidden:
            allowed[horizon.last_step_before(begin) : horizon.first_step_from(end)] = False
        return allowed

    def starts(self, horizon: Horizon) -> list[int]:
        """Return the steps in which the unbroken process may start; one at most for an inflexible process."""
        allowed, length = self.allowed_steps(horizon), len(self.profile)
        starts = [t for t in range(horizon.count - length + 1) if allowed[t : t + length].all()]
        if self.shift != Shift.INFLEXIBLE:
            return starts
        first = 0 if self.earliest_start is None else horizon.first_step_from(self.earliest_start)
        return [t for t in starts if t == first]

    def shape(self, horizon: Horizon) -> ProcessShape:
        """Return the length, and whether breaks are allowed."""
        return ProcessShape(len(self.profile), self.shift == Shift.BREAKABLE)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return the profile in kW, and 1 for each step in which it may run (with breaks) or start (without)."""
        if self.shift == Shift.BREAKABLE:
            return {"profile_kw": self.profile, "allowed": self.allowed_steps(horizon).astype(np.float64)}
        allowed = np.zeros(horizon.count - len(self.profile) + 1)
        allowed[self.starts(horizon)] = 1.0
        return {"profile_kw": self.profile, "allowed": allowed}

    @classmethod
    def build(cls, block: Block, shape: ProcessShape, grid: Grid) -> Part:
        """Choose one start, or for a breakable process one step for each of its steps, in their order."""
        if shape.breakable:
            return Part(takes_kw=cls._build_breakable(block, shape, grid))
        starts, length = range(grid.count - shape.length + 1), shape.length
        block.start = pyo.Var(starts, domain=pyo.Integers, bounds=lambda b, s: (0, b.allowed[s]))
        block.once = pyo.Constraint(expr=sum(block.start[s] for s in starts) == 1)
        power: list[Expression] = [
            sum(block.profile_kw[t - s] * block.start[s] for s in starts if 0 <= t - s < length) for t in grid.steps
        ]
        return Part(takes_kw=power)

    @staticmethod
    def _build_breakable(block: Block, shape: ProcessShape, grid: Grid) -> list[Expression]:
        stages, steps = range(shape.length), grid.steps
        block.runs = pyo.Var(stages, steps, domain=pyo.Integers, bounds=lambda b, _, t: (0, b.allowed[t]))
        block.each_once = pyo.Constraint(stages, rule=lambda b, i: sum(b.runs[i, t] for t in steps) == 1)
        block.one_at_a_time = pyo.Constraint(steps, rule=lambda b, t: sum(b.runs[i, t] for i in stages) <= 1)

        def in_order(block: Block, i: int, t: int) -> Expression:
            done_before = sum(block.runs[i, k] for k in range(t))
            return sum(block.runs[i + 1, k] for k in range(t + 1)) <= done_before

        block.in_order = pyo.Constraint(range(shape.length - 1), steps, rule=in_order)
        return [sum(block.profile_kw[i] * block.runs[i, t] for i in stages) for t in steps]

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return power in kW and in which steps the process runs."""
        if self.shift == Shift.BREAKABLE:
            return self._series(switched(solved["runs"]).reshape(len(self.profile), -1).argmax(axis=1), horizon)
        start = int(switched(solved["start"]).argmax())
        return self._series(np.arange(start, start + len(self.profile)), horizon)

    def _series(self, steps: np.ndarray[tuple[int], np.dtype[np.int_]], horizon: Horizon) -> DeviceSeries:
        power, on = np.zeros(horizon.count), np.zeros(horizon.count)
        power[steps], on[steps] = self.profile, 1.0
        return {"power_kw": power, "on": on}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield use of forbidden steps, a broken order or shape, and breaks where none are allowed."""
        on = series["on"]
        yield from outside(self.name, "allowed times", on, 0.0, self.allowed_steps(horizon).astype(float))
        steps = np.flatnonzero(on)
        if len(steps) != len(self.profile):
            yield Violation(device=self.name, rule="number of steps", step=0, amount=len(steps) - len(self.profile))
            return
        expected = np.zeros(horizon.count)
        expected[steps] = self.profile
        yield from exceeding(self.name, "shape of the process", np.abs(series["power_kw"] - expected))
        if self.shift != Shift.BREAKABLE and int(steps[0]) not in self.starts(horizon):
            yield Violation(device=self.name, rule="allowed start", step=int(steps[0]), amount=1.0)
        if self.shift != Shift.BREAKABLE and steps[-1] - steps[0] + 1 != len(steps):
            yield Violation(device=self.name, rule="no breaks", step=int(steps[0]), amount=1.0)

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return how many steps of the process are done, and whether that is all."""
        done = float(np.round(series["on"][:step]).sum())
        return {"steps_done": done, "done": float(done >= len(self.profile))}

    def resumed(self, state: State, horizon: Horizon) -> Self | None:
        """Return what is left of the process: an unbroken one that has begun goes on at once; None where it is done."""
        done = round(state["steps_done"])
        if state["done"] or not done:
            return None if state["done"] else self
        left = replace(self, profile_kw=self.profile[done:])
        if self.shift == Shift.BREAKABLE:
            return left
        return replace(left, shift=Shift.INFLEXIBLE, earliest_start=horizon.start, forbidden=())

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return, while it runs, what its energy is worth there and at its earliest time."""
        energy = float(self.profile.sum())
        if not energy:
            return [None] * horizon.count
        here, early = (
            float(power @ worth.electricity) / energy
            for power in (series["power_kw"], self.uncontrolled(horizon)["power_kw"])
        )
        return [Reason(Why.SHIFTED, here, above=early) if on else None for on in series["on"]]

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return zero and the highest power of the process where it may run."""
        return np.zeros(horizon.count), np.where(self.allowed_steps(horizon), self.profile.max(initial=0.0), 0.0)

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Run as early as allowed."""
        if self.shift == Shift.BREAKABLE:
            return self._series(np.flatnonzero(self.allowed_steps(horizon))[: len(self.profile)], horizon)
        start = self.starts(horizon)[0]
        return self._series(np.arange(start, start + len(self.profile)), horizon)
