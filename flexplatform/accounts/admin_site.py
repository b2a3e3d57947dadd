"""The admin site: for those who configure an organization and for platform staff, every page inside a tenant scope."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from flexplatform.accounts import audit
from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.admin_access import admin_organizations, enter_organization
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import platform_scope


class FlexAdminSite(AdminSite):
    """Django's admin inside the scope of `request.admin_organizations`, with its user as the actor of every write."""

    site_header = "FlexPlatform administration"
    site_title = "FlexPlatform"
    index_title = "Configuration"

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is active, and platform staff or in a role that configures an organization."""
        user = request.user
        return bool(user.is_active and (user.is_superuser or admin_organizations(request)))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap `view` so that its queries and its template run in the scope of the organizations that it shows."""

        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                response = view(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response
            with (
                platform_scope(admin_organizations(request)),
                audit.acting(request.user, Door.ADMIN, client_ip(request)),
            ):
                response = view(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response

        scoped.__name__ = getattr(view, "__name__", "admin_view")
        return super().admin_view(scoped, cacheable)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return Django's addresses and the choice of an organization."""
        choose = path("organization/", self.admin_view(self.choose_organization), name="choose_organization")
        return [choose, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every admin page shows, such as whose rows it is about."""
        entered = admin_organizations(request) if request.user.is_authenticated else []
        return {**super().each_context(request), "admin_organizations": entered}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send strangers to the portal's one login, and refuse those who are signed in but may not enter."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send to the portal's page, so that there is one."""
        return redirect("password_change")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send to the portal's page, so that there is one."""
        return redirect("account")

    def choose_organization(self, request: HttpRequest) -> HttpResponse:
        """Let platform staff enter one organization, which is audited there."""
        if not request.user.is_superuser:
            raise PermissionDenied
        if request.method == "POST":
            slug = request.POST.get("organization", "").replace("\0", "")
            organization = Organization.objects.filter(slug=slug).first()
            if organization is not None:
                enter_organization(request=request, organization=organization)
                messages.success(request, f"You now act inside {organization}. This is recorded in its audit.")
                return redirect("admin:index")
            messages.error(request, "Organization: choose one of the list.")
        context = {**self.each_context(request), "title": "Choose an organization"}
        context["organizations"] = Organization.objects.all()
        return TemplateResponse(request, "admin/choose_organization.html", context)
