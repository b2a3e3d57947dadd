"""Admin pages of portfolios and sites: bulk edit, copy, tariffs of a site."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from assets.configuration.base import ConfiguredAdmin, PartInline
from assets.configuration.csv_pages import CsvAdmin
from assets.models import Portfolio, Site, SiteTariff, Tariff
from assets.services import change_sites, copy_site, switch_tariff
from flexplatform.accounts.admin_access import OrganizationFilter

LIMITS = ("import_limit_kw", "export_limit_kw")


class BulkForm(forms.Form):
    """What several sites get; what is left empty stays as it is."""

    portfolio = forms.ModelChoiceField(Portfolio.objects.none(), required=False, empty_label="as it is")
    import_limit_kw = forms.FloatField(required=False, min_value=0, help_text="kW; empty: as it is")
    no_import_limit = forms.BooleanField(required=False, help_text="Take the limit away")
    export_limit_kw = forms.FloatField(required=False, min_value=0, help_text="kW; empty: as it is")
    no_export_limit = forms.BooleanField(required=False, help_text="Take the limit away")
    congestion_point = forms.CharField(required=False, max_length=100, help_text="Empty: as it is")
    tariff = forms.ModelChoiceField(Tariff.objects.none(), required=False, empty_label="as it is")
    tariff_from = forms.DateField(required=False, help_text="First local day of the tariff, such as 2027-01-01")

    def __init__(self, organizations: list[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in (("portfolio", Portfolio), ("tariff", Tariff)):
            field = cast("forms.ModelChoiceField[Any]", self.fields[name])
            field.queryset = model.objects.filter(organization__in=organizations)

    def clean(self) -> dict[str, Any]:
        """Refuse a tariff without its first day, a limit that is set and taken away, and no change at all."""
        given = super().clean() or {}
        if given.get("tariff") and not given.get("tariff_from"):
            self.add_error("tariff_from", "A tariff needs its first local day.")
        for limit in LIMITS:
            if given.get(limit) is not None and given.get(f"no_{limit.removesuffix('_kw')}"):
                self.add_error(limit, f"{limit} is {given[limit]:g} and taken away; allowed: one of both.")
        if not self.errors and not (self.values or given.get("tariff")):
            raise ValidationError("Nothing is to be changed: fill in at least one field.")
        return given

    @property
    def values(self) -> dict[str, Any]:
        """The columns to set."""
        given = self.cleaned_data
        found = {name: given[name] for name in ("portfolio", "congestion_point") if given.get(name)}
        for limit in LIMITS:
            if given.get(f"no_{limit.removesuffix('_kw')}"):
                found[limit] = None
            elif given.get(limit) is not None:
                found[limit] = given[limit]
        return found


class CopyForm(forms.Form):
    """What is different in the copy of a site."""

    name = forms.CharField(max_length=200)
    address = forms.CharField(max_length=300, required=False)
    external_id = forms.CharField(max_length=100, required=False, help_text="The new site's name in another system")
    latitude = forms.FloatField(help_text="Degrees north, WGS 84")
    longitude = forms.FloatField(help_text="Degrees east, WGS 84")


class SiteTariffInline(PartInline):
    """Which tariff the site has when."""

    model = SiteTariff
    autocomplete_fields = ("tariff",)


class PortfolioAdmin(ConfiguredAdmin):
    """Groups of sites."""

    list_display = ("name", "organization", "time_zone")
    list_select_related = ("organization",)
    search_fields = ("name",)


class SiteAdmin(CsvAdmin):
    """Places with a grid connection."""

    csv_table = "site"
    list_display = ("name", "portfolio", "address", "import_limit_kw", "export_limit_kw", "congestion_point")
    list_filter = (OrganizationFilter, "portfolio", "congestion_point", "time_zone")
    list_select_related = ("portfolio", "organization")
    search_fields = ("name", "address", "external_id", "grid_node", "congestion_point")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (SiteTariffInline,)
    actions = ["export_selected", "edit_selected"]
    change_form_template = "admin/assets/site_change_form.html"
    fieldsets = (
        (None, {"fields": ("organization", "portfolio", "name", "slug", "external_id", "time_zone", "country")}),
        ("Place", {"fields": ("address", "latitude", "longitude")}),
        ("Grid", {"fields": ("import_limit_kw", "export_limit_kw", "grid_node", "congestion_point")}),
    )

    def get_urls(self) -> list[URLPattern]:
        """Return the other addresses and that of the copy."""
        copy = path("<int:site>/copy/", self.admin_site.admin_view(self.copy_view), name="assets_site_copy")
        return [copy, *super().get_urls()]

    def csv_rows(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sites with their portfolios."""
        return queryset.select_related("portfolio")

    @admin.action(description="Edit selected sites")
    def edit_selected(self, request: HttpRequest, queryset: QuerySet[Site]) -> HttpResponse | None:
        """Give the selected sites the same limits, portfolio, congestion point or tariff."""
        sites = list(queryset.select_related("organization"))
        organizations = list({site.organization_id for site in sites})
        form = BulkForm(organizations, request.POST if "apply" in request.POST else None)
        if "apply" in request.POST and form.is_valid():
            try:
                self._apply(sites, form)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                self.message_user(request, f"{len(sites)} sites were changed.")
                return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"Edit {len(sites)} sites",
            "opts": self.model._meta,
            "form": form,
            "sites": sites,
        }
        return TemplateResponse(request, "admin/assets/edit_sites.html", context)

    def copy_view(self, request: HttpRequest, site: int) -> HttpResponse:
        """Ask what is different, then copy the site with its devices and tariffs."""
        original = self.get_object(request, str(site))
        if original is None or not self.has_change_permission(request, original):
            raise PermissionDenied
        initial = {"latitude": original.latitude, "longitude": original.longitude, "address": original.address}
        form = CopyForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                made = copy_site(site=original, values=form.cleaned_data)
            except ValidationError as error:
                named = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
                for name, found in named.items():
                    form.add_error(name if name in form.fields else None, found)
            else:
                self.message_user(request, f"{made} was made like {original}.", messages.SUCCESS)
                return redirect("admin:assets_site_change", made.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Copy {original}",
            "opts": self.model._meta,
            "form": form,
            "original": original,
        }
        return TemplateResponse(request, "admin/assets/copy_site.html", context)

    @transaction.atomic
    def _apply(self, sites: list[Site], form: BulkForm) -> None:
        if form.values:
            change_sites(sites=sites, values=form.values)
        if tariff := form.cleaned_data.get("tariff"):
            for site in sites:
                try:
                    switch_tariff(site=site, tariff=tariff, valid_from=form.cleaned_data["tariff_from"])
                except ValidationError as error:
                    raise ValidationError([f"{site}: {message}" for message in error.messages]) from error
