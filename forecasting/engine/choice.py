"""Which model forecasts a channel: what its history suffices for, and what a back-test found to be best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecasting.engine.backtest import Record, rolling
from forecasting.engine.models import MODELS, NAIVE
from forecasting.engine.protocol import Batch, ForecastError, Model, Prediction
from forecasting.engine.scores import Score

# From the one that needs most to those that need nothing; physical models and profiles stand at the end.
PREFERRED = ("blend", "ridge", "climatology")
MARGIN = 0.98


def suitable(kind: str, history_days: float) -> list[Model]:
    """Return the models that can forecast a channel of a kind with so much history, the best guess first.

    The fall-back chain: blend, ridge, climatology, then those that need no history, then the naive forecast. The
    boosting alone is not in it: it is a part of the blend.
    """
    needless = [model.name for model in MODELS.values() if model.minimum_history_days == 0]
    chain = [MODELS[name] for name in (*PREFERRED, *needless, NAIVE)]
    return [model for model in chain if kind in model.kinds and model.minimum_history_days <= history_days]


def choose(
    record: Record,
    models: Sequence[Model],
    origins: Sequence[datetime],
    *,
    history_days: int | None = None,
) -> Mapping[str, str]:
    """Return the name of the best model for each channel by a rolling back-test, by name of the channel.

    A channel that no model could forecast is left out.
    """
    compared = compare(record, models, origins, history_days=history_days)
    return {name: each.best for name, each in compared.items()}


@dataclass(frozen=True)
class Comparison:
    """The best model of a channel, and the score of each model that could forecast it."""

    best: str
    scores: Mapping[str, Score]


def compare(
    record: Record,
    models: Sequence[Model],
    origins: Sequence[datetime],
    *,
    history_days: int | None = None,
) -> Mapping[str, Comparison]:
    """Return how good models were for each channel in a rolling back-test, by name of the channel.

    The first model stands unless another is better by 2 %: channels do not change models for luck. A channel that no
    model could forecast is left out.
    """
    if not models:
        raise ForecastError("models: none given; at least 1 is needed.")
    trials = [rolling(record, model, origins, history_days=history_days) for model in models]
    found: dict[str, Comparison] = {}
    for row, channel in enumerate(record.channels):
        scores = {trial.model: score for trial in trials if (score := trial.score_of(row)) is not None}
        if scores:
            found[channel.name] = Comparison(_best(scores), scores)
    return found


def _best(scores: Mapping[str, Score]) -> str:
    best, least = "", np.inf
    for model, score in scores.items():
        if score.pinball_percent < least * (MARGIN if best else 1.0):
            best, least = model, score.pinball_percent
    return best


def filled_in(predictions: Sequence[tuple[str, Prediction]], batch: Batch) -> tuple[Prediction, list[str]]:
    """Return one prediction with each channel from the first that knows it, and the model's name by channel ("").

    So a chain of models serves a batch whose channels have histories of all lengths.
    """
    found, names = Prediction.empty(len(batch.channels), batch.horizon), [""] * len(batch.channels)
    for name, prediction in predictions:
        for row in np.flatnonzero(prediction.known & ~found.known):
            found.mean[row], found.quantiles[row] = prediction.mean[row], prediction.quantiles[row]
            names[int(row)] = name
    return found, names
