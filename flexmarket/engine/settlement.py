"""What a call delivered, and what is paid for it.

Source of the rule: USEF, settle phase of the Shapeshifter specification 3.1.0 (`docs/general-description`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from optimization.engine.series import Series

ENERGY = Decimal("0.000001")
CENT = Decimal("0.01")
NOTHING = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class DeliveryTerms:
    """How a call is paid: price and penalty per kWh, shares of the order.

    `tolerance_share` may be missing in a step without a penalty; below `minimum_share` over the call nothing is paid.
    """

    price_per_kwh: Decimal
    penalty_per_kwh: Decimal = NOTHING
    tolerance_share: Decimal = NOTHING
    minimum_share: Decimal = NOTHING


@dataclass(frozen=True, kw_only=True)
class DeliveredStep:
    """One step of a call: energies in kWh; `measured` is false where the meter said nothing."""

    measured: bool
    ordered_kwh: Decimal
    delivered_kwh: Decimal
    missing_kwh: Decimal
    surplus_kwh: Decimal


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a call comes to. `amount` is rounded to the cent; below 0 it is owed to the market."""

    steps: Sequence[DeliveredStep]
    payment: Decimal
    penalty: Decimal
    amount: Decimal

    @property
    def ordered_kwh(self) -> Decimal:
        """Ordered energy, unmeasured steps included."""
        return sum((step.ordered_kwh for step in self.steps), NOTHING)

    @property
    def delivered_kwh(self) -> Decimal:
        """Energy that was delivered and counts."""
        return sum((step.delivered_kwh for step in self.steps), NOTHING)

    @property
    def missing_kwh(self) -> Decimal:
        """Energy that is short of the order; more than ordered where the site went the other way."""
        return sum((step.missing_kwh for step in self.steps), NOTHING)

    @property
    def unmeasured(self) -> int:
        """Number of steps without a measurement."""
        return sum(not step.measured for step in self.steps)

    @property
    def share(self) -> Decimal | None:
        """Delivered share of what was ordered in the measured steps; None where none was measured."""
        ordered = sum((step.ordered_kwh for step in self.steps if step.measured), NOTHING)
        return self.delivered_kwh / ordered if ordered else None


def delivered(change_kw: Series, baseline_kw: Series, measured_kw: Series, step_hours: float) -> list[DeliveredStep]:
    """Return what each step of a call delivered against its baseline.

    Arrays in kW, positive for consumption; `change_kw` is what was ordered, of one sign. What goes beyond the order
    does not count; what goes the other way is missing on top of the order.

    Raises:
        ValueError: for arrays of different lengths, a baseline that is not known, or an order of 0.
    """
    if not len(change_kw) == len(baseline_kw) == len(measured_kw):
        lengths = f"{len(change_kw)}, {len(baseline_kw)} and {len(measured_kw)}"
        raise ValueError(f"Order, baseline and measurement have {lengths} values; allowed: as many each.")
    sign = np.sign(change_kw[0])
    if not (np.sign(change_kw) == sign).all() or sign == 0:
        raise ValueError("The ordered change is not of one sign in every step.")
    if np.isnan(baseline_kw).any():
        raise ValueError("The baseline is not known in every step.")
    ordered = np.abs(change_kw) * step_hours
    moved = sign * (measured_kw - baseline_kw) * step_hours
    return [_step(_energy(wanted), float(got)) for wanted, got in zip(ordered, moved, strict=True)]


def settle(steps: Sequence[DeliveredStep], terms: DeliveryTerms) -> Settled:
    """Return what a call is paid; steps without a measurement are neither paid nor fined."""
    seen = [step for step in steps if step.measured]
    ordered = sum((step.ordered_kwh for step in seen), NOTHING)
    got = sum((step.delivered_kwh for step in seen), NOTHING)
    paid = got if ordered and got >= terms.minimum_share * ordered else NOTHING
    fined = sum((max(step.missing_kwh - terms.tolerance_share * step.ordered_kwh, NOTHING) for step in seen), NOTHING)
    payment, penalty = cents(paid * terms.price_per_kwh), cents(fined * terms.penalty_per_kwh)
    return Settled(steps=list(steps), payment=payment, penalty=penalty, amount=payment - penalty)


def shares(amount: Decimal, owner_share: Decimal) -> tuple[Decimal, Decimal]:
    """Return the owner's and the aggregator's part of an amount, in cents; they add up to it."""
    owner = cents(amount * owner_share)
    return owner, amount - owner


def cents(amount: Decimal) -> Decimal:
    """Return an amount rounded to the cent, halves away from 0."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def _step(ordered: Decimal, moved: float) -> DeliveredStep:
    if np.isnan(moved):
        return DeliveredStep(
            measured=False, ordered_kwh=ordered, delivered_kwh=NOTHING, missing_kwh=NOTHING, surplus_kwh=NOTHING
        )
    got = _energy(moved)
    return DeliveredStep(
        measured=True,
        ordered_kwh=ordered,
        delivered_kwh=min(max(got, NOTHING), ordered),
        missing_kwh=max(ordered - got, NOTHING),
        surplus_kwh=max(got - ordered, NOTHING),
    )


def _energy(kwh: float) -> Decimal:
    return Decimal(repr(float(kwh))).quantize(ENERGY)
