"""The life of an offer has no way that the table does not name."""

import itertools

import pytest

from flexmarket.engine.market.states import ENDED, TRANSITIONS, OfferState, StateError, check_change, path_of_whole

S = OfferState


def test_every_state_is_in_the_table_and_can_be_reached_from_a_draft() -> None:
    assert set(TRANSITIONS) == set(OfferState)
    reached, todo = {S.DRAFT}, [S.DRAFT]
    while todo:
        new = TRANSITIONS[todo.pop()] - reached
        reached |= new
        todo += new
    assert reached == set(OfferState)


def test_a_call_goes_the_whole_way_to_its_payment() -> None:
    way = [S.DRAFT, S.VALIDATED, S.SUBMITTED, S.ORDERED, S.ACTIVATED, S.DELIVERED, S.METERED, S.SETTLED]
    for before, after in itertools.pairwise(way):
        check_change("offer 7", before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.SUBMITTED, S.SETTLED),
        (S.ORDERED, S.REVOKED),
        (S.REVOKED, S.SUBMITTED),
        (S.SETTLED, S.DRAFT),
        (S.ACTIVATED, S.EXPIRED),
    ],
)
def test_an_impossible_change_names_both_states_and_what_is_possible(before: OfferState, after: OfferState) -> None:
    with pytest.raises(StateError) as caught:
        check_change("offer 7", before, after)
    said = str(caught.value)
    assert f"offer 7 is {before} and cannot become {after}" in said
    assert all(state in said for state in TRANSITIONS[before]) if before not in ENDED else "it has ended" in said


@pytest.mark.parametrize(
    ("whole", "parts", "path"),
    [
        (S.ORDERED, [S.ORDERED, S.ACTIVATED], []),
        (S.ORDERED, [S.ACTIVATED, S.ACTIVATED], [S.ACTIVATED]),
        (S.PARTLY_ORDERED, [S.ACTIVATED, S.REJECTED], [S.ACTIVATED]),
        (S.ORDERED, [S.REJECTED, S.REJECTED], [S.REJECTED]),
        (S.ACTIVATED, [S.METERED, S.ACTIVATED], []),
        (S.ACTIVATED, [S.METERED, S.METERED], [S.DELIVERED, S.METERED]),
        (S.METERED, [S.SETTLED, S.SETTLED], [S.SETTLED]),
        (S.SETTLED, [S.SETTLED, S.DISPUTED], [S.DISPUTED]),
        (S.DISPUTED, [S.SETTLED, S.DISPUTED], []),
        (S.DISPUTED, [S.SETTLED, S.METERED], [S.METERED]),
        (S.REJECTED, [S.REJECTED], []),
    ],
)
def test_a_portfolio_is_where_the_last_of_its_called_sites_is(
    whole: OfferState, parts: list[OfferState], path: list[OfferState]
) -> None:
    assert path_of_whole(whole, parts) == path
    for before, after in itertools.pairwise([whole, *path]):
        check_change("offer 7", before, after)
