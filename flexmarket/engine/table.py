"""The flexibility of a device: what it could offer in every step, and for how much."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from flexmarket.engine.errors import OfferError
from optimization.engine.series import Series

MAGNITUDES = ("positive_power_kw", "negative_power_kw", "positive_energy_kwh", "negative_energy_kwh")
PRICES = ("positive_price_eur_per_kwh", "negative_price_eur_per_kwh")


@dataclass(frozen=True, kw_only=True, eq=False)
class FlexTable:
    """One offer per direction and step; every array has one value per step of the horizon.

    Row i is an offer that starts in step i: `power` held constant until `energy` is spent. The rows of a device are
    alternatives: once one is called, the others no longer hold.

    `scheduled_power_kw` is positive for consumption and negative for production. Powers (kW) and energies (kWh) of
    offers are magnitudes, 0 or more: positive flexibility adds power to the grid (consume less or produce more),
    negative flexibility takes power off it. Prices (EUR per kWh called) are signed: above 0 the owner is paid, below 0
    the owner pays. `forecast_price_eur_per_kwh` is the price forecast the offers were made with, where a method
    reports it.

    Raises:
        OfferError: for arrays of different lengths, a number that is not finite, or a negative magnitude.
    """

    device: str
    kind: str
    scheduled_power_kw: Series
    positive_power_kw: Series
    negative_power_kw: Series
    positive_energy_kwh: Series
    negative_energy_kwh: Series
    positive_price_eur_per_kwh: Series
    negative_price_eur_per_kwh: Series
    forecast_price_eur_per_kwh: Series | None = None

    def __post_init__(self) -> None:
        for name in ("scheduled_power_kw", *MAGNITUDES, *PRICES, "forecast_price_eur_per_kwh"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, self._checked(name, values))

    def _checked(self, name: str, values: Series) -> Series:
        field = f"{self.device}.{name}"
        checked = np.array(values, dtype=np.float64)
        if checked.shape != (len(self),):
            raise OfferError(field, f"an array of shape {checked.shape}", f"{len(self)} values, one per step")
        bad = ~np.isfinite(checked)
        allowed = "a finite number"
        if name in MAGNITUDES:
            bad |= checked < 0
            allowed += " of at least 0"
        if bad.any():
            step = int(np.argmax(bad))
            raise OfferError(f"{field}[{step}]", checked[step], allowed)
        checked.setflags(write=False)
        return checked

    def __len__(self) -> int:
        return len(self.scheduled_power_kw)

    def after(self, steps: int) -> "FlexTable":
        """Return the table with steps before it that offer nothing."""
        if not steps:
            return self
        series: dict[str, Any] = {
            item.name: np.concatenate([np.zeros(steps), value])
            for item in fields(self)
            if isinstance(value := getattr(self, item.name), np.ndarray)
        }
        return replace(self, **series)

    @property
    def offers_anything(self) -> bool:
        """Whether any step offers energy in either direction."""
        return bool(self.positive_energy_kwh.any() or self.negative_energy_kwh.any())


def aggregate(tables: Iterable[FlexTable], name: str = "site") -> FlexTable:
    """Return the sum of all devices as one table of kind "aggregate".

    Powers and energies add up, step by step. The price is the mean weighted by energy, 0 where no energy is offered.
    Durations may differ between devices, so energy / power is a mean duration.

    Raises:
        OfferError: when there is no table, or the tables differ in length.
    """
    rows = list(tables)
    if not rows:
        raise OfferError("tables", "empty", "at least one table")
    lengths = {len(table) for table in rows}
    if len(lengths) > 1:
        raise OfferError("tables", f"of {sorted(lengths)} steps", "tables of one horizon")
    total = {field: _total(rows, field) for field in ("scheduled_power_kw", *MAGNITUDES)}
    return FlexTable(
        device=name,
        kind="aggregate",
        **total,
        positive_price_eur_per_kwh=_mean_price(rows, "positive"),
        negative_price_eur_per_kwh=_mean_price(rows, "negative"),
    )


def _total(tables: list[FlexTable], field: str) -> Series:
    return np.asarray(np.sum([getattr(table, field) for table in tables], axis=0), dtype=np.float64)


def _mean_price(tables: list[FlexTable], direction: str) -> Series:
    energy = np.array([getattr(table, f"{direction}_energy_kwh") for table in tables])
    price = np.array([getattr(table, f"{direction}_price_eur_per_kwh") for table in tables])
    total = energy.sum(axis=0)
    mean: Series = np.divide((price * energy).sum(axis=0), total, out=np.zeros(len(total)), where=total > 0)
    return mean
