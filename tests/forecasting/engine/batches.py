"""Small batches with a daily and a weekly shape, noise and a temperature, and every statistical model."""

from datetime import UTC, datetime, timedelta

import numpy as np

from forecasting.engine.models import MODELS
from forecasting.engine.models.blend import Blend
from forecasting.engine.models.boosting import Boosting
from forecasting.engine.protocol import TEMPERATURE, Batch, ChannelFacts, Model, Prediction

ORIGIN = datetime(2026, 5, 20, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEW_TREES = Boosting(trees=6)
STATISTICAL: dict[str, Model] = {
    **{name: MODELS[name] for name in ("yesterday", "last_week", "climatology", "ridge")},
    "boosting": FEW_TREES,
    "blend": Blend(boosting=FEW_TREES),
}


def batch_of(
    kind: str = "load", days: int = 70, channels: int = 2, origin: datetime = ORIGIN, horizon: int = 24, seed: int = 3
) -> Batch:
    """Return channels that rise with cold and fall at weekends."""
    draw, count = np.random.default_rng(seed), days * 24
    hours = np.arange(count + horizon)
    temperature = 10 + 5 * np.sin(2 * np.pi * hours / 24) + draw.normal(0, 2, (channels, count + horizon))
    shape = 3 + np.sin(2 * np.pi * hours / 24) - (hours // 24 % 7 >= 5) + 0.2 * (10 - temperature)
    values = shape[:, :count] + draw.normal(0, 0.3, (channels, count))
    facts = [ChannelFacts(f"channel {number}", kind, "Europe/Berlin", "DE") for number in range(channels)]
    return Batch(facts, origin, HOUR, horizon, values, {TEMPERATURE: temperature})


def forecast(model: Model, batch: Batch) -> Prediction:
    """Return what a model trained on a batch forecasts for it."""
    return model.fit(batch).predict(batch)
