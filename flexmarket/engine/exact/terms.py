"""What an operator decides about offers: durations, margin, smallest power, how finely a price follows the cost."""

import math
from dataclasses import dataclass
from datetime import timedelta

from flexmarket.engine.errors import OfferError


@dataclass(frozen=True, kw_only=True)
class OfferTerms:
    """The operator's terms of an offer.

    `durations` are in steps; those longer than the horizon are left out. The price is the marginal cost times
    1 + `margin_share`, plus `margin_eur_per_kwh`. Offers of less than `least_power_kw` are not made. `price_steps` is
    the most steps that a price has. `rest`, `max_calls` and `availability_eur_per_kw_h` are told to the market.

    Raises:
        OfferError: names the field, the value and what is allowed.
    """

    durations: tuple[int, ...] = (1, 2, 4, 8)
    margin_share: float = 0.0
    margin_eur_per_kwh: float = 0.0
    least_power_kw: float = 0.001
    price_steps: int = 4
    rest: timedelta = timedelta(0)
    max_calls: int = 1
    availability_eur_per_kw_h: float = 0.0
    currency: str = "EUR"

    def __post_init__(self) -> None:
        durations = self.durations
        if not durations or any(not isinstance(steps, int) or steps < 1 for steps in durations):
            raise OfferError("durations", durations, "whole numbers of steps of at least 1")
        for name in ("margin_share", "margin_eur_per_kwh", "availability_eur_per_kw_h"):
            self._require(name, 0.0)
        self._require("least_power_kw", 1e-6)
        for name in ("price_steps", "max_calls"):
            self._require(name, 1)
        if self.rest < timedelta(0):
            raise OfferError("rest", self.rest, "at least 0")

    def _require(self, name: str, least: float) -> None:
        value = getattr(self, name)
        if not (math.isfinite(value) and value >= least):
            raise OfferError(name, value, f"a finite number of at least {least:g}")

    def price_eur_per_kwh(self, marginal_eur_per_kwh: float) -> float:
        """Return the price of energy that costs the site `marginal_eur_per_kwh`."""
        return marginal_eur_per_kwh * (1 + self.margin_share) + self.margin_eur_per_kwh
