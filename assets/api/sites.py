"""Portfolios and sites in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets import services
from assets.api.days import DAY_PARAMETERS, SITE_PRICES, SitePricesSerializer, read_day_request
from assets.api.needs import row_needs
from assets.engine.errors import TariffError
from assets.models import Portfolio, Site
from assets.tables import editable_fields
from assets.tariffs import prices_of_sites
from flexplatform.accounts import permissions
from flexplatform.api.filters import row, same
from flexplatform.api.rows import RowViewSet
from flexplatform.api.serializers import row_serializer
from flexplatform.api.series import TableResponse

SITE_DEFAULTS = ("slug", "time_zone")

PortfolioSerializer = row_serializer(Portfolio, editable_fields(Portfolio))
SiteSerializer = row_serializer(Site, editable_fields(Site), optional=SITE_DEFAULTS)


class PortfolioViewSet(RowViewSet):
    """Named groups of sites."""

    model = Portfolio
    serializer_class = PortfolioSerializer
    needs = row_needs(permissions.VIEW_PORTFOLIOS, permissions.CHANGE_PORTFOLIOS)
    filters = {"name": same("name")}
    orderings = ("name",)
    sample = {"name": "North", "time_zone": "Europe/Berlin"}

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
    """Places with a grid connection; without a slug, a time zone or a country a new one gets its own."""

    model = Site
    serializer_class = SiteSerializer
    needs = row_needs(permissions.VIEW_SITES, permissions.CHANGE_SITES, prices=permissions.VIEW_TARIFFS)
    filters = {
        "portfolio": row("portfolio", Portfolio),
        **{name: same(name) for name in ("name", "slug", "country", "external_id", "grid_node", "congestion_point")},
    }
    orderings = ("name", "slug")
    csv_answers = frozenset({"prices"})
    sample = {
        "portfolio": 1,
        "name": "Dachau 1",
        "slug": "dachau-1",
        "address": "Münchner Straße 1, 85221 Dachau",
        "latitude": 48.26,
        "longitude": 11.43,
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "import_limit_kw": 30.0,
        "export_limit_kw": None,
        "grid_node": "",
        "congestion_point": "ea1.2026-01.de.example:dachau",
        "external_id": "D-0001",
    }
    examples = {"prices": SITE_PRICES}

    def make(self, values: dict[str, Any]) -> Site:
        """Store a site."""
        return services.create_site(organization=self.organization, values=values)

    def change(self, row: Site, values: dict[str, Any]) -> Site:
        """Change a site."""
        return services.update_site(site=row, values=values)

    def remove(self, row: Site) -> None:
        """Delete a site with its devices and schedules."""
        services.delete_site(site=row)

    @extend_schema(parameters=DAY_PARAMETERS, responses=SitePricesSerializer)
    @action(detail=True, methods=["get"])
    def prices(self, request: Request, pk: int) -> Response:
        """Answer what the site pays in each step of a local day, by commodity; per kWh, of fuel per litre."""
        site: Site = self.get_object()
        asked = read_day_request(request, site.zone)
        try:
            found = prices_of_sites([site], asked.starts, asked.step, asked.known_at)[site.pk]
        except TariffError as error:
            raise ValidationError({error.field: str(error)}) from error
        body = {
            "currency": found.currency,
            "capacity_price_per_kw": found.capacity_price_per_kw,
            "prices": {name: asked.series(values) for name, values in found.per_step.items()},
        }
        return TableResponse(body, asked.table(found.per_step))
