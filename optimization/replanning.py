"""A site planned again in the middle of its plan: from how it stands, with what is known now."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import cast

import numpy as np
from django.db import transaction

from assets.models import Asset, Site
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError, baseline, solve, verify
from optimization.engine.evaluate import evaluate
from optimization.engine.problem import SiteProblem
from optimization.engine.resume import States, rest_of, rest_of_schedule, states_at
from optimization.engine.schedule import Schedule
from optimization.engine.stitching import stitched
from optimization.engine.verify import broken_physics
from optimization.inputs import inputs_after
from optimization.models import ScheduleRun
from optimization.problems import build_problem
from optimization.promises import hold
from optimization.queries import highest_import, problem_of, schedule_of, whole_schedule_of
from optimization.services import UnverifiedPlanError
from optimization.storing import Past, Solved, store_runs
from telemetry.models import Channel, Setpoint

# A state of charge that was measured longer ago says less than the plan.
FRESH = timedelta(minutes=30)
GAP, SECONDS = 1e-3, 30.0
# A new plan has to be better by both, or the old one stays: devices do not change their mind for pennies.
LEAST_SAVING_EUR, LEAST_SAVING_SHARE = 0.05, 0.005
# Nor for what is beside the plan anyway: a share of the energy that its devices move.
LEAST_MISSED_SHARE = 0.01


class PlanMovedError(Exception):
    """Another plan was stored since this one was begun."""


Planner = Callable[[SiteProblem, Schedule], Schedule]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rest:
    """What is left of a run at a moment.

    `whole` is its problem with what is known now, `problem` the rest of it from how the devices stand; `left` is what
    the run still had to do, and what that was to cost.
    """

    run: ScheduleRun
    step: int
    states: States
    sources: Mapping[str, object]
    whole: SiteProblem
    problem: SiteProblem
    left: Schedule

    @property
    def still_holds(self) -> bool:
        """Whether the run can go on as it is from how the devices stand, without missing much more of its wishes."""
        if {device.name for device in self.problem.devices} - set(self.left.devices):
            return False
        going = rest_of_schedule(self.left, self.problem)
        powers = [series["power_kw"] for series in going.devices.values() if "power_kw" in series]
        moved_kwh = float(np.abs(powers).sum()) * self.problem.horizon.step_hours
        allowed = _missed(self.left) + LEAST_MISSED_SHARE * moved_kwh
        return not broken_physics(self.problem, going) and _missed(going) <= allowed


def rest_of_run(run: ScheduleRun, moment: datetime) -> Rest:
    """Return what is left of a run: the steps that start at `moment` or later.

    Contents of batteries, vehicles and heat stores are those that were measured lately, else the planned ones.

    Raises:
        ProblemError: where no step is left, or the site's devices are no longer those of the run.
    """
    step = run.horizon.first_step_from(moment)
    if step >= run.count:
        raise ProblemError("moment", moment.isoformat(), f"before the last step of the plan ({run.horizon.end})")
    before, planned = problem_of(run), schedule_of(run)
    if {device.name for device in before.devices} != set(planned.devices):
        raise ProblemError("site", f"{run.site} with other devices than in its plan", "the devices of the plan")
    within = step - run.past_steps
    states = dict(states_at(before, planned, within)) if within > 0 else dict(run.states)
    imported = highest_import(run, step)
    going = rest_of(before, within, states, import_so_far_kw=imported) if within > 0 else before
    left = rest_of_schedule(planned, going)
    states |= _measured(run.site, moment, states)
    inputs = inputs_after(run, moment)
    whole = build_problem(run.site, run.horizon, inputs)
    problem = rest_of(whole, step, states, import_so_far_kw=imported) if step else whole
    return Rest(run=run, step=step, states=states, sources=inputs.sources, whole=whole, problem=problem, left=left)


def replan(
    *,
    rest: Rest,
    planner: Planner | None = None,
    work: Work | None = None,
    hysteresis: bool = True,
    source: str = Setpoint.Source.SCHEDULE,
    then: Callable[[ScheduleRun], None] | None = None,
) -> ScheduleRun:
    """Plan the rest of a run anew, check it, store it and tell the devices; return the run that holds.

    `planner` makes the plan of `rest.problem`, given what the run still had to do; without one it is the cheapest plan,
    and the run that is there stays where that saves too little and it still holds (`hysteresis`). `then` is done in the
    transaction that stores the new run.

    Raises:
        ProblemError, SolverError: as the planner.
        UnverifiedPlanError: when the plan breaks a balance or a limit.
        PlanMovedError: when the site has another plan by now; nothing is stored.
    """
    if work is not None and (stored := ScheduleRun.objects.filter(job=work.job, site=rest.run.site).first()):
        return stored
    started = perf_counter()
    plan = planner(rest.problem, rest.left) if planner else solve(rest.problem, gap=GAP, time_limit=SECONDS)
    if planner is None and hysteresis and _saves_too_little(rest, plan):
        return rest.run
    violations = [str(violation) for violation in verify(rest.problem, plan)]
    if violations:
        raise UnverifiedPlanError(f"The plan of {rest.run.site} breaks physics: {'; '.join(violations[:3])}")
    whole = stitched(whole_schedule_of(rest.run), rest.left, plan, rest.whole) if rest.step else plan
    solved = Solved(
        site=rest.run.site,
        problem=rest.whole,
        plan=whole,
        uncontrolled=baseline(rest.whole),
        seconds={**plan.seconds, "replan": perf_counter() - started},
        sources=rest.sources,
        fingerprint="",
        past=Past(run=rest.run, steps=rest.step, states=rest.states),
    )
    with work.writing() if work else transaction.atomic():
        hold([rest.run.site])
        if ScheduleRun.objects.filter(site=rest.run.site, start=rest.run.start).latest() != rest.run:
            raise PlanMovedError(f"The plan of {rest.run.site} was renewed meanwhile.")
        job = work.job if work else None
        (run,) = store_runs(organization=rest.run.organization, solved=[solved], job=job, source=source)
        if then is not None:
            then(run)
        return run


def _saves_too_little(rest: Rest, plan: Schedule) -> bool:
    if not rest.still_holds:
        return False
    going = rest_of_schedule(rest.left, rest.problem)
    saving = going.objective_eur - evaluate(rest.problem, plan.devices).objective_eur
    return saving < max(LEAST_SAVING_EUR, LEAST_SAVING_SHARE * abs(going.objective_eur))


def _missed(plan: Schedule) -> float:
    return sum(each.amount for each in plan.unmet)


def _measured(site: Site, moment: datetime, states: States) -> dict[str, dict[str, float]]:
    """Return the states of devices whose content was measured lately, by their name; one query."""
    stores = [name for name, state in states.items() if "soc_percent" in state]
    assets = Asset.objects.filter(site=site, name__in=stores)
    rows = Channel.objects.filter(
        asset__in=assets, quantity="soc_percent", last_at__gt=moment - FRESH, last_at__lte=moment + FRESH
    )
    found = cast("Iterable[tuple[str, float]]", rows.values_list("asset__name", "last_value"))
    return {name: {**states[name], "soc_percent": min(max(value, 0.0), 100.0)} for name, value in found}
