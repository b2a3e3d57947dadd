"""Who works for the organization."""

from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from flexplatform.accounts import permissions, services
from flexplatform.accounts.forms import InvitationForm, RoleForm
from flexplatform.accounts.models import Invitation, Membership, User
from flexplatform.accounts.models.invitation import DAYS_VALID
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.queries import members, open_invitations
from flexplatform.portal.views import OrganizationMixin


class Members(OrganizationMixin, TemplateView):
    """Every member and every open invitation; owners invite here."""

    template_name = "accounts/members.html"
    permission = permissions.VIEW_MEMBERS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the lists and the form."""
        found: dict[str, Any] = {
            "members": members(self.organization),
            "invitations": open_invitations(self.organization),
            "roles": Role.choices,
            "may_manage": self.tenant_request.membership.may(permissions.MANAGE_MEMBERS),
            "form": InvitationForm(),
        }
        return super().get_context_data(**{**found, **kwargs})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Invite somebody."""
        self.require(permissions.MANAGE_MEMBERS)
        form = InvitationForm(request.POST)
        if form.is_valid():
            try:
                invitation = services.invite_member(
                    organization=self.organization, created_by=self.member, **form.cleaned_data
                )
            except ValidationError as error:
                form.take(error)
            else:
                _mail(request, invitation, self.member)
                return redirect("members", self.organization.slug)
        return self.render_to_response(self.get_context_data(form=form), status=422)


class MemberAction(OrganizationMixin):
    """A change of one member."""

    permission = permissions.MANAGE_MEMBERS
    http_method_names = ["post"]

    def act(self, member: Membership) -> str:
        """Do it and return what was done."""
        raise NotImplementedError

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Do it to the member of the address, and say so or why not."""
        member = get_object_or_404(members(self.organization), pk=self.kwargs["member"])
        try:
            messages.success(request, self.act(member))
        except ValidationError as error:
            for text in error.messages:
                messages.error(request, text)
        return redirect("members", self.organization.slug)


class MemberRole(MemberAction):
    """Gives another role."""

    def act(self, member: Membership) -> str:
        """Change the role."""
        form = RoleForm(self.request.POST)
        if not form.is_valid():
            raise ValidationError([f"Role: {text}" for text in form.errors["role"]])
        changed = services.change_role(membership=member, role=form.cleaned_data["role"])
        return _("{user} is now {role}.").format(user=member.user, role=changed.get_role_display())


class MemberDeactivate(MemberAction):
    """Takes the access away."""

    def act(self, member: Membership) -> str:
        """Deactivate the membership."""
        services.deactivate_member(membership=member)
        return _("{user} has no access any more.").format(user=member.user)


class MemberReactivate(MemberAction):
    """Gives the access back."""

    def act(self, member: Membership) -> str:
        """Reactivate the membership."""
        services.reactivate_member(membership=member)
        return _("{user} has access again.").format(user=member.user)


class MemberRemove(MemberAction):
    """Ends a membership."""

    def act(self, member: Membership) -> str:
        """Remove the member."""
        services.remove_member(membership=member)
        return _("{user} is no longer a member.").format(user=member.user)


class InvitationWithdraw(OrganizationMixin):
    """Makes the link of an invitation worthless."""

    permission = permissions.MANAGE_MEMBERS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Withdraw the invitation of the address."""
        invitation = get_object_or_404(open_invitations(self.organization), pk=self.kwargs["invitation"])
        services.withdraw_invitation(invitation=invitation)
        messages.success(request, _("The invitation of {email} is withdrawn.").format(email=invitation.email))
        return redirect("members", self.organization.slug)


def _mail(request: HttpRequest, invitation: Invitation, sender: User) -> None:
    """Send the link to the invited address only: who opens it proves to read that mailbox."""
    link = request.build_absolute_uri(reverse("invitation", args=[services.invitation_text(invitation)]))
    context = {"invitation": invitation, "link": link, "days": DAYS_VALID, "sender": sender}
    subject = f"Invitation to {invitation.organization.name} on FlexPlatform".replace("\n", " ").replace("\r", " ")
    text = render_to_string("accounts/invitation_email.txt", context)
    try:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [invitation.email])
    except (SMTPException, OSError):
        failed = _("The mail to {email} could not be sent. Invite again to repeat it.")
        messages.error(request, failed.format(email=invitation.email))
    else:
        messages.success(request, _("An invitation was sent to {email}.").format(email=invitation.email))
