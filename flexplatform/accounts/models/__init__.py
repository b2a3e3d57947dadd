"""The tables of who may do what, and of what was done."""

from flexplatform.accounts.models.audit import AuditEvent, Door
from flexplatform.accounts.models.invitation import Invitation
from flexplatform.accounts.models.people import Membership, Organization, User, UserManager, validate_time_zone
from flexplatform.accounts.models.token import ApiToken, validate_networks

__all__ = [
    "ApiToken",
    "AuditEvent",
    "Door",
    "Invitation",
    "Membership",
    "Organization",
    "User",
    "UserManager",
    "validate_networks",
    "validate_time_zone",
]
