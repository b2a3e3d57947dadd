"""Rolling operation: plans follow how devices really stand, keep every call, and do not flip for pennies."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import Asset
from flexmarket.engine.market.states import OfferState
from flexmarket.models import FlexibilityOffers, MarketOffer, MarketProduct, Order, RollingOperation
from flexmarket.trading.clock import tend_market
from flexmarket.trading.lifecycle import submit
from flexmarket.trading.offering import Wanted, make_offers
from flexmarket.trading.ordering import place_order
from flexmarket.trading.rolling import REPLAN_SITE, replan_due
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from optimization.models import ScheduleRun
from optimization.queries import whole_schedule_of
from telemetry.models import Channel
from tests.conftest import People
from tests.factories import MarketProductFactory
from tests.flexmarket.trading.sites import STEP, planned_battery_site


@pytest.fixture
def run(people: People, acts: None) -> Iterator[ScheduleRun]:
    with organization_scope(people.a):
        yield planned_battery_site(people.a)


@pytest.fixture
def product(people: People, run: ScheduleRun) -> MarketProduct:
    made: MarketProduct = MarketProductFactory(
        organization=people.a, gate_closure_minutes=15, minimum_power_kw=Decimal("0.5"), maximum_minutes=30
    )
    return made


def measure(run: ScheduleRun, soc_percent: float, moment: datetime) -> None:
    battery = Asset.objects.get(site=run.site, name="battery")
    key = {"organization": run.organization, "site": run.site, "asset": battery, "quantity": "soc_percent"}
    channel = Channel.objects.filter(**key).first() or Channel(**key)
    channel.full_clean()
    channel.last_value, channel.last_at = soc_percent, moment
    channel.save()


def planned_soc(run: ScheduleRun, moment: datetime) -> float:
    soc = whole_schedule_of(run).devices["battery"]["soc_percent"]
    return float(np.interp((moment - run.start) / STEP, np.arange(1, run.count + 1), soc))


def do(job: Job | None) -> dict[str, object]:
    assert job is not None
    assert execute(job.pk, worker="test", beat_every=0) == Job.Status.SUCCEEDED, Job.objects.get(pk=job.pk).error
    return dict(Job.objects.get(pk=job.pk).result)


def call(
    run: ScheduleRun, product: MarketProduct, first: int, reference: str = "call", subject: str = "battery"
) -> Order:
    made = submit(
        organization=run.organization,
        offers=make_offers(run=run, product=product, wanted=Wanted(subjects=[subject])),
    )
    start = run.start + first * STEP
    offer = max((each for each in made if each.start == start), key=lambda each: each.energy_kwh)
    order = place_order(
        organization=run.organization, offer=offer.pk, reference=reference, request={"power_kw": float(offer.power_kw)}
    )
    do(order.job)
    return Order.objects.select_related("run", "offer").get(pk=order.pk)


def test_nothing_is_renewed_where_nobody_switched_it_on(run: ScheduleRun) -> None:
    with time_machine.travel(run.start + 4 * STEP, tick=False):
        assert replan_due(organization=run.organization) == []


def test_a_deviation_is_looked_at_once_per_step_and_a_plan_that_holds_stays(run: ScheduleRun) -> None:
    RollingOperation.objects.create(organization=run.organization, interval_minutes=600)
    moment = run.start + 4 * STEP + timedelta(minutes=3)
    with time_machine.travel(moment, tick=False):
        measure(run, planned_soc(run, moment) - 1.0, moment)
        assert replan_due(organization=run.organization) == []
        measure(run, max(planned_soc(run, moment) - 30.0, 0.0), moment)
        (job,) = replan_due(organization=run.organization)
        assert replan_due(organization=run.organization) == [job]
        result = do(job)
    assert result["changed"] is True
    made = ScheduleRun.objects.get(pk=result["run"])
    assert (made.follows, made.past_steps) == (run, 5)
    (offers,) = FlexibilityOffers.objects.filter(run=made)
    assert not np.asarray(offers.positive_power_kw)[:5].any()
    assert np.asarray(offers.positive_power_kw)[5:].any()


def test_after_the_interval_the_rest_is_looked_at_and_stays_if_little_is_gained(run: ScheduleRun) -> None:
    RollingOperation.objects.create(organization=run.organization, interval_minutes=15)
    with time_machine.travel(run.start + 4 * STEP, tick=False):
        (job,) = replan_due(organization=run.organization)
        assert do(job) == {"run": run.pk, "changed": False, "why": "saves_too_little"}


def test_a_site_may_be_left_out(people: People, run: ScheduleRun) -> None:
    RollingOperation.objects.create(organization=people.a, interval_minutes=15)
    RollingOperation.objects.create(organization=people.a, site=run.site, enabled=False)
    with time_machine.travel(run.start + 4 * STEP, tick=False):
        assert replan_due(organization=people.a) == []


def test_a_new_plan_keeps_the_calls_that_are_to_come(run: ScheduleRun, product: MarketProduct) -> None:
    order = call(run, product, first=8)
    moment = run.start + 3 * STEP
    with time_machine.travel(moment, tick=False):
        RollingOperation.objects.create(organization=run.organization, interval_minutes=15)
        measure(order.plan, max(planned_soc(order.plan, moment) - 15.0, 0.0), moment)
        (job,) = replan_due(organization=run.organization)
        result = do(job)
    assert result["changed"] is True
    made = ScheduleRun.objects.get(pk=result["run"])
    steps = slice(8, 8 + order.offer.count)
    before, after = (whole_schedule_of(each).devices["battery"]["power_kw"][steps] for each in (order.plan, made))
    np.testing.assert_allclose(after, before, atol=1e-4)
    open_offers = MarketOffer.objects.filter(state=OfferState.SUBMITTED)
    assert set(open_offers.values_list("run", flat=True)) <= {made.pk}


def test_two_calls_of_a_site_are_both_kept(run: ScheduleRun, product: MarketProduct) -> None:
    first = call(run, product, first=9)
    second = call(first.plan, product, first=4, reference="second", subject="")
    plan = whole_schedule_of(second.plan)
    promised = whole_schedule_of(first.plan).devices["battery"]["power_kw"][9 : 9 + first.offer.count]
    np.testing.assert_allclose(plan.devices["battery"]["power_kw"][9 : 9 + first.offer.count], promised, atol=1e-4)
    moved = plan.grid_power_kw[4 : 4 + second.offer.count]
    np.testing.assert_allclose(moved, np.asarray(second.offer.baseline_kw) + np.asarray(second.change_kw), atol=1e-4)


def test_while_a_call_runs_the_plan_stays(run: ScheduleRun, product: MarketProduct) -> None:
    order = call(run, product, first=4)
    moment = run.start + 4 * STEP + timedelta(minutes=2)
    with time_machine.travel(moment, tick=False):
        RollingOperation.objects.create(organization=run.organization, interval_minutes=15)
        measure(order.plan, 0.0, moment)
        (job,) = replan_due(organization=run.organization)
        assert do(job)["why"] == "call_runs"


def test_the_clock_ends_offers_and_asks_for_plans_of_every_organization(
    people: People, run: ScheduleRun, product: MarketProduct
) -> None:
    made = make_offers(run=run, product=product)
    with organization_scope(people.b):
        other = planned_battery_site(people.b)
    for each in (run, other):
        RollingOperation.objects.create(organization=each.organization, interval_minutes=15)
    with time_machine.travel(run.horizon.end - STEP, tick=False):
        tend_market()
        tend_market()
    assert Job.objects.filter(organization=people.a, kind=REPLAN_SITE).count() == 1
    with organization_scope(people.b):
        assert Job.objects.filter(organization=people.b, kind=REPLAN_SITE).count() == 1
    states = MarketOffer.objects.filter(pk__in=[each.pk for each in made]).values_list("state", flat=True)
    assert set(states) == {OfferState.EXPIRED}


@pytest.mark.parametrize("sites", [1, 3])
def test_looking_costs_the_same_for_more_sites(people: People, run: ScheduleRun, sites: int) -> None:
    for _ in range(sites - 1):
        planned_battery_site(people.a)
    RollingOperation.objects.create(organization=people.a, interval_minutes=600, deviation_percent=100)
    moment = run.start + 4 * STEP
    with time_machine.travel(moment, tick=False):
        for each in ScheduleRun.objects.all():
            measure(each, 50.0, moment)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert replan_due(organization=people.a) == []
    assert len(queries) == 4
