"""The only place where background work looks at the jobs of all organizations: by id, and to find lost ones."""

from contextlib import AbstractContextManager

from django_scopes import scopes_disabled


def every_organization() -> AbstractContextManager[None]:
    """See the jobs of all organizations; the work itself runs inside the scope of the job's organization."""
    context: AbstractContextManager[None] = scopes_disabled()
    return context
