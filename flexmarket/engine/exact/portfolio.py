"""What several sites can give together: each site's offer is computed as such, and a shared limit is kept."""

from collections.abc import Mapping
from datetime import datetime

from flexmarket.engine.offer import Direction, Offer, OfferSet


def together(
    sites: Mapping[str, OfferSet], direction: Direction, start: datetime, steps: int, limit_kw: float | None = None
) -> dict[str, float]:
    """Return the power of each site in a call of the whole portfolio, kW by name; those without an offer are left out.

    `sites` holds the offers of each site as a whole. Sites with a grid connection of their own do not limit each other,
    so what they give adds up exactly. `limit_kw` is the most that all may change together (a shared connection, or
    what was asked for): cheapest first by mean price, and of the last site a part where it allows one.
    """
    offers = {name: offer for name, each in sites.items() if (offer := _find(each, direction, start, steps))}
    left, powers = float("inf") if limit_kw is None else limit_kw, dict[str, float]()
    for name, offer in sorted(offers.items(), key=lambda item: item[1].price_eur_per_kwh):
        power = min(offer.power_kw, left)
        if power >= offer.least_power_kw and power > 0:
            powers[name] = power
            left -= power
    return powers


def _find(offers: OfferSet, direction: Direction, start: datetime, steps: int) -> Offer | None:
    for offer in offers:
        if (offer.direction, offer.start, offer.steps) == (direction, start, steps):
            return offer
    return None
