"""Writes of accounts: keyword-only verbs, one transaction each, audit inside."""

from flexplatform.accounts.services.invitations import (
    accept_invitation,
    invitation_text,
    invite_member,
    open_invitation,
    withdraw_invitation,
)
from flexplatform.accounts.services.members import (
    add_member,
    change_role,
    create_organization,
    deactivate_member,
    reactivate_member,
    remove_member,
    require_other_owners,
)
from flexplatform.accounts.services.tokens import TokenRefusedError, authenticate_token, create_token, revoke_token

__all__ = [
    "TokenRefusedError",
    "accept_invitation",
    "add_member",
    "authenticate_token",
    "change_role",
    "create_organization",
    "create_token",
    "deactivate_member",
    "invitation_text",
    "invite_member",
    "open_invitation",
    "reactivate_member",
    "remove_member",
    "require_other_owners",
    "revoke_token",
    "withdraw_invitation",
]
