"""Pages and data of sites and tariffs."""

from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import get_object_or_404
from django.views.generic import ListView, TemplateView

from assets.engine.errors import TariffError
from assets.forms import PriceDayForm
from assets.map_data import map_data
from assets.models import KINDS, Asset, Site, SiteTariff, Tariff
from assets.panels import portfolios
from assets.states import NO_PLAN, states, states_of
from assets.tariff_days import components, tariff_day
from flexplatform.accounts import permissions
from flexplatform.accounts.models import Organization
from flexplatform.portal.charts import CHART_SCRIPTS
from flexplatform.portal.views import OrganizationMixin, PanelView

SITES_PER_PAGE = 50


class SitePage(PanelView):
    """One site with the panels that apps add to it."""

    slot = "site"
    template_name = "assets/site.html"
    permission = permissions.VIEW_SITES

    def subject(self) -> Site:
        """Return the site of the address within the organization."""
        sites = Site.objects.select_related("portfolio").filter(organization=self.organization)
        return get_object_or_404(sites, slug=self.kwargs["site"])

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Return the page with its site."""
        context = super().get_context_data(**kwargs)
        return {**context, "site": context["subject"]}


class SiteMap(OrganizationMixin):
    """The sites of the organization for the map, as JSON."""

    permission = permissions.VIEW_SITES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer the columns, packed for browsers that take it: the more sites, the more alike they are."""
        answer = JsonResponse(map_data(self.organization))
        return cast("HttpResponse", GZipMiddleware(lambda _request: answer).process_response(request, answer))


class MapPage(PanelView):
    """Every site and device on a map, with filters and a panel for the chosen site."""

    slot = "map"
    template_name = "assets/map.html"
    permission = permissions.VIEW_SITES

    def subject(self) -> Organization:
        """Return the organization."""
        return self.organization

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Return what can be filtered by."""
        found: dict[str, object] = {
            "kinds": [(kind, model.LABEL) for kind, model in KINDS.items()],
            "states": list(states),
            "portfolios": portfolios(self.organization),
        }
        return {**super().get_context_data(**kwargs), **found}


class MapSite(SitePage):
    """What the map shows beside it of the chosen site."""

    slot = "map_site"
    template_name = "assets/map_site.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Return the site with its state and the kinds of its devices."""
        context = super().get_context_data(**kwargs)
        site = cast("Site", context["site"])
        kinds = Asset.objects.filter(site=site).order_by("kind").values_list("kind", flat=True).distinct()
        return {**context, "state": states_of(self.organization, site).get(site.pk, NO_PLAN), "kinds": list(kinds)}


class TariffMixin(OrganizationMixin):
    """Finds tariffs of the organization."""

    permission = permissions.VIEW_TARIFFS

    def tariffs(self) -> QuerySet[Tariff]:
        """Return the organization's tariffs."""
        return Tariff.objects.filter(organization=self.organization)

    def tariff(self) -> Tariff:
        """Return the tariff of the address; one of another organization does not exist here."""
        rows = self.tariffs().select_related("price_series").prefetch_related("periods")
        return get_object_or_404(rows, pk=self.kwargs["tariff"])

    def day_form(self, tariff: Tariff) -> PriceDayForm:
        """Return which day is asked for, in a time zone of the tariff's sites or of the organization."""
        used = Site.objects.filter(tariffs__tariff=tariff).order_by("time_zone").values_list("time_zone", flat=True)
        zones = dict.fromkeys([self.organization.time_zone, *used.distinct()])
        return PriceDayForm(self.request.GET.dict(), zones=list(zones))


class TariffList(TariffMixin, ListView):
    """Every tariff by name."""

    template_name = "assets/tariffs.html"
    context_object_name = "tariffs"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Tariff]:
        """Return the tariffs with how many sites have or had each."""
        rows = self.tariffs().select_related("price_series").order_by("name")
        return rows.annotate(site_count=Count("sites__site", distinct=True))


class TariffPage(TariffMixin, TemplateView):
    """What a tariff is made of, what it costs on one day, and which sites have it."""

    template_name = "assets/tariff.html"
    scripts = CHART_SCRIPTS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the tariff, the chosen day with its prices or why there are none, and a page of sites."""
        tariff = self.tariff()
        form = self.day_form(tariff)
        day, zone = form.chosen
        found: dict[str, Any] = {"tariff": tariff, "form": form, "day": day, "zone": zone.key, "scripts": self.scripts}
        found["components"] = list(components(tariff))
        try:
            found["prices"] = tariff_day(tariff, day, zone)
        except TariffError as error:
            found["no_prices"] = str(error)
        held = SiteTariff.objects.filter(tariff=tariff).select_related("site").order_by("site__name", "valid_from")
        found["assignments"] = Paginator(held, SITES_PER_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(**{**kwargs, **found})


class TariffCharts(TariffMixin):
    """The chart of a tariff's price on one day as JSON."""

    def get(self, _request: HttpRequest, tariff: int) -> JsonResponse:
        """Answer what charts.js draws; no chart for a day without prices."""
        found = self.tariff()
        try:
            return JsonResponse(tariff_day(found, *self.day_form(found).chosen).chart().as_json())
        except TariffError:
            return JsonResponse({"charts": []})
