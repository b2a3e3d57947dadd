"""Makes an organization with an owner, and prints a token that may all that a token may."""

import django

django.setup()

from flexplatform.accounts.audit import acting  # noqa: E402
from flexplatform.accounts.models import Door, User  # noqa: E402
from flexplatform.accounts.permissions import DELEGABLE  # noqa: E402
from flexplatform.accounts.scoping import organization_scope  # noqa: E402
from flexplatform.accounts.services import create_organization, create_token  # noqa: E402

with acting("tests", Door.COMMAND):
    owner = User.objects.create_user(email="owner@example.com", password="correct horse battery staple")
    organization = create_organization(name="A", slug="a", time_zone="Europe/Berlin", country="DE", owner=owner)
    with organization_scope(organization):
        _, text = create_token(
            organization=organization,
            created_by=owner,
            name="deployment",
            permissions=sorted(DELEGABLE),
            expires_at=None,
            allowed_networks=[],
        )
print(text)  # noqa: T201
