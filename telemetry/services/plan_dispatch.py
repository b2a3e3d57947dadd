"""The switch that lets plans tell devices what to do: off until somebody turns it on."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from telemetry.models import PlanDispatch, Setpoint
from telemetry.services.setpoints import cancel_all


@transaction.atomic
def switch_plans(*, organization: Organization, enabled: bool | None, site: Site | None = None) -> None:
    """Let new plans become set-points or not: of a site, or of all sites that say nothing of their own.

    None takes back what a site says of its own. Where plans are off from now on, devices are told so.
    """
    stored = PlanDispatch.objects.select_for_update(of=("self",)).filter(organization=organization, site=site).first()
    before = audit.snapshot(stored) if stored else None
    if enabled is None:
        if stored is None:
            return
        audit.record(organization=organization, action="plan_dispatch.default", instance=stored, before=before)
        stored.delete()
    elif stored is None or stored.enabled != enabled:
        row = stored or PlanDispatch(organization=organization, site=site)
        row.enabled = enabled
        row.save()
        action = f"plan_dispatch.{'on' if enabled else 'off'}"
        audit.record(organization=organization, action=action, instance=row, before=before, after=audit.snapshot(row))
    _withdraw_plans(organization)


def sites_with_dispatch(organization: Organization, sites: Iterable[int]) -> set[int]:
    """Return those of the organization's sites whose plans become set-points; one query."""
    rows = PlanDispatch.objects.filter(organization=organization).values_list("site_id", "enabled")
    switches: dict[int | None, bool] = dict(rows)
    return {site for site in sites if switches.get(site, switches.get(None, False))}


def _withdraw_plans(organization: Organization) -> None:
    live = Setpoint.objects.select_for_update(of=("self",)).filter(
        organization=organization,
        source=Setpoint.Source.SCHEDULE,
        state__in=Setpoint.OPEN,
        valid_until__gt=timezone.now(),
    )
    rows = list(live)
    on = sites_with_dispatch(organization, {row.site_id for row in rows})
    if off := [row for row in rows if row.site_id not in on]:
        cancel_all(organization=organization, setpoints=off)
