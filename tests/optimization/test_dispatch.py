"""Plans become set-points of the devices that can be reached, where somebody turned that on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from optimization.dispatch import AHEAD, dispatch_plans
from optimization.engine import Horizon, Prices
from optimization.models import ScheduleRun
from optimization.problems import SiteInputs
from optimization.queries import schedule_of
from optimization.services import schedule_site
from telemetry.models import Setpoint
from telemetry.services import create_credential, switch_plans
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory

HOUR = timedelta(hours=1)


@pytest.fixture
def site(people: People) -> Iterator[Site]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        row = SiteFactory(organization=people.a)
        BatteryFactory(site=row)
        ElectricLoadFactory(site=row)
        create_credential(site=row, name="gateway")
        yield row


def plan(site: Site, hours_ahead: int, count: int = 4) -> ScheduleRun:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + hours_ahead * HOUR
    prices = Prices(import_eur_per_kwh=np.linspace(0.1, 0.5, count), export_eur_per_kwh=0.05)
    series = SiteInputs(prices=prices, devices={"load": {"demand_kw": np.ones(count)}})
    return schedule_site(site=site, horizon=Horizon(start, HOUR, count), series=series)


def test_a_plan_tells_nobody_anything_as_long_as_that_is_off(site: Site) -> None:
    plan(site, 0)
    assert not Setpoint.objects.exists()


def test_a_plan_tells_the_devices_that_can_be_controlled_what_is_left_of_it(people: People, site: Site) -> None:
    switch_plans(organization=people.a, enabled=True)
    run = plan(site, -1)
    (told,) = Setpoint.objects.select_related("asset")
    (planned,) = run.series.filter(role="plan", device="battery", quantity="power_kw")
    assert (told.asset.name, told.state, told.source) == ("battery", "queued", "schedule")
    assert (told.origin, told.start) == (f"schedule run {run.pk}", run.start + HOUR)
    np.testing.assert_array_equal(told.steps.power_kw, planned.values[1:])


def test_tomorrows_plan_leaves_the_rest_of_todays(people: People, site: Site) -> None:
    switch_plans(organization=people.a, enabled=True, site=site)
    today, tomorrow = plan(site, 0), plan(site, 6)
    assert [each.state for each in Setpoint.objects.order_by("pk")] == ["superseded", "queued"]
    told = Setpoint.objects.get(state="queued").steps
    assert (told.start, told.end) == (today.start, tomorrow.start + 4 * HOUR)
    assert told.at(today.start + 5 * HOUR) is None


def test_what_is_over_or_far_off_is_not_told(people: People, site: Site) -> None:
    switch_plans(organization=people.a, enabled=True)
    plan(site, -10)
    plan(site, AHEAD // HOUR + 1)
    assert not Setpoint.objects.exists()
    plan(site, AHEAD // HOUR - 1)
    assert len(Setpoint.objects.get().steps.power_kw) <= 2


def test_a_plan_that_is_not_stored_tells_nobody(people: People, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_plans(organization=people.a, enabled=True)

    def told_and_lost(**arguments: Any) -> None:
        assert dispatch_plans(**arguments)
        raise RuntimeError("the machine is gone")

    monkeypatch.setattr("optimization.storing.dispatch_plans", told_and_lost)
    with pytest.raises(RuntimeError):
        plan(site, 0)
    assert not Setpoint.objects.exists()
    assert not ScheduleRun.objects.exists()


def test_many_plans_are_told_by_as_many_statements_as_few(people: People, site: Site) -> None:
    switch_plans(organization=people.a, enabled=True)

    def queries(count: int) -> int:
        plans = []
        for _ in range(count):
            row = SiteFactory(organization=people.a)
            BatteryFactory(site=row)
            ElectricLoadFactory(site=row)
            create_credential(site=row, name=f"gateway-{row.pk}")
            run = plan(row, 0)
            plans.append((run, schedule_of(run)))
        with CaptureQueriesContext(connection) as made:
            assert len(dispatch_plans(organization=people.a, plans=plans)) == count
        return len(made)

    assert queries(1) == queries(3)
