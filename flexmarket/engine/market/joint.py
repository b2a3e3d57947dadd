"""What several sites can give together: one price ladder over their offers, and how a call of it is split."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flexmarket.engine.offer import PriceStep

Name = TypeVar("Name", bound=Hashable)
SAME_PRICE = 1e-9
DECIMALS = 6


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one site can give: any power from `least_kw` up to the end of its prices, magnitudes in kW."""

    least_kw: float
    prices: Sequence[PriceStep]

    @property
    def power_kw(self) -> float:
        """The most that it can give."""
        return self.prices[-1].up_to_kw

    def steps(self, above_kw: float = 0.0) -> Iterator[tuple[float, float]]:
        """Yield power and price of each step above a power, the cheapest first."""
        before = above_kw
        for each in self.prices:
            if each.up_to_kw > before:
                yield each.up_to_kw - before, each.price_eur_per_kwh
                before = each.up_to_kw

    def payment_eur_per_h(self, power_kw: float) -> float:
        """Return what an hour of this power is paid."""
        paid, left = 0.0, power_kw
        for power, price in self.steps():
            paid += min(power, left) * price
            left -= min(power, left)
        return paid

    @property
    def mean_price(self) -> float:
        """Price of a kWh where all is called."""
        return self.payment_eur_per_h(self.power_kw) / self.power_kw


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """What parts can give together: any power from `least_kw` up to the end of its never falling prices."""

    least_kw: float
    prices: tuple[PriceStep, ...]

    @property
    def power_kw(self) -> float:
        """The most that they can give."""
        return self.prices[-1].up_to_kw


def together(parts: Mapping[Name, Part], limit_kw: float | None = None) -> dict[Name, Part]:
    """Return the parts that take part in a joint call, of which at most `limit_kw` may change.

    Sites with a grid connection of their own do not limit each other, so what they give adds up exactly; a shared limit
    leaves out the dearest of those that cannot give little.
    """
    left, chosen = float("inf") if limit_kw is None else limit_kw, dict[Name, Part]()
    for name, part in sorted(parts.items(), key=lambda item: item[1].mean_price):
        if part.least_kw <= left and left > 0:
            chosen[name] = part
            left -= part.least_kw
    return chosen


def ladder(parts: Mapping[Name, Part], limit_kw: float | None = None) -> Ladder:
    """Return the joint prices of parts, the cheapest power first; `parts` as of `together`, at least one.

    Every part gives at least its least power. Where that costs more than what may follow, the least power that can be
    called is the one at which a kW is cheapest on average: no price falls.
    """
    least = sum(part.least_kw for part in parts.values())
    paid = sum(part.payment_eur_per_h(part.least_kw) for part in parts.values())
    most = sum(part.power_kw for part in parts.values())
    most = most if limit_kw is None else min(most, limit_kw)
    steps: list[PriceStep] = []
    up_to = least
    for _name, power, price in _above_least(parts):
        taken = min(power, most - up_to)
        if taken <= 0:
            break
        up_to += taken
        if not steps and least and paid > least * price:
            least, paid = up_to, paid + taken * price
        elif steps and abs(steps[-1].price_eur_per_kwh - price) <= SAME_PRICE:
            steps[-1] = PriceStep(up_to_kw=up_to, price_eur_per_kwh=price)
        else:
            steps.append(PriceStep(up_to_kw=up_to, price_eur_per_kwh=price))
    if least:
        steps.insert(0, PriceStep(up_to_kw=least, price_eur_per_kwh=paid / least))
    return Ladder(least_kw=least, prices=tuple(steps))


def split(parts: Mapping[Name, Part], power_kw: float) -> dict[Name, float]:
    """Return the power of each part in a joint call of `power_kw`, kW; those that are not needed are left out.

    Every part gives its least power, and then the cheapest first. The sum is `power_kw` as long as that lies between
    the sum of the least and of the most powers.
    """
    powers = {name: part.least_kw for name, part in parts.items()}
    left = power_kw - sum(powers.values())
    for name, power, _price in _above_least(parts):
        taken = min(power, max(left, 0.0))
        powers[name] += taken
        left -= taken
    rounded = {name: round(power, DECIMALS) for name, power in powers.items()}
    return {name: power for name, power in rounded.items() if power > 0}


def _above_least(parts: Mapping[Name, Part]) -> list[tuple[Name, float, float]]:
    """Return part, power and price of every step above the least powers, the cheapest first."""
    found = [(name, power, price) for name, part in parts.items() for power, price in part.steps(part.least_kw)]
    return sorted(found, key=lambda each: each[2])
