"""The demo's market: made once, offered, and bought from."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
import time_machine
from django.core.management import CommandError, call_command

from flexmarket.models import Contract, MarketOffer, MarketProduct, Order, RollingOperation
from flexmarket.trading.demo import make_market
from flexmarket.trading.simulated_buyer import buy_next, offer_today
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from flexplatform.registry import DemoContext
from optimization.models import ScheduleRun
from tests.conftest import People
from tests.flexmarket.trading.sites import planned_battery_site
from tests.optimization.portfolios import work_off

CHOICES = Random(1)  # noqa: S311


@pytest.fixture
def run(people: People, acts: None) -> Iterator[ScheduleRun]:
    with organization_scope(people.a):
        made = planned_battery_site(people.a)
        make_market(DemoContext(organization=people.a, day=made.local_date))
        yield made


def test_it_is_made_once_and_what_was_changed_stays(people: People, run: ScheduleRun) -> None:
    MarketProduct.objects.update(gate_closure_minutes=7)
    make_market(DemoContext(organization=people.a, day=run.local_date))
    assert list(MarketProduct.objects.values_list("gate_closure_minutes", flat=True)) == [7]
    assert (Contract.objects.count(), RollingOperation.objects.count()) == (1, 1)


def test_a_plan_that_runs_is_offered_once_and_bought_from_one_call_at_a_time(people: People, run: ScheduleRun) -> None:
    product = MarketProduct.objects.get()
    assert offer_today(organization=people.a, product=product) == []
    with time_machine.travel(run.start + timedelta(minutes=5), tick=False):
        assert buy_next(organization=people.a, random=CHOICES) is None
        (job,) = offer_today(organization=people.a, product=product)
        assert offer_today(organization=people.a, product=product) == [job]
        assert execute(job.pk, worker="test", beat_every=0) == Job.Status.SUCCEEDED
        assert offer_today(organization=people.a, product=product) == []
        order = buy_next(organization=people.a, random=CHOICES)
        assert order is not None
        assert order.offer.start == run.start + timedelta(minutes=15)
        assert execute(order.job_id or 0, worker="test", beat_every=0) == Job.Status.SUCCEEDED
        assert buy_next(organization=people.a, random=CHOICES) is None
        work_off()
    assert Order.objects.get().state == Order.State.ACTIVATED
    assert MarketOffer.objects.filter(run=Order.objects.get().run).exists()


@pytest.mark.django_db(transaction=True)
def test_the_command_names_what_is_wrong_and_waits_for_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=r"--every is 0\.0; allowed: more than 0"):
        call_command("simulate_market", every=0.0)
    call_command("simulate_market", every=0.01, seconds=0.02)
    assert "0 offers ordered." in capsys.readouterr().out
