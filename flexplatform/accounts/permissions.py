"""The one table of who may do what: roles as frozensets of named permissions."""

from django.db.models import TextChoices

VIEW_SITES = "sites.view"
CHANGE_SITES = "sites.change"
VIEW_SCHEDULES = "schedules.view"
RUN_SCHEDULES = "schedules.run"
VIEW_OFFERS = "offers.view"
EXPORT_OFFERS = "offers.export"
MANAGE_MEMBERS = "members.manage"


class Role(TextChoices):
    """The roles of a membership."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ASSET_MANAGER = "asset_manager", "Asset manager"
    AGGREGATOR = "aggregator", "Aggregator"
    OWNER = "owner", "Owner"


_VIEW = frozenset({VIEW_SITES, VIEW_SCHEDULES, VIEW_OFFERS})

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: _VIEW,
    Role.OPERATOR: _VIEW | {RUN_SCHEDULES, EXPORT_OFFERS},
    Role.ASSET_MANAGER: _VIEW | {CHANGE_SITES, RUN_SCHEDULES},
    Role.AGGREGATOR: _VIEW | {EXPORT_OFFERS},
    Role.OWNER: _VIEW | {CHANGE_SITES, RUN_SCHEDULES, EXPORT_OFFERS, MANAGE_MEMBERS},
}
