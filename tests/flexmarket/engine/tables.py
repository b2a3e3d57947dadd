"""A small table to export and to draw."""

from typing import Any

import numpy as np

from flexmarket.engine.table import FlexTable


def small_table(count: int = 2, **changes: Any) -> FlexTable:
    """Return a battery that charges 1.5 kW and offers 1.5 kW up and 1/3 kW down in every step."""
    data: dict[str, Any] = {
        "device": "bat",
        "kind": "battery",
        "scheduled_power_kw": np.full(count, 1.5),
        "positive_power_kw": np.full(count, 1.5),
        "negative_power_kw": np.full(count, 1 / 3),
        "positive_energy_kwh": np.full(count, 0.375),
        "negative_energy_kwh": np.full(count, 0.25),
        "positive_price_eur_per_kwh": np.full(count, 0.28456),
        "negative_price_eur_per_kwh": np.full(count, -0.2),
    }
    return FlexTable(**(data | changes))
