"""What every test stands on: quick password hashes, plain static files, two organizations with their people."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings

from flexplatform.accounts.models import Organization, User
from flexplatform.accounts.permissions import Role
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory


@pytest.fixture(scope="session", autouse=True)
def _quick_settings() -> Iterator[None]:
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES={"staticfiles": {"BACKEND": storage}},
        MIDDLEWARE=[name for name in settings.MIDDLEWARE if "whitenoise" not in name],
    ):
        yield


@dataclass(frozen=True)
class People:
    """Alice owns A, Bob views A, Charlie owns B, Dave belongs nowhere."""

    a: Organization
    b: Organization
    alice: User
    bob: User
    charlie: User
    dave: User

    def client(self, name: str) -> Client:
        """Return a client that is signed in as the person of this name."""
        client = Client()
        client.force_login(getattr(self, name))
        return client


@pytest.fixture
def people(db: None) -> People:
    a, b = OrganizationFactory(name="A", slug="a"), OrganizationFactory(name="B", slug="b")
    names = ("alice", "bob", "charlie", "dave")
    users = {name: UserFactory(email=f"{name}@example.com") for name in names}
    MembershipFactory(user=users["alice"], organization=a, role=Role.OWNER)
    MembershipFactory(user=users["bob"], organization=a, role=Role.VIEWER)
    MembershipFactory(user=users["charlie"], organization=b, role=Role.OWNER)
    return People(a=a, b=b, **users)
