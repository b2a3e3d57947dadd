"""How long offers last: runs of steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flexmarket.engine.opentumflex.offers import first_smaller, steps_held

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
