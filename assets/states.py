"""The states of sites that the map and its filter know; apps say which sites are in which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from assets.models import Site
from flexplatform.accounts.models import Organization
from flexplatform.registry import Registry, Text


@dataclass(frozen=True)
class SiteState:
    """A state; the lowest `order` of several is the one that is shown, in the colour `--fp-state-<name>`."""

    name: str
    label: Text
    order: int


@dataclass(frozen=True)
class StateSource:
    """Says in which state sites are; `find` gets the organization, or one site of it."""

    name: str
    find: Callable[[Organization, Site | None], Mapping[int, str]]
    order: int = 50


NO_PLAN = SiteState("none", _("No plan"), 30)
states: Registry[SiteState] = Registry()
for state in (
    SiteState("failed", _("Planning failed"), 10),
    SiteState("unmet", _("Unmet wishes"), 20),
    NO_PLAN,
    SiteState("planned", _("Planned"), 40),
):
    states.add(state)
state_sources: Registry[StateSource] = Registry()


def states_of(organization: Organization, site: Site | None = None) -> dict[int, SiteState]:
    """Return the most pressing state of each site that any source knows, by the site's id; others have no plan."""
    known = {state.name: state for state in states}
    found: dict[int, SiteState] = {}
    for source in state_sources:
        for pk, name in source.find(organization, site).items():
            worse = known[name]
            if pk not in found or worse.order < found[pk].order:
                found[pk] = worse
    return found
