"""Callers with tokens."""

from collections.abc import Callable, Iterable

import pytest
from rest_framework.test import APIClient

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization, User
from flexplatform.accounts.permissions import DELEGABLE
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import create_token
from tests.conftest import People

Caller = Callable[..., APIClient]


def caller(organization: Organization, creator: User, permissions: Iterable[str] = ()) -> APIClient:
    """Return a client whose calls carry a token with these permissions (default: all that its creator may give)."""
    with organization_scope(organization), acting("tests", Door.COMMAND):
        membership = creator.memberships.get(organization=organization)
        wanted = sorted(permissions) or sorted(membership.permissions & DELEGABLE)
        _, text = create_token(organization=organization, created_by=creator, name="test", permissions=wanted)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


@pytest.fixture
def of_a(people: People) -> APIClient:
    """A caller of A who may do all that a token can."""
    return caller(people.a, people.alice)


@pytest.fixture
def of_b(people: People) -> APIClient:
    """A caller of B who may do all that a token can."""
    return caller(people.b, people.charlie)
