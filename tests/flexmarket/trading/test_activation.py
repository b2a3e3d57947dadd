"""From a plan to offers, from an order to a new plan: what was promised is held, and the market is mended."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketOffer, MarketProduct, Order
from flexmarket.trading.lifecycle import submit
from flexmarket.trading.mending import OFFER_ANEW
from flexmarket.trading.offering import SITE, Wanted, make_offers
from flexmarket.trading.ordering import ACTIVATE_ORDER, place_order
from flexmarket.trading.tasks import request_offers
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute, execute_next
from forecasting.services import Delivery, receive_forecasts
from optimization.models import ScheduleRun
from optimization.queries import run_of_day, whole_schedule_of
from telemetry.services import Reference
from tests.conftest import People
from tests.factories import MarketProductFactory
from tests.flexmarket.trading.sites import COUNT, STEP, planned_battery_site
from tests.optimization.portfolios import work_off


@pytest.fixture
def run(people: People, acts: None) -> Iterator[ScheduleRun]:
    with organization_scope(people.a):
        yield planned_battery_site(people.a)


@pytest.fixture
def product(people: People, run: ScheduleRun) -> MarketProduct:
    made: MarketProduct = MarketProductFactory(
        organization=people.a, gate_closure_minutes=15, minimum_power_kw=Decimal("0.5"), maximum_minutes=60
    )
    return made


def offered(run: ScheduleRun, product: MarketProduct, **wanted: Any) -> list[MarketOffer]:
    made = make_offers(run=run, product=product, wanted=Wanted(**wanted))
    return submit(organization=run.organization, offers=made)


def order(offer: MarketOffer, reference: str = "call-1", **request: Any) -> Order:
    asked = request or {"power_kw": float(offer.power_kw)}
    return place_order(organization=offer.organization, offer=offer.pk, reference=reference, request=asked)


def do(placed: Order) -> Order:
    assert placed.job is not None
    assert execute(placed.job.pk, worker="test", beat_every=0) == Job.Status.SUCCEEDED, Job.objects.get(
        pk=placed.job.pk
    ).error
    return Order.objects.select_related("run", "offer").get(pk=placed.pk)


def largest(offers: list[MarketOffer], direction: str, count: int = 2) -> MarketOffer:
    chosen = [each for each in offers if each.direction == direction and each.count == count]
    return max(chosen, key=lambda each: (each.power_kw, each.start))


def test_offers_are_cut_to_the_product(run: ScheduleRun, product: MarketProduct) -> None:
    made = make_offers(run=run, product=product)
    assert {each.count for each in made} == {1, 2, 4}
    assert all(each.state == OfferState.DRAFT and each.asset is None for each in made)
    assert all(each.power_kw >= product.minimum_power_kw and not each.power_kw % product.power_step_kw for each in made)
    assert all(len(each.change_kw) == each.count == len(each.baseline_kw) for each in made)
    assert all(each.prices[-1][0] == float(each.power_kw) for each in made)
    assert all(each.gate_closes_at == each.start - timedelta(minutes=15) for each in made)
    plan = whole_schedule_of(run)
    one = largest(made, "positive")
    first = round((one.start - run.start) / timedelta(minutes=15))
    np.testing.assert_allclose(one.baseline_kw, plan.grid_power_kw[first : first + 2])
    np.testing.assert_allclose(one.change_kw, -float(one.power_kw))


@pytest.mark.parametrize("subject", [SITE, "battery"])
@pytest.mark.parametrize("direction", ["positive", "negative"])
def test_an_order_is_held_by_the_new_plan(
    run: ScheduleRun, product: MarketProduct, subject: str, direction: str
) -> None:
    offer = largest(offered(run, product, subjects=[subject]), direction)
    placed = do(order(offer))
    assert placed.state == Order.State.ACTIVATED
    assert placed.run is not None
    assert placed.run.follows == run
    before, after = whole_schedule_of(run), whole_schedule_of(placed.run)
    first = round((offer.start - run.start) / timedelta(minutes=15))
    steps = slice(first, first + offer.count)
    moved = after.grid_power_kw[steps] - before.grid_power_kw[steps]
    np.testing.assert_allclose(moved, placed.change_kw, atol=1e-6)
    assert placed.offer.state == OfferState.ACTIVATED
    assert run_of_day(run.site, run.local_date) == placed.run
    assert "order.activate" in set(AuditEvent.objects.values_list("action", flat=True))


def test_a_part_of_an_offer_moves_a_part(run: ScheduleRun, product: MarketProduct) -> None:
    offer = largest(offered(run, product), "positive")
    placed = do(order(offer, power_kw=1.5))
    assert placed.run is not None
    first = round((offer.start - run.start) / timedelta(minutes=15))
    moved = whole_schedule_of(placed.run).grid_power_kw[first] - whole_schedule_of(run).grid_power_kw[first]
    assert moved == pytest.approx(-1.5)


def test_the_other_offers_of_the_site_are_made_anew(run: ScheduleRun, product: MarketProduct) -> None:
    offers = offered(run, product, subjects=["battery"])
    extra = offered(run, product)
    placed = do(order(largest(offers, "positive")))
    rows = MarketOffer.objects.all()
    old = rows.filter(pk__in=[each.pk for each in offers + extra]).exclude(pk=placed.offer.pk)
    assert set(old.values_list("state", flat=True)) == {OfferState.REVOKED}
    new = rows.filter(run=placed.run)
    assert not new.exists()
    assert work_off() == 1
    assert set(new.values_list("state", flat=True)) == {OfferState.SUBMITTED}
    assert {each.asset and each.asset.name for each in new} == {None, "battery"}
    second = do(order(largest(list(new.filter(asset=None)), "negative"), "call-2"))
    assert second.state == Order.State.ACTIVATED


def test_orders_are_activated_before_offers_are_made_anew(run: ScheduleRun, product: MarketProduct) -> None:
    first = order(largest(offered(run, product), "positive"))
    do(first)
    other = planned_battery_site(run.organization)
    second = order(largest(offered(other, product), "positive"), "call-2")
    done = [execute_next("w", beat_every=0) for _ in range(2)]
    assert [job and job.kind for job in done] == [ACTIVATE_ORDER, OFFER_ANEW]
    assert done[0] == second.job


def test_a_lost_worker_activates_nothing_twice(run: ScheduleRun, product: MarketProduct) -> None:
    placed = order(largest(offered(run, product), "positive"))
    do(placed)
    work_off()
    count, offers = ScheduleRun.objects.count(), MarketOffer.objects.count()
    Job.objects.filter(pk=placed.job_id).update(status=Job.Status.QUEUED, attempts=0)
    do(placed)
    work_off()
    assert (ScheduleRun.objects.count(), MarketOffer.objects.count()) == (count, offers)
    assert AuditEvent.objects.filter(action="order.activate").count() == 1


def test_a_call_that_comes_too_late_fails_and_says_why(run: ScheduleRun, product: MarketProduct) -> None:
    offer = min(offered(run, product), key=lambda each: each.start)
    placed = order(offer)
    with time_machine.travel(offer.start + timedelta(minutes=20), tick=False):
        assert execute(placed.job_id or 0, worker="test", beat_every=0) == Job.Status.FAILED
    placed.refresh_from_db()
    offer.refresh_from_db()
    assert (placed.state, offer.state) == (Order.State.FAILED, OfferState.REJECTED)
    assert "at or before the start of the call" in placed.reason
    assert ScheduleRun.objects.count() == 1


def test_offers_are_made_in_a_worker_and_put_on_the_market(run: ScheduleRun, product: MarketProduct) -> None:
    job = request_offers(run=run, product=product, wanted=Wanted(directions=["positive"]), submitted=True)
    assert execute(job.pk, worker="test", beat_every=0) == Job.Status.SUCCEEDED
    made = MarketOffer.objects.all()
    assert set(made.values_list("direction", "state")) == {("positive", "submitted")}
    job.refresh_from_db()
    assert job.result["offers"] == made.count()


def test_what_cannot_be_offered_is_said_by_its_field(people: People, run: ScheduleRun, product: MarketProduct) -> None:
    with pytest.raises(ValidationError, match=r"devices has heat pump; allowed: battery"):
        make_offers(run=run, product=product, wanted=Wanted(subjects=["heat pump"]))
    product.minimum_minutes = product.maximum_minutes = 20
    with pytest.raises(ValidationError, match="allowed: a multiple of the plan's step of 15 minutes"):
        make_offers(run=run, product=product)
    foreign = MarketProductFactory(organization=people.b)
    with pytest.raises(ValidationError, match="allowed: a product of the organization"):
        make_offers(run=run, product=foreign)


def test_only_the_newest_plan_is_offered(run: ScheduleRun, product: MarketProduct) -> None:
    old = ScheduleRun.objects.get(pk=run.pk)
    do(order(largest(offered(run, product), "positive")))
    with pytest.raises(ValidationError, match="allowed: the newest plan of its time"):
        make_offers(run=old, product=product)


def test_a_gate_that_has_closed_keeps_offers_from_the_market(run: ScheduleRun, product: MarketProduct) -> None:
    made = make_offers(run=run, product=product)
    with (
        time_machine.travel(max(each.start for each in made), tick=False),
        pytest.raises(ValidationError, match="Its gate has closed"),
    ):
        submit(organization=run.organization, offers=made)
    assert not MarketOffer.objects.exclude(state=OfferState.DRAFT).exists()


@pytest.mark.parametrize("subject", [SITE, "battery"])
def test_an_order_is_held_against_its_promise_although_forecasts_have_changed(
    run: ScheduleRun, product: MarketProduct, subject: str
) -> None:
    offer = largest(offered(run, product, subjects=[subject]), "positive")
    load = Reference(site=run.site_id, asset="load", quantity="demand_kw")
    values = np.full(COUNT, 1.7)
    later = Delivery(channel=load, issued_at=timezone.now(), start=run.start, step=STEP, values=values, source="test")
    receive_forecasts(organization=run.organization, deliveries=[later])
    placed = do(order(offer))
    assert placed.run is not None
    plan = whole_schedule_of(placed.run)
    np.testing.assert_allclose(plan.devices["load"]["power_kw"], 1.7)
    power = plan.devices["battery"]["power_kw"] if subject else plan.grid_power_kw
    first = round((offer.start - run.start) / STEP)
    promised = np.asarray(offer.baseline_kw) + np.asarray(placed.change_kw)
    np.testing.assert_allclose(power[first : first + offer.count], promised, atol=1e-5)
