"""The internal offer model: what can be called, at which price, and what follows; every market is a pure adapter of it.

Powers are changes against the baseline in the house's sign: positive = more consumption. An adapter makes the units,
signs and price basis of its market: integer watts for UFTP, quantities in MW with points of price for UMEI.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from flexmarket.engine.errors import OfferError
from flexmarket.engine.table import FlexTable
from optimization.engine.horizon import HOUR, Horizon
from optimization.engine.series import Series

WATT_KW = 0.001
BINARY_FRACTION = 1e-9


class Direction(StrEnum):
    """As the grid sees it: positive adds power to the grid (consume less, produce more), negative takes power off."""

    POSITIVE = "positive"
    NEGATIVE = "negative"

    @property
    def sign(self) -> int:
        """Sign of the change in the house's sign, where consumption is positive: -1 or 1."""
        return -1 if self is Direction.POSITIVE else 1


@dataclass(frozen=True, kw_only=True)
class PriceStep:
    """The part of an offer's power up to `up_to_kw` (a magnitude, counted from 0) that is not in an earlier step."""

    up_to_kw: float
    price_eur_per_kwh: float


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What an offer was made from: method and solver with versions, and the caller's ids of schedule and forecasts."""

    method: str
    solver: str = ""
    schedule: str = ""
    forecasts: tuple[str, ...] = ()
    parameters: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, eq=False)
class Offer:
    """One call that can be kept: this change of power from `start` on, at these prices.

    `device` is None for an offer of the whole site at its meter. `change_kw` has one value per called step, all of one
    sign (house's sign: positive = consume more). `power_kw`, its least magnitude, is what can be sold as constant.
    Powers from `least_power_kw` to `power_kw` can be called; both are equal where a device only switches.

    `prices` are steps of rising power and never falling price, margin included. `marginal_eur` is what a full call
    costs the site without the margin: cost of the day with the call less cost without, rebound included.
    `rebound_kw` is the expected change in the steps after the call, to the end of the horizon.
    Offers of one `exclusive_group` are alternatives: once one is called, the others no longer hold.
    A call lasts from `min_duration` to `max_duration`; `rest` is the shortest time between two calls of the group, of
    which `max_calls` are allowed in the horizon. `availability_eur_per_kw_h` is paid for being ready.

    Raises:
        OfferError: for changes of both signs, or prices that fall, or end below the power.
    """

    key: str
    device: str | None
    kind: str
    direction: Direction
    start: datetime
    step: timedelta
    change_kw: Series
    prices: tuple[PriceStep, ...]
    least_power_kw: float
    marginal_eur: float
    rebound_kw: Series
    exclusive_group: str
    baseline_id: str
    valid_until: datetime
    provenance: Provenance
    min_duration: timedelta
    max_duration: timedelta
    rest: timedelta = timedelta(0)
    max_calls: int = 1
    availability_eur_per_kw_h: float = 0.0
    currency: str = "EUR"

    def __post_init__(self) -> None:
        for name in ("change_kw", "rebound_kw"):
            series = np.array(getattr(self, name), dtype=np.float64)
            series.setflags(write=False)
            object.__setattr__(self, name, series)
        if not len(self.change_kw) or not (self.change_kw * self.direction.sign > 0).all():
            raise OfferError(f"{self.key}.change_kw", self.change_kw, f"changes of the sign of {self.direction} only")
        ups = [price.up_to_kw for price in self.prices]
        eur = [price.price_eur_per_kwh for price in self.prices]
        rising = all(np.diff([0.0, *ups]) > 0) and all(np.diff(eur) >= 0)
        if not ups or not rising or ups[-1] < self.power_kw:
            raise OfferError(f"{self.key}.prices", self.prices, f"rising steps up to {self.power_kw:g} kW")

    @property
    def power_kw(self) -> float:
        """The power that is held in every called step, a magnitude."""
        return float(np.abs(self.change_kw).min())

    @property
    def steps(self) -> int:
        """Number of called steps."""
        return len(self.change_kw)

    @property
    def duration(self) -> timedelta:
        """How long the power is held."""
        return self.steps * self.step

    @property
    def hours(self) -> float:
        """How long the power is held, hours."""
        return self.duration / HOUR

    @property
    def end(self) -> datetime:
        """End of the call."""
        return self.start + self.duration

    @property
    def energy_kwh(self) -> float:
        """Energy of a full call at constant power, a magnitude."""
        return self.power_kw * self.hours

    @property
    def partial_allowed(self) -> bool:
        """Whether less than the full power can be called."""
        return self.least_power_kw < self.power_kw

    @property
    def price_eur_per_kwh(self) -> float:
        """Mean price of a full call."""
        return self.payment_eur(self.power_kw) / self.energy_kwh

    def payment_eur(self, power_kw: float) -> float:
        """Return what a call of this power (a magnitude) over the whole duration is paid.

        Raises:
            OfferError: for a power that cannot be called.
        """
        if not self.least_power_kw <= power_kw <= self.power_kw:
            allowed = f"{self.least_power_kw:g} to {self.power_kw:g} kW"
            raise OfferError(f"{self.key}.power_kw", power_kw, allowed)
        paid, below = 0.0, 0.0
        for price in self.prices:
            paid += max(0.0, min(power_kw, price.up_to_kw) - below) * price.price_eur_per_kwh
            below = price.up_to_kw
        return paid * self.hours

    def sellable_kw(self, step_kw: float) -> float:
        """Return the most that can be sold in whole steps of a market, kW; 0 where not even the least power fits."""
        power = floor_power(self.power_kw, step_kw)
        return power if power >= self.least_power_kw else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class OfferSet:
    """All offers of one device, or of the whole site (`device` None), against one baseline: they are alternatives.

    `baseline_kw` is the promised power per step of the horizon, positive for consumption.
    """

    device: str | None
    kind: str
    horizon: Horizon
    baseline_kw: Series
    offers: tuple[Offer, ...]
    provenance: Provenance

    @property
    def baseline_id(self) -> str:
        """The fingerprint of the baseline."""
        return fingerprint(self.horizon, self.baseline_kw)

    def __iter__(self) -> Iterator[Offer]:
        return iter(self.offers)

    def __len__(self) -> int:
        return len(self.offers)

    def offer(self, key: str) -> Offer:
        """Return the offer of this key.

        Raises:
            KeyError: when there is none.
        """
        for offer in self.offers:
            if offer.key == key:
                return offer
        raise KeyError(key)

    def table(self, name: str = "site") -> FlexTable:
        """Return one offer per start and direction: of the alternatives that of the largest energy, then power.

        `name` is used for an offer of the whole site.
        """
        columns = {
            f"{direction}_{column}": np.zeros(self.horizon.count)
            for direction in Direction
            for column in ("power_kw", "energy_kwh", "price_eur_per_kwh")
        }
        for (direction, step), offer in self._largest().items():
            columns[f"{direction}_power_kw"][step] = offer.power_kw
            columns[f"{direction}_energy_kwh"][step] = offer.energy_kwh
            columns[f"{direction}_price_eur_per_kwh"][step] = offer.price_eur_per_kwh
        return FlexTable(
            device=self.device or name, kind=self.kind, scheduled_power_kw=self.baseline_kw.copy(), **columns
        )

    def _largest(self) -> dict[tuple[Direction, int], Offer]:
        best: dict[tuple[Direction, int], Offer] = {}
        for offer in self.offers:
            place = (offer.direction, round((offer.start - self.horizon.start) / self.horizon.step))
            known = best.get(place)
            if known is None or (offer.energy_kwh, offer.power_kw) > (known.energy_kwh, known.power_kw):
                best[place] = offer
        return best


def floor_power(power_kw: float, step_kw: float = WATT_KW) -> float:
    """Return `power_kw` (a magnitude) as a whole number of steps of a market, never more than it is, kW.

    Raises:
        OfferError: for a step that is not above 0, or a power below 0.
    """
    if not (math.isfinite(step_kw) and step_kw > 0):
        raise OfferError("step_kw", step_kw, "a finite number above 0")
    if not (math.isfinite(power_kw) and power_kw >= 0):
        raise OfferError("power_kw", power_kw, "a finite number of at least 0")
    # 0.003 / 0.001 is a hair below 3: what only the binary fraction takes is given back, but never more than there is.
    steps = math.floor(power_kw / step_kw + BINARY_FRACTION)
    return min(power_kw, round(steps * step_kw, 12))


def fingerprint(horizon: Horizon, values: Series) -> str:
    """Return a short hash of a series and its horizon, the same on every machine."""
    written = f"{horizon.start.isoformat()}/{horizon.step.total_seconds():g}/{horizon.count}"
    rounded = np.round(np.asarray(values, dtype="<f8"), 6) + 0.0
    return hashlib.sha256(written.encode() + rounded.tobytes()).hexdigest()[:16]
