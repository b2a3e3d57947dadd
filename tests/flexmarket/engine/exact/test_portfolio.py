"""Sites add up, device offers do not; a shared limit takes the cheapest first."""

import pytest

from flexmarket.engine.exact import OfferTerms, offers_of_site
from flexmarket.engine.exact.portfolio import together
from flexmarket.engine.offer import Direction, OfferSet
from optimization.engine.devices import ElectricLoad, Photovoltaic
from tests.flexmarket.engine.exact.sites import site

DOWN = Direction.NEGATIVE


def roof(power_kw: float, feed_in: float) -> OfferSet:
    planned = site(
        Photovoltaic(name="roof", capacity_kw=power_kw, yield_kw_per_kw=1.0),
        ElectricLoad(name="load", demand_kw=0.0),
        count=2,
        export_price=feed_in,
    )
    return offers_of_site(*planned, OfferTerms(durations=(1,))).site


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(None, {"a": 4.0, "b": 6.0}), (7.0, {"a": 1.0, "b": 6.0}), (5.0, {"b": 5.0}), (0.0, {})],
)
def test_a_shared_limit_takes_the_cheapest_first(limit: float | None, expected: dict[str, float]) -> None:
    sites = {"a": roof(4.0, 0.2), "b": roof(6.0, 0.1)}
    start = sites["a"].horizon.start
    assert together(sites, DOWN, start, 1, limit) == pytest.approx(expected)
    assert together(sites, Direction.POSITIVE, start, 1, limit) == {}
    assert together(sites, DOWN, start, 2, limit) == {}
