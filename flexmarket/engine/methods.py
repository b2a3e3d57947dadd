"""The methods that turn a schedule into offers; a new method is one package and one line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from flexmarket.engine import exact, opentumflex
from flexmarket.engine.errors import OfferError
from flexmarket.engine.site_plan import PLAN_DECIMALS, SitePlan, check_plan
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Device
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule

DEFAULT_METHOD = "opentumflex"
Quantifier = Callable[[SitePlan, Device], FlexTable]


class Method(Protocol):
    """Makes the table of every device that it knows, by device name, in the site's order."""

    def __call__(
        self, problem: SiteProblem, schedule: Schedule, *, decimals: int | None = PLAN_DECIMALS
    ) -> dict[str, FlexTable]:
        """Return the tables; the plan is rounded to `decimals` where the method wants that."""


def by_device(quantifiers: Mapping[str, Quantifier]) -> Method:
    """Return the method that looks at each device alone, by the quantifier of its kind."""

    def quantify_each(
        problem: SiteProblem, schedule: Schedule, *, decimals: int | None = PLAN_DECIMALS
    ) -> dict[str, FlexTable]:
        plan = SitePlan(problem, schedule, decimals)
        return {
            device.name: quantifiers[device.kind](plan, device)
            for device in problem.devices
            if device.kind in quantifiers
        }

    return quantify_each


METHODS: dict[str, Method] = {
    "exact": exact.quantify,
    "opentumflex": by_device(opentumflex.QUANTIFIERS),
}


def quantify(
    problem: SiteProblem,
    schedule: Schedule,
    method: str = DEFAULT_METHOD,
    *,
    decimals: int | None = PLAN_DECIMALS,
) -> dict[str, FlexTable]:
    """Return the flexibility of every device of a kind that the method knows, by device name, in the site's order.

    Method "opentumflex" rounds the plan to `decimals` first (kW, percent); None takes it as it is, solver noise
    included.

    Raises:
        OfferError: for an unknown method, or a schedule of another horizon or other devices than the problem's.
    """
    if method not in METHODS:
        raise OfferError("method", method, ", ".join(sorted(METHODS)))
    check_plan(problem, schedule)
    return METHODS[method](problem, schedule, decimals=decimals)
