from collections.abc import Callable
from typing import Any

import pytest

from flexplatform.accounts import audit, permissions
from flexplatform.accounts.models import ApiToken, Door, Invitation, Membership, Organization, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import create_token, invite_member
from flexplatform.jobs.models import Job
from optimization.models import ScheduleRun
from tests.conftest import People
from tests.factories import MembershipFactory, UserFactory, planned_site


class World:
    """One of everything in an organization, as an address names it."""

    def __init__(self, organization: Organization, owner: User) -> None:
        self.organization = organization
        self.site, self.run = planned_site(organization, slug="home", name=f"Home of {organization.name}")
        self.member: Membership = MembershipFactory(organization=organization, user=UserFactory(), role=Role.VIEWER)
        with organization_scope(organization), audit.acting(owner, Door.PORTAL):
            self.job = Job.objects.create(organization=organization, kind="schedule_site", title=f"Plan {self.site}")
            ScheduleRun.objects.filter(pk=self.run.pk).update(job=self.job)
            self.run.refresh_from_db()
            self.invitation: Invitation = invite_member(
                organization=organization, email=f"new@{organization.slug}.example", role=Role.VIEWER, created_by=owner
            )
            wanted = [permissions.VIEW_SITES]
            self.token: ApiToken = create_token(
                organization=organization, created_by=owner, name=f"robot of {organization.name}", permissions=wanted
            )[0]

    def address(self, route: str, organization: str, **replaced: Any) -> str:
        """Return the route with this world's objects in it, below the address of `organization`."""
        values = {
            "slug:organization": organization,
            "slug:site": self.site.slug,
            "slug:market": "comax",
            "int:run": self.run.pk,
            "int:job": self.job.pk,
            "int:member": self.member.pk,
            "int:invitation": self.invitation.pk,
            "int:token": self.token.pk,
        }
        for name, value in {**values, **replaced}.items():
            route = route.replace(f"<{name}>", str(value))
        assert "<" not in route, f"{route} takes an argument that this test does not know"
        return route


@pytest.fixture
def world(people: People) -> World:
    return World(people.a, people.alice)


@pytest.fixture
def foreign(people: People) -> World:
    return World(people.b, people.charlie)


@pytest.fixture
def as_role(people: People) -> Callable[[Role], None]:
    """Give bob a role."""

    def change(role: Role) -> None:
        Membership.objects.filter(user=people.bob).update(role=role)

    return change
