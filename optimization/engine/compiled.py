"""A topology's model in matrix form: compiled once, then filled with the numbers of each site."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from optimization.engine.formulation import SiteModel, block_name, formulate
from optimization.engine.parts import Block, Switch
from optimization.engine.polynomials import Polynomial, Polynomials, polynomial
from optimization.engine.series import Series
from optimization.engine.topology import Topology
from optimization.engine.wishes import RANKS, Wish

Places = npt.NDArray[np.int64]
MOST_IN_MEMORY = 64


@dataclass(frozen=True)
class Filled:
    """The numbers of one site in a compiled model: goal, bounds of columns and rows, and matrix values.

    `lowest` holds the lowest output of each of the model's switches while it is on, `initially` its state before.
    """

    goal: Series
    goal_offset: float
    low: Series
    high: Series
    row_low: Series
    row_high: Series
    values: Series
    lowest: Series
    initially: Series


@dataclass(frozen=True)
class Switching:
    """The columns of an on/off state per step and of its output, with its shortest run and rest in steps."""

    on: Places
    output: Places
    min_run: int
    min_rest: int


@dataclass(frozen=True, eq=False)
class Compiled:
    """The model of a topology: minimise `goal` over columns and rows, the matrix column by column.

    `variables` maps the names of each device's variables (and last, the meter's) to their columns, `constraints` those
    of its constraints to their rows; `exclusive` holds columns (binary, one, other), `ranks` the columns of missed
    wishes, `switches` what is on or off. The last rows, one per rank, hold all that is missed in it, kWh, without a
    limit of their own.
    """

    integer: npt.NDArray[np.bool_]
    starts: Places
    rows: Places
    row_count: int
    constraints: tuple[Mapping[str, Places], ...]
    entries: Polynomials
    variables: tuple[Mapping[str, slice], ...]
    exclusive: Places
    ranks: tuple[Places, ...]
    switches: tuple[Switching, ...]

    @property
    def column_count(self) -> int:
        """Number of columns."""
        return len(self.integer)

    @property
    def rank_rows(self) -> range:
        """The row of each rank of wishes."""
        return range(self.row_count - len(self.ranks), self.row_count)

    def fill(self, numbers: Series) -> Filled:
        """Return the model of the site whose parameters are `numbers`."""
        numbers = self.entries.at(numbers)
        goal, offset, *others = (numbers[place] for place in self._places)
        return Filled(goal, float(offset[0]), *others)

    @cached_property
    def _places(self) -> tuple[slice, ...]:
        """Where the parts of `Filled` lie among the entries."""
        columns, rows, switches = self.column_count, self.row_count, len(self.switches)
        ends = np.cumsum([columns, 1, columns, columns, rows, rows, len(self.rows), switches, switches]).tolist()
        return tuple(slice(first, end) for first, end in pairwise([0, *ends]))

    @cached_property
    def states(self) -> Places:
        """The columns of everything that is on or off, and of the times of processes."""
        times = (
            variables[name]
            for variables in self.variables
            for name in ("runs", *(["start"] if "on" not in variables else []))
            if name in variables
        )
        columns = (np.arange(place.start, place.stop) for place in times)
        return np.concatenate([np.zeros(0, dtype=np.int64), *(each.on for each in self.switches), *columns])

    def solved(self, index: int, values: Series) -> Mapping[str, Series]:
        """Return the solved variables of the device at `index` by name."""
        return {name: values[place] for name, place in self.variables[index].items()}

    @cached_property
    def column_of_value(self) -> Places:
        """The column of each matrix value."""
        return np.repeat(np.arange(self.column_count), np.diff(self.starts))


class Store(Protocol):
    """Where compiled models survive the process."""

    def load(self, topology: Topology) -> Compiled | None:
        """Return the compiled model of a topology, or None."""

    def save(self, topology: Topology, compiled: Compiled) -> None:
        """Keep the compiled model of a topology."""


class Cache:
    """Compiled models by topology, the ones used last; behind them a store, where one is set."""

    def __init__(self) -> None:
        self.store: Store | None = None
        self._known: OrderedDict[Topology, Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, topology: Topology) -> Compiled:
        """Return the compiled model, from memory, from the store, or made now."""
        with self._lock:
            found = self._known.pop(topology, None)
            if found is None:
                found = self._stored(topology)
            self._known[topology] = found
            if len(self._known) > MOST_IN_MEMORY:
                self._known.popitem(last=False)
            return found

    def _stored(self, topology: Topology) -> Compiled:
        found = None if self.store is None else self.store.load(topology)
        if found is None:
            found = compile_topology(topology)
            if self.store is not None:
                self.store.save(topology, found)
        return found


cache = Cache()


def compile_topology(topology: Topology) -> Compiled:
    """Return the model of a topology in matrix form."""
    return _Compiler(formulate(topology), topology).compiled()


class _Compiler:
    def __init__(self, site: SiteModel, topology: Topology) -> None:
        self.site, self.topology = site, topology
        self.parameter = {id(parameter): place for place, parameter in enumerate(site.parameters, start=1)}
        self.columns: list[Any] = []
        self.variables = tuple(self._lay_out(block) for block in self._blocks())
        self.column = {id(variable): place for place, variable in enumerate(self.columns)}

    def _blocks(self) -> Iterator[Block]:
        for index in range(len(self.topology.devices)):
            yield getattr(self.site.model, block_name(index))
        yield self.site.model.site

    def _lay_out(self, block: Block) -> dict[str, slice]:
        places = {}
        for variable in block.component_objects(pyo.Var, descend_into=False):
            first = len(self.columns)
            self.columns += [variable[index] for index in variable]
            places[variable.local_name] = slice(first, len(self.columns))
        return places

    def compiled(self) -> Compiled:
        parts = self.site.parts
        switches = [switch for part in parts for switch in part.switches]
        goal, offset = self._line(self.site.model.goal.expr)
        missed = [(wish, self._places(variable)) for part in parts for wish, variable in part.missed]
        ranks = tuple(_in_rank(missed, rank) for rank in RANKS)
        row_low, row_high, matrix, constraints = self._rows()
        for rank in ranks:
            matrix += [(int(column), len(row_low), {(): 1.0}) for column in rank]
            row_low.append({(): -np.inf})
            row_high.append({(): np.inf})
        matrix.sort(key=lambda entry: entry[:2])
        in_column = np.array([column for column, _, _ in matrix], dtype=np.int64)
        entries = [
            *(goal.get(column, {}) for column in range(len(self.columns))),
            offset,
            *(self._bound(column.lower, -np.inf) for column in self.columns),
            *(self._bound(column.upper, np.inf) for column in self.columns),
            *row_low,
            *row_high,
            *(coefficient for _, _, coefficient in matrix),
            *(polynomial(switch.lowest, self.parameter) for switch in switches),
            *(polynomial(switch.initially, self.parameter) for switch in switches),
        ]
        exclusive = [trio for part in parts for trio in part.exclusive]
        trios = [np.stack([self._places(variable) for variable in trio], axis=1) for trio in exclusive]
        return Compiled(
            integer=np.array([column.is_integer() for column in self.columns], dtype=bool),
            starts=np.searchsorted(in_column, np.arange(len(self.columns) + 1)),
            rows=np.array([row for _, row, _ in matrix], dtype=np.int64),
            row_count=len(row_low),
            constraints=constraints,
            entries=Polynomials.of(entries),
            variables=self.variables,
            exclusive=np.concatenate([np.zeros((0, 3), dtype=np.int64), *trios]),
            ranks=ranks,
            switches=tuple(map(self._switching, switches)),
        )

    def _rows(
        self,
    ) -> tuple[list[Polynomial], list[Polynomial], list[tuple[int, int, Polynomial]], tuple[Mapping[str, Places], ...]]:
        lows: list[Polynomial] = []
        highs: list[Polynomial] = []
        matrix: list[tuple[int, int, Polynomial]] = []
        places: list[dict[str, Places]] = []
        for block in self._blocks():
            places.append({})
            for constraints in block.component_objects(pyo.Constraint, descend_into=False):
                places[-1][constraints.local_name] = np.arange(len(lows), len(lows) + len(constraints))
                for constraint in constraints.values():
                    coefficients, constant = self._line(constraint.body)
                    matrix += [(column, len(lows), coefficient) for column, coefficient in coefficients.items()]
                    lows.append(self._bound(constraint.lower, -np.inf, constant))
                    highs.append(self._bound(constraint.upper, np.inf, constant))
        return lows, highs, matrix, tuple(places)

    def _line(self, expression: Any) -> tuple[dict[int, Polynomial], Polynomial]:
        """Return the coefficient of each column, and the constant."""
        form = generate_standard_repn(expression, compute_values=False, quadratic=False)
        coefficients: dict[int, Polynomial] = {}
        for variable, coefficient in zip(form.linear_vars, form.linear_coefs, strict=True):
            coefficients[self.column[id(variable)]] = polynomial(coefficient, self.parameter)
        return coefficients, polynomial(form.constant, self.parameter)

    def _bound(self, given: Any, none: float, constant: Polynomial | None = None) -> Polynomial:
        if given is None:
            return {(): none}
        result = dict(polynomial(given, self.parameter))
        for factors, coefficient in (constant or {}).items():
            result[factors] = result.get(factors, 0.0) - coefficient
        return result

    def _switching(self, switch: Switch) -> Switching:
        output = switch.on if switch.output is None else switch.output
        return Switching(self._places(switch.on), self._places(output), switch.min_run, switch.min_rest)

    def _places(self, variable: Any) -> Places:
        return np.array([self.column[id(variable[index])] for index in variable], dtype=np.int64)


def _in_rank(missed: list[tuple[Wish, Places]], rank: frozenset[Wish]) -> Places:
    return np.concatenate([np.zeros(0, dtype=np.int64), *(places for wish, places in missed if wish in rank)])
