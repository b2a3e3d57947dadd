"""A site's forecasts: what is expected, as known now or then, and their import from a file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from assets.models import KINDS, Asset, Site
from flexplatform.accounts import permissions
from flexplatform.portal.charts import CHART_SCRIPTS
from flexplatform.portal.views import OrganizationMixin
from forecasting.charts import forecast_chart
from forecasting.columns import SITE
from forecasting.engine.grid import Grid
from forecasting.forms import ImportForm, LookForm, day_grid
from forecasting.models import ForecastRun
from forecasting.queries import newest_forecast, newest_runs
from forecasting.services import import_forecasts
from telemetry.models import Channel
from telemetry.quantities import Quantity, quantities_of


@dataclass(frozen=True)
class Look:
    """What is looked at: the channel (None: there is none), its local day, and as known when (None: now)."""

    channel: Channel | None
    grid: Grid
    known_at: datetime | None

    def as_asked(self, site: Site) -> dict[str, Any]:
        """Return what a form would have to ask for to get this."""
        day = self.grid.start.astimezone(site.zone).date()
        return {"channel": self.channel.pk if self.channel else None, "day": day, "known_at": self.known_at}


class SiteForecastsMixin(OrganizationMixin):
    """Finds the site of the address within the organization, and what is looked at."""

    permission = permissions.VIEW_FORECASTS

    def site(self) -> Site:
        """Return the site; one of another organization does not exist here."""
        sites = Site.objects.select_related("organization").filter(organization=self.organization)
        return get_object_or_404(sites, slug=self.kwargs["site"])

    def look(self, site: Site, form: LookForm, runs: dict[int, ForecastRun]) -> Look:
        """Return what the form asks for; the channel and day of the newest forecast where it does not say."""
        asked = form.cleaned_data if form.is_valid() else {}
        wanted: Channel | None = asked.get("channel")
        run = runs.get(wanted.pk) if wanted else next(iter(runs.values()), None)
        channel = run.channel if run else None
        if channel is not None:
            channel.site = site
        start = run.start if run else timezone.now()
        day = asked.get("day") or start.astimezone(site.zone).date()
        return Look(channel, day_grid(site, day), asked.get("known_at"))


class ForecastsPage(SiteForecastsMixin, TemplateView):
    """The channels of a site with their newest forecast, and the chart of one of them."""

    template_name = "forecasting/forecasts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the channels, the chosen one, and the form to look at another day or time."""
        site = self.site()
        form = LookForm(site, self.request.GET)
        known_at = form.cleaned_data.get("known_at") if form.is_valid() else None
        runs = newest_runs(site, known_at)
        look = self.look(site, form, runs)
        shown = {
            "site": site,
            "form": LookForm(site, initial=look.as_asked(site)) if form.is_valid() else form,
            "runs": sorted(runs.values(), key=lambda run: run.channel.label),
            "look": look,
            "may_import": self.tenant_request.membership.may(permissions.CHANGE_FORECASTS),
            "scripts": CHART_SCRIPTS,
        }
        return super().get_context_data(**{**kwargs, **shown})


class ForecastChart(SiteForecastsMixin):
    """The chart of a channel's forecast as JSON."""

    def get(self, request: HttpRequest, site: str) -> JsonResponse:
        """Answer what charts.js draws: each step from the newest forecast that was known."""
        found = self.site()
        form = LookForm(found, request.GET)
        known_at = form.cleaned_data.get("known_at") if form.is_valid() else None
        look = self.look(found, form, newest_runs(found, known_at))
        forecast = newest_forecast(look.channel, look.grid, look.known_at) if look.channel else None
        return JsonResponse(forecast_chart(look.channel, look.grid, forecast).as_json())


class ForecastImport(SiteForecastsMixin, TemplateView):
    """Shows what a file with forecasts would do; stores it when asked to and all of it is right."""

    template_name = "forecasting/import.html"
    permission = permissions.CHANGE_FORECASTS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form, and the columns that a file may have."""
        site = kwargs.pop("site_row", None) or self.site()
        form = kwargs.pop("form", None) or ImportForm(site)
        return super().get_context_data(**{**kwargs, "site": site, "form": form, "columns": _columns_of(site)})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Show what the file does, or store it."""
        site = self.site()
        form = ImportForm(site, request.POST, request.FILES)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(site_row=site, form=form), status=422)
        asked = form.cleaned_data
        result = import_forecasts(
            site=site,
            data=asked["text"],
            issued_at=asked["issued_at"],
            source=asked["source"],
            sign=asked["sign"],
            preview="import" not in request.POST,
        )
        if result.done and result.grid is not None:
            text = _("Imported: {number} forecasts of {steps} steps.")
            messages.success(request, text.format(number=len(result.columns), steps=result.grid.count))
            return redirect("forecasts", self.organization.slug, site.slug)
        context = self.get_context_data(site_row=site, form=form, result=result, asked=asked)
        return self.render_to_response(context, status=422 if result.wrong else 200)


def _columns_of(site: Site) -> list[tuple[str, Quantity]]:
    devices = Asset.objects.filter(site=site).order_by("name")
    found = [
        (f"{device.name}.{quantity.name}", quantity)
        for device in devices
        if device.kind in KINDS
        for quantity in quantities_of(device.kind)
    ]
    return [*found, *((f"{SITE}.{quantity.name}", quantity) for quantity in quantities_of(None))]
