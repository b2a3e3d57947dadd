"""Rolling operation: the rest of the day is planned again at an interval or on a deviation, and every call is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models import Site
from flexmarket.engine.errors import OfferError
from flexmarket.models import RollingOperation
from flexmarket.trading.calls import pending_orders, planner_of
from flexmarket.trading.mending import withdraw_old_offers
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError, SolverError
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.replanning import FRESH, PlanMovedError, replan, rest_of_run
from optimization.services import UnverifiedPlanError
from telemetry.models import Channel

REPLAN_SITE = "replan_site"
SOC = "soc_percent"
RENEWED = "The plan that it was made with was renewed."
INTERVAL, DEVIATION = "the interval", "a deviation"


class Why(TextChoices):
    """Why a look at a plan kept or replaced it."""

    REPLACED = "replaced", _("Replaced: the new plan saves enough, or the old one did not hold any more")
    SAVES_TOO_LITTLE = "saves_too_little", _("Kept: a new plan would save too little")
    CALL_RUNS = "call_runs", _("Kept: a call runs")
    MOVED = "moved", _("Kept: another plan was made meanwhile")
    KEEPS_CALLS = "keeps_calls", _("Kept: it still holds, and has calls to keep")


def request_replan(*, run: ScheduleRun, reason: str, idempotency_key: str = "") -> Job:
    """Return the job that plans the rest of a run again; `reason` says why, such as "a deviation"."""
    return enqueue(
        organization=run.organization,
        kind=REPLAN_SITE,
        title=f"Plan the rest of the day of {run.site.name} again",
        input={"run": run.pk, "reason": reason},
        idempotency_key=idempotency_key,
    )


def replan_site(work: Work) -> dict[str, Any]:
    """Do a job of kind `replan_site`: the run that holds afterwards may be the one that was there, and `why` says so.

    While a call runs the plan stays: what was promised goes first.

    Raises:
        JobError: says why the rest cannot be planned.
    """
    asked = ScheduleRun.objects.select_related("site").filter(pk=work.input["run"]).first()
    if asked is None:
        raise JobError("The plan does not exist any more.")
    newest = ScheduleRun.objects.select_related("site").filter(site=asked.site, start=asked.start).latest()
    now = timezone.now()
    pending = pending_orders(newest.site_id, now)
    if any(order.offer.start <= now for order in pending):
        return {"run": newest.pk, "changed": False, "why": Why.CALL_RUNS}
    try:
        rest = rest_of_run(newest, now)
        if pending and rest.still_holds:
            return {"run": newest.pk, "changed": False, "why": Why.KEEPS_CALLS}
        planner = planner_of(pending[0], rest, pending[1:]) if pending else None
        made = replan(rest=rest, planner=planner, work=work)
    except (OfferError, ProblemError, SolverError, UnverifiedPlanError) as error:
        raise JobError(str(error)) from error
    except PlanMovedError:
        return {"run": newest.pk, "changed": False, "why": Why.MOVED}
    if made == newest:
        return {"run": newest.pk, "changed": False, "why": Why.SAVES_TOO_LITTLE}
    withdraw_old_offers(run=made, reason=RENEWED)
    return {"run": made.pk, "changed": True, "why": Why.REPLACED}


def replan_due(*, organization: Organization) -> list[Job]:
    """Ask for new plans where the interval is over or a device is far from the plan; a few queries for all sites."""
    rules = RollingOperation.objects.filter(organization=organization).select_related("site")
    by_site = {rule.site_id: rule for rule in rules}
    if not any(rule.enabled for rule in by_site.values()):
        return []
    now = timezone.now()
    jobs = []
    runs = list(running_plans(Site.objects.filter(organization=organization), now))
    gaps = _gaps(runs, now)
    for run in runs:
        rule = by_site.get(run.site_id, by_site.get(None))
        if rule is None or not rule.enabled:
            continue
        interval = timedelta(minutes=rule.interval_minutes)
        step = run.horizon.first_step_from(now)
        if now - run.created_at >= interval:
            slot = slot_of(now, interval)
            jobs.append(request_replan(run=run, reason=INTERVAL, idempotency_key=f"rolling-{run.pk}-{slot}"))
        elif gaps.get(run.pk, 0.0) >= rule.deviation_percent:
            key = f"deviation-{run.pk}-{step}"
            jobs.append(request_replan(run=run, reason=DEVIATION, idempotency_key=key))
    return jobs


def slot_of(moment: datetime, interval: timedelta) -> int:
    """Return the number of the interval in which a plan that is old enough is looked at once."""
    return int(moment.timestamp() // interval.total_seconds())


def next_look(run: ScheduleRun, rule: RollingOperation, now: datetime) -> datetime:
    """Return when the clock looks at a plan again, if nothing deviates before."""
    interval = timedelta(minutes=rule.interval_minutes)
    due = run.created_at + interval
    return due if due > now else datetime.fromtimestamp((slot_of(now, interval) + 1) * interval.total_seconds(), UTC)


def running_plans(sites: QuerySet[Site], now: datetime) -> Iterator[ScheduleRun]:
    """Yield the newest plan of each of these sites that has steps left now; one query."""
    newest = ScheduleRun.objects.filter(site=OuterRef("pk"), start__lte=now).order_by("-start", "-created_at", "-id")
    current = sites.order_by().values(pk_of_run=Subquery(newest.values("pk")[:1]))
    for run in ScheduleRun.objects.filter(pk__in=current).select_related("site", "organization"):
        if run.horizon.first_step_from(now) < run.count:
            yield run


def _gaps(runs: list[ScheduleRun], now: datetime) -> dict[int, float]:
    """Return by how many percent the state of charge of any device is away from its plan, by run; two queries."""
    by_site = {run.site_id: run for run in runs}
    channels = Channel.objects.filter(site__in=list(by_site), quantity=SOC, last_at__gt=now - FRESH, last_at__lte=now)
    measured = {(site, name): value for site, name, value in channels.values_list("site", "asset__name", "last_value")}
    if not measured:
        return {}
    series = ScheduleSeries.objects.filter(run__in=runs, role=ScheduleSeries.Role.PLAN, quantity=SOC)
    found: dict[int, float] = {}
    for run_id, site, device, values in series.values_list("run_id", "run__site_id", "device", "values"):
        run = by_site[site]
        # Contents are at the end of a step: between two of them the plan is a straight line.
        elapsed = (now - run.start) / timedelta(seconds=run.step_seconds)
        planned = float(np.interp(elapsed, np.arange(1, run.count + 1), np.asarray(values)))
        value = measured.get((site, device))
        if value is not None and elapsed >= 1:
            found[run_id] = max(found.get(run_id, 0.0), abs(value - planned))
    return found
