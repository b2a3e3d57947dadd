"""A person's own account, and invitations to answer."""

import hashlib
import time
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView, PasswordResetView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from flexplatform.accounts import audit, services
from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.forms import NewUserForm, style
from flexplatform.accounts.models import Door, Invitation, Membership, User

MOST_RESETS, RESET_WINDOW_SECONDS = 3, 3600
BACKEND = "django.contrib.auth.backends.ModelBackend"


class Account(LoginRequiredMixin, TemplateView):
    """Who one is here, and where."""

    template_name = "accounts/account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the memberships."""
        memberships = Membership.objects.select_related("organization").filter(user=self.request.user.pk)
        return super().get_context_data(**kwargs, memberships=memberships)


class PasswordChange(PasswordChangeView):
    """Changes the own password, which ends every other session."""

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("account")

    def get_form(self, form_class: Any = None) -> Any:
        """Return the form in the portal's look."""
        form = super().get_form(form_class)
        style(form)
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password and record that it changed."""
        with transaction.atomic(), audit.acting(form.user, Door.PORTAL, client_ip(self.request)):
            audit.record_of_person(person=form.user, action="user.password")
            response = super().form_valid(form)
        messages.success(self.request, _("The password is changed. Every other session was ended."))
        return response


class PasswordReset(PasswordResetView):
    """Mails a link to set a password, a few times an hour to one address; the answer is the same for all."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Send the mail, unless the address had enough of them."""
        address = form.cleaned_data["email"].strip().casefold()
        known = f"password-reset:{hashlib.sha256(address.encode()).hexdigest()}"
        now = time.time()
        sent = [each for each in cache.get(known, ()) if each > now - RESET_WINDOW_SECONDS]
        if len(sent) >= MOST_RESETS:
            return redirect(self.get_success_url())
        cache.set(known, [*sent, now], RESET_WINDOW_SECONDS)
        return super().form_valid(form)


class PasswordResetConfirm(PasswordResetConfirmView):
    """Sets a password by the link of a mail."""

    def get_form(self, form_class: Any = None) -> Any:
        """Return the form in the portal's look."""
        form = super().get_form(form_class)
        style(form)
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password and record that it was reset."""
        with transaction.atomic(), audit.acting(form.user, Door.PORTAL, client_ip(self.request)):
            audit.record_of_person(person=form.user, action="user.password_reset")
            return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class AnswerInvitation(TemplateView):
    """What the link of an invitation opens."""

    template_name = "accounts/invitation.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the invitation and what the visitor can do with it."""
        invitation = services.open_invitation(kwargs["text"])
        return self._page(request, invitation, NewUserForm(), 200 if invitation else 410)

    def post(self, request: HttpRequest, *_args: Any, **kwargs: Any) -> HttpResponse:
        """Accept, as the user who is signed in or as a new one."""
        invitation = services.open_invitation(kwargs["text"])
        if invitation is None:
            return self._page(request, None, NewUserForm(), 410)
        if isinstance(request.user, User):
            return self._accept_as(request, invitation, request.user)
        form = NewUserForm(request.POST)
        if form.is_valid():
            person = {name: form.cleaned_data[name] for name in ("password", "first_name", "last_name")}
            try:
                membership = services.accept_invitation(invitation=invitation, ip=client_ip(request), **person)
            except ValidationError as error:
                form.take(error)
            else:
                login(request, membership.user, backend=BACKEND)
                return _welcome(request, membership)
        return self._page(request, invitation, form, 422)

    def _accept_as(self, request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
        try:
            membership = services.accept_invitation(invitation=invitation, user=user, ip=client_ip(request))
        except ValidationError as error:
            for text in error.messages:
                messages.error(request, text)
            return self._page(request, invitation, NewUserForm(), 422)
        return _welcome(request, membership)

    def _page(self, request: HttpRequest, invitation: Invitation | None, form: Any, status: int) -> HttpResponse:
        known = invitation is not None and User.objects.filter(email__iexact=invitation.email).exists()
        mine = invitation is not None and getattr(request.user, "email", "").lower() == invitation.email
        context = {"invitation": invitation, "form": form, "known": known, "mine": mine}
        return self.render_to_response(context, status=status)


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    messages.success(request, _("Welcome to {organization}.").format(organization=membership.organization))
    return redirect("overview", membership.organization.slug)
