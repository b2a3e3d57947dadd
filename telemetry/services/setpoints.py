"""What devices are told: queued, superseded by the newest, answered once, cancelled.

The bridge sends what is queued (`telemetry/mqtt/dispatch.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assets.models import Asset
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from telemetry.engine.setpoints import Answer, Powers, Steps, spliced, wrong_powers
from telemetry.models import DeviceCredential, Setpoint

CONTROLLABLE = frozenset({"battery", "electric_vehicle", "heat_pump", "chp", "generator", "shiftable_load"})
LONGEST_STEP_SECONDS = 86_400
FURTHEST = timedelta(days=8)
State = Setpoint.State


@dataclass(frozen=True, kw_only=True, eq=False)
class NewSetpoint:
    """Powers that a device shall have, kW, positive for consumption; NaN where a step says nothing.

    `origin` says what it was made of, such as a schedule run.
    """

    asset: Asset
    start: datetime
    step_seconds: int
    power_kw: Powers | Sequence[float]
    origin: str = ""

    @property
    def steps(self) -> Steps:
        """Its powers over time."""
        return Steps(self.start, self.step_seconds, np.asarray(self.power_kw, dtype=np.float64))


@dataclass(frozen=True)
class ReceivedAnswer:
    """An answer that came by the topic of a device, and when."""

    asset: int
    answer: Answer
    received_at: datetime


@transaction.atomic
def queue_setpoints(
    *,
    organization: Organization,
    setpoints: Sequence[NewSetpoint],
    source: str,
    prefix: str = "setpoints",
) -> list[Setpoint]:
    """Tell devices what to do: the bridge sends it as soon as the caller's transaction is committed.

    What is new takes the place of what a device was told before; steps before and after it are carried over, so that
    an hour by hand leaves the rest of a plan, and a new plan leaves that hour: a device has one owner at a time. Steps
    that are over are left out. A few statements for any number.

    Raises:
        ValidationError: by `<prefix>[i].<field>`; then nothing is queued.
    """
    now = timezone.now()
    assets = _locked_assets(organization, [each.asset.pk for each in setpoints])
    reached = reachable(assets.values())
    errors: dict[str, str] = {}
    seen: set[int] = set()
    for index, each in enumerate(setpoints):
        problem = _problem(each, assets.get(each.asset.pk), reached, seen, now)
        if problem is not None:
            errors[f"{prefix}[{index}].{problem[0]}" if prefix else problem[0]] = problem[1]
        seen.add(each.asset.pk)
    if errors:
        raise ValidationError(errors)
    before = _superseded(list(assets), now)
    made = [_made(assets[each.asset.pk], each, source, before.get(each.asset.pk), now) for each in setpoints]
    Setpoint.objects.bulk_create(made, batch_size=500)
    rows = [(each, None, {**audit.snapshot(each), "steps": len(each.steps.power_kw)}) for each in made]
    audit.record_many(organization=organization, action="setpoint.queue", rows=rows)
    return made


@transaction.atomic
def cancel_setpoint(*, setpoint: Setpoint) -> Setpoint:
    """Take a set-point back; its device is told that there is none any more.

    Raises:
        ValidationError: where it is over, refused, superseded or cancelled.
    """
    stored = Setpoint.objects.select_for_update(of=("self",)).filter(pk=setpoint.pk).first()
    if stored is None:
        raise ValidationError(f"Set-point {setpoint.pk} does not exist any more.")
    if not stored.is_live(timezone.now()):
        how = stored.state if stored.state not in Setpoint.OPEN else "over"
        allowed = ", ".join(Setpoint.OPEN)
        raise ValidationError(f"The set-point is {how}; allowed: {allowed}, and not over.")
    cancel_all(organization=stored.organization, setpoints=[stored])
    return stored


def cancel_all(*, organization: Organization, setpoints: Sequence[Setpoint]) -> None:
    """Take live set-points of an organization back, inside the caller's transaction."""
    now = timezone.now()
    rows = []
    for each in setpoints:
        before = audit.snapshot(each)
        each.state, each.ended_at, each.withdrawal = State.CANCELLED, now, True
        rows.append((each, *audit.changed(before, audit.snapshot(each))))
    Setpoint.objects.bulk_update(setpoints, ["state", "ended_at", "withdrawal"], batch_size=500)
    audit.record_many(organization=organization, action="setpoint.cancel", rows=rows)


def note_answers(*, answers: Sequence[ReceivedAnswer]) -> list[ReceivedAnswer]:
    """Store what devices of any organizations answered; return the answers to no set-point of their device.

    The first answer counts. One to a set-point that is over, superseded or cancelled changes nothing.
    """
    wanted = [each.answer.id for each in answers]
    rows = Setpoint.objects.select_for_update(of=("self",)).filter(message_id__in=wanted).order_by("pk")
    found = {(row.asset_id, row.message_id): row for row in rows}
    changed: dict[int, Setpoint] = {}
    for each in answers:
        row = found.get((each.asset, each.answer.id))
        if row is not None and row.state in Setpoint.WAITING:
            accepted = each.answer.status == "accepted"
            row.state = State.ACKNOWLEDGED if accepted else State.REFUSED
            row.answered_at, row.reason = each.received_at, "" if accepted else each.answer.reason.replace("\0", "")
            # The device may be quicker than the broker's own acknowledgement.
            row.sent_at = row.sent_at or each.received_at
            changed[row.pk] = row
    Setpoint.objects.bulk_update(changed.values(), ["state", "answered_at", "reason", "sent_at"], batch_size=500)
    return [each for each in answers if (each.asset, each.answer.id) not in found]


def note_sent(*, setpoints: Iterable[int]) -> None:
    """Store that the broker has these set-points now."""
    queued = Setpoint.objects.filter(pk__in=list(setpoints), state=State.QUEUED)
    queued.update(state=State.SENT, sent_at=timezone.now())


def note_withdrawn(*, setpoints: Iterable[int]) -> None:
    """Store that the broker has forgotten these set-points."""
    Setpoint.objects.filter(pk__in=list(setpoints)).update(withdrawal=False)


def expire_setpoints() -> int:
    """End the set-points that no device answered before they were over; return how many."""
    now = timezone.now()
    waiting = Setpoint.objects.filter(state__in=Setpoint.WAITING, valid_until__lte=now)
    # Asking first, as SQLite has one writer at a time, and this is called all the time.
    return waiting.update(state=State.EXPIRED, ended_at=now) if waiting.exists() else 0


def reachable(assets: Iterable[Asset]) -> set[int]:
    """Return the ids of the devices that an active credential covers, their own or their site's."""
    sites = {asset.pk: asset.site_id for asset in assets}
    covering = Q(asset__in=list(sites)) | Q(asset=None, site__in=set(sites.values()))
    active = DeviceCredential.objects.filter(covering, revoked_at=None).values_list("asset_id", "site_id")
    of_devices: set[int] = set()
    of_sites: set[int] = set()
    for asset, site in active:
        if asset is None:
            of_sites.add(site)
        else:
            of_devices.add(asset)
    return {pk for pk, site in sites.items() if pk in of_devices or site in of_sites}


def _locked_assets(organization: Organization, wanted: Sequence[int]) -> dict[int, Asset]:
    """Return the organization's devices by their id, so that two writers never queue for the same one at once."""
    own = Asset.objects.filter(site__organization=organization, pk__in=wanted)
    return {row.pk: row for row in own.select_for_update(of=("self",)).select_related("site").order_by("pk")}


def _problem(
    given: NewSetpoint, asset: Asset | None, reached: set[int], seen: set[int], now: datetime
) -> tuple[str, str] | None:
    """Return the first field that is wrong, and why."""
    if asset is None:
        return "asset", f"asset is {given.asset.pk}; allowed: the id of a device of the organization."
    if asset.kind not in CONTROLLABLE:
        return "asset", f"asset is {asset}, whose kind is {asset.kind}; allowed: {', '.join(sorted(CONTROLLABLE))}."
    if asset.pk in seen:
        return "asset", f"asset is {asset}, which is there twice; allowed: one set-point for a device."
    if asset.pk not in reached:
        return "asset", f"asset is {asset}, which nobody can reach; allowed: a device with an active credential."
    if not 1 <= given.step_seconds <= LONGEST_STEP_SECONDS:
        return "step_seconds", f"step_seconds is {given.step_seconds}; allowed: 1 to {LONGEST_STEP_SECONDS}."
    if problem := wrong_powers(given.power_kw):
        return "power_kw", problem
    if given.steps.end <= now or not len(given.steps.since(now).power_kw):
        return "start", f"start is {given.start.isoformat()}; allowed: a time from which on some steps are not over."
    if given.steps.end > now + FURTHEST:
        return "start", f"start is {given.start.isoformat()}; allowed: an end within {FURTHEST.days} days."
    return None


def _superseded(assets: Sequence[int], now: datetime) -> dict[int, Setpoint]:
    """End what the devices were told before; return what of it was live, by device."""
    rows = Setpoint.objects.filter(asset__in=assets)
    rows.filter(withdrawal=True).update(withdrawal=False)
    rows.filter(state__in=Setpoint.WAITING, valid_until__lte=now).update(state=State.EXPIRED, ended_at=now)
    live = rows.filter(state__in=Setpoint.OPEN, valid_until__gt=now)
    found = {each.asset_id: each for each in live}
    live.update(state=State.SUPERSEDED, ended_at=now)
    return found


def _made(asset: Asset, given: NewSetpoint, source: str, before: Setpoint | None, now: datetime) -> Setpoint:
    steps = given.steps.since(now)
    held_until = given.steps.end if source == Setpoint.Source.MANUAL else None
    if before is not None:
        steps = spliced(before.steps.since(now), steps)
        if before.held_until is not None and before.held_until > now:
            held_until = max(held_until or before.held_until, before.held_until)
            if source != Setpoint.Source.MANUAL:
                steps = spliced(steps, before.steps.since(now).until(before.held_until))
    return Setpoint(
        organization_id=asset.site.organization_id,
        site=asset.site,
        asset=asset,
        source=source,
        origin=given.origin[:100],
        start=steps.start,
        step_seconds=steps.step_seconds,
        power_kw=steps.power_kw,
        valid_until=steps.end,
        held_until=held_until,
        issued_at=now,
    )
