"""A solver that the tree does not know plans a site of the database in a job; what breaks physics is thrown away."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from optimization.engine import SOLVERS, Horizon, ProblemError, Schedule, SiteProblem, SolverError, solve
from optimization.engine.baseline import baseline
from optimization.engine.devices import Battery, ElectricLoad
from optimization.models import ScheduleRun
from optimization.services import request_schedule
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory, SiteTariffFactory, TariffFactory
from tests.optimization.engine.sites import site

BATTERY = Battery(name="battery", capacity_kwh=4, charge_power_kw=2, discharge_power_kw=2)


def lazy(problem: SiteProblem, **_options: Any) -> Schedule:
    """Return the plan that nobody optimised, as it holds every rule of physics."""
    return replace(baseline(problem), solver="lazy", status="heuristic")


def magic(problem: SiteProblem, **_options: Any) -> Schedule:
    """Return a plan with a battery that gives what it does not have."""
    plan = lazy(problem)
    battery = plan.devices["battery"]
    more = {**battery, "power_kw": battery["power_kw"] - 1.0}
    return replace(plan, devices={**plan.devices, "battery": more})


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVERS, "lazy", lazy)
    monkeypatch.setitem(SOLVERS, "magic", magic)


def test_it_is_asked_by_name() -> None:
    plan = solve(site(BATTERY, ElectricLoad(name="load", demand_kw=1)), solver="lazy")
    assert (plan.solver, plan.status) == ("lazy", "heuristic")
    assert np.allclose(plan.grid_power_kw, 1)
    with pytest.raises(ProblemError, match="solver is other; allowed: milp, ga, pso, lazy, magic"):
        solve(site(BATTERY), solver="other")


def test_nobody_gets_a_plan_that_breaks_physics() -> None:
    with pytest.raises(SolverError, match="breaks physics"):
        solve(site(BATTERY), solver="magic")


def test_a_job_plans_with_it(people: People, acts: None) -> None:
    row = SiteFactory(organization=people.a)
    BatteryFactory(site=row)
    SiteTariffFactory(site=row, tariff=TariffFactory(organization=people.a))
    horizon = Horizon.market_day(datetime(2026, 11, 22, tzinfo=UTC).date(), row.zone)
    with organization_scope(people.a):
        job = request_schedule(site=row, horizon=horizon, solver="lazy")
        assert execute(job.pk, worker="w", beat_every=0) == Job.Status.SUCCEEDED, Job.objects.get(pk=job.pk).error
        run = ScheduleRun.objects.get()
    assert (run.solver, run.status, run.site) == ("lazy", "heuristic", row)
