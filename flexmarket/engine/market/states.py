"""The life of an offer, from its first draft to its payment, and the changes that are possible."""

from collections.abc import Mapping
from enum import StrEnum


class OfferState(StrEnum):
    """Where an offer is; the words follow USEF's market-based coordination (validate, operate, settle)."""

    DRAFT = "draft"
    VALIDATED = "validated"
    SUBMITTED = "submitted"
    PARTLY_ORDERED = "partly_ordered"
    ORDERED = "ordered"
    ACTIVATED = "activated"
    DELIVERED = "delivered"
    METERED = "metered"
    SETTLED = "settled"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REJECTED = "rejected"
    DISPUTED = "disputed"


_S = OfferState
_CALLED = frozenset({_S.ACTIVATED, _S.REJECTED})

# Expired, revoked and rejected offers stay what they are: who still wants to sell makes a new one.
TRANSITIONS: Mapping[OfferState, frozenset[OfferState]] = {
    _S.DRAFT: frozenset({_S.VALIDATED, _S.REJECTED, _S.REVOKED, _S.EXPIRED}),
    _S.VALIDATED: frozenset({_S.SUBMITTED, _S.REJECTED, _S.REVOKED, _S.EXPIRED}),
    _S.SUBMITTED: frozenset({_S.PARTLY_ORDERED, _S.ORDERED, _S.REJECTED, _S.REVOKED, _S.EXPIRED}),
    _S.PARTLY_ORDERED: _CALLED,
    _S.ORDERED: _CALLED,
    _S.ACTIVATED: frozenset({_S.DELIVERED}),
    _S.DELIVERED: frozenset({_S.METERED}),
    _S.METERED: frozenset({_S.SETTLED, _S.DISPUTED}),
    _S.SETTLED: frozenset({_S.DISPUTED}),
    _S.DISPUTED: frozenset({_S.METERED, _S.SETTLED}),
    _S.EXPIRED: frozenset(),
    _S.REVOKED: frozenset(),
    _S.REJECTED: frozenset(),
}

OPEN = frozenset({_S.DRAFT, _S.VALIDATED, _S.SUBMITTED})
ENDED = frozenset(state for state, following in TRANSITIONS.items() if not following)


class StateError(ValueError):
    """A change that the life of an offer does not have."""

    def __init__(self, what: str, before: OfferState, after: OfferState) -> None:
        allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing, it has ended"
        super().__init__(f"{what} is {before} and cannot become {after}; allowed: {allowed}.")
        self.before, self.after = before, after


def check_change(what: str, before: OfferState, after: OfferState) -> None:
    """Refuse an impossible change of `what`.

    Raises:
        StateError: names both states and those that may follow.
    """
    if after not in TRANSITIONS[before]:
        raise StateError(what, before, after)
