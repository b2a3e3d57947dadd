"""Runs of the heuristics are asked for and stored like those of the exact solver."""

from dataclasses import replace
from typing import Any

import pytest

from assets.models import Site
from flexplatform.accounts.scoping import organization_scope
from optimization import services
from optimization.engine import SOLVERS, Schedule, solve
from optimization.models import ScheduleRun
from optimization.queries import schedule_of
from optimization.services import check_options, schedule_site
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory
from tests.optimization.test_services import HORIZON, INPUTS

pytestmark = pytest.mark.usefixtures("acts")


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a)
    BatteryFactory(site=row)
    ElectricLoadFactory(site=row)
    return row


@pytest.mark.parametrize("solver", ["ga", "pso"])
def test_a_run_of_a_heuristic_is_stored(people: People, site: Site, solver: str) -> None:
    with organization_scope(people.a):
        run = schedule_site(site=site, horizon=HORIZON, series=INPUTS, solver=solver)
        plan = schedule_of(ScheduleRun.objects.get(pk=run.pk))
    assert (plan.solver, plan.status) == (solver, "optimal")


def test_what_nobody_proved_is_stored_as_that(people: People, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def unproven(*given: Any, **options: Any) -> Schedule:
        return replace(solve(*given, **options), status="heuristic")

    monkeypatch.setattr(services, "solve", unproven)
    with organization_scope(people.a):
        run = schedule_site(site=site, horizon=HORIZON, series=INPUTS, solver="ga")
        stored = ScheduleRun.objects.get(pk=run.pk)
    assert stored.get_status_display() == "Best that a heuristic found"


@pytest.mark.parametrize("solver", sorted(SOLVERS))
def test_every_solver_may_be_asked_for(solver: str) -> None:
    check_options(solver, 1e-3, 60.0)
