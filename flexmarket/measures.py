"""Figures of offers and orders for `/metrics`."""

from collections.abc import Iterable

from django.db.models import Count
from django_scopes import scopes_disabled

from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketOffer, Order
from flexplatform.registry import Measure, Sample


def offers_by_state() -> Iterable[Sample]:
    """Return how many market offers there are in each state."""
    with scopes_disabled():
        counts = dict(MarketOffer.objects.order_by().values_list("state").annotate(Count("pk")))
    return [((state.value,), counts.get(state.value, 0)) for state in OfferState]


def orders_by_state() -> Iterable[Sample]:
    """Return how many orders there are in each state."""
    with scopes_disabled():
        counts = dict(Order.objects.order_by().values_list("state").annotate(Count("pk")))
    return [((state,), counts.get(state, 0)) for state in Order.State.values]


MEASURES = (
    Measure("offers", "Market offers by state", offers_by_state, ("state",)),
    Measure("orders", "Orders by state", orders_by_state, ("state",)),
)
