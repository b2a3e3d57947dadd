"""What other apps have promised with plans, handed over from their `apps.py`; such plans are not made from scratch."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from assets.models import Site
from flexplatform.registry import Registry
from optimization.engine.horizon import Horizon


@dataclass(frozen=True)
class PlanPromise:
    """`reasons` returns, by site, why its plan of a time has to stay; a few queries for any number of sites."""

    name: str
    reasons: Callable[[Collection[int], Horizon], Mapping[int, str]]
    order: int = 50


plan_promises: Registry[PlanPromise] = Registry()


def promised_plans(sites: Iterable[Site], horizon: Horizon) -> dict[int, str]:
    """Return why plans of these sites have to stay, by the site's id."""
    wanted = [site.pk for site in sites]
    found: dict[int, str] = {}
    for each in plan_promises:
        found |= each.reasons(wanted, horizon)
    return found


def hold(sites: Iterable[Site]) -> None:
    """Let no one else store plans of these sites until the transaction ends."""
    rows = Site.objects.select_for_update().filter(pk__in=[site.pk for site in sites])
    list(rows.order_by("pk").values_list("pk", flat=True))
