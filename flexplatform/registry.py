"""What apps hand to the platform from their `apps.py`, so that the platform imports no app."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from flexplatform.accounts.models import Organization
    from flexplatform.accounts.requests import TenantRequest

Text = str | Promise
# A number of a measure, and the value of each of its labels.
Sample = tuple[tuple[str, ...], float]


class Ordered(Protocol):
    """An entry with a name that is unique in its registry and a place in it."""

    @property
    def name(self) -> str:
        """Unique within the registry."""

    @property
    def order(self) -> int:
        """Place in the registry, lowest first."""


Entry = TypeVar("Entry", bound=Ordered)


class Registry(Generic[Entry]):
    """Entries by name, walked in their order; registering a name again replaces its entry."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Add `entry` under its name."""
        self._entries[entry.name] = entry

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries.values(), key=lambda entry: (entry.order, entry.name)))


@dataclass(frozen=True)
class Route:
    """A URL configuration that is served below `/o/<organization>/`."""

    name: str
    prefix: str
    urlconf: str
    order: int = 50


@dataclass(frozen=True)
class NavigationEntry:
    """A link in the portal's navigation; `url_name` takes the organization's slug, `permission` hides the link.

    `icon` is one of the sprite's (see flexplatform/icons.py), `group` one of `NAVIGATION_GROUPS`.
    """

    name: str
    label: Text
    url_name: str
    permission: str
    order: int = 50
    icon: str = "circle-dashed"
    group: str = "operate"


@dataclass(frozen=True)
class Panel:
    """A part of a portal page.

    `slot` names the page (`overview`, `site`), `context` gets the request and the page's object (the organization,
    the site) and returns what `template` needs; `scripts` are static files that the panel needs, loaded once. A `half`
    panel shares its row with another where there is room; without the `permission` it is not shown.
    """

    name: str
    slot: str
    template: str
    context: Callable[["TenantRequest", Any], dict[str, Any]]
    order: int = 50
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    half: bool = False
    permission: str = ""


@dataclass(frozen=True)
class Alert:
    """Something that an operator should look at; `level` is "danger" or "warning", `url` leads to it."""

    level: str
    text: str
    url: str


@dataclass(frozen=True)
class AlertSource:
    """Where alerts of the overview come from; `find` asks the same number of queries for any number of rows."""

    name: str
    find: Callable[["TenantRequest"], Iterable[Alert]]
    permission: str
    order: int = 50


@dataclass(frozen=True)
class DemoProblem:
    """A part of the demo data that could not be made, and why, in words."""

    what: str
    why: str


@dataclass(frozen=True)
class DemoContext:
    """What a demo step works on: the tenant, the coming local day, where, a choice of sites (empty: all), progress."""

    organization: "Organization"
    day: date
    region: str = "Munich"
    only: tuple[str, ...] = ()
    progress: Callable[[str], None] = lambda _text: None


@dataclass(frozen=True)
class DemoStep:
    """A part of the demo data; `run` makes only what is missing and returns what failed."""

    name: str
    title: str
    run: Callable[[DemoContext], list[DemoProblem]]
    order: int = 50


@dataclass(frozen=True)
class HealthCheck:
    """A check of `/healthz`; `check` returns None when all is well, else what is wrong."""

    name: str
    check: Callable[[], str | None]
    order: int = 50


@dataclass(frozen=True)
class Measure:
    """A figure of the whole platform at `/metrics`, as `flexplatform_<name>`, for each value of `labels` one number.

    `read` asks the same number of queries for any number of organizations, and names none of them. What only ever
    `counts_up` is told apart from what goes up and down.
    """

    name: str
    help: str
    read: Callable[[], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    counts_up: bool = False
    order: int = 50


NAVIGATION_GROUPS: dict[str, Text] = {
    "operate": "",
    "plan": _("Planning"),
    "market": _("Market"),
    "organization": _("Organization"),
}

routes: Registry[Route] = Registry()
navigation: Registry[NavigationEntry] = Registry()
panels: Registry[Panel] = Registry()
alert_sources: Registry[AlertSource] = Registry()
demo_steps: Registry[DemoStep] = Registry()
health_checks: Registry[HealthCheck] = Registry()
measures: Registry[Measure] = Registry()
