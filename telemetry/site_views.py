"""Import of a site's readings from a file."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from assets.models import KINDS, Asset, Site
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin
from telemetry.engine.topics import SITE
from telemetry.forms import ImportForm
from telemetry.quantities import Quantity, quantities_of
from telemetry.services.imports import import_readings


class ReadingImportPage(OrganizationMixin, TemplateView):
    """Shows what a file with readings would do; stores it when asked to and all of it is right."""

    template_name = "telemetry/import.html"
    permission = permissions.CHANGE_TELEMETRY

    def site(self) -> Site:
        """Return the site; one of another organization does not exist here."""
        sites = Site.objects.select_related("organization").filter(organization=self.organization)
        return get_object_or_404(sites, slug=self.kwargs["site"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form, and the columns that a file may have."""
        site = kwargs.pop("site_row", None) or self.site()
        form = kwargs.pop("form", None) or ImportForm()
        return super().get_context_data(**{**kwargs, "site": site, "form": form, "columns": _columns_of(site)})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Show what the file does, or store it."""
        site = self.site()
        form = ImportForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(site_row=site, form=form), status=422)
        asked = form.cleaned_data
        preview = "import" not in request.POST
        result = import_readings(site=site, data=asked["text"], sign=asked["sign"], preview=preview)
        if result.done:
            said = _("Imported: %(new)d new readings; %(known)d were known.")
            messages.success(request, said % {"new": result.stored.new, "known": result.stored.known})
            return redirect("telemetry", self.organization.slug)
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
