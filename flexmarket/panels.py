"""What offers show on pages of the portal."""

from typing import Any

import numpy as np

from assets.models import Site
from assets.queries import device_label, kinds_by_name
from flexmarket.engine.exporters import EXPORTERS
from flexmarket.method_words import METHOD_CHOICES, METHOD_WORDS
from flexmarket.models import FlexibilityOffers
from flexmarket.quantifying import newest_job
from flexmarket.queries import DEFAULT_METHOD, known_method
from flexplatform.accounts import permissions
from flexplatform.accounts.requests import TenantRequest
from flexplatform.jobs.models import new_key
from optimization.panels import selected_run


def site(request: TenantRequest, subject: Site) -> dict[str, Any]:
    """Return the offers by the method in `?method=` of the run that the page shows, device by device.

    Where the method has made none, also how far the job is that makes them.
    """
    run, method = selected_run(request, subject), known_method(request.GET.get("method", ""))
    offers = list(FlexibilityOffers.objects.filter(run=run, method=method)) if run else []
    kinds = kinds_by_name(subject)
    return {
        "run": run,
        "method": method,
        "method_choices": METHOD_CHOICES,
        "method_line": METHOD_WORDS[method].line,
        "on_request": method != DEFAULT_METHOD,
        "job": newest_job(run, method) if run and method != DEFAULT_METHOD else None,
        "may_quantify": request.membership.may(permissions.RUN_SCHEDULES),
        "key": new_key(),
        "markets": sorted(EXPORTERS),
        "may_sell": request.membership.may(permissions.SELL_OFFERS),
        "may_export": request.membership.may(permissions.EXPORT_OFFERS),
        "rows": [
            {
                "device": row.device,
                "label": device_label(row.device, kinds),
                "kind": row.kind,
                "positive_kw": float(np.max(row.positive_power_kw, initial=0)),
                "negative_kw": float(np.max(row.negative_power_kw, initial=0)),
                "positive_kwh": float(np.max(row.positive_energy_kwh, initial=0)),
                "negative_kwh": float(np.max(row.negative_energy_kwh, initial=0)),
                "positive_ct": _mean_price(row, "positive"),
                "negative_ct": _mean_price(row, "negative"),
            }
            for row in offers
        ],
    }


def _mean_price(row: FlexibilityOffers, direction: str) -> float | None:
    """Return the mean price in ct/kWh over all offers, weighted by energy; None where nothing is offered."""
    energy = getattr(row, f"{direction}_energy_kwh")
    if not energy.any():
        return None
    return float(100 * np.average(getattr(row, f"{direction}_price_eur_per_kwh"), weights=energy))
