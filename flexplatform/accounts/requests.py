"""Requests that named an organization of their user."""

from django.http import HttpRequest

from flexplatform.accounts.models import Membership, Organization


class TenantRequest(HttpRequest):
    """A request whose address named an organization, and the user's membership in it."""

    organization: Organization
    membership: Membership
