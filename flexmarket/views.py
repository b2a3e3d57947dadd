"""Offers as data for charts and as the files that markets take, and their quantification by a chosen method."""

from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from flexmarket.charts import offer_charts
from flexmarket.engine.exporters import EXPORTERS, export
from flexmarket.engine.methods import METHODS
from flexmarket.live import JobOnPageMixin
from flexmarket.quantifying import newest_job, request_quantified
from flexmarket.queries import DEFAULT_METHOD, known_method, tables_of
from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from optimization.models import ScheduleRun
from optimization.views import RunMixin

LONGEST_KEY = 100


class OfferCharts(RunMixin):
    """The charts of a run's offers as JSON."""

    permission = permissions.VIEW_OFFERS

    def get(self, request: HttpRequest, run: int) -> JsonResponse:
        """Answer what charts.js draws, by the method in `?method=`."""
        found, method = self.run(run), known_method(request.GET.get("method", ""))
        return JsonResponse(offer_charts(found, tables_of(found, method).values()).as_json())


class OfferExport(RunMixin):
    """A market's files of a run, one per device, in one ZIP archive."""

    permission = permissions.EXPORT_OFFERS

    def get(self, request: HttpRequest, run: int, market: str) -> HttpResponse:
        """Answer the archive; 404 for a market or a method that is not known, and for a run without offers."""
        method = request.GET.get("method", DEFAULT_METHOD)
        known = market in EXPORTERS and method in METHODS
        archive = archive_of(self.run(run), market, method) if known else None
        if archive is None:
            raise Http404
        return archive


class QuantifyRun(JobOnPageMixin, RunMixin, TemplateView):
    """A part of the site's page: how far the job is that quantifies a run by a method; asks for one by POST."""

    permission = permissions.VIEW_OFFERS
    template_name = "flexmarket/quantify_job.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the newest job of the run and method."""
        run, method = self.run(self.kwargs["run"]), known_method(self.request.GET.get("method", ""))
        return super().get_context_data(**{**kwargs, "run": run, "method": method, "job": newest_job(run, method)})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Start the job and show the site; where one is under way already, that one is shown."""
        self.require(permissions.RUN_SCHEDULES)
        run, method = self.run(self.kwargs["run"]), request.POST.get("method", "")
        known = newest_job(run, method)
        try:
            if known is None or known.finished:
                key = request.POST.get("key", "")[:LONGEST_KEY]
                request_quantified(run=run, method=method, idempotency_key=key)
        except (ValidationError, JobConflictError) as error:
            text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            messages.error(request, _("Nothing was quantified: {reason}").format(reason=text))
        address = reverse("site", args=[self.organization.slug, run.site.slug])
        return redirect(f"{address}?day={run.local_day}&method={known_method(method)}#offers")


def archive_of(run: ScheduleRun, market: str, method: str = DEFAULT_METHOD) -> HttpResponse | None:
    """Return a market's files of a run as a ZIP archive to download; None for a run without offers by the method."""
    tables = tables_of(run, method)
    if not tables:
        return None
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for name, content in export(market, tables, run.horizon, run.site.zone).items():
            file.writestr(name, content)
    name = f"{run.site.slug}_{run.local_day}_{market}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(archive.getvalue(), content_type="application/zip", headers=headers)
