"""Offers as data for charts and as the files that markets take."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from flexmarket.charts import offer_charts
from flexmarket.engine.exporters import EXPORTERS, export
from flexmarket.queries import tables_of
from flexplatform.accounts import permissions
from optimization.models import ScheduleRun
from optimization.views import RunMixin


class OfferCharts(RunMixin):
    """The charts of a run's offers as JSON."""

    permission = permissions.VIEW_OFFERS

    def get(self, _request: HttpRequest, run: int) -> JsonResponse:
        """Answer what charts.js draws."""
        found = self.run(run)
        return JsonResponse(offer_charts(found, tables_of(found).values()).as_json())


class OfferExport(RunMixin):
    """A market's files of a run, one per device, in one ZIP archive."""

    permission = permissions.EXPORT_OFFERS

    def get(self, _request: HttpRequest, run: int, market: str) -> HttpResponse:
        """Answer the archive; 404 for a market that is not known and for a run without offers."""
        archive = archive_of(self.run(run), market) if market in EXPORTERS else None
        if archive is None:
            raise Http404
        return archive


def archive_of(run: ScheduleRun, market: str) -> HttpResponse | None:
    """Return a market's files of a run as a ZIP archive to download; None for a run without offers."""
    tables = tables_of(run)
    if not tables:
        return None
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for name, content in export(market, tables, run.horizon, run.site.zone).items():
            file.writestr(name, content)
    name = f"{run.site.slug}_{run.local_day}_{market}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(archive.getvalue(), content_type="application/zip", headers=headers)
