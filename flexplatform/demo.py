"""The demo organization: a tenant, a login, and whatever data the apps' demo steps make."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Membership, Organization, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.registry import DemoContext, DemoProblem, demo_steps

ACTOR = "demo"
SLUG = "demo"
NAME = "Demo energy community"
ZONE = ZoneInfo("Europe/Berlin")
EMAIL = "demo@example.com"
PASSWORD = "flexible-demo"  # noqa: S105


def coming_day(now: datetime | None = None) -> date:
    """Return the local calendar day after `now`."""
    return (now or datetime.now(UTC)).astimezone(ZONE).date() + timedelta(days=1)


def make_login() -> tuple[Organization, User]:
    """Return the demo's organization and its owner; an existing user keeps the password and rights."""
    organization, _ = Organization.objects.get_or_create(
        slug=SLUG, defaults={"name": NAME, "time_zone": ZONE.key, "country": "DE"}
    )
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_superuser(EMAIL, PASSWORD, first_name="Demo", last_name="Owner")
    Membership.objects.get_or_create(user=user, organization=organization, defaults={"role": Role.OWNER})
    return organization, user


def make_demo(
    organization: Organization,
    *,
    day: date,
    only: tuple[str, ...] = (),
    progress: Callable[[str, str], None] = lambda _step, _text: None,
) -> list[DemoProblem]:
    """Walk the registered demo steps and return what failed; `progress` gets a step's title and what it does now.

    What exists is left as it is, so walking twice for a day makes nothing twice.
    """
    problems: list[DemoProblem] = []
    for step in demo_steps:
        progress(step.title, "")
        with organization_scope(organization), acting(ACTOR, Door.COMMAND):
            context = DemoContext(
                organization=organization,
                day=day,
                only=only,
                progress=partial(progress, step.title),
            )
            problems += step.run(context)
    return problems
