import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.engine.setpoints import (
    MOST_STEPS,
    Answer,
    Steps,
    payload_of,
    read_answer,
    read_payload,
    spliced,
    wrong_powers,
)

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
ID = UUID("6f1d5c1e-0a5f-4ab1-9f6c-1de5a0e0b001")
NAN = float("nan")


def steps(after_seconds: int, step_seconds: int, *power_kw: float) -> Steps:
    return Steps(START + timedelta(seconds=after_seconds), step_seconds, np.array(power_kw, dtype=np.float64))


def powers(found: Steps, *after_seconds: int) -> list[float | None]:
    return [found.at(START + timedelta(seconds=seconds)) for seconds in after_seconds]


def test_an_hour_by_hand_leaves_the_rest_of_a_plan() -> None:
    plan, by_hand = steps(0, 900, 1, 2, 3, 4), steps(600, 300, 9)
    found = spliced(plan, by_hand)
    assert (found.start, found.step_seconds, found.end) == (START, 300, START + timedelta(hours=1))
    assert powers(found, 0, 599, 600, 899, 900, 3599, 3600) == [1, 1, 9, 9, 2, 4, None]


def test_between_two_plans_nothing_is_said() -> None:
    found = spliced(steps(0, 900, 1), steps(2700, 900, 2))
    assert powers(found, 0, 900, 1800, 2700) == [1, None, None, 2]
    assert len(found.since(START + timedelta(seconds=900)).power_kw) == 1


def test_what_would_get_too_long_stands_alone() -> None:
    new = steps(1, 900, *range(10))
    assert spliced(steps(0, 900, *range(10)), new) is new


series = st.builds(
    lambda start, step, values: steps(start * 60, step * 60, *values),
    st.integers(0, 30),
    st.integers(1, 4),
    st.lists(st.one_of(st.floats(-50, 50), st.just(NAN)), min_size=1, max_size=10),
)


@given(series, series)
def test_the_new_one_is_followed_where_it_says_something_and_the_old_one_elsewhere(old: Steps, new: Steps) -> None:
    found = spliced(old, new)
    assert len(found.power_kw) <= MOST_STEPS
    for minute in range(80):
        moment = START + timedelta(minutes=minute)
        expected = old.at(moment) if new.at(moment) is None else new.at(moment)
        assert found.at(moment) == expected
        later = found.since(START + timedelta(minutes=20)).at(moment)
        assert later == expected if minute >= 20 else later in (None, expected)


@given(series)
def test_a_device_reads_what_was_written(given_steps: Steps) -> None:
    message_id, found = read_payload(payload_of(ID, START, given_steps))
    assert (message_id, found.start, found.step_seconds) == (str(ID), given_steps.start, given_steps.step_seconds)
    np.testing.assert_allclose(found.power_kw, given_steps.power_kw, atol=1e-3)


def test_a_setpoint_says_when_it_holds() -> None:
    told = json.loads(payload_of(ID, START, steps(0, 900, 1.5, NAN, -0.0)))
    assert told == {
        "id": str(ID),
        "issued_at": "2026-11-21T12:00:00Z",
        "valid_from": "2026-11-21T12:00:00Z",
        "valid_until": "2026-11-21T12:45:00Z",
        "step_seconds": 900,
        "power_kw": [1.5, None, 0.0],
    }


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"id":1}'])
def test_what_is_no_setpoint_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="No set-point"):
        read_payload(payload)


def test_answers() -> None:
    assert read_answer(f'{{"id":"{ID}","status":"accepted","more":1}}'.encode()) == Answer(ID, "accepted")
    refused = read_answer(f'{{"id":"{ID}","status":"refused","reason":"too hot"}}'.encode())
    assert refused == Answer(ID, "refused", "too hot")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"yes", "The answer is none: "),
        (b"\xff", "The answer is none: "),
        (b'{"id":"x","status":"accepted"}', "The answer is none: Invalid UUID"),
        (f'{{"id":"{ID}","status":"perhaps"}}'.encode(), "The answer is none: Invalid enum value 'perhaps'"),
        (f'{{"id":"{ID}","status":"refused","reason":"{"x" * 501}"}}'.encode(), "The answer is none: Expected `str`"),
        (b" " * 5000, "The answer has 5000 bytes; allowed: 4096."),
        (b"[" * 4000, "The answer is none: "),
    ],
)
def test_what_is_no_answer_says_why(payload: bytes, reason: str) -> None:
    found = read_answer(payload)
    assert isinstance(found, str)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("power_kw", "problem"),
    [
        ([1.0, NAN], ""),
        ([], "power_kw has 0 values; allowed: 1 to 2000."),
        ([0.0] * 2001, "power_kw has 2001 values; allowed: 1 to 2000."),
        ([1.0, float("inf")], "power_kw[1] is inf; allowed: at most 1e+09 kW either way."),
        ([-1e10], "power_kw[0] is -1e+10; allowed: at most 1e+09 kW either way."),
        ([NAN], "power_kw has no number in it; allowed: at least one."),
    ],
)
def test_powers_that_no_device_can_have(power_kw: list[float], problem: str) -> None:
    assert wrong_powers(power_kw) == problem
