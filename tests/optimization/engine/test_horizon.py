from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimization.engine import Horizon, ProblemError

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("day", "count", "start"),
    [
        (date(2026, 3, 29), 92, datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 6, 1), 96, datetime(2026, 5, 31, 22, tzinfo=UTC)),
        (date(2026, 10, 25), 100, datetime(2026, 10, 24, 22, tzinfo=UTC)),
    ],
)
def test_market_day_follows_the_clock(day: date, count: int, start: datetime) -> None:
    horizon = Horizon.market_day(day, BERLIN)
    assert (horizon.count, horizon.start) == (count, start)
    assert horizon.end == horizon.times[-1] + QUARTER


@pytest.mark.parametrize("minutes", [0, -15, 7, 25, 90])
def test_step_must_divide_the_hour(minutes: int) -> None:
    with pytest.raises(ProblemError, match=r"horizon.step is .* divides the hour"):
        Horizon(datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=minutes), 4)


def test_naive_start_and_empty_horizon_are_refused() -> None:
    with pytest.raises(ProblemError, match=r"horizon\.start"):
        Horizon(datetime(2026, 1, 1), QUARTER, 4)
    with pytest.raises(ProblemError, match=r"horizon\.count is 0"):
        Horizon(datetime(2026, 1, 1, tzinfo=UTC), QUARTER, 0)


def test_moments_become_whole_steps() -> None:
    horizon = Horizon(datetime(2026, 1, 1, tzinfo=UTC), QUARTER, 8)
    moment = horizon.start + timedelta(minutes=20)
    assert (horizon.first_step_from(moment), horizon.last_step_before(moment)) == (2, 1)
    assert (horizon.first_step_from(horizon.end), horizon.last_step_before(horizon.start)) == (8, 0)
    assert [horizon.steps_in(minutes) for minutes in (0, 15, 16, 30)] == [0, 1, 2, 2]
