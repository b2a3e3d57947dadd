"""A portfolio is offered and ordered as one: split over its sites, activated, metered and settled site by site."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from assets.models import Portfolio
from flexmarket.engine.market.refusals import OrderRefused, Reason
from flexmarket.engine.market.states import OfferState
from flexmarket.models import Delivery, MarketOffer, MarketProduct, Order
from flexmarket.settlement.metering import BaselineError, due, meter_order
from flexmarket.settlement.statements import draft_statements
from flexmarket.trading.joint_offering import OFFER_PORTFOLIO, JointWanted, request_joint_offers
from flexmarket.trading.lifecycle import revoke, submit
from flexmarket.trading.offering import make_offers
from flexplatform.accounts.models import AuditEvent
from flexplatform.jobs.models import Job
from optimization.queries import whole_schedule_of
from tests.conftest import People
from tests.factories import BatteryFactory, MarketProductFactory, PortfolioFactory
from tests.flexmarket.settlement.calls import measured
from tests.flexmarket.trading.joint import (
    Runs,
    day_of,
    do,
    largest,
    offers,
    ordered,
    parts_of,
    portfolio,
    product,
    requested,
    runs,
)

__all__ = ["offers", "portfolio", "product", "runs"]


def test_what_no_site_could_sell_alone_is_sold_together(offers: list[MarketOffer], runs: Runs) -> None:
    for offer in offers:
        parts = list(offer.parts.all())
        assert (offer.state, offer.site, offer.power_kw >= 6) == (OfferState.SUBMITTED, None, True)
        assert {part.state for part in parts} == {OfferState.SUBMITTED}
        assert {part.run_id for part in parts} <= {run.pk for run in runs}
        assert all(part.power_kw <= 11 and part.start == offer.start and part.count == offer.count for part in parts)
        assert sum(part.power_kw for part in parts) >= offer.power_kw
        assert not offer.power_kw % offer.product.power_step_kw
        np.testing.assert_allclose(np.abs(offer.change_kw), float(offer.power_kw), atol=1e-6)
        np.testing.assert_allclose(offer.baseline_kw, sum(np.asarray(part.baseline_kw) for part in parts))
        rates = [price for _, price in offer.prices]
        assert rates == sorted(rates)
        assert offer.prices[-1][0] == float(offer.power_kw)


def test_a_limit_is_kept(portfolio: Portfolio, product: MarketProduct, runs: Runs) -> None:
    do(requested(portfolio, product, runs, limit_kw=7.25, directions=["positive"]))
    powers = set(MarketOffer.objects.filter(part_of=None).values_list("power_kw", "direction"))
    assert powers
    assert all(6 <= power <= 7.25 and direction == "positive" for power, direction in powers)


def test_a_call_is_split_and_every_site_moves_its_part(offers: list[MarketOffer], runs: Runs) -> None:
    offer = largest(offers)
    order = ordered(offer)
    parts = parts_of(order)
    assert [part.reference for part in parts] == [f"call/{part.offer.reference}" for part in parts]
    assert sum(part.power_kw for part in parts) == order.power_kw
    paid = sum(part.power_kw * part.price_per_kwh for part in parts)
    assert float(paid) == pytest.approx(float(order.power_kw * order.price_per_kwh), abs=1e-4)
    assert (order.state, order.job) == (Order.State.ACCEPTED, None)
    do(parts[0].job_id)
    order.refresh_from_db()
    assert order.state == Order.State.ACCEPTED
    do(parts[1].job_id)
    order.refresh_from_db()
    offer.refresh_from_db()
    assert (order.state, offer.state, order.reason) == (Order.State.ACTIVATED, OfferState.ACTIVATED, "")
    assert order.activated_at is not None
    for part, before in zip(parts_of(order), runs, strict=True):
        assert part.run is not None
        first = round((offer.start - before.start) / timedelta(minutes=15))
        steps = slice(first, first + offer.count)
        moved = whole_schedule_of(part.run).grid_power_kw[steps] - whole_schedule_of(before).grid_power_kw[steps]
        np.testing.assert_allclose(moved, -float(part.power_kw), atol=1e-5)


def test_a_part_calls_the_cheapest_first(offers: list[MarketOffer], runs: Runs) -> None:
    offer = largest(offers)
    order = ordered(offer, 6.0)
    parts = parts_of(order)
    called = {part.offer_id: float(part.power_kw) for part in parts}
    used, left = [], []
    for row in offer.parts.all():
        power, before = called.get(row.pk, 0.0), 0.0
        for up_to_kw, price in row.prices:
            used += [price] if before < power else []
            left += [price] if up_to_kw > power else []
            before = up_to_kw
    assert sum(called.values()) == 6
    assert max(used) <= min(left)
    offer.refresh_from_db()
    assert offer.state == OfferState.PARTLY_ORDERED


def test_a_site_that_is_not_needed_is_not_called(portfolio: Portfolio, product: MarketProduct, runs: Runs) -> None:
    product.minimum_power_kw = Decimal(1)
    product.save()
    do(requested(portfolio, product, runs))
    offer = largest(list(MarketOffer.objects.filter(part_of=None)))
    (part,) = parts_of(ordered(offer, 2.0))
    (other,) = offer.parts.exclude(pk=part.offer_id)
    assert part.offer.prices[0][1] <= other.prices[0][1]
    assert (other.state, other.reason) == (OfferState.REVOKED, "Order call took an alternative of it.")


def test_what_rests_on_the_same_plans_leaves_the_market_and_comes_back(
    offers: list[MarketOffer], runs: Runs, product: MarketProduct
) -> None:
    small = MarketProductFactory(organization=product.organization, gate_closure_minutes=15)
    own = submit(organization=product.organization, offers=make_offers(run=runs[0], product=small))
    order = ordered(largest(offers))
    others = MarketOffer.objects.filter(pk__in=[each.pk for each in [*own, *offers]]).exclude(pk=order.offer_id)
    assert set(others.values_list("state", flat=True)) == {OfferState.REVOKED}
    assert not MarketOffer.objects.filter(state=OfferState.SUBMITTED).exists()
    again = Job.objects.filter(kind=OFFER_PORTFOLIO, status=Job.Status.QUEUED)
    for part in parts_of(order):
        do(part.job_id)
    assert again.count() == 1
    do(again.get())
    assert MarketOffer.objects.filter(portfolio__isnull=False, state=OfferState.SUBMITTED).exists()


def test_an_order_of_a_site_takes_the_portfolios_offers_along(
    offers: list[MarketOffer], runs: Runs, product: MarketProduct
) -> None:
    small = MarketProductFactory(organization=product.organization, gate_closure_minutes=15, maximum_minutes=15)
    own = submit(organization=product.organization, offers=make_offers(run=runs[0], product=small))
    order = ordered(largest(own))
    states = MarketOffer.objects.filter(pk__in=[each.pk for each in offers]).values_list("state", "parts__state")
    assert set(states) == {(OfferState.REVOKED, OfferState.REVOKED)}
    assert order.part_of is None


def test_a_site_that_cannot_hold_its_part_is_named(offers: list[MarketOffer], runs: Runs) -> None:
    offer = largest(offers)
    order = ordered(offer)
    good, bad = parts_of(order)
    do(good.job_id)
    BatteryFactory(site=bad.offer.site, name="added later")
    assert do(bad.job_id).status == Job.Status.FAILED
    order.refresh_from_db()
    offer.refresh_from_db()
    assert (order.state, offer.state) == (Order.State.PARTLY, OfferState.ACTIVATED)
    assert order.reason.startswith(f"1 of 2 sites cannot be called. {bad.offer.owner}: ")
    assert order.get_state_display() == "Partly activated"


def test_a_call_that_no_site_holds_has_failed(offers: list[MarketOffer]) -> None:
    offer = largest(offers)
    order = ordered(offer)
    with time_machine.travel(offer.start + timedelta(minutes=1), tick=False):
        for part in parts_of(order):
            do(part.job_id)
    order.refresh_from_db()
    offer.refresh_from_db()
    assert (order.state, offer.state) == (Order.State.FAILED, OfferState.REJECTED)
    assert order.reason.startswith("2 of 2 sites cannot be called.")


def test_parts_are_metered_and_settled_and_the_whole_follows(offers: list[MarketOffer]) -> None:
    offer = largest(offers)
    order = ordered(offer)
    for part in parts_of(order):
        do(part.job_id)
    for part in parts_of(order):
        wanted = np.asarray(part.offer.baseline_kw) + np.asarray(part.change_kw)
        measured(part.offer.site, offer.start, [float(power) for power in wanted])
    with time_machine.travel(offer.end + timedelta(hours=1), tick=False):
        assert [each.part_of_id for each in due(offer.organization)] == [order.pk, order.pk]
        with pytest.raises(BaselineError, match="each site's part is metered for itself"):
            meter_order(order=order)
        for part in parts_of(order):
            meter_order(order=part)
        order.refresh_from_db()
        offer.refresh_from_db()
        assert (order.state, offer.state) == (Order.State.DELIVERED, OfferState.METERED)
        (statement,) = draft_statements(organization=offer.organization, month=timezone.now().date())
    assert {line.portfolio for line in statement.lines.all()} == {"Dachau"}
    amount = sum(Delivery.objects.values_list("amount", flat=True), Decimal(0))
    assert statement.amount == amount
    assert float(amount) == pytest.approx(float(order.energy_kwh * order.price_per_kwh), abs=0.02)


def test_parts_are_neither_ordered_nor_changed_by_themselves(offers: list[MarketOffer]) -> None:
    part = offers[0].parts.first()
    assert part is not None
    with pytest.raises(OrderRefused) as refused:
        ordered(part)
    assert refused.value.refusals[0].reason == Reason.UNKNOWN_REFERENCE
    assert f"FX-{offers[0].pk}" in str(refused.value)
    for change in (submit, revoke):
        with pytest.raises(ValidationError, match=f"is a part of Offer {offers[0].pk}"):
            change(organization=part.organization, offers=[part])
    assert not Order.objects.exists()


def test_the_same_order_is_one_order_and_its_parts_keep_their_names(offers: list[MarketOffer]) -> None:
    offer = largest(offers)
    order = ordered(offer)
    assert ordered(offer) == order
    part = parts_of(order)[0]
    with pytest.raises(OrderRefused) as refused:
        ordered(largest(offers, "negative"), reference=part.reference)
    assert refused.value.refusals[0].reason in {Reason.DUPLICATE_IDENTIFIER, Reason.REVOKED_REFERENCE}
    assert Order.objects.filter(part_of=None).count() == 1


def test_a_bad_order_changes_nothing(offers: list[MarketOffer]) -> None:
    offer = largest(offers)
    for power in (float(offer.power_kw) + 1, 0.25, float("nan")):
        with pytest.raises(OrderRefused) as refused:
            ordered(offer, power)
        assert refused.value.refusals[0].reason == Reason.POWER_VALUE
    assert not Order.objects.exists()
    assert not Job.objects.exclude(kind=OFFER_PORTFOLIO).exists()


def test_a_revoked_offer_takes_its_parts_along_and_does_not_come_back(offers: list[MarketOffer]) -> None:
    revoke(organization=offers[0].organization, offers=offers, reason="Serviced.")
    assert set(MarketOffer.objects.values_list("state", "reason")) == {("revoked", "Serviced.")}
    assert Job.objects.filter(kind=OFFER_PORTFOLIO).count() == 1
    assert AuditEvent.objects.filter(action="market_offer.revoked").count() == len(offers)


def test_a_site_that_cannot_be_quantified_is_left_out_and_named(
    portfolio: Portfolio, product: MarketProduct, runs: Runs
) -> None:
    BatteryFactory(site=runs[1].site, name="added later")
    product.minimum_power_kw = Decimal(1)
    product.save()
    job = do(requested(portfolio, product, runs))
    assert (job.status, job.result["sites"]) == ("succeeded", 1)
    assert job.result["failed"][0].startswith(runs[1].site.name)
    BatteryFactory(site=runs[0].site, name="added later")
    assert do(requested(portfolio, product, runs)).status == Job.Status.FAILED


def test_orders_do_not_wait_for_long_offers(people: People, portfolio: Portfolio, runs: Runs) -> None:
    small = MarketProductFactory(organization=people.a, gate_closure_minutes=15, maximum_minutes=15)
    offers = submit(organization=people.a, offers=make_offers(run=runs[1], product=small))
    job = requested(portfolio, small, runs, directions=["positive"])
    order = ordered(largest(offers))
    assert order.job is not None
    assert do(job).status == Job.Status.SUCCEEDED
    placed = Job.objects.get(pk=order.job_id)
    assert placed.status == Job.Status.SUCCEEDED
    assert placed.finished_at < Job.objects.get(pk=job.pk).finished_at
    # What was quantified with the plan before is not offered.
    made = MarketOffer.objects.filter(portfolio=portfolio)
    assert {part.run for offer in made for part in offer.parts.all()} == {runs[0]}


def test_what_is_made_anew_takes_the_place_of_what_is_open(
    offers: list[MarketOffer], portfolio: Portfolio, product: MarketProduct, runs: Runs
) -> None:
    do(requested(portfolio, product, runs, directions=["positive"]))
    earlier = MarketOffer.objects.filter(pk__in=[each.pk for each in offers])
    states = set(earlier.values_list("direction", "state", "parts__state"))
    assert states == {("positive", "revoked", "revoked"), ("negative", "submitted", "submitted")}
    assert MarketOffer.objects.filter(part_of=None, direction="positive", state="submitted").exists()


def test_a_lost_worker_makes_nothing_twice(portfolio: Portfolio, product: MarketProduct, runs: Runs) -> None:
    job = do(requested(portfolio, product, runs))
    count = MarketOffer.objects.count()
    Job.objects.filter(pk=job.pk).update(status=Job.Status.QUEUED, attempts=0)
    assert do(job).result["offers"] == MarketOffer.objects.filter(part_of=None).count()
    assert MarketOffer.objects.count() == count


@pytest.mark.parametrize(
    ("values", "field"),
    [({"limit_kw": 0.0}, "limit_kw"), ({"limit_kw": float("nan")}, "limit_kw"), ({"day": date(2020, 1, 1)}, "day")],
)
def test_what_cannot_be_offered_is_refused_by_its_field(
    portfolio: Portfolio, product: MarketProduct, runs: Runs, values: dict[str, Any], field: str
) -> None:
    wanted = JointWanted(**{"portfolio": portfolio, "product": product, "day": day_of(runs), **values})
    with pytest.raises(ValidationError) as refused:
        request_joint_offers(organization=portfolio.organization, wanted=wanted, submitted=True)
    assert list(refused.value.message_dict) == [field]


@pytest.mark.parametrize("name", ["portfolio", "product"])
def test_nothing_of_another_organization_is_offered(
    people: People, portfolio: Portfolio, product: MarketProduct, runs: Runs, name: str
) -> None:
    foreign = {
        "portfolio": PortfolioFactory(organization=people.b),
        "product": MarketProductFactory(organization=people.b),
    }
    wanted = JointWanted(**{"portfolio": portfolio, "product": product, "day": day_of(runs), name: foreign[name]})
    with pytest.raises(ValidationError, match=f"{name} is"):
        request_joint_offers(organization=people.a, wanted=wanted, submitted=True)
