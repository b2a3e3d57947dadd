"""The demo's tariffs: what its sites pay is composed of spot prices, fees and taxes, and equals the sample days."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assets import services
from assets.models import PriceSeries, PriceValues, Site, SiteTariff, Tariff
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.registry import DemoContext
from optimization.engine import Horizon
from optimization.scenarios import Scenario, named_scenario

VALID_FROM = date(2026, 1, 1)
DAYS_BEFORE, DAYS_AFTER = 6, 7
VAT_PERCENT = 19
SOURCE = "Shipped sample day"


@dataclass(frozen=True)
class Supply:
    """The tariffs of sites that share a sample: per kWh of import on top of the spot price, and the flat ones."""

    series: str
    on_top: dict[str, Any]
    flat: dict[str, tuple[str, str]]

    @property
    def import_name(self) -> str:
        """The name of the tariff for import."""
        return f"Dynamic: {self.series}"

    def spot(self, price_per_kwh: Any) -> Any:
        """Return the spot price behind an import price."""
        fees = sum(float(value) for name, value in self.on_top.items() if name.endswith("_per_kwh"))
        return price_per_kwh / (1 + float(self.on_top.get("vat_percent", 0)) / 100) - fees


HOUSEHOLD = Supply(
    series="Day-ahead Munich",
    on_top={
        "grid_fee_per_kwh": "0.095000",
        "taxes_per_kwh": "0.020500",
        "levies_per_kwh": "0.028197",
        "vat_percent": VAT_PERCENT,
    },
    flat={"export": ("Feed-in", "0.0786"), "gas": ("Gas for households", "0.109")},
)
COLONY = Supply(
    series="Wholesale Garching",
    on_top={},
    flat={
        "export": ("Wholesale feed-in", "0.06"),
        "gas": ("Gas for business", "0.062"),
        "fuel": ("Diesel", "0.98"),
    },
)
SUPPLIES = {"household": HOUSEHOLD, "colony": COLONY}


def make_tariffs(context: DemoContext, scenarios: list[Scenario]) -> None:
    """Give sites of the scenarios that have no tariff yet their tariffs, and the days around the demo their prices."""
    with acting("demo", Door.COMMAND):
        for sample, supply in SUPPLIES.items():
            own = [scenario.name for scenario in scenarios if scenario.sample == sample]
            sites = list(Site.objects.filter(external_id__in=own).order_by("name"))
            if sites:
                series = _series(context.organization, supply)
                _receive(series, supply, sites[0], context.day)
                tariffs = list(_tariffs(context.organization, supply, series))
                for site in sites:
                    _assign(site, tariffs)


def _series(organization: Organization, supply: Supply) -> PriceSeries:
    found = PriceSeries.objects.filter(name=supply.series).first()
    values = {"name": supply.series, "source": SOURCE}
    return found or services.create_price_series(organization=organization, values=values)


def _receive(series: PriceSeries, supply: Supply, site: Site, day: date) -> None:
    scenario = named_scenario(site.external_id)
    for number in range(-DAYS_BEFORE, DAYS_AFTER + 1):
        horizon = Horizon.market_day(day + timedelta(days=number), site.zone)
        if PriceValues.objects.filter(series=series, start=horizon.start).exists():
            continue
        prices = scenario.sample_series(horizon, site.zone).import_price_eur_per_kwh
        services.receive_prices(
            series=series, start=horizon.start, step=horizon.step, values=supply.spot(prices), source=SOURCE
        )


def _tariffs(organization: Organization, supply: Supply, series: PriceSeries) -> list[Tariff]:
    wanted = {supply.import_name: {"commodity": "import", "form": "dynamic", "price_series": series, **supply.on_top}}
    for commodity, (name, price) in supply.flat.items():
        wanted[name] = {"commodity": commodity, "energy_price_per_kwh": price}
    found = {tariff.name: tariff for tariff in Tariff.objects.filter(name__in=list(wanted))}
    return [
        found.get(name)
        or services.create_tariff(organization=organization, values={"name": name, "valid_from": VALID_FROM, **values})
        for name, values in wanted.items()
    ]


def _assign(site: Site, tariffs: list[Tariff]) -> None:
    if not SiteTariff.objects.filter(site=site).exists():
        for tariff in tariffs:
            services.assign_tariff(site=site, tariff=tariff, valid_from=VALID_FROM)
