"""The one way into a tenant's data; outside of it every tenant query raises."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from django_scopes import scope

from flexplatform.accounts.models import Organization


def organization_scope(organization: Organization | None) -> AbstractContextManager[None]:
    """Enter the scope of one stored organization.

    Raises:
        ValueError: for None or an unsaved organization, which django-scopes would take as "no filter".
    """
    if organization is None or organization.pk is None:
        raise ValueError("A tenant scope needs a stored organization.")
    return scope(organization=organization)


def platform_scope(organizations: Iterable[Organization]) -> AbstractContextManager[None]:
    """Enter the scope of several stored organizations, for the admin site; of none, no row is seen.

    Raises:
        ValueError: for an unsaved organization.
    """
    several = list(organizations)
    if any(organization.pk is None for organization in several):
        raise ValueError("A tenant scope needs stored organizations.")
    return scope(organization=several)
