"""Writes of channels."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from assets.models import Asset, Site
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from telemetry.models import Channel
from telemetry.services.references import Reference, ReferenceProblem, directory_of

CHANGEABLE = ("resolution_seconds", "stale_after_seconds")


@transaction.atomic
def create_channel(*, site: Site, quantity: str, asset: Asset | None = None, **values: Any) -> Channel:
    """Make a channel of a device, or of the site; `values` as `update_channel`.

    Raises:
        ValidationError: by field; also where there is one already.
    """
    channel = Channel(organization_id=site.organization_id, site=site, asset=asset, quantity=quantity)
    _fill(channel, values)
    channel.follow_quantity()
    channel.full_clean(exclude={"unit", "sign"})
    channel.save()
    audit.record(
        organization=channel.organization, action="channel.create", instance=channel, after=audit.snapshot(channel)
    )
    return channel


@transaction.atomic
def update_channel(*, channel: Channel, **values: Any) -> Channel:
    """Change `resolution_seconds` or `stale_after_seconds`; what a channel is about never changes.

    Raises:
        ValidationError: by field.
    """
    stored = _locked(channel)
    before = audit.snapshot(stored)
    _fill(stored, values)
    stored.full_clean()
    stored.save()
    was, now = audit.changed(before, audit.snapshot(stored))
    if now:
        audit.record(organization=stored.organization, action="channel.change", instance=stored, before=was, after=now)
    return stored


@transaction.atomic
def delete_channel(*, channel: Channel) -> None:
    """Delete a channel with all that was measured and forecast of it."""
    stored = _locked(channel)
    audit.record(
        organization=stored.organization, action="channel.delete", instance=stored, before=audit.snapshot(stored)
    )
    stored.delete()


@transaction.atomic
def ensure_channels(
    *, organization: Organization, references: Sequence[Reference], prefix: str = "channels"
) -> list[Channel]:
    """Return the channel of each reference, in order; those that do not exist yet are made.

    A fixed number of statements, whatever the number of references (one more per 500 new channels).

    Raises:
        ValidationError: by `<prefix>[i].<field>`, for every reference that means nothing in the organization.
    """
    directory = directory_of(organization, references)
    found: list[Channel] = []
    errors: dict[str, str] = {}
    for index, reference in enumerate(references):
        try:
            found.append(directory.channel(reference))
        except ReferenceProblem as problem:
            errors[f"{prefix}[{index}].{problem.field}"] = str(problem)
    if errors:
        raise ValidationError(errors)
    _store(organization, list(_unsaved(found)))
    return found


def _store(organization: Organization, channels: list[Channel]) -> None:
    if not channels:
        return
    Channel.objects.bulk_create(channels, batch_size=500)
    rows = [(channel, None, audit.snapshot(channel)) for channel in channels]
    audit.record_many(organization=organization, action="channel.create", rows=rows)


def _unsaved(channels: Sequence[Channel]) -> Iterator[Channel]:
    seen: set[int] = set()
    for channel in channels:
        if channel.pk is None and id(channel) not in seen:
            seen.add(id(channel))
            yield channel


def _fill(channel: Channel, values: dict[str, Any]) -> None:
    unknown = [name for name in values if name not in CHANGEABLE]
    if unknown:
        allowed = ", ".join(CHANGEABLE)
        raise ValidationError({name: f"{name} is no field here; allowed: {allowed}." for name in unknown})
    for name, value in values.items():
        setattr(channel, name, value)


def _locked(channel: Channel) -> Channel:
    found = Channel.objects.select_for_update(of=("self",)).filter(pk=channel.pk).first()
    if found is None:
        raise ValidationError(f"Channel {channel.pk} does not exist any more.")
    return found
