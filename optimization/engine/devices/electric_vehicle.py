"""Electric vehicle with any number of stays at the charger."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple, Self

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_band, require_between
from optimization.engine.devices.base import Device, State, Uncontrolled
from optimization.engine.devices.vehicle_stays import Span, Stay
from optimization.engine.devices.vehicle_trips import Link, build_chain
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import HOUR, Grid, Horizon
from optimization.engine.parts import Block, Expression, Parameters, Part, Solved, Switch, switched, within
from optimization.engine.reasons import Reason, Reasons, Why, Worth, reasons_of_store
from optimization.engine.schedule import DeviceSeries, Unmet
from optimization.engine.series import Series
from optimization.engine.storage import ELECTRIC_STORE, both_at_once
from optimization.engine.violations import Violation, exceeding, outside, unequal
from optimization.engine.wishes import Wish, missed


class VehicleShape(NamedTuple):
    """What shapes the model: discharging, a lowest charging power, and the stays where one hangs on another."""

    discharges: bool
    has_least: bool
    stays: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ElectricVehicle(Device, Uncontrolled):
    """A car and its charger. `discharge_power_kw` above 0 allows vehicle-to-grid.

    While it charges it draws at least `min_charge_power_kw`. Powers count at the AC side, contents inside.
    Raises ProblemError for stays that overlap, end before they start or start without a known content.
    """

    kind: ClassVar[str] = "electric_vehicle"
    quantities: ClassVar[frozenset[str]] = ELECTRIC_STORE | {"connected"}

    capacity_kwh: float
    charge_power_kw: float
    stays: tuple[Stay, ...]
    discharge_power_kw: float = 0.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    min_charge_power_kw: float = 0.0
    min_soc_percent: float = 0.0
    max_soc_percent: float = 100.0
    wear_cost_eur_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("capacity_kwh"), self.capacity_kwh, 0, above=True)
        require_between(self.field("charge_power_kw"), self.charge_power_kw, 0)
        require_between(self.field("discharge_power_kw"), self.discharge_power_kw, 0)
        require_between(self.field("charge_efficiency"), self.charge_efficiency, 0, 1, above=True)
        require_between(self.field("discharge_efficiency"), self.discharge_efficiency, 0, 1, above=True)
        require_between(self.field("min_charge_power_kw"), self.min_charge_power_kw, 0, self.charge_power_kw)
        require_band(self.field, min_soc_percent=self.min_soc_percent, max_soc_percent=self.max_soc_percent)
        require_between(self.field("wear_cost_eur_per_kwh"), self.wear_cost_eur_per_kwh, 0)
        for index, stay in enumerate(self.stays):
            self._check_stay(index, stay)

    def _check_stay(self, index: int, stay: Stay) -> None:
        field = self.field(f"stays[{index}]")
        if stay.arrival.tzinfo is None or stay.departure.tzinfo is None:
            raise ProblemError(f"{field}.arrival", stay.arrival, "a time with a time zone")
        if stay.departure <= stay.arrival:
            raise ProblemError(f"{field}.departure", stay.departure, f"later than the arrival ({stay.arrival})")
        if index and stay.arrival < self.stays[index - 1].departure:
            before = self.stays[index - 1].departure
            raise ProblemError(f"{field}.arrival", stay.arrival, f"not before the previous departure ({before})")
        if stay.arrival_soc_percent is not None:
            require_between(f"{field}.arrival_soc_percent", stay.arrival_soc_percent, 0, 100)
        if stay.departure_soc_percent is not None:
            require_between(f"{field}.departure_soc_percent", stay.departure_soc_percent, 0, 100)
        if stay.trip_energy_kwh is not None:
            require_between(f"{field}.trip_energy_kwh", stay.trip_energy_kwh, 0)
        if stay.arrival_soc_percent is None and (index == 0 or stay.trip_energy_kwh is None):
            allowed = "0 to 100" if index == 0 else "0 to 100, or a trip_energy_kwh instead"
            raise ProblemError(f"{field}.arrival_soc_percent", "missing", allowed)

    def spans(self, horizon: Horizon) -> list[Span]:
        """Return the stays that touch the horizon, as steps.

        Raises:
            ProblemError: when the first of them has no known content on arrival.
        """
        if horizon not in self._spans:
            self._spans[horizon] = self._stays_within(horizon)
        return self._spans[horizon]

    @cached_property
    def _spans(self) -> dict[Horizon, list[Span]]:
        return {}

    def _stays_within(self, horizon: Horizon) -> list[Span]:
        spans: list[Span] = []
        for index, stay in enumerate(self.stays):
            if stay.departure <= horizon.start or stay.arrival >= horizon.end:
                continue
            if not spans and stay.arrival_soc_percent is None:
                allowed = "0 to 100 for the first stay of the horizon"
                raise ProblemError(self.field(f"stays[{index}].arrival_soc_percent"), "missing", allowed)
            first, end = horizon.first_step_from(stay.arrival), horizon.last_step_before(stay.departure)
            spans.append(
                Span(
                    stay=stay,
                    first=first,
                    end=max(first, end),
                    wanted_kwh=self._wanted_kwh(stay, horizon),
                    trip_kwh=self._trip_after_kwh(index, horizon),
                )
            )
        return spans

    def _trip_after_kwh(self, index: int, horizon: Horizon) -> float:
        """Return what the trip after a stay is known to take, if it begins within the horizon."""
        following = self.stays[index + 1 : index + 2]
        if not following or following[0].arrival_soc_percent is not None or self.stays[index].departure > horizon.end:
            return 0.0
        return following[0].trip_energy_kwh or 0.0

    def _wanted_kwh(self, stay: Stay, horizon: Horizon) -> float:
        if stay.departure_soc_percent is None:
            return 0.0
        hours_left = max(0.0, (stay.departure - horizon.end) / HOUR)
        later = hours_left * self.charge_power_kw * self.charge_efficiency
        return max(0.0, self.capacity_kwh * stay.departure_soc_percent / 100 - later)

    def fitted(self, horizon: Horizon) -> Self:
        """Return this car; refuse a first stay without a known content."""
        self.spans(horizon)
        return super().fitted(horizon)

    def connected(self, horizon: Horizon) -> Series:
        """Return 1 for each step in which the car is at the charger, else 0."""
        connected = np.zeros(horizon.count)
        for span in self.spans(horizon):
            connected[span.first : span.end] = 1.0
        return connected

    def shape(self, horizon: Horizon) -> VehicleShape:
        """Return which powers it has, and its stays as steps where one of them hangs on another."""
        spans = self.spans(horizon)
        plain = all(span.stay.arrival_soc_percent is not None and span.end > span.first for span in spans)
        chained = () if plain and not any(span.trip_kwh for span in spans) else tuple(map(_link, spans))
        return VehicleShape(self.discharge_power_kw > 0, self.min_charge_power_kw > 0, chained)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return powers, contents and wishes per step (zero while the car is away), and per stay where they chain."""
        connected, spans = self.connected(horizon), self.spans(horizon)
        carried, arrived, wanted = connected.copy(), np.zeros(horizon.count), np.zeros(horizon.count)
        for span in spans:
            if span.end > span.first:
                carried[span.first] = 0.0
                arrived[span.first] = self._arrival(span.stay, 0.0)
                wanted[span.end - 1] = span.wanted_kwh
        return {
            "max_charge_kw": self.charge_power_kw * connected,
            "max_discharge_kw": self.discharge_power_kw * connected,
            "least_charge_kw": self.min_charge_power_kw,
            "charge_efficiency": self.charge_efficiency,
            "drawn_per_discharged": 1 / self.discharge_efficiency,
            "wear_eur_per_kwh": self.wear_cost_eur_per_kwh,
            "capacity_kwh": self.capacity_kwh,
            "low_kwh": self.capacity_kwh * self.min_soc_percent / 100 * connected,
            "high_kwh": self.capacity_kwh * self.max_soc_percent / 100,
            "connected": connected,
            "carried": carried,
            "arrived_kwh": arrived,
            "wanted_kwh": wanted,
            **(self._chain_parameters(spans) if self.shape(horizon).stays else {}),
        }

    def _chain_parameters(self, spans: list[Span]) -> Parameters:
        return {
            "stay_arrived_kwh": np.array([self._arrival(span.stay, 0.0) for span in spans]),
            "stay_wanted_kwh": np.array([span.wanted_kwh for span in spans]),
            "trip_kwh": np.array([span.trip_kwh for span in spans]),
        }

    @classmethod
    def build(cls, block: Block, shape: VehicleShape, grid: Grid) -> Part:
        """Charge c or discharge d while connected, at the minimum or more; content as for the battery in each stay."""
        steps = grid.steps
        block.charge_kw = pyo.Var(steps, bounds=lambda b, t: (0, b.max_charge_kw[t]))
        block.energy_kwh = pyo.Var(steps, bounds=lambda b, t: (0, b.capacity_kwh * b.connected[t]))
        block.below_kwh = pyo.Var(steps, bounds=lambda b, t: (0, b.low_kwh[t]))
        block.above_kwh = pyo.Var(steps, bounds=(0, block.capacity_kwh - block.high_kwh))
        block.departure_missing_kwh = pyo.Var(steps, bounds=lambda b, t: (0, b.wanted_kwh[t]))
        block.low = pyo.Constraint(steps, rule=lambda b, t: b.energy_kwh[t] + b.below_kwh[t] >= b.low_kwh[t])
        block.high = pyo.Constraint(steps, rule=lambda b, t: b.energy_kwh[t] - b.above_kwh[t] <= b.high_kwh)
        block.departure = pyo.Constraint(
            steps, rule=lambda b, t: b.energy_kwh[t] + b.departure_missing_kwh[t] >= b.wanted_kwh[t]
        )
        part = Part(
            missed=[
                (Wish.MIN_SOC, block.below_kwh),
                (Wish.MAX_SOC, block.above_kwh),
                (Wish.DEPARTURE_SOC, block.departure_missing_kwh),
            ],
        )
        gain = [block.charge_efficiency * block.charge_kw[t] for t in steps]
        part.takes_kw = [block.charge_kw[t] for t in steps]
        if shape.discharges:
            block.discharge_kw = pyo.Var(steps, bounds=lambda b, t: (0, b.max_discharge_kw[t]))
            gain = [gain[t] - block.drawn_per_discharged * block.discharge_kw[t] for t in steps]
            part.gives_kw = [block.discharge_kw[t] for t in steps]
            part.cost_eur = [block.wear_eur_per_kwh * grid.hours * block.discharge_kw[t] for t in steps]
        if shape.discharges or shape.has_least:
            cls._build_charging_state(block, shape, grid, part)
        returned = build_chain(block, shape.stays, part)

        def content(block: Block, t: int) -> Expression:
            before = block.carried[t] * block.energy_kwh[t - 1] if t else 0.0
            arrived = block.arrived_kwh[t] + returned.get(t, 0.0)
            return block.energy_kwh[t] == before + arrived + grid.hours * gain[t]

        block.content = pyo.Constraint(steps, rule=content)
        return part

    @staticmethod
    def _build_charging_state(block: Block, shape: VehicleShape, grid: Grid, part: Part) -> None:
        block.charging = pyo.Var(grid.steps, domain=pyo.Binary)
        block.at_most = pyo.Constraint(
            grid.steps, rule=lambda b, t: b.charge_kw[t] <= b.max_charge_kw[t] * b.charging[t]
        )
        if shape.has_least:
            block.at_least = pyo.Constraint(
                grid.steps, rule=lambda b, t: b.charge_kw[t] >= b.least_charge_kw * b.charging[t]
            )
            part.switches.append(Switch(block.charging, output=block.charge_kw, lowest=block.least_charge_kw))
        else:
            part.exclusive.append((block.charging, block.charge_kw, block.discharge_kw))
        if shape.discharges:
            block.either = pyo.Constraint(
                grid.steps, rule=lambda b, t: b.discharge_kw[t] <= b.max_discharge_kw[t] * (1 - b.charging[t])
            )

    def _arrival(self, stay: Stay, left_kwh: Expression) -> Expression:
        """Return the content on arrival; `left_kwh` is what the trip left of the last departure."""
        if stay.arrival_soc_percent is None:
            return left_kwh
        return self.capacity_kwh * stay.arrival_soc_percent / 100

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return powers in kW, content in kWh and percent, and where the car is connected."""
        connected = self.connected(horizon)
        low, high = np.zeros(horizon.count), self.charge_power_kw * connected
        if self.min_charge_power_kw:
            on = switched(solved["charging"]) * connected
            low, high = self.min_charge_power_kw * on, high * on
        charge = within(solved["charge_kw"], low=low, high=high)
        discharge = np.zeros(horizon.count)
        if self.discharge_power_kw:
            discharge = within(solved["discharge_kw"], high=self.discharge_power_kw * connected)
        return self._series(charge, discharge, horizon)

    def _gain_kwh(self, charge_kw: Series, discharge_kw: Series, horizon: Horizon) -> Series:
        return horizon.step_hours * (self.charge_efficiency * charge_kw - discharge_kw / self.discharge_efficiency)

    def _courses(self, spans: list[Span], gain_kwh: Series) -> list[tuple[float, float]]:
        """Return the contents on arrival and at departure of each stay, kWh."""
        contents, left = [], 0.0
        for span in spans:
            arrival = float(self._arrival(span.stay, left))
            contents.append((arrival, arrival + float(gain_kwh[span.first : span.end].sum())))
            left = max(0.0, contents[-1][1] - span.trip_kwh)
        return contents

    def _series(self, charge_kw: Series, discharge_kw: Series, horizon: Horizon) -> DeviceSeries:
        """Return all series; on the road the content is drawn as a straight line from departure to arrival."""
        gain, spans = self._gain_kwh(charge_kw, discharge_kw, horizon), self.spans(horizon)
        moments: list[int] = []
        contents: list[float] = []
        courses = []
        for span, (arrival, _) in zip(spans, self._courses(spans, gain), strict=True):
            course = arrival + np.cumsum(gain[span.first : span.end])
            courses.append(course)
            moments += [span.first, span.end]
            contents += [arrival, float(course[-1]) if len(course) else arrival]
        energy = np.interp(np.arange(1, horizon.count + 1), moments, contents) if moments else np.zeros(horizon.count)
        for span, course in zip(spans, courses, strict=True):
            energy[span.first : span.end] = course
        return {
            "power_kw": charge_kw - discharge_kw,
            "charge_kw": charge_kw,
            "discharge_kw": discharge_kw,
            "energy_kwh": energy,
            "soc_percent": energy / self.capacity_kwh * 100,
            "connected": self.connected(horizon),
        }

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield power while away or out of range, and contents that do not add up within a stay."""
        charge, discharge, connected = series["charge_kw"], series["discharge_kw"], self.connected(horizon)
        yield from outside(self.name, "charging power", charge, 0.0, self.charge_power_kw * connected)
        yield from outside(self.name, "discharging power", discharge, 0.0, self.discharge_power_kw * connected)
        yield from both_at_once(self.name, "charging and discharging at once", charge, discharge)
        yield from exceeding(
            self.name, "lowest charging power", np.where(charge > 0, self.min_charge_power_kw - charge, 0.0)
        )
        yield from unequal(self.name, "power", series["power_kw"], charge - discharge)
        gain, spans = self._gain_kwh(charge, discharge, horizon), self.spans(horizon)
        for span, (arrival, _) in zip(spans, self._courses(spans, gain), strict=True):
            inside = slice(span.first, span.end)
            expected, energy = np.zeros(horizon.count), np.zeros(horizon.count)
            expected[inside] = arrival + np.cumsum(gain[inside])
            energy[inside] = series["energy_kwh"][inside]
            yield from unequal(self.name, "stored energy", energy, expected)
        yield from unequal(self.name, "connected", series["connected"], connected)
        soc = series["energy_kwh"] / self.capacity_kwh * 100
        yield from unequal(self.name, "state of charge", series["soc_percent"], soc)
        yield from outside(self.name, "stored energy within its capacity", series["energy_kwh"], 0.0, self.capacity_kwh)

    def unmet(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Unmet]:
        """Yield levels outside the band while connected, departures too empty and trips without enough energy."""
        energy, connected = series["energy_kwh"], self.connected(horizon)
        low, high = self.min_soc_percent / 100 * self.capacity_kwh, self.max_soc_percent / 100 * self.capacity_kwh
        yield from missed(self.name, Wish.MIN_SOC, horizon, (low - energy) * connected)
        yield from missed(self.name, Wish.MAX_SOC, horizon, (energy - high) * connected)
        gain, spans = self._gain_kwh(series["charge_kw"], series["discharge_kw"], horizon), self.spans(horizon)
        departure, trip = np.zeros(horizon.count), np.zeros(horizon.count)
        for span, (_, left) in zip(spans, self._courses(spans, gain), strict=True):
            last = max(0, span.end - 1)
            departure[last] += max(0.0, span.wanted_kwh - left)
            trip[last] += max(0.0, span.trip_kwh - left)
        yield from missed(self.name, Wish.TRIP_ENERGY, horizon, trip)
        yield from missed(self.name, Wish.DEPARTURE_SOC, horizon, departure)

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return its state of charge: at the charger, or on arrival where a trip decides on that; else nothing."""
        spans = [span for span in self.spans(horizon) if span.end > span.first]
        soc = series["soc_percent"]
        for span in spans:
            if span.first < step < span.end:
                return {"soc_percent": float(soc[step - 1])}
        before = [span for span in spans if span.end <= step]
        following = [span for span in spans if span.first >= step]
        if not before or not following or following[0].stay.arrival_soc_percent is not None:
            return {}
        trip = (following[0].stay.trip_energy_kwh or 0.0) / self.capacity_kwh * 100
        return {"soc_percent": max(float(soc[before[-1].end - 1]) - trip, 0.0)}

    def resumed(self, state: State, horizon: Horizon) -> Self:
        """Return it with the stays that have a step left; the first of them begins with this state of charge."""
        stays = [stay for stay in self.stays if horizon.last_step_before(stay.departure) > 0]
        if stays and "soc_percent" in state:
            soc = min(max(state["soc_percent"], 0.0), 100.0)
            stays[0] = replace(stays[0], arrival=max(stays[0].arrival, horizon.start), arrival_soc_percent=soc)
        return replace(self, stays=tuple(stays))

    def repeated(self, series: DeviceSeries, horizon: Horizon) -> DeviceSeries:
        """Return the series of the same powers from its own initial content."""
        return self._series(series["charge_kw"], series["discharge_kw"], horizon)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it charges, discharges or waits while it is here."""
        stored, most = worth.stored[self.name], self.max_soc_percent / 100 * self.capacity_kwh
        above = stored / self.discharge_efficiency + self.wear_cost_eur_per_kwh
        if not self.discharge_power_kw:
            above = np.full(horizon.count, np.nan)
        power, energy, below = series["power_kw"], series["energy_kwh"], stored * self.charge_efficiency
        known = reasons_of_store(power, energy, (-1.0, most), worth.electricity, below, above)
        return [here if is_here else Reason(Why.AWAY) for here, is_here in zip(known, series["connected"], strict=True)]

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return full discharge and full charge while connected."""
        connected = self.connected(horizon)
        return -self.discharge_power_kw * connected, self.charge_power_kw * connected

    def wear_eur(self, series: DeviceSeries, horizon: Horizon) -> float:
        """Return the wear of all energy discharged to the site, EUR."""
        return self.wear_cost_eur_per_kwh * horizon.step_hours * float(series["discharge_kw"].sum())

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Charge at full power from arrival until the car holds what it is wanted to hold at departure."""
        charge, left = np.zeros(horizon.count), 0.0
        for span in self.spans(horizon):
            content = float(self._arrival(span.stay, left))
            wanted = span.stay.departure_soc_percent
            target = self.capacity_kwh * (self.max_soc_percent if wanted is None else wanted) / 100
            for t in range(span.first, span.end):
                needed = max(0.0, target - content) / (horizon.step_hours * self.charge_efficiency)
                charge[t] = min(self.charge_power_kw, max(needed, self.min_charge_power_kw)) if needed > 1e-9 else 0.0
                room = (self.capacity_kwh - content) / (horizon.step_hours * self.charge_efficiency)
                charge[t] = charge[t] if charge[t] <= room + 1e-9 else 0.0
                content += horizon.step_hours * self.charge_efficiency * charge[t]
            left = max(0.0, content - span.trip_kwh)
        return self._series(charge, np.zeros(horizon.count), horizon)


def _link(span: Span) -> Link:
    return Link(span.first, span.end, span.stay.arrival_soc_percent is not None, span.trip_kwh > 0)
