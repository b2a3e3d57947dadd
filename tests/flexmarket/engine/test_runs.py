"""How long offers last: runs of steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flexmarket.engine.opentumflex.offers import first_smaller, rounded_steps, steps_from, steps_held

POWERS = arrays(float, st.integers(1, 40), elements=st.integers(0, 5).map(float))


def test_first_smaller_and_steps_held() -> None:
    values = np.array([2.0, 3.0, 2.0, 1.0, 1.0])
    assert first_smaller(values).tolist() == [3, 2, 3, 5, 5]
    assert steps_held(values).tolist() == [3, 1, 1, 2, 1]


@given(POWERS)
def test_first_smaller_is_what_its_name_says(values: np.ndarray) -> None:
    for step, first in enumerate(first_smaller(values)):
        assert (values[step:first] >= values[step]).all()
        assert first == len(values) or values[first] < values[step]


@given(POWERS, st.integers(0, 39), st.integers(0, 5), st.integers(0, 40))
def test_steps_from_stops_at_the_first_step_below(values: np.ndarray, start: int, threshold: int, most: int) -> None:
    steps = steps_from(values, start, threshold, most)
    assert (values[start : start + steps] >= threshold).all()
    assert steps <= most
    assert steps == min(most, max(len(values) - start, 0)) or values[start + steps] < threshold


def test_rounded_steps_round_half_to_even_up_to_the_most() -> None:
    assert [rounded_steps(x, 10) for x in (0.5, 1.5, 2.5, 99.0, float("inf"))] == [0, 2, 2, 10, 10]
