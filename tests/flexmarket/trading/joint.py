"""Two sites of a portfolio, plans of theirs, and what is offered and ordered of both together."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from assets.models import Portfolio
from flexmarket.models import MarketOffer, MarketProduct, Order
from flexmarket.trading.joint_offering import JointWanted, request_joint_offers
from flexmarket.trading.ordering import place_order
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from optimization.models import ScheduleRun
from tests.conftest import People
from tests.factories import MarketProductFactory, PortfolioFactory
from tests.flexmarket.trading.sites import planned_battery_site

Runs = list[ScheduleRun]


@pytest.fixture
def portfolio(people: People) -> Portfolio:
    made: Portfolio = PortfolioFactory(organization=people.a, name="Dachau", time_zone="UTC")
    return made


@pytest.fixture
def runs(people: People, acts: None, portfolio: Portfolio) -> Iterator[Runs]:
    """Plans of a cheap site, and of one whose battery costs something to wear."""
    with organization_scope(people.a):
        cheap = planned_battery_site(people.a, portfolio=portfolio)
        yield [cheap, planned_battery_site(people.a, portfolio=portfolio, wear_cost_eur_per_kwh=0.05)]


@pytest.fixture
def product(people: People, runs: Runs) -> MarketProduct:
    """Larger than what one of the sites can give."""
    made: MarketProduct = MarketProductFactory(
        organization=people.a, gate_closure_minutes=15, minimum_power_kw=Decimal(6), maximum_minutes=30
    )
    return made


def day_of(runs: Runs) -> date:
    return runs[0].start.date()


def requested(portfolio: Portfolio, product: MarketProduct, runs: Runs, **values: Any) -> Job:
    wanted = JointWanted(portfolio=portfolio, product=product, day=day_of(runs), **values)
    return request_joint_offers(organization=portfolio.organization, wanted=wanted, submitted=True)


def do(job: Job | int | None) -> Job:
    number = job.pk if isinstance(job, Job) else job
    execute(number or 0, worker="test", beat_every=0)
    return Job.objects.get(pk=number)


@pytest.fixture
def offers(portfolio: Portfolio, product: MarketProduct, runs: Runs) -> list[MarketOffer]:
    job = do(requested(portfolio, product, runs))
    assert (job.status, job.result["sites"], job.result["failed"]) == ("succeeded", 2, [])
    return list(MarketOffer.objects.filter(part_of=None))


def largest(offers: list[MarketOffer], direction: str = "positive") -> MarketOffer:
    return max((each for each in offers if each.direction == direction), key=lambda each: (each.power_kw, each.start))


def ordered(offer: MarketOffer, power: float | None = None, reference: str = "call") -> Order:
    asked = {"power_kw": power or float(offer.power_kw)}
    return place_order(organization=offer.organization, offer=offer.pk, reference=reference, request=asked)


def parts_of(order: Order) -> list[Order]:
    return list(Order.objects.filter(part_of=order).select_related("offer__site", "run").order_by("offer__site"))
