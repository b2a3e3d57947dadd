"""The one table of who may do what: roles as frozensets of named permissions."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

VIEW_SITES = "sites.view"
CHANGE_SITES = "sites.change"
VIEW_PORTFOLIOS = "portfolios.view"
CHANGE_PORTFOLIOS = "portfolios.change"
VIEW_ASSETS = "assets.view"
CHANGE_ASSETS = "assets.change"
VIEW_TARIFFS = "tariffs.view"
CHANGE_TARIFFS = "tariffs.change"
VIEW_PRICES = "prices.view"
CHANGE_PRICES = "prices.change"
VIEW_FORECASTS = "forecasts.view"
CHANGE_FORECASTS = "forecasts.change"
MANAGE_PROVIDERS = "providers.manage"
VIEW_TELEMETRY = "telemetry.view"
CHANGE_TELEMETRY = "telemetry.change"
MANAGE_DEVICES = "devices.manage"
VIEW_SETPOINTS = "setpoints.view"
SEND_SETPOINTS = "setpoints.send"
SWITCH_DISPATCH = "dispatch.switch"
VIEW_SCHEDULES = "schedules.view"
RUN_SCHEDULES = "schedules.run"
VIEW_OFFERS = "offers.view"
EXPORT_OFFERS = "offers.export"
SELL_OFFERS = "offers.sell"
PLACE_ORDERS = "orders.place"
CHANGE_PRODUCTS = "products.change"
VIEW_SETTLEMENT = "settlement.view"
CLOSE_SETTLEMENT = "settlement.close"
VIEW_JOBS = "jobs.view"
CANCEL_JOBS = "jobs.cancel"
VIEW_AUDIT = "audit.view"
VIEW_MEMBERS = "members.view"
MANAGE_MEMBERS = "members.manage"
USE_TOKENS = "tokens.use"
MANAGE_TOKENS = "tokens.manage"


class Role(TextChoices):
    """The roles of a membership."""

    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    ASSET_MANAGER = "asset_manager", _("Asset manager")
    AGGREGATOR = "aggregator", _("Aggregator")
    OWNER = "owner", _("Owner")


_VIEW = frozenset({VIEW_SITES, VIEW_PORTFOLIOS, VIEW_ASSETS, VIEW_TARIFFS, VIEW_PRICES, VIEW_FORECASTS})
_VIEW |= {VIEW_TELEMETRY, VIEW_SETPOINTS, VIEW_SCHEDULES, VIEW_OFFERS, VIEW_JOBS}
_PLAN = _VIEW | {RUN_SCHEDULES, CANCEL_JOBS, CHANGE_PRICES, CHANGE_FORECASTS, CHANGE_TELEMETRY, USE_TOKENS}
_PLAN |= {SEND_SETPOINTS}
_TRADE = frozenset({EXPORT_OFFERS, SELL_OFFERS, PLACE_ORDERS, VIEW_SETTLEMENT})
_SELL = _TRADE | {CHANGE_PRODUCTS, CLOSE_SETTLEMENT}
_CONFIGURE = frozenset({CHANGE_SITES, CHANGE_PORTFOLIOS, CHANGE_ASSETS, CHANGE_TARIFFS, MANAGE_DEVICES})
_CONFIGURE |= {SWITCH_DISPATCH, MANAGE_PROVIDERS}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: _VIEW,
    Role.OPERATOR: _PLAN | _TRADE,
    Role.ASSET_MANAGER: _PLAN | _CONFIGURE | {VIEW_AUDIT},
    Role.AGGREGATOR: _PLAN | _SELL,
    Role.OWNER: _PLAN | _CONFIGURE | _SELL | {VIEW_AUDIT, VIEW_MEMBERS, MANAGE_MEMBERS, MANAGE_TOKENS},
}

ALL: frozenset[str] = frozenset().union(*PERMISSIONS.values())
# A stolen token must not be able to let people in or to make further tokens beyond its own reach.
DELEGABLE: frozenset[str] = ALL - {MANAGE_MEMBERS, MANAGE_TOKENS}
