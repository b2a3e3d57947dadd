"""Makers of rows; tenant rows are made inside or outside of a scope alike."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import factory
import numpy as np

from assets.models import (
    Battery,
    ElectricLoad,
    Generator,
    Photovoltaic,
    Portfolio,
    PriceSeries,
    PriceValues,
    Site,
    SiteTariff,
    Tariff,
    TariffPeriod,
)
from flexmarket.engine.market.states import OfferState
from flexmarket.models import FlexibilityOffers, MarketOffer, MarketProduct
from flexplatform.accounts.models import Membership, Organization, User
from optimization.models import ScheduleRun, ScheduleSeries

PASSWORD = "correct horse battery staple"
START = datetime(2026, 11, 21, 23, tzinfo=UTC)
COUNT = 4
UNMET = {
    "device": "battery",
    "wish": "lowest state of charge",
    "start": START.isoformat(),
    "amount": 1,
    "unit": "kWh",
}
MAGNITUDES = ("positive_power_kw", "negative_power_kw", "positive_energy_kwh", "negative_energy_kwh")


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"user{number}@example.com")

    @classmethod
    def _create(cls, model_class: type[User], *_args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(password=PASSWORD, **kwargs)


class OrganizationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda number: f"Organization {number}")
    slug = factory.Sequence(lambda number: f"organization-{number}")


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)


class PortfolioFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Portfolio

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda number: f"Portfolio {number}")


class SiteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Site

    organization = factory.SubFactory(OrganizationFactory)
    portfolio = factory.SubFactory(PortfolioFactory, organization=factory.SelfAttribute("..organization"))
    name = factory.Sequence(lambda number: f"Site {number}")
    slug = factory.Sequence(lambda number: f"site-{number}")
    latitude = 48.1
    longitude = 11.5


class BatteryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Battery

    site = factory.SubFactory(SiteFactory)
    name = "battery"
    capacity_kwh = 5.0
    charge_power_kw = 3.0
    discharge_power_kw = 3.0


class GeneratorFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Generator

    site = factory.SubFactory(SiteFactory)
    name = "diesel"
    power_kw = 3.0
    fuel_curve = [[0.0, 0.2], [3.0, 1.0]]


class PhotovoltaicFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Photovoltaic

    site = factory.SubFactory(SiteFactory)
    name = "pv"
    capacity_kw = 3.0


class ElectricLoadFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ElectricLoad

    site = factory.SubFactory(SiteFactory)
    name = "load"


class PriceSeriesFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PriceSeries

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda number: f"Day-ahead {number}")


class PriceValuesFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PriceValues

    series = factory.SubFactory(PriceSeriesFactory)
    start = START
    step_seconds = 3600
    values = np.full(24, 0.1)
    end = factory.LazyAttribute(lambda row: row.start + timedelta(seconds=row.step_seconds) * len(row.values))


class TariffFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tariff

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda number: f"Tariff {number}")
    commodity = "import"
    valid_from = date(2020, 1, 1)
    energy_price_per_kwh = Decimal("0.30")


class TariffPeriodFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TariffPeriod

    tariff = factory.SubFactory(TariffFactory)
    start = time(0)
    end = time(0)
    price_per_kwh = Decimal("0.05")


class SiteTariffFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SiteTariff

    site = factory.SubFactory(SiteFactory)
    tariff = factory.SubFactory(TariffFactory, organization=factory.SelfAttribute("..site.organization"))
    valid_from = date(2020, 1, 1)


def planned_site(organization: Organization, **site: Any) -> tuple[Site, ScheduleRun]:
    """Return a site with a battery and a load, and a run with offers that no solver had to make."""
    row = SiteFactory(organization=organization, **site)
    battery = BatteryFactory(site=row)
    load = ElectricLoadFactory(site=row)
    run = ScheduleRun.objects.create(
        organization=organization,
        site=row,
        start=START,
        step_seconds=900,
        count=COUNT,
        solver="milp",
        status="optimal",
        total_cost_eur=Decimal("1.5"),
        baseline_cost_eur=Decimal("2"),
        co2_kg=1,
        objective_eur=1.5,
        bound_eur=1.5,
        gap=0,
        unmet=[
            {
                "device": "battery",
                "wish": "lowest state of charge",
                "start": START.isoformat(),
                "amount": 1,
                "unit": "kWh",
            }
        ],
    )
    ones = np.ones(COUNT)
    plan = {("", "grid_power_kw"): 2 * ones, ("", "heat_surplus_kw"): 0 * ones}
    plan |= {("battery", "power_kw"): ones, ("battery", "soc_percent"): 50 * ones, ("load", "power_kw"): ones}
    for (device, quantity), values in plan.items():
        ScheduleSeries.objects.create(run=run, role="plan", device=device, quantity=quantity, values=values)
    prices = {"run": run, "role": "input", "device": "", "quantity": "import_eur_per_kwh"}
    ScheduleSeries.objects.create(**prices, values=0.3 * ones)
    FlexibilityOffers.objects.create(
        run=run,
        asset=battery,
        device=battery.name,
        kind=battery.kind,
        method="opentumflex",
        scheduled_power_kw=ones,
        positive_price_eur_per_kwh=0.3 * ones,
        negative_price_eur_per_kwh=-0.2 * ones,
        **dict.fromkeys(MAGNITUDES, ones),
    )
    assert load.kind == "electric_load"
    return row, run


class MarketProductFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MarketProduct

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda number: f"Product {number}")
    gate_closure_minutes = 60
    minimum_power_kw = Decimal(1)
    power_step_kw = Decimal("0.5")


def market_offer(organization: Organization, *, run: ScheduleRun, start: datetime, **values: Any) -> MarketOffer:
    """Return a submitted offer of a planned site: 10 kW more for the grid over four quarter-hours from `start` on."""
    product = values.pop("product", None) or MarketProductFactory(organization=organization)
    power = values.pop("power_kw", Decimal(10))
    count = values.pop("count", 4)
    direction = values.pop("direction", "positive")
    sign = -1 if direction == "positive" else 1
    given: dict[str, Any] = {
        "organization": organization,
        "product": product,
        "site": run.site,
        "run": run,
        "method": "exact",
        "direction": direction,
        "start": start,
        "step_seconds": 900,
        "count": count,
        "power_kw": power,
        "minimum_power_kw": Decimal(2),
        "power_step_kw": product.power_step_kw,
        "energy_kwh": power * count / 4,
        "prices": [[4.0, 0.1], [float(power), 0.2]],
        "change_kw": np.full(count, sign * float(power)),
        "baseline_kw": np.full(count, 12.0),
        "exclusive_group": f"site-{run.site_id}-{run.pk}",
        "valid_until": start - product.gate_closure,
        "gate_closes_at": start - product.gate_closure,
        "state": OfferState.SUBMITTED,
        **values,
    }
    return MarketOffer.objects.create(**given)
