"""The page of FlexMeasures: where the organization is reflected, how that went, and every site and device of it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView

from flexmarket.flexmeasures import services
from flexmarket.flexmeasures.forms import ServerForm
from flexmarket.models import FlexMeasuresLink, FlexMeasuresServer
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin


class FlexMeasuresPage(OrganizationMixin, ListView):
    """The server, and what is linked; what failed comes first."""

    template_name = "flexmarket/flexmeasures.html"
    permission = permissions.VIEW_SCHEDULES
    paginate_by = 100

    def get_queryset(self) -> "QuerySet[FlexMeasuresLink]":
        """Return the links of the organization."""
        found = FlexMeasuresLink.objects.filter(organization=self.organization).select_related("site", "asset")
        until = found.annotate(until=Max("sensors__pushed_until"))
        return until.order_by("-error", "site__name", "site", "-kind", "asset__name", "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the server, and a form for those who may change it."""
        membership = self.tenant_request.membership
        server = FlexMeasuresServer.objects.filter(organization=self.organization).first()
        shown: dict[str, Any] = {
            "server": server,
            "may_manage": membership.may(permissions.MANAGE_PROVIDERS),
            "may_push": membership.may(permissions.RUN_SCHEDULES),
        }
        if shown["may_manage"]:
            shown["form"] = ServerForm(initial={"url": server.url, "email": server.email} if server else None)
        return super().get_context_data(**{**shown, **kwargs})


class _Managed(FlexMeasuresPage):
    """A change of the server; what is wrong is shown on the page."""

    permission = permissions.MANAGE_PROVIDERS
    http_method_names = ["post"]

    def done(self) -> HttpResponse:
        """Go back to the page."""
        messages.success(self.request, _("Saved."))
        return redirect("flexmeasures", self.organization.slug)

    def wrong(self, form: ServerForm) -> HttpResponse:
        """Show what is wrong; the secret itself is not repeated."""
        self.object_list = self.get_queryset()
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SetServer(_Managed):
    """Stores where the organization is reflected."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Store it, or show what is wrong."""
        form = ServerForm(request.POST)
        if not form.is_valid():
            return self.wrong(form)
        values = {"url": form.cleaned_data["url"], "email": form.cleaned_data["email"]}
        try:
            services.set_server(organization=self.organization, values=values, secret=form.cleaned_data["secret"])
        except ValidationError as error:
            form.take(error)
            return self.wrong(form)
        return self.done()


class Switch(_Managed):
    """Keeps the server up to date by the clock, or no more."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Switch it."""
        try:
            services.switch(organization=self.organization, enabled=request.POST.get("enabled") == "on")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("flexmeasures", self.organization.slug)
        return self.done()


class ForgetServer(_Managed):
    """Forgets the server, its secret and all ids."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Forget it; what was posted stays there."""
        services.forget_server(organization=self.organization)
        return self.done()


class PushNow(OrganizationMixin):
    """Pushes all sites now."""

    permission = permissions.RUN_SCHEDULES
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Go to the job that pushes, or say why there is none."""
        try:
            job = services.request_push(organization=self.organization)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("flexmeasures", self.organization.slug)
        return redirect("job", self.organization.slug, job.pk)
