"""Offers by a method that takes long: asked for, and made in a worker, one job per plan."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse

from flexmarket.engine.errors import OfferError
from flexmarket.engine.methods import METHODS
from flexmarket.models import FlexibilityOffers
from flexmarket.services import replace_offers, tables_for
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.models import ScheduleRun

QUANTIFY, QUANTIFY_MANY = "quantify_offers", "quantify_many"
MOST_RUNS = 500
MOST_REASONS = 20


def request_quantified(*, run: ScheduleRun, method: str, idempotency_key: str = "") -> Job:
    """Return the job that quantifies the flexibility of a plan by a method.

    Raises:
        ValidationError: for an unknown method.
        JobConflictError: when the key belongs to another request.
    """
    check_method(method)
    return enqueue(
        organization=run.organization,
        kind=QUANTIFY,
        title=f"Quantify {run.site.name} ({method})",
        input={"run": run.pk, "method": method},
        idempotency_key=idempotency_key,
    )


def request_many_quantified(
    *, organization: Organization, runs: Sequence[ScheduleRun], method: str, idempotency_key: str = ""
) -> Job:
    """Return the job that hands out the quantification of many plans, one part per plan.

    Raises:
        ValidationError: for an unknown method, for a plan of another organization, or for no or too many plans.
        JobConflictError: when the key belongs to another request.
    """
    check_method(method)
    if any(run.organization_id != organization.pk for run in runs):
        raise ValidationError({"runs": "runs has a plan of another organization; allowed: own plans."})
    if not 1 <= len(runs) <= MOST_RUNS:
        raise ValidationError({"runs": f"runs has {len(runs)} plans; allowed: 1 to {MOST_RUNS} at once."})
    return enqueue(
        organization=organization,
        kind=QUANTIFY_MANY,
        title=f"Quantify {len(runs)} sites ({method})",
        input={"runs": sorted(run.pk for run in runs), "method": method},
        idempotency_key=idempotency_key,
    )


def check_method(method: str) -> None:
    """Refuse a method that is not known.

    Raises:
        ValidationError: names those that are.
    """
    if method not in METHODS:
        raise ValidationError({"method": f"method is {method[:40]}; allowed: {', '.join(sorted(METHODS))}."})


def newest_job(run: ScheduleRun, method: str) -> Job | None:
    """Return the newest job that quantifies a plan by a method; one query."""
    jobs = Job.objects.filter(organization=run.organization_id, kind=QUANTIFY, input__run=run.pk, input__method=method)
    return jobs.order_by("-pk").first()


def quantify_run(work: Work) -> dict[str, Any]:
    """Do a job of kind `quantify_offers`; doing it again replaces the offers.

    Raises:
        JobError: says why they could not be quantified.
    """
    run = ScheduleRun.objects.select_related("site").filter(pk=work.input["run"]).first()
    if run is None:
        raise JobError("The plan does not exist any more.")
    work.report(0.05, f"Quantifying {run.site.name}")
    method = work.input["method"]
    try:
        # Before the transaction, as it takes seconds and others want to write meanwhile.
        tables = tables_for(run, method)
    except OfferError as error:
        raise JobError(f"{run.site.name}: {error}") from error
    with work.writing():
        made = replace_offers(run=run, tables=tables, method=method)
        _tell_whole(work)
    return {"run": run.pk, "method": method, "devices": made}


def quantify_many(work: Work) -> dict[str, Any]:
    """Begin a job of kind `quantify_many`: hand out a part for each of its plans."""
    if Job.objects.filter(parent=work.job).exists():
        return {}
    with work.writing():
        work.hand_out(QUANTIFY, ({"run": run, "method": work.input["method"]} for run in work.input["runs"]))
    return {}


def conclude_many(job: Job) -> dict[str, Any]:
    """Return how many plans have offers now, and why others have none."""
    failed = list(Job.objects.filter(parent=job, status=Job.Status.FAILED).values_list("error", flat=True))
    if len(failed) == len(job.input["runs"]):
        raise JobError(" ".join(failed[:MOST_REASONS]))
    offers = FlexibilityOffers.objects.filter(run__in=job.input["runs"], method=job.input["method"])
    quantified = offers.order_by().values("run").distinct().count()
    return {"method": job.input["method"], "sites": quantified, "failed": len(failed), "errors": failed[:MOST_REASONS]}


def quantified_page(job: Job) -> str | None:
    """Return the site's page with the offers that a job has made."""
    run = ScheduleRun.objects.select_related("site").filter(pk=job.result.get("run")).first()
    if run is None:
        return None
    address = reverse("site", args=[job.organization.slug, run.site.slug])
    return f"{address}?day={run.local_day}&method={job.result['method']}#offers"


def _tell_whole(work: Work) -> None:
    parts = Job.objects.filter(parent=work.job.parent_id) if work.job.parent_id else Job.objects.none()
    if count := parts.count():
        done = parts.exclude(status__in=Job.UNFINISHED).count() + 1
        work.tell_whole(done / count, f"{done} of {count} sites")
