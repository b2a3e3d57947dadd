"""A call of an offer: the called power is fixed against the promised baseline, and everything else is planned anew."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact.linear import Bounds
from flexmarket.engine.exact.model import PlannedSite
from flexmarket.engine.exact.subject import Answer, Call, Kept, Subject
from flexmarket.engine.offer import Offer, fingerprint
from optimization.engine.errors import ProblemError
from optimization.engine.evaluate import judged
from optimization.engine.problem import SiteProblem
from optimization.engine.resume import States, rest_of, resumed
from optimization.engine.schedule import Schedule
from optimization.engine.series import Series
from optimization.engine.solvers import solve
from optimization.engine.verify import verify

SOLVER = "exact"
REFERENCE_GAP = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Promise:
    """Power that a device (None: the meter) has to have from a start on because of an earlier call, kW per step."""

    device: str | None
    start: datetime
    power_kw: Series


@dataclass(frozen=True, kw_only=True)
class Called:
    """A site in which an offer is called: the plan to start from, the promised power, the call in its steps."""

    planned: PlannedSite
    place: int | None
    baseline_kw: Series
    call: Call
    first_free: int
    kept: tuple[Kept, ...] = ()


def activate(
    problem: SiteProblem,
    schedule: Schedule,
    offer: Offer,
    power_kw: float | None = None,
    *,
    now: datetime | None = None,
    states: States | None = None,
    promises: Sequence[Promise] = (),
    time_limit: float = 10.0,
) -> Schedule:
    """Return the cheapest plan with `power_kw` (a magnitude; None: all) of the offer called; verified.

    The called device (or the meter) is held at baseline plus call, and while the call lasts the other electric devices
    keep their planned power, so that the meter moves by the same. All else is free from `now` on (None: from the start
    of the call), steps before it stay as planned. Wishes are missed no more than in `schedule`.

    With `states` (`optimization.engine.resume`: how the devices really stand at `now`) the answer is a plan of the rest
    of the horizon, `rest_of(problem, step, states)`; wishes are then missed no more than without the call. If the other
    devices cannot keep their plan from these states, they are free too.

    What was promised before (`promises`) is held too.

    Raises:
        OfferError: for an offer of another baseline or horizon, a power or time that cannot be called, or a call that
            the site can no longer hold; names what is allowed.
    """
    started = time.perf_counter()
    power = _power(offer, power_kw)
    step = _step_of(problem, offer.start if now is None else now, "now")
    first = _step_of(problem, offer.start, "offer.start")
    if step > first:
        raise OfferError("now", now, f"at or before the start of the call ({offer.start.isoformat()})")
    if first + offer.steps > problem.horizon.count:
        raise OfferError("offer.end", offer.end, f"within the plan, which ends at {problem.horizon.end.isoformat()}")
    called = _called(problem, schedule, offer, power, step, states, promises)
    for subject in _subjects(called, measured=states is not None):
        answer = _cheapest(subject, called, time_limit)
        if answer is not None:
            plan = _plan(called.planned, answer, time.perf_counter() - started)
            if not verify(called.planned.problem, plan):
                return plan
    raise OfferError("order.power_kw", power, f"a power that {offer.device or 'the site'} can hold as it stands now")


def _power(offer: Offer, power_kw: float | None) -> float:
    power = offer.power_kw if power_kw is None else power_kw
    if not (math.isfinite(power) and power > 0 and offer.least_power_kw <= power <= offer.power_kw):
        allowed = f"{offer.least_power_kw:g} to {offer.power_kw:g} kW, more than 0"
        raise OfferError("order.power_kw", power, allowed)
    return power


def _step_of(problem: SiteProblem, moment: datetime, field: str) -> int:
    horizon = problem.horizon
    step = (moment - horizon.start) / horizon.step
    if not step.is_integer() or not 0 <= step < horizon.count:
        allowed = f"the start of a step from {horizon.start.isoformat()} to before {horizon.end.isoformat()}"
        raise OfferError(field, moment.isoformat(), allowed)
    return int(step)


def _called(
    problem: SiteProblem,
    schedule: Schedule,
    offer: Offer,
    power: float,
    step: int,
    states: States | None,
    promises: Sequence[Promise],
) -> Called:
    """Return the site with the call; where `states` are given, the rest of it, planned from there without the call."""
    baseline = _baseline(schedule, offer)
    target, plan, past = problem, schedule, 0
    if states is not None:
        target, plan = _measured(problem, schedule, step, states)
        baseline, past = baseline[step:], step
    planned = PlannedSite(target, plan)
    first = _step_of(problem, offer.start, "offer.start") - past
    if offer.device is not None and offer.device not in planned.index:
        raise OfferError(
            "offer.device", offer.device, f"a device that still has something to do: {sorted(planned.index)}"
        )
    return Called(
        planned=planned,
        place=None if offer.device is None else planned.index[offer.device],
        baseline_kw=baseline,
        call=Call(first=first, end=first + offer.steps, direction=offer.direction, least_kw=power, most_kw=power),
        first_free=step - past,
        kept=tuple(_kept(planned, promises)),
    )


def _kept(planned: PlannedSite, promises: Sequence[Promise]) -> Iterator[Kept]:
    """Yield the promises as steps of the planned site; what of them is over, or lies beyond it, is left out."""
    horizon = planned.problem.horizon
    for promise in promises:
        first = round((promise.start - horizon.start) / horizon.step)
        power = np.asarray(promise.power_kw)[max(-first, 0) : max(horizon.count - first, 0)]
        if len(power) and (promise.device is None or promise.device in planned.index):
            place = None if promise.device is None else planned.index[promise.device]
            yield Kept(place, max(first, 0), power)


def _baseline(schedule: Schedule, offer: Offer) -> Series:
    if offer.device is not None and "power_kw" not in schedule.devices.get(offer.device, {}):
        raise OfferError("offer.device", offer.device, f"a device of the plan: {sorted(schedule.devices)}")
    baseline = schedule.grid_power_kw if offer.device is None else schedule.devices[offer.device]["power_kw"]
    if fingerprint(schedule.horizon, baseline) != offer.baseline_id:
        raise OfferError("offer.baseline_id", offer.baseline_id, "that of the plan against which it was made")
    return np.asarray(baseline)


def _measured(problem: SiteProblem, schedule: Schedule, step: int, states: States) -> tuple[SiteProblem, Schedule]:
    try:
        if step:
            imported = float(np.maximum(schedule.grid_power_kw[:step], 0.0).max(initial=0.0))
            target = rest_of(problem, step, states, import_so_far_kw=imported)
        else:
            target = replace(problem, devices=resumed(problem.devices, states, problem.horizon))
        return target, solve(target, gap=REFERENCE_GAP, previous=schedule)
    except ProblemError as error:
        raise OfferError(error.field, error.value, error.allowed) from error


def _subjects(called: Called, *, measured: bool) -> Iterator[Subject]:
    """Yield what may move: all but the power of the other devices while the call lasts; then, if measured, all."""
    planned, place = called.planned, called.place
    if place is not None:
        others = tuple(
            other
            for other in range(planned.meter)
            if other != place and other not in planned.follows and len(planned.power(other).rows)
        )
        yield Subject(planned, place, alone=False, baseline_kw=called.baseline_kw, steady=others, kept=called.kept)
    if place is None or measured:
        yield Subject(planned, place, alone=False, baseline_kw=called.baseline_kw, kept=called.kept)


def _cheapest(subject: Subject, called: Called, time_limit: float) -> tuple[Answer, float] | None:
    """Return the cheapest plan that is found, and a bound on the cost; None where there is none."""
    bounds, call = subject.from_step(called.first_free), called.call
    bound = subject.relaxed(bounds, call)
    if bound is None:
        return None
    best: Answer | None = None
    for held in _states(subject, bounds, bound, call, time_limit):
        answer = subject.cheapest(held, call)
        if answer is not None and (best is None or answer.goal_eur < best.goal_eur):
            best = answer
            if best.goal_eur <= bound.goal_eur + subject.gap_eur:
                break
    return None if best is None else (best, bound.goal_eur)


def _states(subject: Subject, bounds: Bounds, bound: Answer, call: Call, time_limit: float) -> Iterator[Bounds]:
    if not len(subject.states):
        yield bounds
        return
    best: Answer | None = None
    for held in (subject.held(bounds, subject.planned.plan), subject.rounded(bounds, bound)):
        yield held
        answer = subject.cheapest(held, call)
        if answer is not None and (best is None or answer.goal_eur < best.goal_eur):
            best = answer
    values = subject.searched(bounds, call, best, time_limit)
    if values is not None:
        yield subject.held(bounds, values)


def _plan(planned: PlannedSite, answer: tuple[Answer, float], seconds: float) -> Schedule:
    found, bound = answer
    plan = judged(
        planned.problem,
        planned.read(found.values),
        solver=SOLVER,
        status="optimal",
        bound_eur=bound,
        seconds={"solve": seconds},
    )
    near = max(REFERENCE_GAP, planned.schedule.gap if math.isfinite(planned.schedule.gap) else 0.0)
    return plan if plan.gap <= near else replace(plan, status="time_limit")
