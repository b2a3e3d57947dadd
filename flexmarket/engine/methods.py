"""The methods that turn a schedule into offers; a new method is one package and one line here."""

from collections.abc import Callable, Mapping

from flexmarket.engine import opentumflex
from flexmarket.engine.errors import OfferError
from flexmarket.engine.site_plan import PLAN_DECIMALS, SitePlan
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Device
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule

Quantifier = Callable[[SitePlan, Device], FlexTable]

METHODS: dict[str, Mapping[str, Quantifier]] = {
    "opentumflex": opentumflex.QUANTIFIERS,
}


def quantify(
    problem: SiteProblem,
    schedule: Schedule,
    method: str = "opentumflex",
    *,
    decimals: int | None = PLAN_DECIMALS,
) -> dict[str, FlexTable]:
    """Return the flexibility of every device of a kind that the method knows, by device name, in the site's order.

    The plan is rounded to `decimals` first (kW, percent); None takes it as it is, solver noise included.

    Raises:
        OfferError: for an unknown method, or a schedule of another horizon than the problem's.
    """
    if method not in METHODS:
        raise OfferError("method", method, ", ".join(sorted(METHODS)))
    if schedule.horizon != problem.horizon:
        raise OfferError("schedule.horizon", schedule.horizon, f"the problem's horizon ({problem.horizon})")
    plan = SitePlan(problem, schedule, decimals)
    quantifiers = METHODS[method]
    return {
        device.name: quantifiers[device.kind](plan, device) for device in problem.devices if device.kind in quantifiers
    }
