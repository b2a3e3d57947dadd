"""Sites add up on one ladder, the cheapest first; a call is split so that its parts make the whole, and its price."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexmarket.engine.market.joint import Part, ladder, split, together
from flexmarket.engine.market.orders import price_of
from flexmarket.engine.offer import PriceStep


def part(*steps: tuple[float, float], least: float = 0.0) -> Part:
    return Part(least_kw=least, prices=[PriceStep(up_to_kw=kw, price_eur_per_kwh=price) for kw, price in steps])


HOUSE, ROOF = part((4, 0.1), (6, 0.3)), part((5, 0.2))
MILL = part((3, 0.5), (8, 0.5), least=3)


def prices(parts: dict[str, Part], limit: float | None = None) -> list[tuple[float, float]]:
    return [(each.up_to_kw, each.price_eur_per_kwh) for each in ladder(parts, limit).prices]


def test_steps_of_all_sites_make_one_ladder() -> None:
    assert prices({"house": HOUSE, "roof": ROOF}) == [(4, 0.1), (9, 0.2), (11, 0.3)]
    assert prices({"house": HOUSE, "roof": ROOF}, 7) == [(4, 0.1), (7, 0.2)]
    assert prices({"a": ROOF, "b": ROOF}) == [(10, 0.2)]


def test_a_dear_least_power_is_sold_with_what_makes_it_cheaper() -> None:
    joint = ladder({"mill": MILL, "house": HOUSE})
    # 3 kW at 0.5 are sold with 4 kW at 0.1; the mean of both lies below the 0.3 of what follows.
    assert joint.least_kw == 7
    assert [each.up_to_kw for each in joint.prices] == [7, 9, 14]
    assert joint.prices[0].price_eur_per_kwh == pytest.approx((3 * 0.5 + 4 * 0.1) / 7)
    rates = [each.price_eur_per_kwh for each in joint.prices]
    assert rates == sorted(rates)


def test_a_shared_limit_leaves_out_who_cannot_give_little() -> None:
    sites = {"house": HOUSE, "mill": MILL, "roof": ROOF}
    assert set(together(sites)) == {"house", "mill", "roof"}
    assert set(together(sites, 2)) == {"house", "roof"}
    assert together(sites, 0) == {}


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (11, {"house": 6, "roof": 5}),
        (9, {"house": 4, "roof": 5}),
        (6, {"house": 4, "roof": 2}),
        (3, {"house": 3}),
    ],
)
def test_a_call_takes_the_cheapest_first(power: float, expected: dict[str, float]) -> None:
    assert split({"house": HOUSE, "roof": ROOF}, power) == expected


@st.composite
def a_part(draw: st.DrawFn) -> Part:
    powers = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    rates = sorted(draw(st.lists(st.integers(0, 40), min_size=len(powers), max_size=len(powers))))
    ups = [sum(powers[: index + 1]) / 4 for index in range(len(powers))]
    least = draw(st.sampled_from([0.0, 0.25, ups[-1]]))
    return part(*((up, rate / 100) for up, rate in zip(ups, rates, strict=True)), least=least)


@given(st.lists(a_part(), min_size=1, max_size=5), st.floats(0, 1))
def test_parts_of_a_call_make_its_power_and_its_price(drawn: list[Part], share: float) -> None:
    parts = dict(enumerate(drawn))
    joint = ladder(parts)
    power = round(joint.least_kw + share * (joint.power_kw - joint.least_kw), 3)
    powers = split(parts, power)
    assert sum(powers.values()) == pytest.approx(power, abs=1e-5)
    assert all(parts[name].least_kw - 1e-9 <= kw <= parts[name].power_kw + 1e-9 for name, kw in powers.items())
    if power > 0:
        paid = sum(parts[name].payment_eur_per_h(kw) for name, kw in powers.items())
        assert price_of(joint.prices, power) * power == pytest.approx(paid, abs=1e-4)
    rates = [each.price_eur_per_kwh for each in joint.prices]
    assert all(after >= before - 1e-9 for before, after in itertools.pairwise(rates))
