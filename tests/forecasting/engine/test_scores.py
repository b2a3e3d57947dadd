import numpy as np
import pytest

from forecasting.engine.protocol import LEVELS
from forecasting.engine.scores import covered, pinball, score

NINE = np.arange(1.0, 10.0)[:, None]


def test_pinball_loss_by_hand() -> None:
    """Median 5 and outcome 7: each level's loss is level x error above, (1 - level) x error below."""
    by_hand = np.mean(
        [max(level * (7 - q), (level - 1) * (7 - q)) for level, q in zip(LEVELS, NINE[:, 0], strict=True)]
    )
    assert pinball(NINE, np.array([7.0])) == pytest.approx(by_hand)


def test_pinball_of_one_value_is_half_the_absolute_error() -> None:
    assert pinball(np.full((9, 1), 3.0), np.array([5.0])) == pytest.approx(1.0)


def test_the_true_distribution_scores_better_than_a_wider_or_narrower_one() -> None:
    outcome = np.random.default_rng(1).uniform(0, 10, 20_000)
    true, wide, narrow = (np.repeat(5 + factor * (NINE - 5), 20_000, axis=1) for factor in (1.0, 1.5, 0.5))
    losses = [float(pinball(each, outcome).mean()) for each in (true, wide, narrow)]
    assert losses[0] == min(losses)


def test_coverage_counts_the_edges_and_leaves_out_what_is_certain() -> None:
    quantiles = np.repeat(NINE, 4, axis=1)
    quantiles[:, 3] = 0.0
    found = covered(quantiles, np.array([1.0, 9.0, 9.5, 0.0]))
    np.testing.assert_array_equal(found, [1, 1, 0, np.nan])


def test_a_score_is_in_percent_of_the_level_and_skips_what_is_unknown() -> None:
    outcome = np.array([4.0, 6.0, np.nan])
    found = score(np.array([5.0, 5.0, 5.0]), np.full((9, 3), 5.0), outcome)
    assert found is not None
    assert (found.mae, found.mae_percent, found.bias_percent, found.steps) == (1.0, 20.0, 0.0, 2)
    assert found.pinball_percent == pytest.approx(10.0)
    assert found.skill_percent(found) == 0.0


def test_no_outcome_gives_no_score() -> None:
    assert score(np.zeros(2), np.zeros((9, 2)), np.full(2, np.nan)) is None
