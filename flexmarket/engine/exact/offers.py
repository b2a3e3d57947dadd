"""Offers that can be kept: for each start, direction and duration the largest power, and what it really costs."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version

import numpy as np

from flexmarket.engine.exact.ladder import NOISE_KW, Ladder
from flexmarket.engine.exact.linear import Bounds
from flexmarket.engine.exact.model import PlannedSite
from flexmarket.engine.exact.pricing import price_steps
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
        held = self._with_states(bounds, replace(call, least_kw=self.terms.least_power_kw))
        largest = None if held is None else self.subject.largest(held, call)
        if held is None or largest is None:
            return None
        power = floor_power(largest.power_kw + NOISE_KW)
        for lower in (power, power - WATT_KW):
            if lower < self.terms.least_power_kw:
                return None
            answer = self.subject.cheapest(held, replace(call, least_kw=lower, most_kw=lower))
            if answer is not None and self._verified(answer):
                return self._made(held, replace(call, most_kw=lower), answer, reference)
        return None

    def _with_states(self, bounds: Bounds, call: Call) -> Bounds | None:
        """Return the bounds with the states of the best plan with a call; None where there is no such plan."""
        if not len(self.subject.states):
            return bounds
        bound = self.subject.relaxed(bounds, call)
        if bound is None:
            return None
        best: Answer | None = None
        for held in self._tries(bounds, call, bound):
            found = self.subject.largest(held, call)
            best = found if best is None or (found is not None and _better(found, best)) else best
            if best is not None and self._reaches(best, bound):
                return self.subject.held(bounds, best.values)
        if best is not None and self.place is None:
            # Trees over all devices take longer than offers may; what is known is a plan, and so can be kept.
            return self.subject.held(bounds, best.values)
        values = self.subject.searched(bounds, call, best)
        return None if values is None else self.subject.held(bounds, values)

    def _tries(self, bounds: Bounds, call: Call, bound: Answer) -> Iterator[Bounds]:
        """Yield bounds with states to try: the plan's, those of devices called alone, those nearest to the bound's."""
        yield self.subject.held(bounds, self.planned.plan)
        place = (call.first, call.end, call.direction)
        for found in self.tries:
            if place in found:
                yield self.subject.held(bounds, found[place])
        yield self.subject.rounded(bounds, bound)

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
        steps = call.end - call.first
        least, points = Ladder(subject, held, call, reference).points(answer, self.terms.price_steps)
        self.found[(call.first, call.end, call.direction)] = answer.values
        start = horizon.start + call.first * horizon.step
        change = subject.changes(answer.values)
        called = np.full(steps, call.most_kw)
        if subject.rigid:
            # A device that only switches gives what it gives: at least what was asked for.
            called = np.maximum(called, np.abs(change[call.first : call.end]))
            least = float(called.min())
            points = [points[-1]._replace(power_kw=least)]
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


def _better(found: Answer, best: Answer) -> bool:
    """Tell whether a plan with a call has more power than another, or the same for less."""
    if abs(found.power_kw - best.power_kw) < WATT_KW:
        return found.goal_eur < best.goal_eur
    return found.power_kw > best.power_kw
