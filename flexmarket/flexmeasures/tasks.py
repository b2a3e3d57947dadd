"""What workers do for FlexMeasures, what the clock asks them to, and the push that follows a new plan."""

import logging
import time
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django_scopes import scopes_disabled

from assets.models import Site
from flexmarket.flexmeasures.adapter import Adapter
from flexmarket.flexmeasures.addresses import AddressRefusedError, checked_server
from flexmarket.flexmeasures.errors import UnreachableError
from flexmarket.flexmeasures.pushing import SitePush
from flexmarket.flexmeasures.queries import with_news
from flexmarket.flexmeasures.services import account_of, note_failure, note_success, request_push, server_of
from flexmarket.models import FlexMeasuresLink, FlexMeasuresServer
from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.celery import app
from flexplatform.jobs.errors import JobError, JobUnfinishedError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Result
from flexplatform.jobs.work import Work
from optimization.models import ScheduleRun

log = logging.getLogger(__name__)
CLOCK = "clock"
MINUTES = 15
# After this the rest of the sites waits for another turn, so that nobody waits for long behind many sites.
SECONDS_PER_TURN = 10.0


def push(work: Work) -> Result:
    """Do a job of kind `flexmeasures_push`; doing it again after a lost worker posts nothing twice."""
    try:
        server = server_of(work.organization)
    except ValidationError as error:
        raise JobError(" ".join(error.messages)) from error
    try:
        with adapter_of(work, server) as adapter:
            _push_sites(work, adapter)
    except UnreachableError as error:
        with work.writing():
            note_failure(server, str(error))
        raise JobError(f"{server.url}: {error}") from error
    return _concluded(work, server)


def adapter_of(work: Work, server: FlexMeasuresServer) -> Adapter:
    """Return a client of the server that tells the job's watcher why it waits.

    Raises:
        UnreachableError: for an address that must not be asked any more, or without a secret.
    """
    try:
        checked = checked_server(server.url)
    except AddressRefusedError as error:
        raise UnreachableError(str(error)) from error
    return Adapter(checked, account_of(server), told=lambda text: work.report(0.5, text))


def _push_sites(work: Work, adapter: Adapter) -> None:
    """Push the sites that this job did not try yet, as far as one turn goes."""
    turn_ends = time.monotonic() + SECONDS_PER_TURN
    sites = asked_for(work)
    tried = FlexMeasuresLink.objects.filter(asset=None, tried_at__gte=work.job.created_at)
    left = sites.exclude(pk__in=tried.values("site"))
    count, waiting = sites.count(), list(left.values_list("pk", flat=True))
    for number, pk in enumerate(waiting, count - len(waiting)):
        site = Site.objects.select_related("organization").filter(pk=pk).first()
        if site is None:
            continue
        work.report(number / count, f"Pushing {site.name}")
        SitePush(adapter, site, work.writing).run()
        if time.monotonic() > turn_ends and pk != waiting[-1]:
            raise JobUnfinishedError


def asked_for(work: Work) -> "QuerySet[Site]":
    """Return the sites that the job is about; those with news are those that had some when it was asked for."""
    asked = work.input
    sites = Site.objects.filter(organization=work.organization)
    if asked["site"] is not None:
        return sites.filter(pk=asked["site"]).order_by("pk")
    if not asked["news_only"]:
        return sites.order_by("pk")
    tried = FlexMeasuresLink.objects.filter(asset=None, tried_at__gte=work.job.created_at).values("site")
    news = with_news(work.organization, timezone.now()).values("pk")
    return sites.filter(Q(pk__in=news) | Q(pk__in=tried)).order_by("pk")


def _concluded(work: Work, server: FlexMeasuresServer) -> Result:
    """Return how many sites are up to date now.

    Raises:
        JobError: where a site or device is not; with the first reason.
    """
    links = FlexMeasuresLink.objects.filter(tried_at__gte=work.job.created_at).select_related("site", "asset")
    failed = links.exclude(error="")
    first = failed.first()
    if first is None:
        with work.writing():
            note_success(server)
        return {"sites": links.filter(asset=None).count()}
    text = f"{failed.count()} of {links.count()} sites and devices could not be pushed. {first}: {first.error}"
    with work.writing():
        note_failure(server, text)
    raise JobError(text)


def page(job: Job) -> str:
    """Return the page that shows what is reflected."""
    return reverse("flexmeasures", args=[job.organization.slug])


def push_after_planning(_work: Work, result: dict[str, Any]) -> dict[str, Any]:
    """Ask for a push of the site that was just planned, where the organization is reflected; one query otherwise."""
    run = ScheduleRun.objects.select_related("site__organization").filter(
        pk=result["run"], organization__in=FlexMeasuresServer.objects.filter(enabled=True).values("organization")
    )
    for each in run:
        request_push(organization=each.site.organization, site=each.site, idempotency_key=f"run {each.pk}")
    return {}


@app.task(name="flexmarket.push_to_flexmeasures", expires=MINUTES * 60)
def push_to_flexmeasures() -> None:
    """Ask for a push of every organization that is reflected and has news; twice in a quarter-hour asks once."""
    now = timezone.now()
    with scopes_disabled():
        wanted = FlexMeasuresServer.objects.filter(enabled=True).values("organization")
        organizations = list(Organization.objects.filter(pk__in=wanted).order_by("pk"))
    for organization in organizations:
        with organization_scope(organization), audit.acting(CLOCK, Door.TASK):
            if with_news(organization, now).exists():
                request_push(organization=organization, news_only=True, idempotency_key=_quarter(now))
    log.info("%d organizations are reflected in FlexMeasures.", len(organizations))


def _quarter(now: datetime) -> str:
    return f"{CLOCK} {now:%Y-%m-%d %H}:{now.minute // MINUTES * MINUTES:02}"
