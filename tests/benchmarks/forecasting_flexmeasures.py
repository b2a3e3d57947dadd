"""FlexMeasures' way to forecast, with its settings, as a model of this project's protocol.

One LightGBM per step of the horizon and quantile, direct, over the last 30 days at every step: the values of the last
day, of the same step one week before, calendar, and inputs at the target. LightGBM's own defaults otherwise.
"""

from dataclasses import dataclass

import lightgbm
import numpy as np
import pandas as pd
from scipy.stats import norm

from forecasting.engine.protocol import KINDS, LEVELS, Batch, Prediction, crossing_free

TRAINED = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class FlexMeasures:
    """Trains at each forecast. `days` of history; 30 is its default."""

    days: int = 30
    weather: bool = False
    name: str = "flexmeasures"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 30.0
    fit_every_days: int = 1

    def fit(self, batch: Batch) -> "FlexMeasures":
        del batch
        return self

    def predict(self, batch: Batch) -> Prediction:
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for row in range(len(batch.channels)):
            for ahead in range(batch.horizon):
                rows = self._step(batch, row, ahead)
                found.quantiles[row, :, ahead] = np.interp(norm.ppf(LEVELS), norm.ppf(TRAINED), rows)
                found.mean[row, ahead] = rows[1]
        return crossing_free(found.mean, found.quantiles)

    def _step(self, batch: Batch, row: int, ahead: int) -> list[float]:
        day, known = batch.steps_per_day, batch.steps_known
        values = pd.Series(batch.history[row]).ffill().bfill().to_numpy()
        origins = np.append(np.arange(max(known - self.days * day, 7 * day), known - ahead), known)
        targets = origins + ahead
        columns = [values[origins - lag] for lag in range(1, day + 1)]
        columns.append(values[np.minimum(targets - 7 * day, known - 1)])
        times = pd.Timestamp(batch.known_grid.start) + pd.to_timedelta(targets * batch.step.total_seconds(), unit="s")
        local = times.tz_convert(batch.channels[row].time_zone)
        columns += [local.hour + local.minute / 60, local.dayofweek, local.month]
        if self.weather:
            columns += [series[row, targets] for series in batch.inputs.values()]
        x, y = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1), values[targets[:-1]]
        data = lightgbm.Dataset(x[:-1], y, params={"verbose": -1}, free_raw_data=False)
        settings = {"objective": "quantile", "num_threads": 1, "verbose": -1}
        models = [lightgbm.train({**settings, "alpha": level}, data, 100) for level in TRAINED]
        return sorted(float(model.predict(x[-1:])[0]) for model in models)
