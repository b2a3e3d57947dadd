"""The page that starts a run: of a site, of a portfolio, or of all sites."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import new_key
from flexplatform.portal.views import OrganizationMixin
from optimization.engine import ProblemError
from optimization.engine.horizon import Horizon
from optimization.forms import StartForm
from optimization.portfolio_runs import request_portfolio_run
from optimization.services import request_schedule

MOST_SUGGESTED = 200


class StartRun(OrganizationMixin, TemplateView):
    """Asks what to plan, when and how; sending the same form twice gives the same run."""

    permission = permissions.RUN_SCHEDULES
    template_name = "optimization/start.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form; `?site=` and `?portfolio=` fill it in."""
        zone = ZoneInfo(self.organization.time_zone)
        asked = self.request.GET
        begin = {
            "day": timezone.now().astimezone(zone).date() + timedelta(days=1),
            "key": new_key(),
            "site": asked.get("site", ""),
            "portfolio": asked.get("portfolio", ""),
        }
        form = kwargs.pop("form", None) or StartForm(self.organization, initial=begin)
        sites = Site.objects.filter(organization=self.organization).order_by("name").values_list("name", flat=True)
        return super().get_context_data(**{**kwargs, "form": form, "sites": sites[:MOST_SUGGESTED], "zone": zone.key})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Make the run and show it; a form that cannot be read is shown again with what was typed."""
        with timezone.override(ZoneInfo(self.organization.time_zone)):
            form = StartForm(self.organization, request.POST)
            answer = self._started(form) if form.is_valid() else None
            if answer is None:
                answer = TemplateResponse(
                    request, self.template_name, self.get_context_data(form=form), status=422
                ).render()
        return answer

    def _started(self, form: StartForm) -> HttpResponseBase | None:
        asked, site = form.cleaned_data, form.cleaned_data["site"]
        how = {"solver": asked["solver"], "gap": form.gap, "time_limit": asked["time_limit"], "options": form.options}
        key, when = asked["key"], form.when
        try:
            if site is not None:
                horizon = Horizon.market_day(when, site.zone) if isinstance(when, date) else when
                job = request_schedule(site=site, horizon=horizon, idempotency_key=key, **how)
                return redirect("job", self.organization.slug, job.pk)
            run = request_portfolio_run(
                organization=self.organization, when=when, portfolio=asked["portfolio"], idempotency_key=key, **how
            )
            return redirect("portfolio_run", self.organization.slug, run.pk)
        except ProblemError as error:
            name = error.field.removeprefix("options.").removeprefix("objective.")
            form.add_error(name if name in form.fields else None, str(error))
        except JobConflictError:
            form.with_key(new_key())
            form.add_error(None, _("This form was sent before with other values. Send it again to start another run."))
        return None
