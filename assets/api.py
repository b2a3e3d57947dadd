"""Portfolios and sites in the API."""

from typing import Any

from assets import services
from assets.models import Portfolio, Site
from assets.services.rows import editable_fields
from flexplatform.accounts import permissions
from flexplatform.api.rows import RowViewSet
from flexplatform.api.serializers import row_serializer

SITE_DEFAULTS = ("slug", "time_zone")

PortfolioSerializer = row_serializer(Portfolio, editable_fields(Portfolio))
SiteSerializer = row_serializer(Site, editable_fields(Site), optional=SITE_DEFAULTS)


def _needs(view: str, change: str) -> dict[str | None, str | None]:
    """Return the permission of each action on rows."""
    reads, writes = ("list", "retrieve"), ("create", "partial_update", "destroy")
    return {**dict.fromkeys(reads, view), **dict.fromkeys(writes, change)}


class PortfolioViewSet(RowViewSet):
    """Named groups of sites."""

    model = Portfolio
    serializer_class = PortfolioSerializer
    needs = _needs(permissions.VIEW_PORTFOLIOS, permissions.CHANGE_PORTFOLIOS)

    def make(self, values: dict[str, Any]) -> Portfolio:
        """Store a portfolio."""
        return services.create_portfolio(organization=self.organization, values=values)

    def change(self, row: Portfolio, values: dict[str, Any]) -> Portfolio:
        """Change a portfolio."""
        return services.update_portfolio(portfolio=row, values=values)

    def remove(self, row: Portfolio) -> None:
        """Delete a portfolio without sites."""
        services.delete_portfolio(portfolio=row)


class SiteViewSet(RowViewSet):
    """Places with a grid connection; without a slug or a time zone a new one gets its own."""

    model = Site
    serializer_class = SiteSerializer
    needs = _needs(permissions.VIEW_SITES, permissions.CHANGE_SITES)

    def make(self, values: dict[str, Any]) -> Site:
        """Store a site."""
        return services.create_site(organization=self.organization, values=values)

    def change(self, row: Site, values: dict[str, Any]) -> Site:
        """Change a site."""
        return services.update_site(site=row, values=values)

    def remove(self, row: Site) -> None:
        """Delete a site with its devices and schedules."""
        services.delete_site(site=row)
