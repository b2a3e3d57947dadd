"""Writes of schedules."""

from time import perf_counter

from django.db import transaction

from assets.models import Site
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError, baseline, solve, verify
from optimization.engine.highs import Progress
from optimization.engine.horizon import Horizon
from optimization.engine.solvers import SOLVERS
from optimization.fingerprint import fingerprint
from optimization.models import ScheduleRun
from optimization.options import Options, checked, search_of, with_goal
from optimization.problems import SiteInputs, build_problem
from optimization.promises import hold, promised_plans
from optimization.queries import LONGEST_HORIZON, states_before
from optimization.storing import Solved, store_runs

SCHEDULE_SITE = "schedule_site"
PLANS_WITHOUT_PROMISES = "another time, or a renewal of the rest of the plan, which keeps what is promised"
REQUEST_GAP = 1e-3
REQUEST_SECONDS = 60.0
LONGEST_SECONDS = 600.0


class UnverifiedPlanError(RuntimeError):
    """A plan that breaks physics; nothing of it is stored."""


def schedule_site(
    *,
    site: Site,
    horizon: Horizon,
    series: SiteInputs,
    solver: str = "milp",
    gap: float = 1e-4,
    time_limit: float = 60.0,
    options: Options | None = None,
    progress: Progress | None = None,
    work: Work | None = None,
) -> ScheduleRun:
    """Plan one site over `horizon`, check the plan, and store it with its inputs and the site without control.

    `gap` is relative; `time_limit` in seconds; `options` as options.py knows them; `progress` as the engine calls it.
    `work` is the job that asks for it:
    the run that an earlier attempt of the job stored is returned as it is.

    Raises:
        ProblemError: for an input that contradicts physics, by the field's name, and for a plan that has to stay.
        SolverError: when the solver found no plan at all.
        UnverifiedPlanError: when the plan breaks a balance or a limit.
    """
    if work is not None and (stored := ScheduleRun.objects.filter(job=work.job, site=site).first()):
        return stored
    _refuse_promised(site, horizon)
    told = options or {}
    problem, search = build_problem(site, horizon, with_goal(series, told)), search_of(told)
    plan = solve(
        problem,
        solver=solver,
        gap=gap,
        time_limit=time_limit,
        progress=progress,
        options=search,
        previous=states_before([site], horizon).get(site.pk),
    )
    started = perf_counter()
    violations = [str(violation) for violation in verify(problem, plan)]
    if violations:
        raise UnverifiedPlanError(f"The plan of {site} breaks physics: {'; '.join(violations[:3])}")
    uncontrolled = baseline(problem)
    seconds = {**plan.seconds, "verify": perf_counter() - started}
    solved = Solved(
        site=site,
        problem=problem,
        plan=plan,
        uncontrolled=uncontrolled,
        seconds=seconds,
        sources=series.sources,
        fingerprint=fingerprint(problem, solver, search),
    )
    with work.writing() if work else transaction.atomic():
        hold([site])
        _refuse_promised(site, horizon)
        return store_runs(organization=site.organization, solved=[solved], job=work.job if work else None)[0]


def _refuse_promised(site: Site, horizon: Horizon) -> None:
    reason = promised_plans([site], horizon).get(site.pk)
    if reason is not None:
        raise ProblemError("site", f"{site}: {reason}", PLANS_WITHOUT_PROMISES)


def request_schedule(
    *,
    site: Site,
    horizon: Horizon,
    solver: str = "milp",
    gap: float = REQUEST_GAP,
    time_limit: float = REQUEST_SECONDS,
    options: Options | None = None,
    idempotency_key: str = "",
) -> Job:
    """Return the job that plans one site over `horizon` in the background.

    Raises:
        ProblemError: for a solver, gap, time limit, option or length that no job may have.
        JobConflictError: when the key belongs to another request.
    """
    check_options(solver, gap, time_limit)
    told = checked(options or {}, solver)
    check_horizon(horizon)
    day = horizon.start.astimezone(site.zone).date()
    return enqueue(
        organization=site.organization,
        kind=SCHEDULE_SITE,
        title=f"Plan {site.name} on {day:%d %B %Y}",
        input={
            "site": site.pk,
            "start": horizon.start.isoformat(),
            "step_seconds": round(horizon.step.total_seconds()),
            "count": horizon.count,
            "solver": solver,
            "gap": gap,
            "time_limit": time_limit,
            **({"options": told} if told else {}),
        },
        idempotency_key=idempotency_key,
    )


def check_options(solver: str, gap: float, time_limit: float) -> None:
    """Refuse options that no job may have.

    Raises:
        ProblemError: names the option.
    """
    if solver not in SOLVERS:
        raise ProblemError("solver", solver, ", ".join(SOLVERS))
    if not 0 <= gap <= 1:
        raise ProblemError("gap", gap, "0 to 1")
    if not 0 < time_limit <= LONGEST_SECONDS:
        raise ProblemError("time_limit", time_limit, f"more than 0 and at most {LONGEST_SECONDS:.0f} seconds")


def check_horizon(horizon: Horizon) -> None:
    """Refuse a horizon that is too long for a job.

    Raises:
        ProblemError: names the number of steps.
    """
    if horizon.end - horizon.start > LONGEST_HORIZON:
        raise ProblemError("horizon.count", horizon.count, f"steps of at most {LONGEST_HORIZON.days} days together")
