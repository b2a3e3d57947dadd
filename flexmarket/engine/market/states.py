"""The life of an offer, from its first draft to its payment, and the changes that are possible."""

from collections.abc import Mapping, Sequence
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


# How far a called offer is; a disputed one was metered.
_LATER = (_S.ACTIVATED, _S.DELIVERED, _S.METERED, _S.SETTLED)
_RANK = {state: rank for rank, state in enumerate(_LATER)} | {_S.DISPUTED: _LATER.index(_S.METERED)}


def path_of_whole(whole: OfferState, parts: Sequence[OfferState]) -> list[OfferState]:
    """Return the states through which the offer of a portfolio goes to where its called parts are.

    It is where the last of them is that was not rejected; while one is not activated yet, it stays.
    """
    going = [part for part in parts if part is not _S.REJECTED]
    if not going:
        return [] if whole is _S.REJECTED else [_S.REJECTED]
    if any(part not in _RANK for part in going):
        return []
    if _S.DISPUTED in going and whole in (_S.METERED, _S.SETTLED):
        return [_S.DISPUTED]
    goal = min(_RANK[part] for part in going)
    if whole is _S.DISPUTED:
        return [] if _S.DISPUTED in going or goal < _RANK[_S.METERED] else [_LATER[goal]]
    return list(_LATER[_RANK.get(whole, -1) + 1 : goal + 1])
