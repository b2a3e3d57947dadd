"""Requests to plan many sites, how the work is cut into chunks, and how it ends."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, F, QuerySet

from assets.models import Asset, Portfolio, Site
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError
from optimization.engine.horizon import Horizon
from optimization.models import PlannedSite, PortfolioRun
from optimization.options import Options, checked
from optimization.services import REQUEST_GAP, check_horizon, check_options

SCHEDULE_PORTFOLIO = "schedule_portfolio"
SCHEDULE_CHUNK = "schedule_chunk"
SITES_PER_CHUNK = 100
MOST_SITES_BY_ID = 1000
SECONDS_PER_SITE = 10.0
FIRST_YEAR, LAST_YEAR = 1970, 2199


@transaction.atomic
def request_portfolio_run(
    *,
    organization: Organization,
    when: date | Horizon,
    portfolio: Portfolio | None = None,
    sites: Sequence[int] | None = None,
    solver: str = "milp",
    gap: float = REQUEST_GAP,
    time_limit: float = SECONDS_PER_SITE,
    options: Options | None = None,
    idempotency_key: str = "",
) -> PortfolioRun:
    """Return the run that plans many sites in the background: a portfolio's, those of some ids, or all.

    `when` is a local day of each site, or one horizon for all; `time_limit` in seconds for each site.

    Raises:
        ProblemError: for options that no run may have, sites of nobody or of others, or no site at all.
        JobConflictError: when the key belongs to another request.
    """
    check_options(solver, gap, time_limit)
    told = checked(options or {}, solver)
    asked = {**_asked_steps(when), "portfolio": portfolio and portfolio.pk, "sites": _ids(organization, sites)}
    if portfolio is not None and portfolio.organization_id != organization.pk:
        raise ProblemError("portfolio", portfolio.pk, f"a portfolio of {organization}")
    if not sites_of(organization, portfolio, asked["sites"]).exists():
        raise ProblemError("sites", "none", f"at least one site of {portfolio or organization}")
    job = enqueue(
        organization=organization,
        kind=SCHEDULE_PORTFOLIO,
        title=_title(when, portfolio, asked["sites"]),
        input={
            **asked,
            "solver": solver,
            "gap": gap,
            "time_limit": time_limit,
            **({"options": told} if told else {}),
        },
        idempotency_key=idempotency_key,
    )
    steps = {name: value for name, value in asked.items() if name not in {"portfolio", "sites"}}
    values = {"portfolio": portfolio, "solver": solver, "gap": gap, "time_limit": time_limit, "options": told}
    run, created = PortfolioRun.objects.get_or_create(
        job=job, defaults={"organization": organization, **steps, **values}
    )
    if created:
        job.result = {"portfolio_run": run.pk}
        job.save(update_fields=["result"])
    run.job = job
    return run


def sites_of(organization: Organization, portfolio: Portfolio | None, ids: Sequence[int] | None) -> QuerySet[Site]:
    """Return the sites that a run is about."""
    found = Site.objects.filter(organization=organization)
    if portfolio is not None:
        found = found.filter(portfolio=portfolio)
    return found if ids is None else found.filter(pk__in=ids)


def hand_out_chunks(work: Work) -> dict[str, Any]:
    """Do a job of kind `schedule_portfolio`: cut its sites into chunks, which are jobs of their own."""
    run = PortfolioRun.objects.select_related("portfolio").get(job=work.job)
    chunks = list(_chunks(sites_of(work.organization, run.portfolio, work.input["sites"])))
    with work.writing():
        work.hand_out(SCHEDULE_CHUNK, ({"portfolio_run": run.pk, "sites": ids} for ids in chunks))
        PortfolioRun.objects.filter(pk=run.pk).update(site_count=sum(map(len, chunks)))
    return {}


def conclude(job: Job) -> dict[str, Any]:
    """Return the result of a run whose chunks have all ended; sites of chunks that were given up have failed.

    Raises:
        JobError: where no site at all has a plan.
    """
    _fail_the_rest(job)
    run = PortfolioRun.objects.get(job=job)
    if run.done and run.failed == run.done:
        first = PlannedSite.objects.filter(portfolio_run=run).order_by("id").values_list("reason", flat=True).first()
        raise JobError(f"None of {run.failed} sites could be planned. The first one: {first}")
    counts = {name: getattr(run, name) for name in ("planned", "unchanged", "failed")}
    return {"portfolio_run": run.pk, **counts}


def _asked_steps(when: date | Horizon) -> dict[str, Any]:
    if isinstance(when, Horizon):
        check_horizon(when)
        seconds = round(when.step.total_seconds())
        return {"start": when.start.isoformat(), "step_seconds": seconds, "count": when.count}
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise ProblemError("day", when, f"a day between {FIRST_YEAR} and {LAST_YEAR}")
    return {"day": when.isoformat()}


def _ids(organization: Organization, sites: Sequence[int] | None) -> list[int] | None:
    if sites is None:
        return None
    wanted = sorted(set(sites))
    if len(wanted) > MOST_SITES_BY_ID:
        raise ProblemError("sites", f"{len(wanted)} ids", f"at most {MOST_SITES_BY_ID}; more by their portfolio")
    # A database refuses numbers that no id can be.
    possible = [pk for pk in wanted if 0 < pk <= BigIntegerField.MAX_BIGINT]
    known = set(Site.objects.filter(organization=organization, pk__in=possible).values_list("pk", flat=True))
    if unknown := [pk for pk in wanted if pk not in known]:
        raise ProblemError("sites", unknown[0], f"ids of sites of {organization}")
    return wanted


def _title(when: date | Horizon, portfolio: Portfolio | None, ids: Sequence[int] | None) -> str:
    what = f"{len(ids)} sites" if ids is not None else f"all sites of {portfolio}" if portfolio else "all sites"
    if isinstance(when, Horizon):
        return f"Plan {what} from {when.start:%d %B %Y %H:%M} UTC"
    return f"Plan {what} on {when:%d %B %Y}"


def _chunks(sites: QuerySet[Site]) -> Iterator[list[int]]:
    """Yield ids of sites of one time zone, sites with equal devices side by side; of each site, ids alone are held."""
    kinds = Asset.objects.filter(site__in=sites).order_by("site_id", "kind").values_list("site_id", "kind")
    mixes = {pk: ",".join(kind for _, kind in rows) for pk, rows in groupby(kinds.iterator(), key=lambda row: row[0])}
    zones = sites.order_by("pk").values_list("time_zone", "pk")
    ordered = sorted(zones.iterator(), key=lambda row: (row[0], mixes.get(row[1], ""), row[1]))
    for _, rows in groupby(ordered, key=lambda row: row[0]):
        ids = [pk for _, pk in rows]
        yield from (ids[first : first + SITES_PER_CHUNK] for first in range(0, len(ids), SITES_PER_CHUNK))


def _fail_the_rest(job: Job) -> None:
    """Store why the sites of chunks that were given up have no plan."""
    run = PortfolioRun.objects.get(job=job)
    for part in Job.objects.filter(parent=job, status=Job.Status.FAILED).order_by("id"):
        known = PlannedSite.objects.filter(portfolio_run=run, site__in=part.input["sites"]).values("site")
        rest = Site.objects.filter(pk__in=part.input["sites"]).exclude(pk__in=known)
        failed = PlannedSite.objects.bulk_create(
            PlannedSite(portfolio_run=run, site=site, outcome=PlannedSite.Outcome.FAILED, reason=part.error)
            for site in rest
        )
        PortfolioRun.objects.filter(pk=run.pk).update(failed=F("failed") + len(failed))
