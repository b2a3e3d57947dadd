"""What devices announced of themselves: accepted as a mapping, or refused."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView

from assets.models import Asset
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin
from telemetry.engine.mapping import CONSUMPTION, PRODUCTION
from telemetry.models import ChannelProposal
from telemetry.quantities import QUANTITIES
from telemetry.services.proposals import accept_proposal, refuse_proposal


class Proposals(OrganizationMixin, ListView):
    """The open proposals, each with the devices that it could be about."""

    template_name = "telemetry/proposals.html"
    permission = permissions.MANAGE_DEVICES
    context_object_name = "proposals"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[ChannelProposal]:
        """Return what nobody answered yet."""
        open_ones = ChannelProposal.objects.filter(state=ChannelProposal.State.OPEN)
        return open_ones.select_related("credential__site", "credential__asset").order_by("name", "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the proposals with the devices of their sites."""
        context = super().get_context_data(**kwargs)
        sites = {each.credential.site_id for each in context["proposals"]}
        devices: dict[int, list[str]] = {site: [] for site in sites}
        for site, name in Asset.objects.filter(site__in=sites).order_by("name").values_list("site", "name"):
            devices[site].append(name)
        rows = [
            (each, [each.credential.asset.name] if each.credential.asset else devices[each.credential.site_id])
            for each in context["proposals"]
        ]
        return {**context, "rows": rows, "quantities": QUANTITIES.values()}


class ProposalAction(OrganizationMixin):
    """Answers the proposal of the address."""

    permission = permissions.MANAGE_DEVICES
    http_method_names = ["post"]

    def post(self, request: HttpRequest, proposal: int) -> HttpResponse:
        """Do it, and say what came of it."""
        found = get_object_or_404(ChannelProposal.objects.all(), pk=proposal)
        try:
            messages.success(request, self.act(found, request))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("channel_proposals", self.organization.slug)

    def act(self, proposal: ChannelProposal, request: HttpRequest) -> str:
        """Return what was done, in words."""
        raise NotImplementedError


class ProposalAccept(ProposalAction):
    """Makes a mapping of a proposal."""

    def act(self, proposal: ChannelProposal, request: HttpRequest) -> str:
        """Make it for the chosen device and quantity."""
        accept_proposal(
            proposal=proposal,
            asset=request.POST.get("asset", ""),
            quantity=request.POST.get("quantity", proposal.quantity),
            sign=PRODUCTION if request.POST.get("sign") == PRODUCTION else CONSUMPTION,
        )
        return _("%(name)s is stored from now on.") % {"name": proposal.name}


class ProposalRefuse(ProposalAction):
    """Says no to a proposal."""

    def act(self, proposal: ChannelProposal, request: HttpRequest) -> str:
        """Refuse it."""
        refuse_proposal(proposal=proposal)
        return _("%(name)s is refused.") % {"name": proposal.name}
