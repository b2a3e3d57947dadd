"""New plans as set-points of the devices that can be controlled, in the transaction that stores the plans."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from assets.models import Asset
from flexplatform.accounts.models import Organization
from optimization.engine.schedule import Schedule
from optimization.models import ScheduleRun
from telemetry.engine.setpoints import MOST_STEPS, Steps
from telemetry.models import Setpoint
from telemetry.services import NewSetpoint, queue_setpoints, sites_with_dispatch
from telemetry.services.setpoints import CONTROLLABLE, reachable

# Later steps are left to later plans.
AHEAD = timedelta(hours=48)

Plan = tuple[ScheduleRun, Schedule]


def dispatch_plans(
    *, organization: Organization, plans: Sequence[Plan], source: str = Setpoint.Source.SCHEDULE
) -> list[Setpoint]:
    """Tell devices what new plans want of them in the coming hours, where plans are dispatched.

    What is over, and devices that nobody can reach, are left out. One query where nothing is dispatched, and a fixed
    number of statements for any number of plans.
    """
    on = sites_with_dispatch(organization, {run.site_id for run, _ in plans})
    wanted = [each for each in plans if each[0].site_id in on]
    setpoints = list(_setpoints(wanted, timezone.now())) if wanted else []
    if not setpoints:
        return []
    return queue_setpoints(organization=organization, setpoints=setpoints, source=source)


def _setpoints(plans: Sequence[Plan], now: datetime) -> Iterator[NewSetpoint]:
    devices = Asset.objects.filter(site__in=[run.site_id for run, _ in plans], kind__in=CONTROLLABLE)
    rows = list(devices.select_related("site"))
    told = reachable(rows)
    by_name = {(row.site_id, row.name): row for row in rows if row.pk in told}
    for run, plan in plans:
        for name, series in plan.devices.items():
            asset = by_name.get((run.site_id, name))
            steps = Steps(run.start, run.step_seconds, series["power_kw"]).since(now) if asset else None
            if asset is None or steps is None:
                continue
            most = min((now + AHEAD - steps.start) // timedelta(seconds=steps.step_seconds), MOST_STEPS)
            if len(steps.power_kw) and most > 0:
                yield NewSetpoint(
                    asset=asset,
                    start=steps.start,
                    step_seconds=steps.step_seconds,
                    power_kw=steps.power_kw[:most],
                    origin=f"schedule run {run.pk}",
                )
