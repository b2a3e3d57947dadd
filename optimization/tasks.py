"""What a worker does for schedules."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from assets.models import Site
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import Work
from optimization.engine import Horizon, ProblemError, SolverError
from optimization.engine.highs import Progress
from optimization.inputs import NoInputsError, site_inputs
from optimization.models import PortfolioRun, ScheduleRun
from optimization.services import UnverifiedPlanError, schedule_site

BUILT, SOLVED = 0.1, 0.9


def plan_site(work: Work) -> dict[str, Any]:
    """Do a job of kind `schedule_site`: plan the site and return the id of the run."""
    asked = work.input
    site = Site.objects.filter(pk=asked["site"]).first()
    if site is None:
        raise JobError("The site does not exist any more.")
    horizon = Horizon(datetime.fromisoformat(asked["start"]), timedelta(seconds=asked["step_seconds"]), asked["count"])
    try:
        run = schedule_site(
            site=site,
            horizon=horizon,
            series=site_inputs(site, horizon, options=asked.get("options")),
            solver=asked["solver"],
            gap=asked["gap"],
            time_limit=asked["time_limit"],
            options=asked.get("options"),
            progress=_reporter(work, asked["time_limit"]),
            work=work,
        )
    except (ProblemError, SolverError, NoInputsError, UnverifiedPlanError) as error:
        raise JobError(str(error)) from error
    return {"run": run.pk}


def planned_page(job: Job) -> str | None:
    """Return the site's page with the day that the job planned."""
    run = ScheduleRun.objects.select_related("site").filter(pk=job.result.get("run")).first()
    if run is None:
        return None
    return f"{reverse('site', args=[job.organization.slug, run.site.slug])}?day={run.local_day}"


def portfolio_page(job: Job) -> str | None:
    """Return the page of a portfolio run."""
    run = PortfolioRun.objects.filter(job=job).first()
    return reverse("portfolio_run", args=[job.organization.slug, run.pk]) if run else None


def _reporter(work: Work, time_limit: float) -> Progress:
    """Return what the solver calls; the time it may take is the measure of how far it is."""
    started = time.monotonic()

    def report(phase: str, gap: float | None) -> None:
        if phase == "build":
            work.report(0.0, "Building the model")
            return
        share = min((time.monotonic() - started) / time_limit, 1.0)
        known = gap is not None and gap < 1
        work.report(BUILT + (SOLVED - BUILT) * share, f"Solving, gap {100 * gap:.2f} %" if known and gap else "Solving")

    return report
