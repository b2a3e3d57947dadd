"""Delivery and payment, by USEF's worked example and by what a market may add to it."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexmarket.engine.settlement import DeliveryTerms, Settled, cents, delivered, settle, shares

D = Decimal
USEF = DeliveryTerms(price_per_kwh=D(7), penalty_per_kwh=D(11))


def call(measured: list[float], terms: DeliveryTerms = USEF, *, ordered: float = -2.0, hours: float = 1.0) -> Settled:
    count = len(measured)
    return settle(delivered(np.full(count, ordered), np.full(count, 10.0), np.array(measured), hours), terms)


@pytest.mark.parametrize(
    ("allocation", "got", "deficiency", "net"),
    [(7, 2, 0, 14), (8, 2, 0, 14), (9, 1, 1, -4), (10, 0, 2, -22), (11, 0, 3, -33)],
)
def test_the_worked_example_of_usef(allocation: float, got: int, deficiency: int, net: int) -> None:
    found = call([allocation])
    assert (found.delivered_kwh, found.missing_kwh, found.amount) == (got, deficiency, net)


def test_more_consumption_is_the_mirror_image() -> None:
    found = call([13.0, 11.0], ordered=2.0)
    assert [step.delivered_kwh for step in found.steps] == [2, 1]
    assert [step.surplus_kwh for step in found.steps] == [1, 0]
    assert found.amount == 3 * 7 - 11


def test_a_quarter_hour_counts_a_quarter() -> None:
    found = call([8.0] * 4, hours=0.25)
    assert (found.ordered_kwh, found.delivered_kwh, found.amount) == (2, 2, 14)


def test_a_surplus_in_one_step_does_not_make_up_for_another() -> None:
    assert call([6.0, 10.0]).amount == 14 - 22


def test_what_was_not_measured_is_neither_paid_nor_fined() -> None:
    found = call([8.0, float("nan")])
    assert (found.amount, found.unmeasured, found.share) == (14, 1, 1)
    assert call([float("nan")]).share is None


def test_tolerance_spares_the_penalty_and_not_the_payment() -> None:
    terms = DeliveryTerms(price_per_kwh=D(7), penalty_per_kwh=D(11), tolerance_share=D("0.5"))
    assert call([9.0], terms).amount == 7
    assert call([9.5], terms).amount == D("3.50") - D("5.50")


def test_below_the_least_share_nothing_is_paid() -> None:
    terms = DeliveryTerms(price_per_kwh=D(7), minimum_share=D("0.75"))
    assert call([8.5], terms).amount == D("10.50")
    assert call([8.6], terms).amount == 0


@pytest.mark.parametrize(
    ("change", "baseline", "said"),
    [
        ([-1.0, 1.0], [1.0, 1.0], "one sign"),
        ([0.0], [1.0], "one sign"),
        ([-1.0], [np.nan], "not known"),
        ([-1.0], [1.0, 1.0], "values"),
    ],
)
def test_what_is_no_call_is_refused(change: list[float], baseline: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        delivered(np.array(change), np.array(baseline), np.zeros(len(change)), 1.0)


@given(st.decimals("-1e6", "1e6", places=2), st.decimals(0, 1, places=4))
def test_the_parts_of_an_amount_add_up_to_the_cent(amount: Decimal, share: Decimal) -> None:
    owner, aggregator = shares(amount, share)
    assert owner + aggregator == amount
    assert owner == cents(owner)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=8), st.floats(0.1, 5))
def test_what_is_delivered_and_missing_is_what_was_ordered_unless_it_went_the_other_way(
    measured: list[float], ordered: float
) -> None:
    for step in call(measured, ordered=-ordered).steps:
        assert step.delivered_kwh <= step.ordered_kwh
        assert step.delivered_kwh + step.missing_kwh >= step.ordered_kwh
        assert step.surplus_kwh == 0 or step.missing_kwh == 0
