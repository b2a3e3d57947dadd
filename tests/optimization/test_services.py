from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from assets.models import Site
from flexmarket.models import FlexibilityOffers
from flexmarket.queries import tables_of
from flexmarket.services import offer_flexibility
from flexplatform.accounts.scoping import organization_scope
from optimization import services
from optimization.engine import Horizon, Prices, ProblemError, Violation, verify
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs
from optimization.queries import current_runs, latest_runs, problem_of, schedule_of, states_before
from optimization.services import UnverifiedPlanError, schedule_site
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, GeneratorFactory, SiteFactory

pytestmark = pytest.mark.usefixtures("acts")

HORIZON = Horizon(datetime(2026, 11, 21, 23, tzinfo=UTC), timedelta(hours=1), 6)
INPUTS = SiteInputs(
    prices=Prices(import_eur_per_kwh=[0.1, 0.1, 0.1, 0.5, 0.5, 0.5], peak_eur_per_kw=0.001),
    devices={"load": {"demand_kw": np.ones(6)}},
)


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a)
    BatteryFactory(site=row)
    ElectricLoadFactory(site=row)
    return row


def test_a_run_is_stored_whole_and_read_back_verified(people: People, site: Site) -> None:
    with organization_scope(people.a):
        run = schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        stored = ScheduleRun.objects.get(pk=run.pk)
        problem, plan = problem_of(stored), schedule_of(stored)
    assert stored.saving_eur > 0
    assert stored.organization == people.a
    assert stored.horizon == HORIZON
    assert problem.prices.peak_eur_per_kw == 0.001
    np.testing.assert_array_equal(problem.price("import_eur_per_kwh"), [0.1, 0.1, 0.1, 0.5, 0.5, 0.5])
    assert verify(problem, plan) == ()
    assert float(stored.total_cost_eur) == pytest.approx(plan.cost.total_eur, abs=1e-6)


def test_nothing_is_stored_of_a_plan_that_breaks_physics(
    people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Violation(device="battery", rule="charge", step=0, amount=1.0)
    monkeypatch.setattr(services, "verify", lambda *_: (broken,))
    with organization_scope(people.a):
        with pytest.raises(UnverifiedPlanError, match="battery: charge is off"):
            schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        assert not ScheduleRun.objects.exists()


def test_a_contradiction_is_refused_by_name_and_nothing_stored(people: People, site: Site) -> None:
    wrong = SiteInputs(prices=INPUTS.prices, devices={"load": {"demand_kw": np.ones(5)}})
    with organization_scope(people.a):
        with pytest.raises(ProblemError, match=r"load\.demand_kw"):
            schedule_site(site=site, horizon=HORIZON, series=wrong)
        assert not ScheduleSeries.objects.exists()


def test_the_newest_run_of_the_latest_day_counts(people: People, site: Site) -> None:
    later = Horizon(HORIZON.start + timedelta(days=1), HORIZON.step, HORIZON.count)
    with organization_scope(people.a):
        tomorrow = schedule_site(site=site, horizon=later, series=INPUTS)
        schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        again = schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        assert latest_runs(Site.objects.all()) == {site.pk: tomorrow}
        assert list(current_runs(site)) == [tomorrow, again]


def test_a_plan_without_a_proven_bound_is_stored_as_it_is(
    people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = services.solve

    def without_bound(*arguments: Any, **options: Any) -> Any:
        return replace(engine(*arguments, **options), status="time_limit", bound_eur=-inf, gap=inf)

    monkeypatch.setattr(services, "solve", without_bound)
    with organization_scope(people.a):
        run = schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        stored = ScheduleRun.objects.get(pk=run.pk)
    assert (stored.bound_eur, stored.gap) == (-inf, inf)


def test_offers_are_replaced_not_doubled(people: People, site: Site) -> None:
    with organization_scope(people.a):
        run = schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        offer_flexibility(run=run)
        offer_flexibility(run=run)
        assert FlexibilityOffers.objects.count() == 1
        table = tables_of(run)["battery"]
    assert table.kind == "battery"
    assert len(table) == HORIZON.count
    assert table.offers_anything


def test_the_local_day_of_a_run_is_the_sites(people: People, site: Site) -> None:
    run = ScheduleRun(site=site, start=HORIZON.start)
    assert date.fromisoformat(run.local_day) == HORIZON.start.astimezone(ZoneInfo("Europe/Berlin")).date()


def test_the_states_of_the_newest_plan_that_overlaps_are_remembered(people: People, site: Site) -> None:
    inputs = replace(INPUTS, prices=Prices(import_eur_per_kwh=[0.1, 0.1, 0.1, 5.0, 5.0, 5.0]))
    later = Horizon(HORIZON.start + 2 * HORIZON.step, HORIZON.step, 6)
    with organization_scope(people.a):
        GeneratorFactory(site=site, name="diesel")
        assert states_before([site], HORIZON) == {}
        schedule_site(site=site, horizon=HORIZON, series=INPUTS)
        run = schedule_site(site=site, horizon=HORIZON, series=inputs)
        before = states_before([site], later)[site.pk]
        beyond = states_before([site], Horizon(HORIZON.end, HORIZON.step, 6))
        planned = schedule_of(run).devices["diesel"]["on"]
    assert before.horizon == HORIZON
    assert planned.any()
    np.testing.assert_array_equal(before.devices["diesel"]["on"], planned)
    assert beyond == {}
