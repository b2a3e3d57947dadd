"""The flexibility table: what it refuses, and the sum over devices."""

from typing import Any

import numpy as np
import pytest

from flexmarket.engine.errors import OfferError
from flexmarket.engine.table import MAGNITUDES, PRICES, FlexTable, aggregate


def table(**changes: Any) -> FlexTable:
    zeros = [0.0, 0.0]
    data: dict[str, Any] = {
        "device": "bat",
        "kind": "battery",
        "scheduled_power_kw": [1.0, -2.0],
        "positive_power_kw": zeros,
        "negative_power_kw": zeros,
        "positive_energy_kwh": zeros,
        "negative_energy_kwh": zeros,
        "positive_price_eur_per_kwh": zeros,
        "negative_price_eur_per_kwh": zeros,
    }
    return FlexTable(**(data | changes))


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("positive_power_kw", [1.0, -0.5], r"bat.positive_power_kw\[1\] is -0.5; allowed: .* at least 0"),
        ("negative_energy_kwh", [np.nan, 0.0], r"bat.negative_energy_kwh\[0\] is nan"),
        ("positive_price_eur_per_kwh", [0.0], r"shape \(1,\); allowed: 2 values"),
    ],
)
def test_a_table_refuses_what_no_offer_can_be(field: str, values: list[float], message: str) -> None:
    with pytest.raises(OfferError, match=message):
        table(**{field: values})


def test_prices_may_be_negative_and_arrays_are_read_only() -> None:
    made = table(negative_price_eur_per_kwh=[-0.2, 0.1])
    with pytest.raises(ValueError, match="read-only"):
        made.negative_price_eur_per_kwh[0] = 1.0
    assert len(made) == 2


def test_offers_anything() -> None:
    assert not table().offers_anything
    assert table(negative_power_kw=[0.0, 1.0], negative_energy_kwh=[0.0, 0.5]).offers_anything


def test_the_aggregate_adds_power_and_energy_and_weighs_prices_by_energy() -> None:
    first = table(positive_power_kw=[4.0, 0.0], positive_energy_kwh=[3.0, 0.0], positive_price_eur_per_kwh=[0.20, 0.0])
    second = table(
        device="car",
        scheduled_power_kw=[0.5, 0.5],
        positive_power_kw=[2.0, 0.0],
        positive_energy_kwh=[1.0, 0.0],
        positive_price_eur_per_kwh=[0.40, 0.0],
    )
    total = aggregate([first, second])
    assert total.scheduled_power_kw.tolist() == [1.5, -1.5]
    assert total.positive_power_kw.tolist() == [6.0, 0.0]
    assert total.positive_energy_kwh.tolist() == [4.0, 0.0]
    assert total.positive_price_eur_per_kwh == pytest.approx([0.25, 0.0])
    assert total.kind == "aggregate"


def test_the_aggregate_needs_tables_of_one_length() -> None:
    with pytest.raises(OfferError, match="at least one table"):
        aggregate([])
    one_step = {name: [0.0] for name in ("scheduled_power_kw", *MAGNITUDES, *PRICES)}
    with pytest.raises(OfferError, match="tables of one horizon"):
        aggregate([table(), table(**one_step)])
