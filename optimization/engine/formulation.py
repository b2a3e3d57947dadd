"""The one definition of a site's optimisation model, in Pyomo; every solver starts from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from optimization.engine.parts import Block, Expression, Part
from optimization.engine.series import Series
from optimization.engine.topology import MeterShape, Sizes, Topology
from optimization.engine.wishes import Wish

# The meter's constraints that follow from others and only tighten the relaxation.
TIGHTENING = ("supply", "use")


@dataclass(frozen=True, kw_only=True)
class SiteModel:
    """A Pyomo model whose objective is the goal in EUR, its parameters in order, and the parts of all devices."""

    model: pyo.ConcreteModel
    parameters: tuple[Any, ...]
    parts: tuple[Part, ...]

    def fill(self, numbers: Series) -> None:
        """Give the parameters the numbers of a site (which begin with a 1)."""
        for parameter, value in zip(self.parameters, numbers[1:].tolist(), strict=True):
            parameter.set_value(value)


def formulate(topology: Topology) -> SiteModel:
    """Return the mixed-integer linear model of all sites of a topology (docs/optimization-model.md has the formulas).

    Its coefficients, bounds and right-hand sides are polynomials of mutable parameters.
    """
    model = pyo.ConcreteModel()
    parameters: list[Any] = []
    parts = []
    for index, device in enumerate(topology.devices):
        block = pyo.Block()
        model.add_component(block_name(index), block)
        parameters += _declare(block, device.sizes)
        parts.append(device.kind.build(block, device.shape, topology.grid))
    model.site = pyo.Block()
    parameters += _declare(model.site, topology.meter.sizes)
    site = Part()
    _add_meter(model.site, topology, parts, site)
    _add_heat_balance(model.site, topology, parts, site)
    parts.append(site)
    model.goal = pyo.Objective(expr=_goal(model.site, topology, parts))
    return SiteModel(model=model, parameters=tuple(parameters), parts=tuple(parts))


def block_name(index: int) -> str:
    """Return the name of the block of a device."""
    return f"device_{index}"


def _declare(block: Block, sizes: Sizes) -> list[Any]:
    declared = []
    for name, size in sizes:
        parameter = pyo.Param(*([] if size is None else [range(size)]), mutable=True, initialize=0.0, within=pyo.Reals)
        block.add_component(name, parameter)
        declared += [parameter] if size is None else [parameter[index] for index in range(size)]
    return declared


def _add_meter(block: Block, topology: Topology, parts: list[Part], site: Part) -> None:
    steps, meter = topology.grid.steps, topology.meter
    block.import_kw = pyo.Var(steps, bounds=lambda b, t: (0, b.max_import_kw[t]))
    block.export_kw = pyo.Var(steps, bounds=lambda b, t: (0, b.max_export_kw[t]))
    block.electricity = pyo.Constraint(
        steps,
        rule=lambda b, t: b.import_kw[t] - b.export_kw[t] == _taken_kw(parts, t) - _given_kw(parts, t),
    )
    if meter.both_ways:
        block.importing = pyo.Var(steps, domain=pyo.Binary)
        block.only_import = pyo.Constraint(
            steps, rule=lambda b, t: b.import_kw[t] <= b.max_import_kw[t] * b.importing[t]
        )
        block.only_export = pyo.Constraint(
            steps, rule=lambda b, t: b.export_kw[t] <= b.max_export_kw[t] * (1 - b.importing[t])
        )
        site.exclusive.append((block.importing, block.import_kw, block.export_kw))
        _tighten(block, topology, parts)
    _limit(block, topology, meter, site)
    if meter.peak:
        block.peak_kw = pyo.Var(bounds=(block.peak_so_far_kw, None))
        block.peak = pyo.Constraint(steps, rule=lambda b, t: b.peak_kw >= b.import_kw[t])


def _taken_kw(parts: Iterable[Part], t: int) -> Expression:
    return sum((part.takes_kw[t] for part in parts if part.takes_kw), 0.0)


def _given_kw(parts: Iterable[Part], t: int) -> Expression:
    return sum((part.gives_kw[t] for part in parts if part.gives_kw), 0.0)


def _tighten(block: Block, topology: Topology, parts: list[Part]) -> None:
    """Add what follows from states being whole, so that the linear relaxation knows it too.

    What a device takes while it is on is imported, or given by another device that is decided on, or left over by
    weather and habit while it is on (and the same for what it gives). These are flow cover inequalities: Padberg, Van
    Roy and Wolsey, "Valid linear inequalities for fixed charge problems", Operations Research 33 (1985).
    """
    steps = topology.grid.steps
    decided = [part for part, device in zip(parts, topology.devices, strict=True) if not device.kind.given]

    def supply(block: Block, t: int, k: int) -> Expression:
        part = parts[k]
        left_over = block.surplus_kw[t] * part.switches[0].on[t]
        return block.import_kw[t] + _given_kw(decided, t) >= part.takes_kw[t] - left_over

    def use(block: Block, t: int, k: int) -> Expression:
        part = parts[k]
        asked_for = block.demand_kw[t] * part.switches[0].on[t]
        return block.export_kw[t] + _taken_kw(decided, t) >= part.gives_kw[t] - asked_for

    takers = [k for k, part in enumerate(parts) if part.switches and part.takes_kw]
    # Where a part does both, its state is that of taking.
    givers = [k for k, part in enumerate(parts) if part.switches and part.gives_kw and not part.takes_kw]
    block.supply = pyo.Constraint(steps, takers, rule=supply)
    block.use = pyo.Constraint(steps, givers, rule=use)


def _limit(block: Block, topology: Topology, meter: MeterShape, site: Part) -> None:
    steps, hours = topology.grid.steps, topology.grid.hours
    if meter.import_limited:
        block.import_excess_kwh = pyo.Var(steps, bounds=(0, None))
        block.import_limit = pyo.Constraint(
            steps, rule=lambda b, t: b.import_kw[t] - b.import_excess_kwh[t] / hours <= b.import_limit_kw
        )
        site.missed.append((Wish.IMPORT_LIMIT, block.import_excess_kwh))
    if meter.export_limited:
        block.export_excess_kwh = pyo.Var(steps, bounds=(0, None))
        block.export_limit = pyo.Constraint(
            steps, rule=lambda b, t: b.export_kw[t] - b.export_excess_kwh[t] / hours <= b.export_limit_kw
        )
        site.missed.append((Wish.EXPORT_LIMIT, block.export_excess_kwh))


def _add_heat_balance(block: Block, topology: Topology, parts: list[Part], site: Part) -> None:
    heat = [part.heat_kw for part in parts if part.heat_kw]
    if not heat:
        return
    steps, hours = topology.grid.steps, topology.grid.hours
    block.heat_surplus_kwh = pyo.Var(steps, bounds=(0, None))
    block.heat = pyo.Constraint(
        steps, rule=lambda b, t: sum(series[t] for series in heat) + b.heat_surplus_kwh[t] / hours == 0
    )
    site.missed.append((Wish.HEAT_SURPLUS, block.heat_surplus_kwh))


def _goal(block: Block, topology: Topology, parts: list[Part]) -> Expression:
    steps = topology.grid.steps
    terms = [block.import_eur_per_kw[t] * block.import_kw[t] for t in steps]
    terms += [-block.export_eur_per_kw[t] * block.export_kw[t] for t in steps]
    for part in parts:
        terms += [block.gas_eur_per_kw[t] * gas for t, gas in enumerate(part.gas_kw)]
        terms += [block.fuel_eur_per_l_per_h[t] * fuel for t, fuel in enumerate(part.fuel_l_per_h)]
        terms += [block.cost_weight * cost for cost in part.cost_eur]
    if topology.meter.peak:
        terms.append(block.peak_eur_per_kw * (block.peak_kw - block.peak_so_far_kw))
    return sum(terms)
