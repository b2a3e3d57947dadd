"""Pages of dispatch: what devices are told, how far that got, and whether plans tell them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.portal.views import FragmentMixin, OrganizationMixin
from telemetry.models import PlanDispatch, Setpoint
from telemetry.services import cancel_setpoint, switch_plans

SWITCH = {"on": True, "off": False, "default": None}


class SetpointFilter(forms.Form):
    """Which set-points are shown."""

    name = forms.CharField(
        label=gettext_lazy("Site or device"),
        required=False,
        max_length=100,
        widget=forms.TextInput({"class": "form-control"}),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("all")), *Setpoint.State.choices],
        widget=forms.Select({"class": "form-select"}),
    )

    def applied(self, rows: "QuerySet[Setpoint]") -> "QuerySet[Setpoint]":
        """Return those that the form asks for; all where it is wrong."""
        asked = self.cleaned_data if self.is_valid() else {}
        if name := asked.get("name", "").replace("\0", ""):
            rows = rows.filter(Q(site__name__icontains=name) | Q(asset__name__icontains=name))
        return rows.filter(state=asked["state"]) if asked.get("state") else rows


class Setpoints(OrganizationMixin, FragmentMixin, ListView):
    """Set-points, newest first; the table brings itself up to date."""

    template_name = "telemetry/setpoints.html"
    fragment_name = "telemetry/setpoints_body.html"
    permission = permissions.VIEW_SETPOINTS
    context_object_name = "setpoints"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Setpoint]:
        """Return what the filter asks for."""
        self.form = SetpointFilter(self.request.GET)
        return self.form.applied(Setpoint.objects.select_related("site", "asset"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the set-points with their power of now, and the switch."""
        context = super().get_context_data(**kwargs)
        now, membership = timezone.now(), self.tenant_request.membership
        rows = [(each, each.steps.at(now), each.is_live(now)) for each in context["setpoints"]]
        switches = list(PlanDispatch.objects.select_related("site").order_by("site__name"))
        return {
            **context,
            "rows": rows,
            "form": self.form,
            "filtered": any(self.request.GET.get(name) for name in self.form.fields),
            "on": any(each.enabled for each in switches if each.site is None),
            "exceptions": [each for each in switches if each.site is not None],
            "may_send": membership.may(permissions.SEND_SETPOINTS),
            "may_switch": membership.may(permissions.SWITCH_DISPATCH),
        }


class SetpointCancel(OrganizationMixin):
    """Takes a set-point back."""

    permission = permissions.SEND_SETPOINTS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, setpoint: int) -> HttpResponse:
        """Cancel it, or say why that cannot be."""
        found = get_object_or_404(Setpoint.objects.select_related("asset"), pk=setpoint)
        try:
            cancel_setpoint(setpoint=found)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The set-point of %(device)s is cancelled.") % {"device": found.asset})
        return redirect("setpoints", self.organization.slug)


class DispatchSwitch(OrganizationMixin):
    """Lets plans tell devices what to do, or not: of all sites, or of one."""

    permission = permissions.SWITCH_DISPATCH
    http_method_names = ["post"]

    def post(self, request: HttpRequest, site: str = "") -> HttpResponse:
        """Switch it."""
        found = get_object_or_404(Site.objects.filter(organization=self.organization), slug=site) if site else None
        asked = request.POST.get("plans", "")
        if asked not in SWITCH:
            messages.error(request, f"plans is {asked[:20]!r}; allowed: {', '.join(SWITCH)}.")
        else:
            switch_plans(organization=self.organization, enabled=SWITCH[asked], site=found)
            messages.success(request, _("Saved."))
        return redirect("site", self.organization.slug, site) if site else redirect("setpoints", self.organization.slug)
