"""What a call costs from its least power to its full one."""

from dataclasses import dataclass, replace

from flexmarket.engine.exact.linear import Bounds
from flexmarket.engine.exact.pricing import SAME_EUR, Point, from_cheapest_mean, points_between
from flexmarket.engine.exact.subject import Answer, Call, Subject
from flexmarket.engine.offer import WATT_KW, floor_power

# How far a solved power may lie from a whole watt and still count as it.
NOISE_KW = 1e-7


@dataclass(frozen=True)
class Ladder:
    """The powers of a call at which its price bends; `held` are the bounds with its states, `call` has the full power.

    `reference_eur` is what the day costs without the call.
    """

    subject: Subject
    held: Bounds
    call: Call
    reference_eur: float

    def points(self, full: Answer, most: int) -> tuple[float, list[Point]]:
        """Return the least power that can be called, kW, and at most `most` points up to full power.

        The least power is 0 where the cost begins at 0. Where other states cost something by themselves, it is the
        power at which a kW costs least on average: below it no rising price could pay.
        """
        high = self._point(self.call.most_kw, full)
        least = self._smallest_kw()
        if not least and abs(high.slope_eur_per_kw * high.power_kw - high.cost_eur) <= SAME_EUR:
            return 0.0, [high]
        lowest = max(least, WATT_KW)
        low = self._cost(lowest) if lowest < high.power_kw - WATT_KW else None
        if low is None:
            return (least and high.power_kw), [high]
        if not least and low.cost_eur <= low.slope_eur_per_kw * low.power_kw + SAME_EUR:
            return 0.0, points_between(Point(0.0, 0.0, low.slope_eur_per_kw), high, self._cost, most - 1)
        points = from_cheapest_mean([low, *points_between(low, high, self._cost, most - 2)])
        return points[0].power_kw, points

    def _smallest_kw(self) -> float:
        """Return the least power that these states allow, kW, in whole watts."""
        if self.subject.rigid:
            return self.call.most_kw
        if not len(self.subject.states):
            return 0.0
        smallest = self.subject.smallest(self.held, self.call)
        least = self.call.most_kw if smallest is None else smallest.power_kw
        return 0.0 if least <= NOISE_KW else min(self.call.most_kw, floor_power(least - NOISE_KW) + WATT_KW)

    def _cost(self, power_kw: float) -> Point | None:
        answer = self.subject.cheapest(self.held, replace(self.call, least_kw=power_kw, most_kw=power_kw))
        return None if answer is None else self._point(power_kw, answer)

    def _point(self, power_kw: float, answer: Answer) -> Point:
        slope = self.call.direction.sign * answer.slope_eur_per_kw
        return Point(power_kw, max(0.0, answer.goal_eur - self.reference_eur), slope)
