"""Pages of telemetry: the newest values, what was refused, and what devices sign in with."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from flexplatform.accounts import permissions
from flexplatform.portal.views import FragmentMixin, OrganizationMixin
from telemetry.engine.topics import PREFIX
from telemetry.forms import CredentialForm
from telemetry.models import Channel, DeadLetter, DeviceCredential, DevicePresence
from telemetry.services import (
    create_credential,
    discard_letter,
    replay_letter,
    revoke_credential,
    rotate_credential,
)


class LiveValues(OrganizationMixin, FragmentMixin, ListView):
    """The newest value of each channel; the table brings itself up to date every two seconds."""

    template_name = "telemetry/live.html"
    fragment_name = "telemetry/live_body.html"
    permission = permissions.VIEW_TELEMETRY
    context_object_name = "channels"
    paginate_by = 100

    def get_queryset(self) -> QuerySet[Channel]:
        """Return the channels that ever had a reading."""
        found = Channel.objects.filter(last_at__isnull=False).select_related("site", "asset")
        return found.order_by("site__name", "asset__name", "quantity")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the channels with what is stale, and the devices that are offline."""
        context = super().get_context_data(**kwargs)
        now = timezone.now()
        sites = {channel.site_id for channel in context["channels"]}
        offline = set(DevicePresence.objects.filter(online=False, site__in=sites).values_list("site_id", "asset_id"))
        rows = [
            (channel, channel.is_stale(now), (channel.site_id, channel.asset_id) in offline)
            for channel in context["channels"]
        ]
        membership = self.tenant_request.membership
        return {**context, "rows": rows, "may_manage": membership.may(permissions.MANAGE_DEVICES)}


class DeadLetters(OrganizationMixin, ListView):
    """Messages that were refused, newest first."""

    template_name = "telemetry/letters.html"
    permission = permissions.VIEW_TELEMETRY
    context_object_name = "letters"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[DeadLetter]:
        """Return the organization's letters."""
        return DeadLetter.objects.all()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the letters and whether the role may do anything with them."""
        may_change = self.tenant_request.membership.may(permissions.CHANGE_TELEMETRY)
        return super().get_context_data(**kwargs, may_change=may_change)


class LetterAction(OrganizationMixin):
    """Does something with the letter of the address."""

    permission = permissions.CHANGE_TELEMETRY
    http_method_names = ["post"]

    def post(self, request: HttpRequest, letter: int) -> HttpResponse:
        """Do it, and say what came of it."""
        found = get_object_or_404(DeadLetter.objects.all(), pk=letter)
        try:
            messages.success(request, self.act(found))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("dead_letters", self.organization.slug)

    def act(self, letter: DeadLetter) -> str:
        """Return what was done, in words."""
        raise NotImplementedError


class LetterReplay(LetterAction):
    """Takes a message again."""

    def act(self, letter: DeadLetter) -> str:
        """Store it."""
        stored = replay_letter(letter=letter)
        return _("Stored: %(new)d new readings, %(known)d known ones.") % {"new": stored.new, "known": stored.known}


class LetterDiscard(LetterAction):
    """Puts a message away."""

    def act(self, letter: DeadLetter) -> str:
        """Delete it."""
        discard_letter(letter=letter)
        return _("The message is deleted.")


class DeviceCredentials(OrganizationMixin, TemplateView):
    """What devices sign in with at the broker; a new password is shown once."""

    template_name = "telemetry/devices.html"
    permission = permissions.MANAGE_DEVICES

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the credentials and the form for another."""
        credentials = DeviceCredential.objects.select_related("site", "asset").order_by("name")
        topic = f"{PREFIX}/{self.organization.slug}"
        return super().get_context_data(
            **{"form": CredentialForm(), "credentials": credentials, "topic": topic, **kwargs}
        )

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Make a credential."""
        form = CredentialForm(request.POST)
        if form.is_valid():
            try:
                credential, password = create_credential(**form.cleaned_data)
            except ValidationError as error:
                form.take(error)
            else:
                return self.shown(credential, password)
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def shown(self, credential: DeviceCredential, password: str) -> HttpResponse:
        """Return the page with a password, which no cache may keep."""
        response = self.render_to_response(self.get_context_data(credential=credential, password=password))
        response["Cache-Control"] = "no-store"
        return response


class CredentialRotate(DeviceCredentials):
    """Gives a credential a new password."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Show the new password once."""
        found = get_object_or_404(DeviceCredential.objects.all(), pk=self.kwargs["credential"])
        try:
            return self.shown(*rotate_credential(credential=found))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("device_credentials", self.organization.slug)


class CredentialRevoke(OrganizationMixin):
    """Lets a credential open nothing from now on."""

    permission = permissions.MANAGE_DEVICES
    http_method_names = ["post"]

    def post(self, request: HttpRequest, credential: int) -> HttpResponse:
        """Revoke it."""
        found = get_object_or_404(DeviceCredential.objects.all(), pk=credential)
        revoke_credential(credential=found)
        messages.success(request, _("%(name)s is revoked.") % {"name": found.name})
        return redirect("device_credentials", self.organization.slug)
