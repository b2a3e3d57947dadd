"""Figures of readings and of the bridge for `/metrics`."""

from collections.abc import Iterable

from django.db.models import Count, Sum
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.registry import Measure, Sample
from telemetry.models import BridgeState, DeadLetter, Setpoint


def readings() -> Iterable[Sample]:
    """Yield what each bridge has taken since its start: new readings, known ones, and refused messages."""
    for state in BridgeState.objects.order_by("client_id"):
        yield (state.client_id, "stored"), state.stored
        yield (state.client_id, "known"), state.known
        yield (state.client_id, "refused"), state.refused


def queued() -> Iterable[Sample]:
    """Return how many messages each bridge has received and not stored yet."""
    return [((state.client_id,), state.queued) for state in BridgeState.objects.order_by("client_id")]


def commit_ages() -> Iterable[Sample]:
    """Return the seconds since each bridge has stored something; nothing for one that never did."""
    now = timezone.now()
    committed = BridgeState.objects.order_by("client_id").values_list("client_id", "last_commit_at")
    return [((client,), (now - at).total_seconds()) for client, at in committed if at]


def connected() -> Iterable[Sample]:
    """Return whether each bridge works: connected, not silent and not stuck."""
    now = timezone.now()
    return [((each.client_id,), float(not each.trouble(now))) for each in BridgeState.objects.order_by("client_id")]


def letters() -> Iterable[Sample]:
    """Return how many different messages lie refused, and how often these came."""
    with scopes_disabled():
        found = DeadLetter.objects.aggregate(different=Count("pk"), all=Sum("count", default=0))
    return [(("different",), found["different"]), (("all",), found["all"])]


def setpoints() -> Iterable[Sample]:
    """Return how many set-points wait for the bridge."""
    with scopes_disabled():
        return [((), Setpoint.objects.filter(state=Setpoint.State.QUEUED).count())]


MEASURES = (
    Measure("bridge_messages", "Since the bridge's start", readings, ("bridge", "result"), counts_up=True),
    Measure("bridge_queued", "Messages that are received and not stored", queued, ("bridge",)),
    Measure("bridge_last_commit_age_seconds", "Since the bridge has stored something", commit_ages, ("bridge",)),
    Measure("bridge_well", "1 while the bridge works", connected, ("bridge",)),
    Measure("dead_letters", "Refused messages that are kept", letters, ("counted",)),
    Measure("setpoints_queued", "Set-points that the bridge has not sent", setpoints),
)
