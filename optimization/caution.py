"""Plans for outcomes worse than expected: on a quantile of the forecasts, and with a reserve in the batteries."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from assets.models import Asset
from forecasting.queries import Forecast
from optimization.engine.horizon import Horizon
from optimization.engine.series import Series
from optimization.engine.uncertainty import LEVELS, SCENARIOS, Uncertain, reserve_kwh, scenario_errors

# The share of outcomes that is no worse than planned with, and of scenarios that batteries keep a reserve for.
CAUTION = {"forecast_quantile": (0.1, 0.9), "reserve_share": (0.5, 0.99)}
ELECTRIC = frozenset({"pv", "wind", "electric_load"})
# Positive where a plant makes power; all other quantities follow the sign of the platform.
PRODUCTION = "yield_kw_per_kw"
BATTERY = "battery"


class Caution:
    """What one site's plan assumes of each forecast, and what its batteries keep back because of all of them."""

    def __init__(self, horizon: Horizon, options: Mapping[str, Any]) -> None:
        self.horizon = horizon
        self.quantile: float | None = options.get("forecast_quantile")
        self.share: float | None = options.get("reserve_share")
        self._uncertain: list[Uncertain] = []

    def planned(
        self, row: Asset, quantity: str, found: Forecast, convert: Callable[[Series], Series]
    ) -> tuple[Series, dict[str, Any]]:
        """Return the values to plan with, as the engine takes them, and what the run's sources say of that.

        A quantile of 0.7 is a demand that is not exceeded in 70 % of the outcomes, and a production that is reached in
        70 %. Without quantiles the mean stays.
        """
        bands = found.quantiles
        if bands is None or not np.isfinite(bands).all():
            return convert(found.mean), {}
        values, told = found.mean, {}
        if self.quantile is not None and row.kind != "heat_pump":
            level = 1 - self.quantile if quantity == PRODUCTION else self.quantile
            values, told = _between(bands, level), {"quantile": self.quantile}
        if self.share is not None and row.kind in ELECTRIC:
            factor = -row.capacity_kw if quantity == PRODUCTION else 1.0  # type: ignore[attr-defined]
            self._uncertain.append(Uncertain(factor * values, np.sort(factor * bands, axis=0)))
        return convert(values), told

    def reserves(self, devices: Iterable[Asset]) -> Iterator[tuple[Asset, Series, dict[str, Any]]]:
        """Yield each battery with its reserve, by its share of the site's capacity, and what the sources say of it."""
        batteries: list[Any] = [row for row in devices if row.kind == BATTERY]
        if self.share is None or not self._uncertain or not batteries:
            return
        errors = scenario_errors(self._uncertain, self.horizon)
        whole = sum(each.capacity_kwh for each in batteries)
        for each in batteries:
            reserve = reserve_kwh(
                errors * (each.capacity_kwh / whole),
                self.horizon,
                self.share,
                charge_efficiency=each.charge_efficiency,
                discharge_efficiency=each.discharge_efficiency,
            )
            yield each, reserve, {"source": "reserve", "share": self.share, "scenarios": SCENARIOS}


def _between(bands: Series, level: float) -> Series:
    """Return a quantile, in a straight line between the levels next to it."""
    place = float(np.interp(level, LEVELS, np.arange(len(LEVELS))))
    lower = min(int(place), len(LEVELS) - 2)
    found: Series = bands[lower] + (place - lower) * (bands[lower + 1] - bands[lower])
    return found
