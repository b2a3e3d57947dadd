"""The page of rolling operation: who renews plans how often, what the last look at each plan brought, and the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from assets.models import Site
from flexmarket.models import RollingOperation
from flexmarket.trading.products import switch_rolling
from flexmarket.trading.rolling import DEVIATION, INTERVAL, REPLAN_SITE, Why, next_look, running_plans
from flexplatform.accounts import permissions
from flexplatform.jobs.models import Job
from flexplatform.portal.views import OrganizationMixin
from optimization.models import ScheduleRun

SITES_PER_PAGE = 25
REASONS = {INTERVAL: gettext_lazy("The interval was over"), DEVIATION: gettext_lazy("A state of charge was off")}


@dataclass(frozen=True)
class SiteLook:
    """A site, the rule that holds for it, its plan of now, the last look at its plans, and when the next one is."""

    site: Site
    rule: RollingOperation | None
    run: ScheduleRun | None
    job: Job | None
    next_at: datetime | None

    @property
    def is_renewed(self) -> bool:
        """Whether its plans are renewed."""
        return self.rule is not None and self.rule.enabled

    @property
    def reason(self) -> Any:
        """Why there was a look."""
        return REASONS.get(self.job.input.get("reason"), self.job.input.get("reason")) if self.job else ""

    @property
    def outcome(self) -> Any:
        """What the look brought."""
        if self.job is None:
            return ""
        why = self.job.result.get("why", "")
        return Why(why).label if why in Why.values else self.job.error or self.job.get_status_display()


class RollingList(OrganizationMixin, TemplateView):
    """The rules, and a page of sites with their last and next look."""

    permission = permissions.VIEW_SCHEDULES
    template_name = "flexmarket/rolling.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return rules and sites; a fixed number of queries."""
        rules = RollingOperation.objects.filter(organization=self.organization).select_related("site")
        rows = list(rules.order_by(F("site__name").asc(nulls_first=True)))
        sites = Site.objects.filter(organization=self.organization).order_by("name", "pk")
        page = Paginator(sites, SITES_PER_PAGE).get_page(self.request.GET.get("page"))
        shown = {
            "rules": rows,
            "page": page,
            "looks": looks_of(list(page), {rule.site_id: rule for rule in rows}),
            "may_change": self.tenant_request.membership.may(permissions.SWITCH_DISPATCH),
        }
        return super().get_context_data(**{**kwargs, **shown})


class SwitchRolling(OrganizationMixin):
    """Pauses or resumes the renewal of a site's plans."""

    permission = permissions.SWITCH_DISPATCH
    http_method_names = ["post"]

    def post(self, request: HttpRequest, site: str) -> HttpResponseBase:
        """Switch it and show the list."""
        found = get_object_or_404(Site.objects.filter(organization=self.organization), slug=site)
        enabled = request.POST.get("enabled") == "on"
        try:
            switch_rolling(site=found, enabled=enabled)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            said = _("Plans of %(site)s are renewed.") if enabled else _("Plans of %(site)s stay as they are.")
            messages.success(request, said % {"site": found.name})
        return redirect("rolling", self.organization.slug)


def looks_of(sites: Sequence[Site], rules: Mapping[int | None, RollingOperation]) -> list[SiteLook]:
    """Return what is known about the looks at plans of sites; three queries."""
    now = timezone.now()
    running = {run.site_id: run for run in running_plans(Site.objects.filter(pk__in=[each.pk for each in sites]), now)}
    jobs = _last_jobs(list(running.values()))
    found = []
    for site in sites:
        rule, run = rules.get(site.pk, rules.get(None)), running.get(site.pk)
        next_at = next_look(run, rule, now) if run and rule and rule.enabled else None
        found.append(SiteLook(site, rule, run, jobs.get(site.pk), next_at))
    return found


def _last_jobs(running: Sequence[ScheduleRun]) -> dict[int, Job]:
    """Return the newest look at a plan of the same time of each site."""
    starts = {(run.site_id, run.start) for run in running}
    rows = ScheduleRun.objects.filter(
        site__in={site for site, _ in starts}, start__in={start for _, start in starts}
    ).values_list("pk", "site_id", "start")
    owner = {pk: site for pk, site, start in rows if (site, start) in starts}
    jobs = Job.objects.filter(kind=REPLAN_SITE, input__run__in=list(owner)).order_by("pk")
    return {owner[job.input["run"]]: job for job in jobs}
