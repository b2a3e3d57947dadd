"""Pages and data of sites."""

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from assets.models import Asset, Site
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin, PanelView


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

    def get(self, request: HttpRequest) -> JsonResponse:
        """Answer name, address in the portal, place and device kinds of each site."""
        kinds: dict[int, list[str]] = {}
        devices = Asset.objects.order_by("kind").values_list("site_id", "kind").distinct()
        for site_id, kind in devices:
            kinds.setdefault(site_id, []).append(kind)
        slug = self.organization.slug
        sites = [
            {
                "name": site.name,
                "url": reverse("site", args=[slug, site.slug]),
                "latitude": site.latitude,
                "longitude": site.longitude,
                "kinds": kinds.get(site.pk, []),
            }
            for site in Site.objects.order_by("name")
        ]
        return JsonResponse({"sites": sites})
