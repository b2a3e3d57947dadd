"""What the plan says about one site on the map: its power now, and what its devices will do next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import Site
from assets.queries import device_label, kinds_by_name
from flexplatform.accounts import permissions
from flexplatform.accounts.requests import TenantRequest
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import current_runs

# Their power follows the weather or the people, not the plan.
NOT_PLANNED = {"pv", "wind", "electric_load", "heat_load"}
SHARE_THAT_COUNTS = 0.1
LONGEST_RUN = timedelta(days=8)


@dataclass(frozen=True)
class Change:
    """A device that does something else from `at` on, in words."""

    at: datetime
    device: str
    words: str


def site_now(request: TenantRequest, site: Site) -> dict[str, Any]:
    """Return the planned power of now and the next change of a device; nothing where no plan covers now."""
    now = timezone.now()
    run = _run_at(site, now) if request.membership.may(permissions.VIEW_SCHEDULES) else None
    if run is None:
        return {"may_view": request.membership.may(permissions.VIEW_SCHEDULES)}
    step = int((now - run.start) / run.horizon.step)
    rows = ScheduleSeries.objects.filter(run=run, role=ScheduleSeries.Role.PLAN)
    plan = {(row.device, row.quantity): cast("Series", row.values) for row in rows}
    grid = plan["", "grid_power_kw"][step]
    return {
        "may_view": True,
        "run": run,
        "power_kw": abs(grid),
        "feeds_in": grid < 0,
        "next": min(_changes(run, plan, step), key=lambda change: change.at, default=None),
    }


def _run_at(site: Site, now: datetime) -> ScheduleRun | None:
    """Return the current run whose steps hold `now`."""
    begun = current_runs(site).filter(start__lte=now, start__gt=now - LONGEST_RUN)
    return next((run for run in begun if run.horizon.end > now), None)


def _changes(run: ScheduleRun, plan: dict[tuple[str, str], Series], step: int) -> Iterator[Change]:
    """Yield the next change of each device that the plan decides on."""
    kinds = kinds_by_name(run.site)
    for (device, quantity), values in plan.items():
        if device and quantity == "power_kw" and kinds.get(device) not in NOT_PLANNED:
            moved = np.abs(values[step:] - values[step]) > SHARE_THAT_COUNTS * np.abs(values).max()
            if moved.any():
                later = step + int(np.argmax(moved))
                words = _words(float(values[step]), float(values[later]), float(np.abs(values).max()))
                at = run.start + later * run.horizon.step
                yield Change(at.astimezone(run.site.zone), device_label(device, kinds), words)


def _words(before: float, after: float, most: float) -> str:
    """Return what a change of power (kW, positive for consumption) is called."""
    small = SHARE_THAT_COUNTS * most
    if abs(after) <= small:
        return _("stops")
    power = {"power": f"{abs(after):.1f}"}
    if abs(before) <= small or before * after < 0:
        return (_("takes %(power)s kW") if after > 0 else _("gives %(power)s kW")) % power
    return (_("goes up to %(power)s kW") if abs(after) > abs(before) else _("goes down to %(power)s kW")) % power
