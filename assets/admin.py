"""Admin of what is configured: portfolios, sites, every device kind, tariffs, price series."""

from django.contrib import admin

from assets.configuration.devices import AssetAdmin, ElectricVehicleAdmin
from assets.configuration.sites import PortfolioAdmin, SiteAdmin
from assets.configuration.tariffs import PriceSeriesAdmin, PriceValuesAdmin, TariffAdmin
from assets.models import KINDS, ElectricVehicle, Portfolio, PriceSeries, PriceValues, Site, Tariff

admin.site.register(Portfolio, PortfolioAdmin)
admin.site.register(Site, SiteAdmin)
admin.site.register(Tariff, TariffAdmin)
admin.site.register(PriceSeries, PriceSeriesAdmin)
admin.site.register(PriceValues, PriceValuesAdmin)
for kind, model in KINDS.items():
    admin.site.register(model, ElectricVehicleAdmin if kind == ElectricVehicle.KIND else AssetAdmin)
