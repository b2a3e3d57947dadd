"""What an owner tells the ALF market besides the offers: the dialect of the file and the limits of a call."""

import math
from dataclasses import dataclass

from flexmarket.engine.errors import OfferError

DIALECTS = ("point", "comma")


@dataclass(frozen=True, kw_only=True)
class AlfParameters:
    """Dialect and call constraints, the same for every offer of a file; hours are decimal.

    Dialect "point": decimal point and ISO date; "comma": decimal comma and dd.mm.yyyy.
    The defaults are those of OpenTUMFlex 1.0 (section d.2 of its description).

    Raises:
        OfferError: names the field, its value and what is allowed.
    """

    dialect: str = "point"
    partial_call: bool = True
    max_calls_per_day: int = 2
    max_hours_per_day: float = 2.25
    hours_between_calls: float = 1.5
    max_hours_per_call: float = 1.5
    min_hours_per_call: float = 0.25

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise OfferError("dialect", self.dialect, ", ".join(DIALECTS))
        if not isinstance(self.partial_call, bool):
            raise OfferError("partial_call", repr(self.partial_call), "True or False")
        if not isinstance(self.max_calls_per_day, int) or not 0 <= self.max_calls_per_day <= 1440:
            raise OfferError("max_calls_per_day", self.max_calls_per_day, "a whole number from 0 to 1440")
        self._require("max_hours_per_day", 0, 24, "24 hours")
        self._require("hours_between_calls", 0, 24, "24 hours")
        self._require("max_hours_per_call", 0, self.max_hours_per_day, "max_hours_per_day")
        self._require("min_hours_per_call", 0, self.max_hours_per_call, "max_hours_per_call")

    def _require(self, field: str, low: float, high: float, high_name: str) -> None:
        value = getattr(self, field)
        if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high):
            raise OfferError(field, value, f"a number from {low:g} to {high:g} ({high_name})")
