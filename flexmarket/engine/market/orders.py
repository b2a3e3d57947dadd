"""Whether an order is one that its offer allows; nothing here changes anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flexmarket.engine.market.refusals import OrderRefused, Reason, Refusal
from flexmarket.engine.market.states import OfferState
from flexmarket.engine.offer import PriceStep
from optimization.engine.horizon import Horizon

TOLERANCE_KW = 1e-6
PRICE_DECIMALS = 4


@dataclass(frozen=True, kw_only=True)
class OrderTerms:
    """What an order is checked against; powers are magnitudes in kW, `positive` means more power for the grid."""

    state: OfferState
    positive: bool
    start: datetime
    step: timedelta
    count: int
    zone: ZoneInfo
    power_kw: float
    minimum_power_kw: float
    power_step_kw: float
    prices: Sequence[PriceStep]
    valid_until: datetime
    gate_closes_at: datetime
    has_baseline: bool = True

    @property
    def sign(self) -> float:
        """What turns a magnitude into a change of consumption, kW."""
        return -1.0 if self.positive else 1.0


@dataclass(frozen=True)
class CalledSteps:
    """A change of consumption over steps of the market day; `first` counts from 1."""

    first: int
    count: int
    power_kw: float


@dataclass(frozen=True, kw_only=True)
class OrderRequest:
    """What somebody wants of an offer.

    Either `power_kw`, a magnitude over all steps of the offer, or `steps`, or `powers_kw`: one change of consumption
    per step of the market day (92, 96 or 100 quarter-hours), 0 where nothing is wanted.
    """

    power_kw: float | None = None
    steps: Sequence[CalledSteps] = ()
    powers_kw: Sequence[float] | None = None
    step: timedelta | None = None
    time_zone: str | None = None
    price_eur_per_kwh: float | None = None


def price_of(prices: Sequence[PriceStep], power_kw: float) -> float:
    """Return the mean price in EUR/kWh of a call of `power_kw`: the cheapest part of the offer first."""
    cost, before = 0.0, 0.0
    for each in prices:
        here = min(each.up_to_kw, power_kw) - before
        if here <= 0:
            break
        cost += here * each.price_eur_per_kwh
        before += here
    return cost / power_kw if power_kw > 0 else 0.0


def check_order(terms: OrderTerms, request: OrderRequest, now: datetime) -> float:
    """Return the magnitude in kW that the order calls.

    Raises:
        OrderRefused: with every reason of the validation list that it meets.
    """
    refusals = [*_about_the_offer(terms, now), *_about_the_clock(terms, request)]
    called, wrong = _called(terms, request)
    refusals += wrong
    if not wrong:
        refusals += [*_about_the_power(terms, called), *_about_the_price(terms, request, called)]
    if refusals:
        raise OrderRefused(refusals)
    return called


def _about_the_offer(terms: OrderTerms, now: datetime) -> Iterator[Refusal]:
    reason = {
        OfferState.EXPIRED: Reason.EXPIRED_REFERENCE,
        OfferState.REVOKED: Reason.REVOKED_REFERENCE,
        OfferState.DRAFT: Reason.UNKNOWN_REFERENCE,
        OfferState.VALIDATED: Reason.UNKNOWN_REFERENCE,
        OfferState.REJECTED: Reason.UNKNOWN_REFERENCE,
    }.get(terms.state, Reason.FLEXIBILITY_PROCURED)
    if terms.state != OfferState.SUBMITTED:
        yield Refusal(reason, "offer.state", terms.state.value, OfferState.SUBMITTED.value)
    elif now >= terms.valid_until:
        yield Refusal(Reason.EXPIRED_REFERENCE, "time", now.isoformat(), f"before {terms.valid_until.isoformat()}")
    elif now >= terms.gate_closes_at:
        yield Refusal(Reason.GATE_CLOSED, "time", now.isoformat(), f"before {terms.gate_closes_at.isoformat()}")
    if not terms.has_baseline:
        yield Refusal(Reason.NO_BASELINE, "offer", "without baseline", "an offer whose plan is stored")


def _about_the_clock(terms: OrderTerms, request: OrderRequest) -> Iterator[Refusal]:
    if request.step is not None and request.step != terms.step:
        minutes, allowed = (round(each.total_seconds() / 60) for each in (request.step, terms.step))
        yield Refusal(Reason.ISP_DURATION, "step_minutes", minutes, str(allowed))
    if request.time_zone is not None and request.time_zone != terms.zone.key:
        yield Refusal(Reason.TIME_ZONE, "time_zone", request.time_zone, terms.zone.key)


def _called(terms: OrderTerms, request: OrderRequest) -> tuple[float, list[Refusal]]:
    """Return the magnitude that is called, or what is wrong with the steps."""
    given = [request.power_kw is not None, bool(request.steps), request.powers_kw is not None]
    if sum(given) != 1:
        return 0.0, [Refusal(Reason.POWER_VALUE, "power", f"given {sum(given)} times", "power_kw, steps or powers_kw")]
    if request.power_kw is not None:
        return request.power_kw, []
    day = Horizon.market_day(terms.start.astimezone(terms.zone).date(), terms.zone, terms.step)
    by_step, wrong = _by_step(request, day.count)
    if wrong:
        return 0.0, wrong
    first = round((terms.start - day.start) / terms.step) + 1
    offered = set(range(first, first + terms.count))
    named = {number for number, power in by_step.items() if abs(power) > TOLERANCE_KW}
    if named != offered:
        text = ", ".join(map(str, sorted(named))) or "none"
        return 0.0, [Refusal(Reason.ISP_MISMATCH, "steps", text, f"{first} to {first + terms.count - 1}, as offered")]
    powers = {by_step[number] * terms.sign for number in named}
    if max(powers) - min(powers) > TOLERANCE_KW:
        text = f"{min(powers):g} to {max(powers):g} kW"
        return 0.0, [Refusal(Reason.POWER_MISMATCH, "power_kw", text, "the same share of the offer in every step")]
    return max(powers), []


def _by_step(request: OrderRequest, count: int) -> tuple[Mapping[int, float], list[Refusal]]:
    """Return the change of consumption by the number of the step in the market day."""
    if request.powers_kw is not None:
        if len(request.powers_kw) != count:
            allowed = f"{count} values, one per step of the day"
            return {}, [Refusal(Reason.ISP_OUT_OF_BOUNDS, "powers_kw", f"{len(request.powers_kw)} values", allowed)]
        return dict(enumerate(request.powers_kw, 1)), []
    found: dict[int, float] = {}
    for each in request.steps:
        last = each.first + each.count - 1
        if each.first < 1 or each.count < 1 or last > count:
            text = f"{each.first} to {last}"
            return {}, [Refusal(Reason.ISP_OUT_OF_BOUNDS, "steps", text, f"1 to {count}, as the day has")]
        for number in range(each.first, last + 1):
            if number in found:
                return {}, [Refusal(Reason.ISP_CONFLICT, "steps", f"{number} twice", "every step once")]
            found[number] = each.power_kw
    return found, []


def _about_the_power(terms: OrderTerms, called: float) -> Iterator[Refusal]:
    # Written so that not-a-number is refused too.
    if not 0 < called <= terms.power_kw + TOLERANCE_KW:
        yield Refusal(Reason.POWER_VALUE, "power_kw", f"{called:g}", f"more than 0 and at most {terms.power_kw:g}")
        return
    whole = abs(called - terms.power_kw) <= TOLERANCE_KW
    if not whole and called < terms.minimum_power_kw - TOLERANCE_KW:
        allowed = f"{terms.minimum_power_kw:g} to {terms.power_kw:g}"
        yield Refusal(Reason.POWER_VALUE, "power_kw", f"{called:g}", allowed)
    elif not whole and terms.power_step_kw > 0:
        steps = called / terms.power_step_kw
        if abs(steps - round(steps)) * terms.power_step_kw > TOLERANCE_KW:
            allowed = f"multiples of {terms.power_step_kw:g}, or the whole of {terms.power_kw:g}"
            yield Refusal(Reason.POWER_VALUE, "power_kw", f"{called:g}", allowed)


def _about_the_price(terms: OrderTerms, request: OrderRequest, called: float) -> Iterator[Refusal]:
    if request.price_eur_per_kwh is None or not 0 < called <= terms.power_kw + TOLERANCE_KW:
        return
    asked = price_of(terms.prices, min(called, terms.power_kw))
    if not abs(request.price_eur_per_kwh - asked) <= 0.5 * 10**-PRICE_DECIMALS:
        given = f"{request.price_eur_per_kwh:g} EUR/kWh"
        yield Refusal(Reason.PRICE_MISMATCH, "price_eur_per_kwh", given, f"{asked:.{PRICE_DECIMALS}f}")
