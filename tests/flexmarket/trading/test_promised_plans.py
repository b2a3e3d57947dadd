"""A call that is activated stays in the plan: no plan from scratch replaces it, and no second call forgets it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from flexmarket.models import MarketProduct, Order
from flexmarket.trading import activation
from flexmarket.trading.offering import SITE
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon, ProblemError
from optimization.models import PlannedSite, ScheduleRun
from optimization.portfolio_runs import request_portfolio_run
from optimization.queries import whole_schedule_of
from optimization.replanning import Rest, rest_of_run
from optimization.services import schedule_site
from tests.conftest import People
from tests.factories import MarketProductFactory
from tests.flexmarket.trading.sites import STEP, planned_battery_site
from tests.flexmarket.trading.test_activation import do, offered, order
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


def two_orders(run: ScheduleRun, product: MarketProduct) -> tuple[Order, Order]:
    """Order the battery late and the site early, by small powers that go together."""
    made = offered(run, product, subjects=(SITE, "battery"))
    late = max((each for each in made if each.asset), key=lambda each: (each.start, -each.count))
    early = min((each for each in made if not each.asset), key=lambda each: (each.start, each.count))
    assert early.end <= late.start
    return tuple(order(each, reference, power_kw=0.5) for each, reference in ((late, "late"), (early, "early")))  # type: ignore[return-value]


def called_powers(placed: Order, run: ScheduleRun) -> Any:
    """Return what a plan does in the steps of a call, where it is called."""
    plan, offer = whole_schedule_of(run), placed.offer
    power = plan.devices[offer.asset.name]["power_kw"] if offer.asset else plan.grid_power_kw
    first = round((offer.start - run.start) / STEP)
    return np.asarray(power[first : first + offer.count])


def test_two_workers_forget_no_call_of_a_site(
    run: ScheduleRun, product: MarketProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, early = two_orders(run, product)
    others = [early]

    def meanwhile(asked: ScheduleRun, moment: Any) -> Rest:
        found = rest_of_run(asked, moment)
        if others:
            do(others.pop())
        return found

    monkeypatch.setattr(activation, "rest_of_run", meanwhile)
    late = do(late)
    early = Order.objects.select_related("run", "offer").get(pk=early.pk)
    assert (late.state, early.state) == (Order.State.ACTIVATED, Order.State.ACTIVATED)
    assert late.run is not None
    assert early.run is not None
    assert late.run.follows == early.run
    np.testing.assert_allclose(called_powers(early, late.run), called_powers(early, early.run), atol=1e-6)
    assert not np.allclose(called_powers(early, late.run), called_powers(early, run))


def test_a_plan_from_scratch_waits_until_the_call_is_over(run: ScheduleRun, product: MarketProduct) -> None:
    late, early = two_orders(run, product)
    do(late)
    activated = do(early).run
    horizon = Horizon(run.start, STEP, run.count)
    with pytest.raises(ProblemError, match=r"order (early|late) calls it until .*; allowed: another time"):
        schedule_site(site=run.site, horizon=horizon, series=None)  # type: ignore[arg-type]
    whole = request_portfolio_run(organization=run.organization, when=horizon)
    work_off()
    (row,) = PlannedSite.objects.filter(portfolio_run=whole)
    assert (row.outcome, row.run) == (PlannedSite.Outcome.UNCHANGED, activated)
    assert "calls it until" in row.reason
    assert ScheduleRun.objects.filter(site=run.site).latest() == activated
