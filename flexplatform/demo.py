"""The demo: two organizations, their people, and whatever data the apps' demo steps make."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Membership, Organization, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.registry import DemoContext, DemoProblem, demo_steps

ACTOR = "demo"
ZONE = ZoneInfo("Europe/Berlin")
EMAIL = "demo@example.com"
PASSWORD = "flexible-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoOrganization:
    """A tenant of the demo: where its sites stand, who owns it, and the role that the demo's own login has in it."""

    slug: str
    name: str
    region: str
    owner: str
    role: Role


HOME = DemoOrganization("demo", "Demo energy community", "Munich", EMAIL, Role.OWNER)
NEIGHBOUR = DemoOrganization("harbour", "Harbour quarter Hamburg", "Hamburg", "harbour@example.com", Role.OPERATOR)
ORGANIZATIONS = (HOME, NEIGHBOUR)


def coming_day(now: datetime | None = None) -> date:
    """Return the local calendar day after `now`."""
    return (now or datetime.now(UTC)).astimezone(ZONE).date() + timedelta(days=1)


def make_all(
    *, day: date, only: tuple[str, ...] = (), progress: Callable[[str, str], None] = lambda _step, _text: None
) -> list[DemoProblem]:
    """Make the organizations with their people and their data, and return what failed; see `make_demo`."""
    problems: list[DemoProblem] = []
    for wanted in ORGANIZATIONS:
        organization = make_organization(wanted)
        problems += make_demo(organization, day=day, region=wanted.region, only=only, progress=progress)
    return problems


def make_organization(wanted: DemoOrganization = HOME) -> Organization:
    """Return an organization of the demo, with its owner and the demo's login as members."""
    organization, _ = Organization.objects.get_or_create(
        slug=wanted.slug, defaults={"name": wanted.name, "time_zone": ZONE.key, "country": "DE"}
    )
    for email, role in {EMAIL: wanted.role, wanted.owner: Role.OWNER}.items():
        defaults = {"role": role}
        Membership.objects.get_or_create(user=make_user(email), organization=organization, defaults=defaults)
    return organization


def make_user(email: str) -> User:
    """Return a person of the demo; one who exists keeps the password and rights."""
    user = User.objects.filter(email=email).first()
    if user is not None:
        return user
    if email == EMAIL:
        return User.objects.create_superuser(email, PASSWORD, first_name="Demo", last_name="Owner")
    return User.objects.create_user(email, PASSWORD, first_name="Harbour", last_name="Owner")


def make_demo(
    organization: Organization,
    *,
    day: date,
    region: str = HOME.region,
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
                region=region,
                only=only,
                progress=partial(progress, step.title),
            )
            problems += step.run(context)
    return problems
