"""Forms of accounts; what only a service can know comes back as an error of the field."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from flexplatform.accounts.models import Door, Membership, Organization
from flexplatform.accounts.models.token import validate_networks
from flexplatform.accounts.permissions import DELEGABLE, Role


class PortalForm(forms.Form):
    """A form in the portal's look that takes the errors of services."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        style(self)

    def take(self, error: ValidationError) -> None:
        """Show a service's errors at their fields; those of no field of the form at its top."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, errors in error.error_dict.items():
            self.add_error(name if name in self.fields else None, errors)


def style(form: forms.BaseForm) -> None:
    """Give the widgets of any form the portal's classes."""
    for field in form.fields.values():
        widget = field.widget
        if isinstance(widget, forms.CheckboxSelectMultiple | forms.CheckboxInput):
            continue
        widget.attrs.setdefault("class", "form-select" if isinstance(widget, forms.Select) else "form-control")


class InvitationForm(PortalForm):
    """Whom to invite."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.VIEWER)


class RoleForm(PortalForm):
    """A member's role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class TokenForm(PortalForm):
    """A token, with the permissions that its creator may give away."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What the token is for, such as the program's name")
    )
    permissions = forms.MultipleChoiceField(label=_("Permissions"), widget=forms.CheckboxSelectMultiple)
    expires_at = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The token works until the end of this day (UTC). Empty: it does not expire"),
    )
    allowed_networks = forms.CharField(
        label=_("Networks"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Such as 192.0.2.0/24, one per line. Empty: from everywhere"),
    )

    def __init__(self, *args: Any, grantable: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        permissions = cast("forms.MultipleChoiceField", self.fields["permissions"])
        permissions.choices = [(name, name) for name in sorted(grantable)]

    def clean_allowed_networks(self) -> list[str]:
        """Return the networks as a list."""
        networks = self.cleaned_data["allowed_networks"].replace(",", " ").split()
        validate_networks(networks)
        return networks

    def clean_expires_at(self) -> datetime | None:
        """Return the end of the last day."""
        day = self.cleaned_data["expires_at"]
        if day is None:
            return None
        if day < timezone.now().date():
            raise ValidationError("The last day must be today or later.")
        return datetime.combine(day, time.max, UTC)


class OrganizationTokenForm(TokenForm):
    """A token of one of several organizations; each gets only what its member may give away, as the service checks."""

    field_order = ("organization",)
    organization = forms.ModelChoiceField(
        label=_("Organization"), queryset=Organization.objects.none(), empty_label=None
    )

    def __init__(self, *args: Any, memberships: Sequence[Membership], **kwargs: Any) -> None:
        held = frozenset[str]().union(*(membership.permissions for membership in memberships))
        super().__init__(*args, grantable=held & DELEGABLE, **kwargs)
        known = [membership.organization_id for membership in memberships]
        choice = cast("forms.ModelChoiceField[Organization]", self.fields["organization"])
        choice.queryset = Organization.objects.filter(pk__in=known)


class AuditFilterForm(PortalForm):
    """Which events to list; empty fields do not filter."""

    actor = forms.CharField(label=_("Actor"), required=False, max_length=200)
    door = forms.ChoiceField(label=_("Door"), required=False, choices=[("", "any"), *Door.choices])
    action = forms.CharField(label=_("Action"), required=False, max_length=60)
    object = forms.CharField(label=_("Object"), required=False, max_length=200)
    since = forms.DateField(label=_("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))


class NewUserForm(PortalForm):
    """What a person who is new here says of themselves."""

    first_name = forms.CharField(label=_("First name"), required=False, max_length=150)
    last_name = forms.CharField(label=_("Last name"), required=False, max_length=150)
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    password_again = forms.CharField(
        label=_("Password again"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean_password_again(self) -> str:
        """Refuse a second password that differs from the first."""
        again: str = self.cleaned_data["password_again"]
        if "password" in self.cleaned_data and again != self.cleaned_data["password"]:
            raise ValidationError("The two passwords differ.")
        return again
