"""Doubts about what was settled: raised once per line, accepted by measuring again, or refused with a reason."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from flexmarket.engine.market.states import OfferState
from flexmarket.models import Dispute, Statement, StatementLine
from flexmarket.settlement.metering import meter_order
from flexmarket.trading.lifecycle import change_state
from flexplatform.accounts import audit

LONGEST_TEXT = 2000


@transaction.atomic
def raise_dispute(*, line: StatementLine, reason: str) -> Dispute:
    """Dispute a line of a closed statement.

    Raises:
        ValidationError: for a statement that is not closed, a line that is disputed already, or no reason.
    """
    statement = (
        Statement.objects.select_for_update(of=("self",)).select_related("organization").get(pk=line.statement_id)
    )
    _check_text("reason", reason)
    if statement.state != Statement.State.CLOSED:
        raise ValidationError({"statement": f"state is {statement.state}; allowed: closed."})
    if Dispute.objects.filter(line=line, state=Dispute.State.OPEN).exists():
        raise ValidationError({"dispute": f"Line {line.order} is disputed already."})
    made = Dispute(organization=statement.organization, line=line, reason=reason.strip())
    made.full_clean()
    made.save()
    audit.record(organization=statement.organization, action="dispute.raise", instance=made, after=audit.snapshot(made))
    offer = line.delivery.order.offer
    change_state(organization=statement.organization, offers=[offer], state=OfferState.DISPUTED, reason=made.reason)
    return made


@transaction.atomic
def answer_dispute(*, dispute: Dispute, accepted: bool, answer: str) -> Dispute:
    """End a dispute: accepted, the call is metered again, and the next draft of the month corrects the statement.

    Raises:
        ValidationError: for a dispute that has ended, or an answer that is none.
        BaselineError: where the call cannot be metered again.
    """
    row = Dispute.objects.select_for_update(of=("self",)).select_related("organization", "line__delivery__order__offer")
    found = row.get(pk=dispute.pk)
    _check_text("answer", answer)
    if found.state != Dispute.State.OPEN:
        raise ValidationError({"state": f"state is {found.state}; allowed: open."})
    before = audit.snapshot(found)
    found.state = Dispute.State.ACCEPTED if accepted else Dispute.State.REFUSED
    found.answer, found.answered_at = answer.strip(), timezone.now()
    found.save(update_fields=["state", "answer", "answered_at"])
    was, now = audit.changed(before, audit.snapshot(found))
    audit.record(organization=found.organization, action="dispute.answer", instance=found, before=was, after=now)
    order = found.line.delivery.order
    if accepted:
        meter_order(order=order)
    order.offer.refresh_from_db(fields=["state"])
    if order.offer.state == OfferState.DISPUTED:
        state = OfferState.METERED if accepted else OfferState.SETTLED
        change_state(organization=found.organization, offers=[order.offer], state=state, reason=found.answer)
    return found


def _check_text(field: str, text: str) -> None:
    if not text.strip() or len(text) > LONGEST_TEXT or "\0" in text:
        raise ValidationError({field: f"{field} has {len(text.strip())} characters; allowed: 1 to {LONGEST_TEXT}."})
