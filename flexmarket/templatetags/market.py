"""States and numbers of the market in templates: `{% load market %}`."""

from decimal import Decimal
from typing import Any

from django import template
from django.template.defaultfilters import floatformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flexmarket.engine.market.states import OfferState

register = template.Library()

COLOURS = {
    OfferState.SUBMITTED: "blue",
    OfferState.PARTLY_ORDERED: "cyan",
    OfferState.ORDERED: "cyan",
    OfferState.ACTIVATED: "cyan",
    OfferState.DELIVERED: "green",
    OfferState.METERED: "green",
    OfferState.SETTLED: "green",
    OfferState.REJECTED: "red",
    OfferState.DISPUTED: "yellow",
    # Of orders, statements and disputes.
    "accepted": "blue",
    "partly": "yellow",
    "failed": "red",
    "closed": "green",
    "open": "yellow",
}


@register.simple_tag
def state_badge(row: Any) -> SafeString:
    """Return the state of an offer, an order, a statement or a dispute in its colour."""
    return format_html(
        '<span class="badge bg-{}-lt">{}</span>', COLOURS.get(row.state, "secondary"), row.get_state_display()
    )


@register.filter
def percent(share: Any) -> str:
    """Return a share as a percentage: 0.8 is 80 %."""
    return "" if share is None or share == "" else f"{floatformat(Decimal(str(share)) * 100, '-2g')} %"


@register.filter
def magnitude(number: Any) -> Any:
    """Return a number without its sign."""
    return abs(number)
