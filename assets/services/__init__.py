"""Writes of what is configured: keyword-only verbs, one transaction each, audited; errors by field.

All of them need `audit.acting(...)` and the scope of the organization around them.
"""

from assets.services.devices import create_asset, delete_asset, update_asset
from assets.services.imports import import_csv
from assets.services.prices import (
    Delivery,
    create_price_series,
    delete_price_series,
    receive_deliveries,
    receive_prices,
    update_price_series,
)
from assets.services.sites import (
    change_sites,
    copy_site,
    create_portfolio,
    create_site,
    delete_portfolio,
    delete_site,
    update_portfolio,
    update_site,
)
from assets.services.tariffs import (
    assign_tariff,
    create_tariff,
    delete_tariff,
    switch_tariff,
    unassign_tariff,
    update_tariff,
)

__all__ = [
    "Delivery",
    "assign_tariff",
    "change_sites",
    "copy_site",
    "create_asset",
    "create_portfolio",
    "create_price_series",
    "create_site",
    "create_tariff",
    "delete_asset",
    "delete_portfolio",
    "delete_price_series",
    "delete_site",
    "delete_tariff",
    "import_csv",
    "receive_deliveries",
    "receive_prices",
    "switch_tariff",
    "unassign_tariff",
    "update_asset",
    "update_portfolio",
    "update_price_series",
    "update_site",
    "update_tariff",
]
