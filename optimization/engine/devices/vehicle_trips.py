"""Stays of a vehicle that hang on each other: trips between them, and stays shorter than a step."""

from collections.abc import Mapping
from typing import NamedTuple

import pyomo.environ as pyo

from optimization.engine.parts import Block, Expression, Part
from optimization.engine.wishes import Wish


class Link(NamedTuple):
    """A stay as steps `first` to before `end`, whether its first content is known, and whether a trip follows."""

    first: int
    end: int
    known: bool
    trip: bool


def build_chain(block: Block, stays: tuple[Link, ...], part: Part) -> dict[int, Expression]:
    """Add trips and stays shorter than a step; return the content that a trip brings back, by first step."""
    returned: dict[int, Expression] = {}
    departures: dict[int, Expression] = {}
    trips = [index for index, stay in enumerate(stays) if stay.trip]
    block.after_trip_kwh = pyo.Var(trips, bounds=(0, block.capacity_kwh))
    left: Expression = 0.0
    for index, stay in enumerate(stays):
        brief = stay.end == stay.first
        content = block.stay_arrived_kwh[index] if stay.known else left
        if not brief:
            returned |= {} if stay.known else {stay.first: left}
            content = block.energy_kwh[stay.end - 1]
        departures[index] = content
        left = block.after_trip_kwh[index] if stay.trip else content
    brief_stays = [index for index, stay in enumerate(stays) if stay.end == stay.first]
    block.brief_missing_kwh = pyo.Var(brief_stays, bounds=lambda b, i: (0, b.stay_wanted_kwh[i]))
    block.brief = pyo.Constraint(
        brief_stays, rule=lambda b, i: departures[i] + b.brief_missing_kwh[i] >= b.stay_wanted_kwh[i]
    )
    part.missed.append((Wish.DEPARTURE_SOC, block.brief_missing_kwh))
    _build_trips(block, {index: departures[index] for index in trips}, part)
    return returned


def _build_trips(block: Block, departures: Mapping[int, Expression], part: Part) -> None:
    """Let a trip take its energy; what is missing leaves the car empty and is never more than that."""
    trips = list(departures)
    block.trip_missing_kwh = pyo.Var(trips, bounds=lambda b, i: (0, b.trip_kwh[i]))
    block.ran_dry = pyo.Var(trips, domain=pyo.Binary)
    block.trip = pyo.Constraint(
        trips, rule=lambda b, i: b.after_trip_kwh[i] == departures[i] - b.trip_kwh[i] + b.trip_missing_kwh[i]
    )
    block.dry = pyo.Constraint(trips, rule=lambda b, i: b.trip_missing_kwh[i] <= b.trip_kwh[i] * b.ran_dry[i])
    block.not_dry = pyo.Constraint(trips, rule=lambda b, i: b.after_trip_kwh[i] <= b.capacity_kwh * (1 - b.ran_dry[i]))
    part.missed.append((Wish.TRIP_ENERGY, block.trip_missing_kwh))
    part.exclusive.append((block.ran_dry, block.trip_missing_kwh, block.after_trip_kwh))
