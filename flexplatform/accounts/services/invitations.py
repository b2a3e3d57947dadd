"""Invitations: a row and a signed link that is good once."""

from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Invitation, Membership, Organization, User
from flexplatform.accounts.models.invitation import DAYS_VALID
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services.members import add_member

SALT = "flexplatform.invitation"


def invitation_text(invitation: Invitation) -> str:
    """Return the signed text that the link of an invitation carries."""
    return signing.dumps(invitation.pk, salt=SALT)


def open_invitation(text: str) -> Invitation | None:
    """Return the invitation that `text` belongs to, or None when it is forged, expired, withdrawn or used."""
    try:
        pk = signing.loads(text, salt=SALT, max_age=timedelta(days=DAYS_VALID))
    except signing.BadSignature:
        return None
    with scopes_disabled():
        invitation = Invitation.objects.select_related("organization", "created_by").filter(pk=pk).first()
    return invitation if invitation is not None and invitation.is_open else None


@transaction.atomic
def invite_member(*, organization: Organization, email: str, role: str, created_by: User) -> Invitation:
    """Store an invitation; an earlier one to the same address that is still open is withdrawn.

    Raises:
        ValidationError: by field, for a bad address, an unknown role or somebody who is a member already.
    """
    address = email.strip().lower()
    membership = Membership.objects.filter(organization=organization, user__email__iexact=address).first()
    if membership is not None:
        state = "a member already" if membership.is_active else "a deactivated member: reactivate the membership"
        raise ValidationError({"email": f"{address} is {state}."})
    with organization_scope(organization):
        for earlier in _unanswered(organization, address):
            withdraw_invitation(invitation=earlier)
        invitation = Invitation(organization=organization, email=address, role=role, created_by=created_by)
        invitation.full_clean(exclude=("organization", "created_by"))
        invitation.save()
    audit.record(
        organization=organization, action="member.invite", instance=invitation, after=audit.snapshot(invitation)
    )
    return invitation


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation) -> Invitation:
    """Make the link of an invitation worthless; one that was answered stays as it is."""
    with organization_scope(invitation.organization):
        stored = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if stored.accepted_at is None and stored.withdrawn_at is None:
            _answer(stored, "withdrawn_at", "member.invite_withdraw")
    return stored


@transaction.atomic
def accept_invitation(
    *,
    invitation: Invitation,
    user: User | None = None,
    password: str = "",
    first_name: str = "",
    last_name: str = "",
    ip: str | None = None,
) -> Membership:
    """Make the invited person a member: the existing `user` of the address, or a new one with this password.

    Raises:
        ValidationError: for an invitation that is no longer open, another person's, or a weak password.
    """
    with organization_scope(invitation.organization):
        stored = Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
        if stored is None or not stored.is_open:
            raise ValidationError("This invitation was used, withdrawn or has expired. Ask for a new one.")
        is_new = user is None
        if user is None:
            user = _new_user(stored.email, password, first_name, last_name)
        elif user.email.lower() != stored.email or not user.is_active:
            raise ValidationError(f"This invitation is for {stored.email}.")
        with audit.acting(user, Door.PORTAL, ip):
            _answer(stored, "accepted_at", "member.invite_accept")
            membership = add_member(organization=invitation.organization, user=user, role=Role(stored.role))
            if is_new:
                audit.record_of_person(person=user, action="user.create", after=audit.snapshot(user))
            return membership


def _answer(invitation: Invitation, field: str, action: str) -> None:
    now = timezone.now()
    setattr(invitation, field, now)
    invitation.save(update_fields=[field])
    audit.record(
        organization=invitation.organization,
        action=action,
        instance=invitation,
        before={field: None},
        after={field: now},
    )


def _unanswered(organization: Organization, email: str) -> list[Invitation]:
    return list(
        Invitation.objects.filter(
            organization=organization, email__iexact=email, accepted_at=None, withdrawn_at=None
        ).select_related("organization")
    )


def _new_user(email: str, password: str, first_name: str, last_name: str) -> User:
    if User.objects.filter(email__iexact=email).exists():
        raise ValidationError(f"There is a user {email} already: sign in to accept.")
    candidate = User(email=email, first_name=first_name, last_name=last_name)
    try:
        validate_password(password, candidate)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    return User.objects.create_user(email, password, first_name=first_name, last_name=last_name)
