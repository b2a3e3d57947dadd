"""Reads of accounts."""

from datetime import UTC, datetime, time
from typing import Any

from django.db.models import Q, QuerySet

from flexplatform.accounts.models import ApiToken, AuditEvent, Invitation, Membership, Organization
from flexplatform.accounts.permissions import MANAGE_TOKENS


def members(organization: Organization) -> QuerySet[Membership]:
    """Return the members of an organization, active ones first."""
    found = Membership.objects.select_related("user", "organization").filter(organization=organization)
    return found.order_by("-is_active", "user__email")


def open_invitations(organization: Organization) -> QuerySet[Invitation]:
    """Return the invitations that nobody has answered, also those that have expired."""
    found = Invitation.objects.select_related("organization").filter(organization=organization)
    return found.filter(accepted_at=None, withdrawn_at=None)


def visible_tokens(membership: Membership) -> QuerySet[ApiToken]:
    """Return the tokens that a member may see and revoke: all of the organization's, or the member's own."""
    found = ApiToken.objects.select_related("created_by", "organization").filter(organization=membership.organization)
    return found if membership.may(MANAGE_TOKENS) else found.filter(created_by=membership.user)


def audit_events(organization: Organization, wanted: dict[str, Any]) -> QuerySet[AuditEvent]:
    """Return the organization's events, newest first, by the fields of `AuditFilterForm`; empty ones do not filter."""
    found = AuditEvent.objects.filter(organization=organization)
    if actor := wanted.get("actor"):
        found = found.filter(actor_label__icontains=actor)
    if door := wanted.get("door"):
        found = found.filter(door=door)
    if action := wanted.get("action"):
        found = found.filter(action__icontains=action)
    if named := wanted.get("object"):
        found = found.filter(Q(object_label__icontains=named) | Q(object_type__icontains=named) | Q(object_id=named))
    if since := wanted.get("since"):
        found = found.filter(at__gte=datetime.combine(since, time.min, UTC))
    if until := wanted.get("until"):
        found = found.filter(at__lte=datetime.combine(until, time.max, UTC))
    return found
