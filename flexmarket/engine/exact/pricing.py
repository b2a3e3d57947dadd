"""From what a call costs at some powers to steps of a price that rises."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from flexmarket.engine.exact.terms import OfferTerms
from flexmarket.engine.offer import PriceStep, floor_power

# A price may exceed the cost by this much, or by this share of it, before it gets one more step.
SAME_EUR = 1e-5
SAME_SHARE = 0.02
SAME_PRICE = 1e-6


class Point(NamedTuple):
    """A power in kW, what a call of it costs in EUR, and what one more kW would cost (its tangent)."""

    power_kw: float
    cost_eur: float
    slope_eur_per_kw: float


def points_between(low: Point, high: Point, cost: Callable[[float], Point | None], most: int) -> list[Point]:
    """Return the points at which a convex cost bends, `high` included and `low` not.

    `cost` is asked `most` times at most. Two tangents meet at the only power where one bend could lie. If the cost lies
    on them there, that is the bend; else each side is looked at in its turn (the method of Eisner and Severance,
    Journal of the ACM 23, 1976).
    """
    chord = (high.cost_eur - low.cost_eur) / (high.power_kw - low.power_kw)
    near = max(SAME_EUR, SAME_SHARE * high.cost_eur)
    straight = (high.slope_eur_per_kw - chord) * (high.power_kw - low.power_kw) <= near
    if most < 1 or straight or high.slope_eur_per_kw <= low.slope_eur_per_kw:
        return [high]
    rise = high.cost_eur - high.slope_eur_per_kw * high.power_kw - low.cost_eur + low.slope_eur_per_kw * low.power_kw
    meeting = floor_power(max(0.0, rise / (low.slope_eur_per_kw - high.slope_eur_per_kw)))
    if not low.power_kw < meeting < high.power_kw:
        return [high]
    middle = cost(meeting)
    if middle is None:
        return [high]
    expected = low.cost_eur + low.slope_eur_per_kw * (meeting - low.power_kw)
    if middle.cost_eur - expected <= near:
        return [middle, high]
    before = points_between(low, middle, cost, (most - 1) // 2)
    return before + points_between(middle, high, cost, most - 1 - (most - 1) // 2)


def from_cheapest_mean(points: Sequence[Point]) -> list[Point]:
    """Return the points from the one on at which a kW costs least on average: below it a rising price cannot pay."""
    best = min(range(len(points)), key=lambda place: points[place].cost_eur / points[place].power_kw)
    return list(points[best:])


def price_steps(points: Sequence[Point], hours: float, terms: OfferTerms) -> tuple[PriceStep, ...]:
    """Return steps whose payment covers the cost at every point, and between them where the cost is convex.

    A step is never cheaper than the one before (merit order), also where the cost is not convex.
    """
    steps: list[PriceStep] = []
    below, paid = 0.0, 0.0
    for point in points:
        marginal = max(0.0, point.cost_eur - paid) / (point.power_kw - below)
        price = terms.price_eur_per_kwh(marginal / hours)
        if steps and price <= steps[-1].price_eur_per_kwh + SAME_PRICE:
            price = max(price, steps[-1].price_eur_per_kwh)
            steps.pop()
        paid, below = max(paid, point.cost_eur), point.power_kw
        steps.append(PriceStep(up_to_kw=point.power_kw, price_eur_per_kwh=price))
    return tuple(steps)
