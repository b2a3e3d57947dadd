"""The doors of the portal: an organization's pages exist for its members only."""

from typing import Any, cast

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.views.generic import RedirectView, TemplateView, View
from django.views.generic.base import TemplateResponseMixin
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from flexplatform.accounts import audit, permissions
from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.models import Door, Membership, Organization, User
from flexplatform.accounts.requests import TenantRequest
from flexplatform.accounts.scoping import organization_scope
from flexplatform.registry import Panel, panels


class OrganizationMixin(LoginRequiredMixin, View):
    """Takes the organization from the address `/o/<organization>/...` and works inside its scope.

    An organization that does not exist and one that the user does not belong to give the same 404; a role without
    the view's `permission` gives 403. The response is rendered before the scope is left, so it must not stream.
    """

    permission: str
    tenant_request: TenantRequest

    @property
    def organization(self) -> Organization:
        """The organization of the address."""
        return self.tenant_request.organization

    @property
    def member(self) -> User:
        """The user, who is a member."""
        return self.tenant_request.membership.user

    def require(self, permission: str) -> None:
        """Refuse a role without this permission, for what only a part of the view needs.

        Raises:
            PermissionDenied: which the portal answers with 403.
        """
        if not self.tenant_request.membership.may(permission):
            raise PermissionDenied

    def sign_in(self, request: HttpRequest) -> HttpResponseBase:
        """Send the visitor to the login; a fragment sends the whole page there, not itself."""
        details = HtmxDetails(request)
        if not details:
            return self.handle_no_permission()
        return HttpResponseClientRedirect(
            f"{reverse('login')}?{urlencode({'next': details.current_url_abs_path or '/'})}"
        )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Enter the organization's scope, then handle the request."""
        if not request.user.is_authenticated:
            return self.sign_in(request)
        slug = kwargs.pop("organization")
        self.kwargs.pop("organization", None)
        own = Membership.objects.filter(user=request.user, is_active=True).select_related("organization", "user")
        others = Membership.objects.filter(user=OuterRef("user"), is_active=True).exclude(pk=OuterRef("pk"))
        membership = own.filter(organization__slug=slug).annotate(has_others=Exists(others)).first()
        if membership is None:
            raise Http404
        if not membership.may(self.permission):
            raise PermissionDenied
        self.tenant_request = cast("TenantRequest", request)
        self.tenant_request.organization = membership.organization
        self.tenant_request.membership = membership
        acting = audit.acting(membership.user, Door.PORTAL, client_ip(request))
        with organization_scope(membership.organization), acting:
            response = super().dispatch(request, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response


class FragmentMixin(TemplateResponseMixin):
    """Answers htmx with a part of the page: the same address and context, only `fragment_name` is rendered.

    The part asks again by itself (`hx-get`, `hx-trigger="every 2s"`) as long as it renders these attributes.
    """

    fragment_name: str

    def get_template_names(self) -> list[str]:
        """Return the part for htmx, else the page."""
        return [self.fragment_name] if HtmxDetails(self.request) else super().get_template_names()

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Answer, telling caches and the browser's history that part and page differ."""
        response = super().render_to_response(context, **kwargs)
        patch_vary_headers(response, ["HX-Request"])
        return response


class PanelView(OrganizationMixin, TemplateView):
    """A page made of the panels that apps registered for its `slot`."""

    slot: str

    def subject(self) -> Any:
        """Return what the page is about, as the panels expect it."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the panels with their contexts, and the files they need, each once."""
        subject, membership = self.subject(), self.tenant_request.membership
        own = [panel for panel in panels if panel.slot == self.slot]
        own = [panel for panel in own if not panel.permission or membership.may(panel.permission)]
        return super().get_context_data(
            **kwargs,
            subject=subject,
            panels=[self._shown(panel, subject) for panel in own],
            scripts=list(dict.fromkeys(script for panel in own for script in panel.scripts)),
            styles=list(dict.fromkeys(style for panel in own for style in panel.styles)),
        )

    def _shown(self, panel: Panel, subject: Any) -> dict[str, Any]:
        context = panel.context(self.tenant_request, subject)
        return {**context, "name": panel.name, "template": panel.template, "half": panel.half}


class Overview(PanelView):
    """The first page of an organization."""

    slot = "overview"
    template_name = "portal/overview.html"
    permission = permissions.VIEW_SITES

    def subject(self) -> Organization:
        """Return the organization."""
        return self.organization


class Favicon(RedirectView):
    """Sends browsers that ask for the icon by its customary name to the static file."""

    def get_redirect_url(self, *_args: Any, **_kwargs: Any) -> str:
        """Return the address of the icon."""
        return static("flexplatform/icon.svg")


class Home(LoginRequiredMixin, TemplateView):
    """Sends a member of one organization to it; shows the choice to the others."""

    template_name = "portal/home.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirect to the only organization, or list them."""
        found = Membership.objects.select_related("organization").filter(user=request.user.pk, is_active=True)
        memberships = list(found)
        if len(memberships) == 1:
            return redirect("overview", organization=memberships[0].organization.slug)
        return self.render_to_response({"memberships": memberships})
