"""Orders are checked against their offer by the validation list of USEF."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flexmarket.engine.market.orders import CalledSteps, OrderRequest, OrderTerms, check_order, price_of
from flexmarket.engine.market.refusals import OrderRefused, Reason
from flexmarket.engine.market.states import OfferState
from flexmarket.engine.offer import PriceStep

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)  # the 49th quarter-hour of the local day
NOW = START - timedelta(hours=3)
TERMS = OrderTerms(
    state=OfferState.SUBMITTED,
    positive=True,
    start=START,
    step=timedelta(minutes=15),
    count=4,
    zone=BERLIN,
    power_kw=10.0,
    minimum_power_kw=2.0,
    power_step_kw=0.5,
    prices=[PriceStep(up_to_kw=4.0, price_eur_per_kwh=0.10), PriceStep(up_to_kw=10.0, price_eur_per_kwh=0.20)],
    valid_until=START - timedelta(minutes=30),
    gate_closes_at=START - timedelta(hours=1),
)


def reasons(terms: OrderTerms = TERMS, now: datetime = NOW, **asked: Any) -> list[Reason]:
    with pytest.raises(OrderRefused) as caught:
        check_order(terms, OrderRequest(**asked), now)
    return [each.reason for each in caught.value.refusals]


def day_with(power_kw: float, steps: int = 96, first: int = 49, count: int = 4) -> list[float]:
    return [power_kw if first <= number < first + count else 0.0 for number in range(1, steps + 1)]


def test_an_order_may_name_a_power_steps_or_the_whole_day() -> None:
    assert check_order(TERMS, OrderRequest(power_kw=10.0), NOW) == 10.0
    assert check_order(TERMS, OrderRequest(steps=[CalledSteps(49, 3, -4.0), CalledSteps(52, 1, -4.0)]), NOW) == 4.0
    assert check_order(TERMS, OrderRequest(powers_kw=day_with(-10.0)), NOW) == 10.0
    negative = replace(TERMS, positive=False)
    assert check_order(negative, OrderRequest(powers_kw=day_with(6.5)), NOW) == 6.5


def test_the_whole_offer_can_be_called_though_it_is_no_multiple_of_the_step() -> None:
    odd = replace(TERMS, power_kw=9.7, minimum_power_kw=20.0)
    assert check_order(odd, OrderRequest(power_kw=9.7), NOW) == 9.7


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"power_kw": 10.1}, Reason.POWER_VALUE),
        ({"power_kw": 0.0}, Reason.POWER_VALUE),
        ({"power_kw": -3.0}, Reason.POWER_VALUE),
        ({"power_kw": float("nan")}, Reason.POWER_VALUE),
        ({"power_kw": 1.5}, Reason.POWER_VALUE),
        ({"power_kw": 4.2}, Reason.POWER_VALUE),
        ({}, Reason.POWER_VALUE),
        ({"power_kw": 4.0, "powers_kw": day_with(-4.0)}, Reason.POWER_VALUE),
        ({"powers_kw": day_with(-4.0, steps=92)}, Reason.ISP_OUT_OF_BOUNDS),
        ({"powers_kw": day_with(4.0)}, Reason.POWER_VALUE),
        ({"powers_kw": day_with(-4.0, first=48)}, Reason.ISP_MISMATCH),
        ({"powers_kw": day_with(0.0)}, Reason.ISP_MISMATCH),
        ({"steps": [CalledSteps(95, 4, -4.0)]}, Reason.ISP_OUT_OF_BOUNDS),
        ({"steps": [CalledSteps(0, 4, -4.0)]}, Reason.ISP_OUT_OF_BOUNDS),
        ({"steps": [CalledSteps(49, 3, -4.0), CalledSteps(51, 2, -4.0)]}, Reason.ISP_CONFLICT),
        ({"steps": [CalledSteps(49, 2, -4.0), CalledSteps(51, 2, -5.0)]}, Reason.POWER_MISMATCH),
        ({"power_kw": 10.0, "price_eur_per_kwh": 0.2}, Reason.PRICE_MISMATCH),
        ({"power_kw": 10.0, "price_eur_per_kwh": float("nan")}, Reason.PRICE_MISMATCH),
        ({"power_kw": 10.0, "step": timedelta(minutes=30)}, Reason.ISP_DURATION),
        ({"power_kw": 10.0, "time_zone": "UTC"}, Reason.TIME_ZONE),
    ],
)
def test_a_wrong_order_meets_its_reason(asked: dict[str, Any], expected: Reason) -> None:
    assert reasons(**asked) == [expected]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (OfferState.EXPIRED, Reason.EXPIRED_REFERENCE),
        (OfferState.REVOKED, Reason.REVOKED_REFERENCE),
        (OfferState.DRAFT, Reason.UNKNOWN_REFERENCE),
        (OfferState.ORDERED, Reason.FLEXIBILITY_PROCURED),
        (OfferState.SETTLED, Reason.FLEXIBILITY_PROCURED),
    ],
)
def test_an_offer_that_is_not_on_the_market_cannot_be_ordered(state: OfferState, expected: Reason) -> None:
    assert reasons(replace(TERMS, state=state), power_kw=4.0) == [expected]


def test_the_gate_closes_to_the_second() -> None:
    just_before = TERMS.gate_closes_at - timedelta(seconds=1)
    assert check_order(TERMS, OrderRequest(power_kw=4.0), just_before) == 4.0
    assert reasons(now=TERMS.gate_closes_at, power_kw=4.0) == [Reason.GATE_CLOSED]
    assert reasons(now=TERMS.valid_until, power_kw=4.0) == [Reason.EXPIRED_REFERENCE]


def test_on_the_day_of_the_clock_change_there_are_92_steps() -> None:
    start = datetime(2027, 3, 28, 10, 0, tzinfo=UTC)  # 12:00 summer time, the 45th quarter-hour of that day
    spring = replace(TERMS, start=start, valid_until=start, gate_closes_at=start)
    with pytest.raises(OrderRefused, match="powers_kw is 96 values; allowed: 92 values"):
        check_order(spring, OrderRequest(powers_kw=day_with(-4.0, first=45)), NOW)
    assert check_order(spring, OrderRequest(powers_kw=day_with(-4.0, steps=92, first=45)), NOW) == 4.0


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = reasons(replace(TERMS, has_baseline=False), power_kw=11.0, time_zone="UTC")
    assert said == [Reason.NO_BASELINE, Reason.TIME_ZONE, Reason.POWER_VALUE]


def test_a_call_costs_the_cheapest_part_of_the_offer_first() -> None:
    assert price_of(TERMS.prices, 4.0) == pytest.approx(0.10)
    assert price_of(TERMS.prices, 10.0) == pytest.approx((4 * 0.10 + 6 * 0.20) / 10)
    assert check_order(TERMS, OrderRequest(power_kw=10.0, price_eur_per_kwh=0.16), NOW) == 10.0
