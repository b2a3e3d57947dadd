"""The one way into a tenant's data; outside of it every tenant query raises."""

from contextlib import AbstractContextManager
from typing import Any

from django.core.exceptions import PermissionDenied
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


def platform_scope(user: Any) -> AbstractContextManager[None]:
    """Enter the scope of all organizations, for the admin site's superusers; anybody else sees no row.

    Raises:
        PermissionDenied: for a user who was deactivated.
    """
    if user.is_authenticated and not user.is_active:
        raise PermissionDenied
    organizations = list(Organization.objects.all()) if user.is_superuser else []
    return scope(organization=organizations)
