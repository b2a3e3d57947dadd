"""What every device kind brings: its data, its part of the model, its physics, its behaviour without control."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Shape, Solved
from optimization.engine.reasons import Reasons, Worth
from optimization.engine.schedule import SITE, DeviceSeries, Unmet
from optimization.engine.series import Series, fit_to
from optimization.engine.violations import Violation

State = Mapping[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Device(ABC):
    """A device of a site. `name` is unique within the site.

    `quantities` are the series that a plan has for this kind, `own_length` the fields that are not one value per step.
    `given` says that habit or weather, not the plan, decides on its power (which may be curtailed).
    """

    kind: ClassVar[str]
    quantities: ClassVar[frozenset[str]]
    own_length: ClassVar[frozenset[str]] = frozenset()
    given: ClassVar[bool] = False

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or self.name == SITE:
            raise ProblemError("device.name", repr(self.name), f"a name other than {SITE!r}")

    def field(self, name: str) -> str:
        """Return the name of a field as error messages show it."""
        return f"{self.name}.{name}"

    def keep(self, name: str, value: object) -> None:
        """Set a normalised value while the frozen record is being made."""
        object.__setattr__(self, name, value)

    def fitted(self, horizon: Horizon) -> Self:
        """Return this device with one value per step of `horizon` in each of its series.

        Raises:
            ProblemError: for a series of another length, or data that this horizon makes impossible.
        """
        series: dict[str, Any] = {
            field.name: fit_to(value, horizon.count, self.field(field.name))
            for field in fields(self)
            if field.name not in self.own_length and isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **series)

    def shape(self, horizon: Horizon) -> Shape:
        """Return whatever decides which variables and constraints the model has; devices of one shape share it."""
        return ()

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return every number of this device that the model needs, by name: one, or an array."""
        return {}

    @classmethod
    @abstractmethod
    def build(cls, block: Block, shape: Any, grid: Grid) -> Part:
        """Add variables and constraints to `block` and return what the site's balances and cost take from them.

        `block` holds the `parameters` as mutable Pyomo parameters. Coefficients, bounds and right-hand sides are sums
        of products of at most two of them, so that the model is compiled once for all devices of this shape.
        """

    @abstractmethod
    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return the series of this device from its solved variables by name."""

    @abstractmethod
    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield every limit of physics that `series` breaks, without looking at the model."""

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return the lowest and the highest electric power in each step, kW."""
        return np.zeros(horizon.count), np.zeros(horizon.count)

    def unmet(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Unmet]:
        """Yield the wishes of this device that `series` misses."""
        yield from ()

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return for each step why the plan uses this device as it does, None where there is nothing to say."""
        return [None] * horizon.count

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return how it stands where `step` begins and `series` came before, as plain numbers; nothing for most kinds.

        `step` is 1 or more.
        """
        return {}

    def resumed(self, state: State, horizon: Horizon) -> Self | None:
        """Return this device as it goes on from a state, in a horizon that starts there; None where it is done."""
        return self

    def repeated(self, series: DeviceSeries, horizon: Horizon) -> DeviceSeries:
        """Return a plan's series with its powers kept and its contents from this device's own initial state."""
        return series

    def wear_eur(self, series: DeviceSeries, horizon: Horizon) -> float:
        """Return the cost of wear, EUR."""
        return 0.0

    def start_eur(self, series: DeviceSeries, horizon: Horizon) -> float:
        """Return the cost of starts, EUR."""
        return 0.0


class Uncontrolled(ABC):
    """A device whose behaviour without control depends on nothing else at the site."""

    @abstractmethod
    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Return the series when nobody optimises."""


class Thermostat(ABC):
    """A heat producer's own controller, asked step by step."""

    @abstractmethod
    def step(self, step: int, wanted_kw: float, room_kw: float) -> float:
        """Return the heat made in `step`, kW, when `wanted_kw` would be right and up to `room_kw` can be taken."""

    @abstractmethod
    def series(self) -> DeviceSeries:
        """Return the series of all steps asked so far."""


class HeatProducer(ABC):
    """A device that follows a thermostat when nobody optimises."""

    @abstractmethod
    def thermostat(self, horizon: Horizon) -> Thermostat:
        """Return a fresh controller for the horizon."""
