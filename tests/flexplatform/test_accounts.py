import pytest
from django_scopes import ScopeError, get_scope

from assets.models import Site
from flexplatform.accounts.models import Organization
from flexplatform.accounts.permissions import PERMISSIONS, Role
from flexplatform.accounts.scoping import organization_scope, platform_scope
from tests.conftest import People
from tests.factories import SiteFactory


def test_every_role_has_permissions_and_the_owner_has_them_all() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.OWNER] == frozenset().union(*PERMISSIONS.values())
    assert all(PERMISSIONS[Role.VIEWER] <= granted for granted in PERMISSIONS.values())


@pytest.mark.parametrize("nothing", [None, Organization(name="unsaved")])
def test_a_scope_without_a_stored_organization_is_refused(nothing: Organization | None) -> None:
    with pytest.raises(ValueError, match="stored organization"):
        organization_scope(nothing)


def test_a_query_outside_of_a_scope_raises(people: People) -> None:
    with pytest.raises(ScopeError):
        Site.objects.count()


def test_a_scope_shows_its_own_rows_only_and_ends(people: People) -> None:
    SiteFactory(organization=people.a, name="ours")
    SiteFactory(organization=people.b, name="theirs")
    with organization_scope(people.a):
        assert [site.name for site in Site.objects.all()] == ["ours"]
    assert "organization" not in get_scope()


def test_the_platform_scope_shows_the_rows_of_its_organizations_only(people: People) -> None:
    SiteFactory(organization=people.a)
    SiteFactory(organization=people.b)
    for organizations, count in (([], 0), ([people.a], 1), ([people.a, people.b], 2)):
        with platform_scope(organizations):
            assert Site.objects.count() == count
    with pytest.raises(ValueError, match="stored"):
        platform_scope([Organization(name="unsaved")])
