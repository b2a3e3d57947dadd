"""Dead letters: tried again once their reason is gone, or put away."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.accounts import audit
from telemetry.models import DeadLetter
from telemetry.models.moments import microseconds
from telemetry.services.devices import note_presences
from telemetry.services.ingest import Message, decode, store_answers
from telemetry.services.readings import Stored, store_readings
from telemetry.services.registry import TopicRegistry


@transaction.atomic
def replay_letter(*, letter: DeadLetter) -> Stored:
    """Take a refused message as if it came now; where it is right by now, it is stored and the letter is gone.

    Raises:
        ValidationError: with the reason where it is refused again; nothing changes then.
    """
    stored = _locked(letter)
    if not stored.whole:
        raise ValidationError(f"Only the first {len(bytes(stored.raw))} of {stored.size} bytes are kept.")
    registry = TopicRegistry()
    with scopes_disabled():
        registry.refresh()
        now_us = microseconds(timezone.now())
        found = decode(registry, [Message(stored.source, bytes(stored.raw), now_us)])
        found.letters += store_answers(found)
        if found.letters:
            raise ValidationError(found.letters[0].reason)
        result = store_readings(batch=found.batch)
        note_presences(presences=found.presences)
    _forget(stored, "replay")
    return result


@transaction.atomic
def discard_letter(*, letter: DeadLetter) -> None:
    """Delete a letter that nobody needs."""
    _forget(_locked(letter), "discard")


def _locked(letter: DeadLetter) -> DeadLetter:
    found = DeadLetter.objects.select_for_update(of=("self",)).filter(pk=letter.pk).first()
    if found is None:
        raise ValidationError(f"Letter {letter.pk} does not exist any more.")
    return found


def _forget(letter: DeadLetter, verb: str) -> None:
    before = {"source": letter.source, "reason": letter.reason, "count": letter.count}
    audit.record(
        organization=letter.organization, action=f"dead_letter.{verb}", instance=letter, before=before, after=None
    )
    letter.delete()
