"""A site planned again in the middle of its plan: past steps stay, the rest is made for how the devices stand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from assets.models import Site
from flexmarket.services import offer_flexibility
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon, Prices, ProblemError, solve
from optimization.engine.devices import Battery
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.engine.verify import broken_physics
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs
from optimization.queries import problem_of, run_of_day, schedule_of, whole_schedule_of
from optimization.reasons import reasons_body, reasons_page
from optimization.replanning import replan, rest_of_run
from optimization.services import schedule_site
from telemetry.models import Channel
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory

pytestmark = pytest.mark.usefixtures("acts")

START = datetime(2026, 11, 21, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
HORIZON = Horizon(START, HOUR, 6)
PRICES = Prices(import_eur_per_kwh=[0.1, 0.1, 0.1, 0.5, 0.5, 0.5], peak_eur_per_kw=0.001)
INPUTS = SiteInputs(prices=PRICES, devices={"load": {"demand_kw": np.ones(6)}})


@pytest.fixture
def site(people: People) -> Iterator[Site]:
    row: Site = SiteFactory(organization=people.a)
    BatteryFactory(site=row)
    ElectricLoadFactory(site=row)
    with organization_scope(people.a):
        yield row


@pytest.fixture
def run(site: Site) -> ScheduleRun:
    return schedule_site(site=site, horizon=HORIZON, series=INPUTS, gap=1e-6)


def measure(site: Site, soc_percent: float, moment: datetime) -> None:
    battery = site.assets.get(name="battery")
    channel = Channel(organization=site.organization, site=site, asset=battery, quantity="soc_percent")
    channel.full_clean()
    channel.last_value, channel.last_at = soc_percent, moment
    channel.save()


def test_a_plan_that_still_holds_stays(run: ScheduleRun) -> None:
    rest = rest_of_run(run, START + 2 * HOUR)
    assert (rest.step, rest.still_holds) == (2, True)
    assert replan(rest=rest) == run
    assert ScheduleRun.objects.count() == 1


def test_a_battery_that_is_nearly_as_planned_changes_nothing(site: Site, run: ScheduleRun) -> None:
    moment = START + 3 * HOUR
    planned = whole_schedule_of(run).devices["battery"]["soc_percent"][2]
    measure(site, planned - 0.1, moment)
    rest = rest_of_run(run, moment)
    assert rest.states["battery"]["soc_percent"] == pytest.approx(planned - 0.1)
    assert replan(rest=rest) == run


def test_a_battery_that_is_emptier_than_planned_makes_a_new_plan(site: Site, run: ScheduleRun) -> None:
    moment = START + 3 * HOUR
    measure(site, 20.0, moment - timedelta(minutes=2))
    rest = rest_of_run(run, moment)
    assert not rest.still_holds
    made = ScheduleRun.objects.get(pk=replan(rest=rest).pk)
    assert (made.follows, made.past_steps, made.horizon) == (run, 3, HORIZON)
    assert made.states["battery"] == {"soc_percent": 20.0}
    before, after = whole_schedule_of(run), whole_schedule_of(made)
    np.testing.assert_array_equal(before.grid_power_kw[:3], after.grid_power_kw[:3])
    problem, plan = problem_of(made), schedule_of(made)
    assert problem.horizon.start == moment
    assert broken_physics(problem, plan) == ()
    assert plan.devices["battery"]["discharge_kw"].sum() < before.devices["battery"]["discharge_kw"][3:].sum()
    assert run_of_day(site, made.local_date) == made


def test_cost_is_that_of_the_past_and_of_the_new_rest(site: Site, run: ScheduleRun) -> None:
    rest = rest_of_run(run, START + 2 * HOUR)
    again = replan(rest=rest, hysteresis=False)
    assert again.pk != run.pk
    assert float(again.total_cost_eur) == pytest.approx(float(run.total_cost_eur), abs=1e-4)
    assert again.bound_eur <= again.objective_eur + 1e-9
    plan = whole_schedule_of(again)
    imported = np.maximum(plan.grid_power_kw, 0)
    energy = float(imported @ problem_of(run).price("import_eur_per_kwh"))
    assert again.cost_by_cause_eur["import_eur"] == pytest.approx(energy)


def test_the_middle_of_a_run_from_the_middle(site: Site, run: ScheduleRun) -> None:
    second = replan(rest=rest_of_run(run, START + 2 * HOUR), hysteresis=False)
    third = replan(rest=rest_of_run(second, START + 4 * HOUR), hysteresis=False)
    same = replan(rest=rest_of_run(third, START + 4 * HOUR), hysteresis=False)
    for made in (third, same):
        assert made.past_steps == 4
        assert float(made.total_cost_eur) == pytest.approx(float(run.total_cost_eur), abs=1e-4)
        assert len(whole_schedule_of(made).grid_power_kw) == 6
    assert [each.follows for each in (second, third, same)] == [run, second, third]


def test_a_planner_of_its_own_decides(site: Site, run: ScheduleRun) -> None:
    def wasteful(problem: SiteProblem, left: Schedule) -> Schedule:
        devices = tuple(
            replace(device, final_soc_percent=90.0) if isinstance(device, Battery) else device
            for device in problem.devices
        )
        assert left.horizon == problem.horizon
        found = solve(replace(problem, devices=devices))
        return replace(found, unmet=())

    made = replan(rest=rest_of_run(run, START + HOUR), planner=wasteful)
    assert schedule_of(made).devices["battery"]["soc_percent"][-1] == pytest.approx(90.0)


def test_offers_and_reasons_are_about_the_steps_that_are_left(site: Site, run: ScheduleRun) -> None:
    made = replan(rest=rest_of_run(run, START + 2 * HOUR), hysteresis=False)
    assert offer_flexibility(run=made) > 0
    table = made.offers.get(device="battery").table
    assert len(table) == 6
    assert not table.positive_power_kw[:2].any()
    body = reasons_body(made)
    assert (body["start"], len(body["electricity_eur_per_kwh"])) == (START + 2 * HOUR, 4)
    steps = reasons_page(made)["steps"]
    assert len(steps) == 6
    assert steps[:2] == [[], []]
    assert any(steps[2:])


def test_old_measurements_and_those_of_others_are_passed_over(people: People, site: Site, run: ScheduleRun) -> None:
    moment = START + 3 * HOUR
    measure(site, 20.0, moment - HOUR)
    assert rest_of_run(run, moment).states["battery"]["soc_percent"] != 20.0


def test_a_plan_that_is_over_has_no_rest(run: ScheduleRun) -> None:
    with pytest.raises(ProblemError, match="before the last step of the plan"):
        rest_of_run(run, HORIZON.end)


def test_a_device_that_came_later_needs_a_plan_of_its_own(site: Site, run: ScheduleRun) -> None:
    BatteryFactory(site=site, name="second battery")
    with pytest.raises(ProblemError, match="other devices than in its plan"):
        rest_of_run(run, START + HOUR)
    assert ScheduleSeries.objects.filter(run=run).exists()
