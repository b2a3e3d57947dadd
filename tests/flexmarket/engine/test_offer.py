"""The internal offer model: rounding, partial payments, what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexmarket.engine.errors import OfferError
from flexmarket.engine.offer import Direction, Offer, PriceStep, Provenance, fingerprint, floor_power
from tests.flexmarket.engine.sites import START, horizon

QUARTER = timedelta(minutes=15)


def offer(**changes: Any) -> Offer:
    """Return an offer to produce 6 kW more for two quarter-hours: 4 kW at 0.10, the rest at 0.30 EUR per kWh."""
    given: dict[str, Any] = {
        "key": "bat/positive/0/2",
        "device": "bat",
        "kind": "battery",
        "direction": Direction.POSITIVE,
        "start": START,
        "step": QUARTER,
        "change_kw": [-6.0, -6.0],
        "prices": (
            PriceStep(up_to_kw=4.0, price_eur_per_kwh=0.1),
            PriceStep(up_to_kw=6.0, price_eur_per_kwh=0.3),
        ),
        "least_power_kw": 1.0,
        "marginal_eur": 0.5,
        "rebound_kw": [3.0],
        "exclusive_group": "bat",
        "baseline_id": "b",
        "valid_until": START,
        "provenance": Provenance(method="exact"),
        "min_duration": 2 * QUARTER,
        "max_duration": 2 * QUARTER,
    }
    return Offer(**{**given, **changes})


@given(st.floats(0, 1e5), st.sampled_from([0.001, 0.1, 1.0, 10.0, 100.0]))
def test_rounding_never_promises_more(power: float, step: float) -> None:
    rounded = floor_power(power, step)
    assert rounded <= power
    assert power - rounded <= step * (1 + 1e-6)
    assert rounded / step == pytest.approx(round(rounded / step), abs=1e-6)


@pytest.mark.parametrize(
    ("power", "step", "expected"),
    [(0.003, 0.001, 0.003), (4.9999, 0.001, 4.999), (29.0, 10.0, 20.0), (9.99999, 10.0, 0.0), (999.9, 1000.0, 0.0)],
)
def test_powers_are_cut_to_a_markets_steps(power: float, step: float, expected: float) -> None:
    assert floor_power(power, step) == expected


@pytest.mark.parametrize(("power", "step", "field"), [(1.0, 0.0, "step_kw"), (-1.0, 1.0, "power_kw")])
def test_steps_and_powers_that_cannot_be_are_refused(power: float, step: float, field: str) -> None:
    with pytest.raises(OfferError, match=field):
        floor_power(power, step)


def test_each_part_of_a_call_is_paid_at_its_price() -> None:
    made = offer()
    assert made.payment_eur(2.0) == pytest.approx(0.5 * 2 * 0.1)
    assert made.payment_eur(5.0) == pytest.approx(0.5 * (4 * 0.1 + 1 * 0.3))
    assert made.price_eur_per_kwh == pytest.approx((4 * 0.1 + 2 * 0.3) / 6)
    assert (made.power_kw, made.energy_kwh, made.hours, made.end) == (6.0, 3.0, 0.5, START + 2 * QUARTER)
    with pytest.raises(OfferError, match=r"bat/positive/0/2\.power_kw is 0.5; allowed: 1 to 6 kW"):
        made.payment_eur(0.5)


def test_only_what_fits_a_markets_steps_and_the_least_power_is_sold() -> None:
    assert offer().sellable_kw(4.0) == 4.0
    assert offer().sellable_kw(10.0) == 0.0
    assert replace(offer(), least_power_kw=5.0).sellable_kw(4.0) == 0.0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"change_kw": [-6.0, 6.0]}, "change_kw"),
        ({"change_kw": []}, "change_kw"),
        ({"prices": ()}, "prices"),
        ({"prices": (PriceStep(up_to_kw=5.0, price_eur_per_kwh=0.1),)}, "prices"),
        (
            {
                "prices": (
                    PriceStep(up_to_kw=4.0, price_eur_per_kwh=0.3),
                    PriceStep(up_to_kw=6.0, price_eur_per_kwh=0.1),
                )
            },
            "prices",
        ),
    ],
)
def test_offers_that_contradict_themselves_are_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(OfferError, match=rf"bat/positive/0/2\.{field}"):
        offer(**change)


def test_a_fingerprint_tells_baselines_apart() -> None:
    values = np.array([1.0, 2.0])
    known = fingerprint(horizon(2), values)
    assert known == fingerprint(horizon(2), values + 1e-9)
    assert known != fingerprint(horizon(2), values + 0.001)
    assert known != fingerprint(horizon(2, 15), values)
