"""Organizations and their members; an organization that has an owner never loses its last one."""

from django.core.exceptions import ValidationError
from django.db import transaction

from flexplatform.accounts import audit
from flexplatform.accounts.models import Membership, Organization, User
from flexplatform.accounts.permissions import Role


@transaction.atomic
def create_organization(
    *, name: str, slug: str, time_zone: str = "Europe/Berlin", country: str = "DE", owner: User | None = None
) -> Organization:
    """Store an organization, with its first owner if one is given.

    Raises:
        ValidationError: by field.
    """
    organization = Organization(name=name, slug=slug, time_zone=time_zone, country=country)
    organization.full_clean()
    organization.save()
    audit.record(
        organization=organization,
        action="organization.create",
        instance=organization,
        after=audit.snapshot(organization),
    )
    if owner is not None:
        add_member(organization=organization, user=owner, role=Role.OWNER)
    return organization


@transaction.atomic
def add_member(*, organization: Organization, user: User, role: str) -> Membership:
    """Make a user a member.

    Raises:
        ValidationError: by field, for a user who is one already or an unknown role.
    """
    _known(role)
    _lock(organization)
    if Membership.objects.filter(organization=organization, user=user).exists():
        raise ValidationError({"email": f"{user} is a member of {organization} already."})
    membership = Membership.objects.create(organization=organization, user=user, role=role)
    audit.record(organization=organization, action="member.add", instance=membership, after=audit.snapshot(membership))
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str) -> Membership:
    """Give a member another role.

    Raises:
        ValidationError: for an unknown role, or for the last active owner.
    """
    _known(role)
    stored = _locked(membership)
    if role != Role.OWNER:
        _keep_an_owner(stored, "role")
    return _store(stored, "member.role", role=role)


@transaction.atomic
def deactivate_member(*, membership: Membership) -> Membership:
    """Take a member's access away but keep the membership; the member's tokens stop with it.

    Raises:
        ValidationError: for the last active owner.
    """
    stored = _locked(membership)
    _keep_an_owner(stored)
    return _store(stored, "member.deactivate", is_active=False)


@transaction.atomic
def reactivate_member(*, membership: Membership) -> Membership:
    """Give a deactivated member the access back."""
    return _store(_locked(membership), "member.reactivate", is_active=True)


@transaction.atomic
def remove_member(*, membership: Membership) -> None:
    """End a membership; the member's tokens stop with it.

    Raises:
        ValidationError: for the last active owner.
    """
    stored = _locked(membership)
    _keep_an_owner(stored)
    audit.record(
        organization=stored.organization, action="member.remove", instance=stored, before=audit.snapshot(stored)
    )
    stored.delete()


def require_other_owners(*, user: User) -> None:
    """Refuse to close an account whose organizations would be left without an active owner.

    Called inside the transaction that closes it.

    Raises:
        ValidationError: names the organization.
    """
    owned = Membership.objects.select_related("organization", "user").filter(user=user, role=Role.OWNER, is_active=True)
    for membership in owned.order_by("organization"):
        _lock(membership.organization)
        _keep_an_owner(membership)


def _known(role: str) -> None:
    if role not in Role.values:
        raise ValidationError({"role": f"There is no role {role!r}; the roles are {', '.join(Role.values)}."})


def _lock(organization: Organization) -> None:
    # One change of members at a time, so that two owners cannot remove each other.
    Organization.objects.select_for_update().get(pk=organization.pk)


def _locked(membership: Membership) -> Membership:
    _lock(membership.organization)
    stored = Membership.objects.select_related("organization", "user").filter(pk=membership.pk).first()
    if stored is None:
        raise ValidationError("This member was removed in the meantime.")
    return stored


def _keep_an_owner(membership: Membership, field: str = "__all__") -> None:
    if membership.role != Role.OWNER or not membership.is_active:
        return
    owners = Membership.objects.filter(
        organization=membership.organization, role=Role.OWNER, is_active=True, user__is_active=True
    )
    if not owners.exclude(pk=membership.pk).exists():
        raise ValidationError(
            {field: f"{membership.user} is the last active owner of {membership.organization}: name another one first."}
        )


def _store(membership: Membership, action: str, **values: object) -> Membership:
    before = audit.snapshot(membership)
    for name, value in values.items():
        setattr(membership, name, value)
    was, now = audit.changed(before, audit.snapshot(membership))
    if now:
        membership.save(update_fields=list(values))
        audit.record(organization=membership.organization, action=action, instance=membership, before=was, after=now)
    return membership
