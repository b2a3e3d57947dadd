"""What schedules show on pages of the portal."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest
from flexplatform.jobs.models import new_key
from optimization.models import ScheduleRun
from optimization.origins import origins_of
from optimization.queries import current_runs, latest_runs, run_of_day

SITES_PER_PAGE = 25
RUNS_SHOWN = 7


@dataclass(frozen=True)
class MissedWish:
    """A wish that a plan does not hold: whose, its first and last step in local time, the sum of the amounts."""

    device: str
    wish: str
    first: datetime
    last: datetime
    amount: float
    unit: str


def sites(request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return a page of the sites with their newest runs, and the day to plan next."""
    found = Site.objects.filter(organization=organization).order_by("name")
    page = Paginator(found, SITES_PER_PAGE).get_page(request.GET.get("page"))
    runs = latest_runs(Site.objects.filter(pk__in=[each.pk for each in page]))
    return {
        "page": page,
        "rows": [_row(each, runs.get(each.pk)) for each in page],
        "may_plan": request.membership.may(permissions.RUN_SCHEDULES),
        "day_to_plan": timezone.now().astimezone(ZoneInfo(organization.time_zone)).date() + timedelta(days=1),
        "key": new_key(),
    }


def _row(each: Site, run: ScheduleRun | None) -> dict[str, Any]:
    return {"site": each, "run": run, "day": run and date.fromisoformat(run.local_day)}


def site(request: TenantRequest, subject: Site) -> dict[str, Any]:
    """Return the run of the day in `?day=`, or the newest one, and its neighbours."""
    run = selected_run(request, subject)
    wanted_day = request.GET.get("day", "")
    wanted = {
        "wanted_day": wanted_day,
        "may_plan": request.membership.may(permissions.RUN_SCHEDULES),
        "key": new_key(),
    }
    if run is None:
        return {**wanted, "day_to_plan": _day_to_plan(wanted_day, subject)}
    others = current_runs(subject).select_related("site")
    history = list(others[:RUNS_SHOWN])
    return {
        **wanted,
        **_figures(run),
        "run": run,
        "origins": origins_of(run),
        "history": history,
        "earlier": others.filter(start__lt=run.start).first(),
        "later": others.filter(start__gt=run.start).last(),
    }


def selected_run(request: TenantRequest, subject: Site) -> ScheduleRun | None:
    """Return the run that the site's page shows, also for panels of the floors above."""
    wanted = request.GET.get("day", "")
    try:
        run = run_of_day(subject, date.fromisoformat(wanted) if wanted else None)
    except (ValueError, OverflowError):
        return None
    if run is not None:
        run.site = subject
    return run


def _day_to_plan(wanted: str, subject: Site) -> date:
    """Return the wanted day, or the site's coming one where that is none."""
    try:
        return date.fromisoformat(wanted)
    except ValueError:
        return timezone.now().astimezone(subject.zone).date() + timedelta(days=1)


def _figures(run: ScheduleRun) -> dict[str, Any]:
    return {
        "day": date.fromisoformat(run.local_day),
        "missed": _missed_wishes(run),
        "gap_percent": 100 * run.gap,
        "step_minutes": run.step_seconds // 60,
        "created": run.created_at.astimezone(run.site.zone),
    }


def _missed_wishes(run: ScheduleRun) -> list[MissedWish]:
    groups: dict[tuple[str, str, str], list[tuple[datetime, float]]] = {}
    for item in run.unmet:
        moment = datetime.fromisoformat(item["start"]).astimezone(run.site.zone)
        groups.setdefault((item["device"], item["wish"], item["unit"]), []).append((moment, item["amount"]))
    return [
        MissedWish(device, wish, min(missed)[0], max(missed)[0], sum(amount for _, amount in missed), unit)
        for (device, wish, unit), missed in groups.items()
    ]
