"""What devices announce of themselves, and what a person says to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from flexplatform.accounts import audit
from telemetry.engine.discovery import read_config
from telemetry.engine.mapping import CONSUMPTION, LONGEST_TOPIC, MappingSpec, Rule
from telemetry.engine.topics import SITE, mapped_prefix
from telemetry.models import ChannelProposal, Mapping
from telemetry.services.mappings import create_mapping

if TYPE_CHECKING:
    from telemetry.services.mapped_topics import Source

MOST_OPEN = 500


@dataclass(frozen=True)
class Announcement:
    """A configuration message by Home Assistant's convention; an empty payload takes it back."""

    source: "Source"
    topic: str
    payload: bytes


@transaction.atomic
def note_proposals(*, announcements: Iterable[Announcement]) -> None:
    """Store what devices of any organizations propose; what a person answered stays as it is."""
    for each in {(one.source.credential, one.topic): one for one in announcements}.values():
        same = ChannelProposal.objects.filter(credential=each.source.credential, source=each.topic)
        offer = read_config(each.payload, mapped_prefix(each.source.username))
        if offer is None:
            same.filter(state=ChannelProposal.State.OPEN).delete()
            continue
        values = {
            "name": offer.name,
            "topic": offer.topic,
            "path": offer.path,
            "quantity": offer.quantity,
            "unit": offer.unit,
        }
        values = {name: value.replace("\0", "") for name, value in values.items()}
        if len(each.topic) > LONGEST_TOPIC or same.filter(state=ChannelProposal.State.OPEN).update(**values):
            continue
        organization = each.source.organization
        of_organization = ChannelProposal.objects.filter(organization=organization, state=ChannelProposal.State.OPEN)
        if not same.exists() and of_organization.count() < MOST_OPEN:
            ChannelProposal.objects.create(
                organization_id=organization, credential_id=each.source.credential, source=each.topic, **values
            )


@transaction.atomic
def accept_proposal(*, proposal: ChannelProposal, asset: str, quantity: str, sign: str = CONSUMPTION) -> Mapping:
    """Make a mapping of a proposal, for the device of this name; `site` or nothing is the site itself.

    Raises:
        ValidationError: by field; also where it was answered already.
    """
    stored = _open(proposal)
    rule = Rule(quantity=quantity, asset="" if asset == SITE else asset, path=stored.path, unit=stored.unit, sign=sign)
    name = f"{stored.name[:60]} ({stored.topic[-35:]})"
    mapping = create_mapping(
        organization=stored.organization,
        credential=stored.credential,
        spec=MappingSpec(name=name, topic=stored.topic, rules=[rule]),
    )
    _answer(stored, ChannelProposal.State.ACCEPTED, mapping)
    return mapping


@transaction.atomic
def refuse_proposal(*, proposal: ChannelProposal) -> None:
    """Say no to a proposal; it is not made again.

    Raises:
        ValidationError: where it was answered already.
    """
    _answer(_open(proposal), ChannelProposal.State.REFUSED, None)


def _open(proposal: ChannelProposal) -> ChannelProposal:
    rows = ChannelProposal.objects.select_for_update(of=("self",)).select_related("organization", "credential")
    stored = rows.filter(pk=proposal.pk).first()
    if stored is None or stored.state != ChannelProposal.State.OPEN:
        raise ValidationError(f"The proposal {proposal.name} is not open any more.")
    return stored


def _answer(proposal: ChannelProposal, state: ChannelProposal.State, mapping: Mapping | None) -> None:
    before = audit.snapshot(proposal)
    proposal.state, proposal.mapping = state, mapping
    proposal.save()
    was, now = audit.changed(before, audit.snapshot(proposal))
    verb = "accept" if mapping else "refuse"
    audit.record(
        organization=proposal.organization, action=f"channel_proposal.{verb}", instance=proposal, before=was, after=now
    )
