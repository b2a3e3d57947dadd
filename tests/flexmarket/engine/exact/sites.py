"""Small sites that are planned for real."""

from typing import Any

from flexmarket.engine.exact import OfferTerms, offers_of_devices
from flexmarket.engine.offer import Direction, Offer, OfferSet
from optimization.engine import GridConnection, Prices, Schedule, SiteProblem, solve
from optimization.engine.devices import Device
from optimization.engine.series import SeriesLike
from tests.flexmarket.engine.sites import horizon

EXACT = 1e-6


def site(
    *devices: Device,
    count: int = 4,
    import_price: SeriesLike = 0.3,
    export_price: SeriesLike = 0.1,
    minutes: int = 60,
    connection: GridConnection | None = None,
    **prices: Any,
) -> tuple[SiteProblem, Schedule]:
    """Return a site of these devices and its best plan."""
    problem = SiteProblem(
        horizon=horizon(count, minutes),
        devices=devices,
        prices=Prices(import_eur_per_kwh=import_price, export_eur_per_kwh=export_price, **prices),
        connection=connection or GridConnection(),
    )
    return problem, solve(problem, gap=EXACT)


def offers_of(planned: tuple[SiteProblem, Schedule], name: str, **terms: Any) -> OfferSet:
    """Return the offers of a device; durations of 1, 2 and 3 steps unless others are given."""
    return offers_of_devices(*planned, OfferTerms(**{"durations": (1, 2, 3), **terms}))[name]


def offer_at(offers: OfferSet, direction: Direction, first: int, steps: int) -> Offer | None:
    """Return the offer of a start and duration; None where there is none."""
    device = offers.device or "site"
    found = [offer for offer in offers if offer.key == f"{device}/{direction}/{first}/{steps}"]
    return found[0] if found else None


def powers(offers: OfferSet, direction: Direction, steps: int) -> list[float]:
    """Return the power per start for one duration, kW; 0 where nothing is offered."""
    found = [offer_at(offers, direction, first, steps) for first in range(offers.horizon.count)]
    return [0.0 if offer is None else offer.power_kw for offer in found]
