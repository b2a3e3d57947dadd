"""What is configured, in the API: portfolios, sites, devices of every kind, tariffs, price series."""

from assets.api.devices import AssetViewSet, device_viewset
from assets.api.prices import PriceSeriesViewSet
from assets.api.sites import PortfolioViewSet, SiteViewSet
from assets.api.tariffs import SiteTariffViewSet, TariffViewSet
from assets.models import KINDS
from flexplatform.api.registry import ApiResource

RESOURCES = (
    ApiResource("portfolios", PortfolioViewSet, order=10),
    ApiResource("sites", SiteViewSet, order=11),
    ApiResource("assets", AssetViewSet, order=12),
    *(ApiResource(f"assets/{kind}", device_viewset(model), order=13) for kind, model in KINDS.items()),
    ApiResource("tariffs", TariffViewSet, order=14),
    ApiResource("site-tariffs", SiteTariffViewSet, order=15),
    ApiResource("price-series", PriceSeriesViewSet, order=16),
)
