"""Offers that can be kept: for each start, direction and duration the largest power, and what it really costs."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version

import numpy as np

from flexmarket.engine.exact.linear import Bounds
from flexmarket.engine.exact.model import PlannedSite
from flexmarket.engine.exact.pricing import Point, from_cheapest_mean, points_between, price_steps
from flexmarket.engine.exact.subject import Answer, Call, Subject
from flexmarket.engine.exact.terms import OfferTerms
from flexmarket.engine.offer import WATT_KW, Direction, Offer, OfferSet, Provenance, fingerprint, floor_power
from flexmarket.engine.table import FlexTable
from optimization.engine.evaluate import judged
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import SITE, Schedule
from optimization.engine.series import Series
from optimization.engine.verify import verify

METHOD = "exact"
# How far a solved power may lie below a whole watt and still count as it.
NOISE_KW = 1e-7
SAME_EUR = 1e-6
Place = tuple[int, int, Direction]


@dataclass(frozen=True, kw_only=True)
class SiteOffers:
    """The offers of each device by name, and those of the site as a whole at its meter; never to be added up."""

    devices: dict[str, OfferSet]
    site: OfferSet


def provenance(schedule: str = "", forecasts: tuple[str, ...] = ()) -> Provenance:
    """Return what offers of this method are made from; `schedule` and `forecasts` are the caller's ids."""
    return Provenance(method=METHOD, solver=f"highs {version('highspy')}", schedule=schedule, forecasts=forecasts)


def offers_of_site(
    problem: SiteProblem, schedule: Schedule, terms: OfferTerms | None = None, made_from: Provenance | None = None
) -> SiteOffers:
    """Return the offers of every device that has electric power to decide on, and of the whole site.

    Raises:
        OfferError: for a schedule that is no plan of this site.
    """
    terms, made_from = terms or OfferTerms(), made_from or provenance()
    planned = PlannedSite(problem, schedule)
    makers = {name: _Maker(planned, planned.index[name], terms, made_from) for name in _offering(planned)}
    devices = {name: maker.offers() for name, maker in makers.items()}
    site = _Maker(planned, None, terms, made_from, tries=[maker.found for maker in makers.values()])
    return SiteOffers(devices=devices, site=site.offers())


def offers_of_devices(
    problem: SiteProblem, schedule: Schedule, terms: OfferTerms | None = None, made_from: Provenance | None = None
) -> dict[str, OfferSet]:
    """Return the offers of every device alone, in the order of the problem.

    Raises:
        OfferError: for a schedule that is no plan of this site.
    """
    terms, made_from = terms or OfferTerms(), made_from or provenance()
    planned = PlannedSite(problem, schedule)
    return {name: _Maker(planned, planned.index[name], terms, made_from).offers() for name in _offering(planned)}


def quantify(
    problem: SiteProblem, schedule: Schedule, *, decimals: int | None = None, terms: OfferTerms | None = None
) -> dict[str, FlexTable]:
    """Return a table per device: of the offers of a start and direction that of the largest energy.

    `decimals` is taken for the sake of other methods: here the plan is always taken as it is.

    Raises:
        OfferError: for a schedule that is no plan of this site.
    """
    return {name: offers.table() for name, offers in offers_of_devices(problem, schedule, terms).items()}


def _offering(planned: PlannedSite) -> Iterator[str]:
    """Yield the names of devices whose power is decided on."""
    for device in planned.problem.devices:
        place = planned.index[device.name]
        if place not in planned.follows and len(planned.power(place).rows):
            yield device.name


@dataclass
class _Maker:
    """Makes the offers of one subject; `found` keeps the plans behind them for the site to try."""

    planned: PlannedSite
    place: int | None
    terms: OfferTerms
    made_from: Provenance
    tries: list[dict[Place, Series]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.found: dict[Place, Series] = {}
        self.subject = Subject(self.planned, self.place)
        self.device: str | None = None
        self.kind = SITE
        if self.place is not None:
            device = self.planned.device(self.place)
            self.device, self.kind = device.name, device.kind
        self.baseline_id = fingerprint(self.planned.problem.horizon, self.subject.baseline_kw)

    def offers(self) -> OfferSet:
        offers = [offer for first in range(self.planned.count) for offer in self._from(first)]
        return OfferSet(
            device=self.device,
            kind=self.kind,
            horizon=self.planned.problem.horizon,
            baseline_kw=self.subject.baseline_kw,
            offers=tuple(offers),
            provenance=self.made_from,
        )

    def _from(self, first: int) -> Iterator[Offer]:
        bounds = self.subject.from_step(first)
        reference = self._reference(bounds)
        for direction in Direction:
            for steps in sorted(set(self.terms.durations)):
                call = Call(first=first, end=first + steps, direction=direction)
                offer = self._offer(bounds, call, reference) if call.end <= self.planned.count else None
                if offer is None:
                    # Who cannot hold it for so long cannot hold it for longer.
                    break
                yield offer

    def _reference(self, bounds: Bounds) -> float:
        """Return the least cost of the day with the same freedom and no call: the plan's, or less if it has slack."""
        idle = self.subject.cheapest(self.subject.held(bounds, self.planned.plan))
        planned = self.planned.goal_of(self.planned.plan)
        return planned if idle is None else min(planned, idle.goal_eur)

    def _offer(self, bounds: Bounds, call: Call, reference: float) -> Offer | None:
        best: tuple[float, Bounds] | None = None
        for held in self._states(bounds, call):
            largest = self.subject.largest(held, call)
            if largest is not None and (best is None or largest.power_kw > best[0] + WATT_KW):
                best = (largest.power_kw, held)
        if best is None:
            return None
        power, held = floor_power(best[0] + NOISE_KW), best[1]
        for lower in (power, power - WATT_KW):
            if lower < self.terms.least_power_kw:
                return None
            answer = self.subject.cheapest(held, replace(call, least_kw=lower, most_kw=lower))
            if answer is not None and self._verified(answer):
                return self._made(held, replace(call, most_kw=lower), answer, reference)
        return None

    def _states(self, bounds: Bounds, call: Call) -> Iterator[Bounds]:
        """Yield bounds with states to try: the plan's, those of devices called alone, or those that a tree finds."""
        if not len(self.subject.states):
            yield bounds
            return
        if self.place is None:
            yield self.subject.held(bounds, self.planned.plan)
            place = (call.first, call.end, call.direction)
            tries = [found[place] for found in self.tries if place in found]
            for values in tries:
                yield self.subject.held(bounds, values)
            return
        call = replace(call, least_kw=self.terms.least_power_kw)
        bound = self.subject.relaxed(bounds, call)
        if bound is None:
            return
        known: Answer | None = None
        for held in (self.subject.held(bounds, self.planned.plan), self.subject.rounded(bounds, bound)):
            found = self.subject.largest(held, call)
            if found is not None and self._reaches(found, bound):
                yield held
                return
            if found is not None and (known is None or found.power_kw > known.power_kw):
                known = found
        searched = self.subject.searched(bounds, call, known)
        if searched is not None:
            yield self.subject.held(bounds, searched)

    def _reaches(self, known: Answer, bound: Answer) -> bool:
        """Tell whether a plan with a call is as good as the bound says that any can be."""
        cheap = known.goal_eur <= bound.goal_eur + self.subject.gap_eur
        return cheap and known.power_kw >= bound.power_kw - NOISE_KW

    def _verified(self, answer: Answer) -> bool:
        """Tell whether the plan with the call passes the last check, and misses no wish that the plan holds."""
        problem = self.planned.problem
        plan = judged(
            problem,
            self.planned.read(answer.values),
            solver=METHOD,
            status="optimal",
            bound_eur=answer.goal_eur,
            seconds={},
        )
        return not verify(problem, plan)

    def _made(self, held: Bounds, call: Call, answer: Answer, reference: float) -> Offer:
        horizon, subject = self.planned.problem.horizon, self.subject
        hours = (call.end - call.first) * horizon.step_hours
        steps, least = call.end - call.first, self._least(held, call)
        points = self._points(held, call, answer, reference, least)
        if least:
            points = from_cheapest_mean(points)
            least = points[0].power_kw
        self.found[(call.first, call.end, call.direction)] = answer.values
        start = horizon.start + call.first * horizon.step
        change = subject.changes(answer.values)
        called = np.full(steps, call.most_kw)
        if subject.rigid:
            called = np.maximum(called, np.abs(change[call.first : call.end]))
        return Offer(
            key=f"{self.device or SITE}/{call.direction}/{call.first}/{steps}",
            device=self.device,
            kind=self.kind,
            direction=call.direction,
            start=start,
            step=horizon.step,
            change_kw=call.direction.sign * called,
            prices=price_steps(points, hours, self.terms),
            least_power_kw=least,
            marginal_eur=points[-1].cost_eur,
            rebound_kw=change[call.end :],
            exclusive_group=f"{self.device or SITE}",
            baseline_id=self.baseline_id,
            valid_until=start,
            provenance=self.made_from,
            min_duration=steps * horizon.step,
            max_duration=steps * horizon.step,
            rest=self.terms.rest,
            max_calls=self.terms.max_calls,
            availability_eur_per_kw_h=self.terms.availability_eur_per_kw_h,
            currency=self.terms.currency,
        )

    def _least(self, held: Bounds, call: Call) -> float:
        """Return the least power that these states can be called at, kW."""
        if self.subject.rigid:
            return call.most_kw
        if not len(self.subject.states):
            return 0.0
        smallest = self.subject.smallest(held, call)
        least = call.most_kw if smallest is None else smallest.power_kw
        return 0.0 if least <= NOISE_KW else min(call.most_kw, floor_power(least - NOISE_KW) + WATT_KW)

    def _points(self, held: Bounds, call: Call, full: Answer, reference: float, least: float) -> list[Point]:
        """Return what the call costs at its least power (where that is not 0), at every bend, and at full power."""
        sign = call.direction.sign

        def point(power: float, answer: Answer) -> Point:
            return Point(power, max(0.0, answer.goal_eur - reference), sign * answer.slope_eur_per_kw)

        def cost(power: float) -> Point | None:
            answer = self.subject.cheapest(held, replace(call, least_kw=power, most_kw=power))
            return None if answer is None else point(power, answer)

        high = point(call.most_kw, full)
        straight = not least and high.slope_eur_per_kw * high.power_kw - high.cost_eur <= SAME_EUR
        low = None if straight or least >= high.power_kw - WATT_KW else cost(max(least, WATT_KW))
        if low is None:
            return [high]
        if least:
            return [low, *points_between(low, high, cost, self.terms.price_steps - 2)]
        nothing = Point(0.0, 0.0, low.slope_eur_per_kw)
        return points_between(nothing, high, cost, self.terms.price_steps - 1)
