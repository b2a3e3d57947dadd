"""A forecast of channels with histories of all lengths: each by the first of its models that can, a failure alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from logging import getLogger

from forecasting.engine.choice import suitable
from forecasting.engine.models import MODELS
from forecasting.engine.protocol import Batch, Fitted, ForecastError, Model, Prediction

log = getLogger(__name__)
# Returns a model after training; None where it has to be trained first, which is not done here.
Fit = Callable[[Model, Batch], Fitted | None]


@dataclass(frozen=True, eq=False)
class Chained:
    """A prediction, the name of the model of each channel ("": none could), and what went wrong by channel."""

    prediction: Prediction
    models: list[str]
    problems: dict[int, str] = field(default_factory=dict)


def chain_of(kind: str, history_days: float, first: str = "") -> list[str]:
    """Return the names of models to try in turn: the first choice, then those that such a history suffices for."""
    names = [model.name for model in suitable(kind, history_days)]
    known = first in MODELS and kind in MODELS[first].kinds
    return [first, *(name for name in names if name != first)] if known else names


def forecast(batch: Batch, first: Sequence[str], fit: Fit) -> Chained:
    """Return the forecast of each channel by its first choice ("": the best guess), else by the next in its chain."""
    found = Chained(Prediction.empty(len(batch.channels), batch.horizon), [""] * len(batch.channels))
    chains = [
        chain_of(channel.kind, days, name)
        for channel, days, name in zip(batch.channels, batch.history_days.tolist(), first, strict=True)
    ]
    while groups := _groups(chains):
        for name, rows in groups.items():
            _try(MODELS[name], batch, rows, fit, found)
            for row in rows:
                chains[row] = [] if found.models[row] else chains[row][1:]
    return found


def _groups(chains: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Return the channels that wait by the model that is next."""
    groups: dict[str, list[int]] = {}
    for row, chain in enumerate(chains):
        if chain:
            groups.setdefault(chain[0], []).append(row)
    return groups


def _try(model: Model, batch: Batch, rows: list[int], fit: Fit, found: Chained) -> None:
    """Forecast some channels together; where that fails, each alone, so that one of them fails no other."""
    try:
        part = batch.of(rows)
        fitted = fit(model, part)
        prediction = Prediction.empty(len(rows), batch.horizon) if fitted is None else fitted.predict(part)
    except Exception as error:
        if len(rows) > 1:
            for row in rows:
                _try(model, batch, [row], fit, found)
            return
        found.problems[rows[0]] = _told(model, error)
        return
    for place, row in enumerate(rows):
        if prediction.known[place]:
            found.prediction.mean[row] = prediction.mean[place]
            found.prediction.quantiles[row] = prediction.quantiles[place]
            found.models[row] = model.name


def _told(model: Model, error: Exception) -> str:
    if isinstance(error, ForecastError):
        return str(error)
    log.exception("Model %s failed.", model.name)
    return f"The model {model.name} failed ({type(error).__name__}); the worker's log says more."
