"""What topics mean: a channel, a device, or nothing and why."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from telemetry.quantities import QUANTITIES, Quantity
from telemetry.services.channels import ensure_channels
from telemetry.services.references import Reference

ACTOR = "MQTT bridge"


@dataclass(frozen=True, slots=True)
class Target:
    """The channel that a topic means."""

    organization: int
    channel: int
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Place:
    """A device, or a site itself, that a credential covers."""

    organization: int
    site: int
    asset: int | None


@dataclass(frozen=True, slots=True)
class AnswerTopic:
    """Where a device answers to its set-points."""

    organization: int
    asset: int


@dataclass(frozen=True, slots=True)
class OwnTopic:
    """Where the platform itself publishes; what comes back by it is no news."""

    organization: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a topic means no channel, and whose it is as far as that is known."""

    organization: int | None
    reason: str


def target_of(place: Place, quantity: str) -> Target | Unknown:
    """Return the channel of a place, which is made where there is none yet, or why there is none."""
    reference = Reference(site=place.site, asset=place.asset, quantity=quantity)
    organization = Organization.objects.get(pk=place.organization)
    try:
        with organization_scope(organization), acting(ACTOR, Door.COMMAND):
            (channel,) = ensure_channels(organization=organization, references=[reference])
    except ValidationError as error:
        return Unknown(place.organization, " ".join(error.messages))
    return Target(place.organization, channel.pk, QUANTITIES[channel.quantity])
